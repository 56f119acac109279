"""Secrets out, join keys kept: the first thing that happens to a parsed document."""

from streams.redaction.redact import Redactor

__all__ = ["Redactor"]
