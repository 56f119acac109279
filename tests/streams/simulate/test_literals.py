from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "streams" / "simulate"

KEY_ID = re.compile(r"\b(A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b")
ASSIGNED = re.compile(r"""(?i)(secret|token|passw(or)?d|api_?key)["']?\s*[:=]\s*["'][A-Za-z0-9/+_-]{16,}["']""")


def test_no_source_file_holds_what_looks_like_a_secret():
    """Key ids and secrets are made from the seed, never written down, so a secret scanner has nothing to say."""
    files = sorted(PACKAGE.glob("*.py"))
    assert len(files) > 15
    for file in files:
        text = file.read_text()
        assert not KEY_ID.search(text), file.name
        assert not ASSIGNED.search(text), file.name
