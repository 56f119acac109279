"""Replays recorded data twice, with two hash seeds, and compares the bytes: ``python -m scripts.eval_replay PATH``.

Exit code 0 if both runs gave the same bytes and at least one unit, 1 if not, 2 if there is nothing to replay.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path


def replay(path: Path, seed: int) -> bytes:
    """The last revision of each unit, one JSON line each. ``weir`` itself reports its progress on stderr."""
    weir = Path(sys.executable).with_name("weir")
    sys.stderr.write(f"weir replay {path}, PYTHONHASHSEED={seed}\n")
    began = time.monotonic()
    run = subprocess.run(  # noqa: S603 - our own command
        [str(weir), "replay", str(path)],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    digest = hashlib.sha256(run.stdout).hexdigest()
    sys.stderr.write(f"  {len(run.stdout)} bytes in {time.monotonic() - began:.1f} s, sha256 {digest}\n")
    return run.stdout


def summary(lines: bytes) -> dict[str, int]:
    """Counts of what a replay printed."""
    units = [json.loads(line) for line in lines.splitlines()]
    return {
        "units": len(units),
        "signals": sum(len(unit["signals"]) for unit in units),
        "changes": sum(len(unit["changes"]) for unit in units),
        "units_with_changes": sum(bool(unit["changes"]) for unit in units),
    }


def main(arguments: list[str]) -> int:
    """See the module."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m scripts.eval_replay PATH\n")
        return 2
    path = Path(arguments[0])
    if not path.exists():
        sys.stderr.write(
            f"{path} is not here: recorded data is not part of this repository. Name yours: make eval DATA=PATH\n"
        )
        return 2
    try:
        first, second = (replay(path, seed) for seed in (0, 1))
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    result = {"same_bytes": first == second, **summary(first)}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["same_bytes"] and result["units"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
