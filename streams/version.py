"""The engine's version, as units and re-executions name it."""

from __future__ import annotations

VERSION = "0.1.0"
