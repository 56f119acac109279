"""Looks for text that must not be in the repository: ``python -m scripts.check_text``.

Machine paths and registry addresses tie it to one place, unfinished markers say it is not done, and a call of the clock
in the pure packages breaks replay where no import shows it. Exit code 1 if anything is found; files above
``LONG`` lines are only reported.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.repository import ROOT, tracked

LONG = 400

PURE = re.compile(
    r"(?:schemas/(?!export)|models/|streams/(?:correlation|sources|sinks)/"
    r"|streams/(?:pipeline|ingest|catalog|redaction|dead_letters)\b).*\.py"
)


class Rule(NamedTuple):
    """Text that may not stand in the files whose path matches ``where`` in full."""

    name: str
    pattern: re.Pattern[str]
    where: re.Pattern[str] = re.compile(r".*")


# A letter in brackets keeps each pattern from finding itself.
RULES = (
    Rule("machine path", re.compile(r"(?<![\w.$}/-])/(?:[w]ork|[r]oot|[t]mp/lab|[h]ome/\w+|[U]sers/\w+)(?![\w-])")),
    Rule(
        "registry host",
        re.compile(
            r"\b(?:[p]ypi\.org|[p]ythonhosted\.org|[r]egistry\.npmjs|[c]rates\.io|[p]roxy\.golang"
            r"|[r]epo1?\.(?:maven\.)?apache\.org|[r]epo1\.maven|[d]eb\.debian\.org)\b",
            re.IGNORECASE,
        ),
    ),
    Rule("unfinished", re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX|[N]otImplementedError)\b")),
    Rule("clock in a pure package", re.compile(r"\.(?:now|utcnow|today)\(|\btime\.(?:time|monotonic)"), PURE),
)


def findings(path: str, text: str) -> Iterator[str]:
    """One line for every place where a rule's pattern stands in ``text``, which is the file ``path``."""
    rules = [rule for rule in RULES if rule.where.fullmatch(path)]
    for number, line in enumerate(text.splitlines(), 1):
        for rule in rules:
            if found := rule.pattern.search(line):
                yield f"{path}:{number}: {rule.name}: {found.group()}"


def main(root: Path = ROOT) -> int:
    """Check every file of the repository that is text."""
    bad = 0
    files = tracked(root)
    for file in files:
        path = file.relative_to(root).as_posix()
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for finding in findings(path, text):
            bad += 1
            sys.stderr.write(f"{finding}\n")
        lines = text.count("\n")
        if path.endswith(".py") and lines > LONG:
            sys.stderr.write(f"{path}: warning: {lines} lines; past {LONG}, move the second idea out\n")
    sys.stdout.write(f"text: {len(files)} files, {bad} findings\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
