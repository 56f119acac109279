"""``python -m streams.cli``: the same as ``weir``, for where the script is not on the PATH."""

from __future__ import annotations

from streams.cli import main

if __name__ == "__main__":
    main()
