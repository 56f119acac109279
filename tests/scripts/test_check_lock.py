"""The lock check sees a lock that is older than what pyproject.toml asks for."""

from __future__ import annotations

from typing import Any

from scripts import check_lock

HASH = "    --hash=sha256:" + "0" * 64
RUNTIME = f"# made by make lock\nrich==14.1.0 \\\n{HASH}\n    # via weir\nsetuptools==80.9.0 \\\n{HASH}\n"
DEV = f"{RUNTIME}pytest==8.4.1 ; python_full_version < '3.14' \\\n{HASH}\n"


def project(*dependencies: str, dev: tuple[str, ...] = ("pytest>=8.4",)) -> dict[str, Any]:
    return {
        "project": {"dependencies": list(dependencies), "optional-dependencies": {"dev": list(dev)}},
        "dependency-groups": {"build": ["setuptools>=77"]},
    }


def test_locks_of_this_repository() -> None:
    """The committed locks answer pyproject.toml."""
    assert check_lock.main() == 0


def test_matching_lock() -> None:
    """Pins within the asked versions, with hashes, and the same in both files, are fine."""
    assert check_lock.check(project("rich>=14"), RUNTIME, DEV) == []


def test_requirement_without_pin() -> None:
    """A new requirement that was not locked is named, in both files."""
    assert check_lock.check(project("rich>=14", "typer"), RUNTIME, DEV) == [
        "requirements.lock: typer is locked as nothing",
        "requirements-dev.lock: typer is locked as nothing",
    ]


def test_pin_outside_of_the_asked_versions() -> None:
    """A pin that pyproject.toml no longer allows is named."""
    assert check_lock.check(project("rich>=15"), RUNTIME, DEV)[0] == "requirements.lock: rich>=15 is locked as 14.1.0"


def test_pin_without_hash() -> None:
    """An entry without a hash would be installed unchecked, and is named."""
    bare = RUNTIME.replace(f"rich==14.1.0 \\\n{HASH}", "rich==14.1.0")
    assert check_lock.check(project("rich"), bare, DEV) == ["requirements.lock: no hash: rich==14.1.0"]


def test_locks_that_disagree() -> None:
    """Two versions of one distribution would undo each other in the shared environment."""
    assert check_lock.check(project("rich"), RUNTIME, DEV.replace("rich==14.1.0", "rich==14.2.0")) == [
        "requirements-dev.lock: rich is not as in requirements.lock"
    ]


def test_line_that_is_no_pin() -> None:
    """A range, an option or a URL in a lock is named."""
    assert check_lock.read_pins("rich>=14\n")[1] == ["not a pin: rich>=14"]
    assert check_lock.read_pins("--index-url example\n")[1] == ["not a pin: --index-url example"]
