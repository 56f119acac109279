"""The Dockerfile holds, and each way to spoil it turns the check red."""

from __future__ import annotations

import pytest

from scripts import check_image
from scripts.repository import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORE = (ROOT / ".dockerignore").read_text()


def found(dockerfile: str = DOCKERFILE, ignore: str = IGNORE) -> list[str]:
    return check_image.problems(dockerfile, ignore, check_image.beside(ROOT))


def test_dockerfile_holds() -> None:
    """The Dockerfile of this repository has no problem."""
    assert found() == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("USER 10001:10001\n", "", "runs as user none"),
        ("USER 10001:10001", "USER weir", "runs as user weir"),
        ("USER 10001:10001", "USER 0", "runs as user 0"),
        ("USER 10001:10001", "USER 10001:10001\nUSER 0", "runs as user 0"),
        ("BASE=python:3.11-slim", "BASE=python:latest", "names no version"),
        ("BASE=python:3.11-slim", "BASE=python", "names no version"),
        ("ARG BASE=python:3.11-slim", "ARG BASE", "names no version"),
        ("COPY schemas ./schemas", "ADD https://example.org/schemas.tar /", "ADD fetches"),
        ("COPY schemas ./schemas", "COPY . .", "copies the whole folder"),
        ("COPY schemas ./schemas", "COPY schema ./schemas", "copies schema, which is not there"),
        ("COPY schemas ./schemas", "COPY Makefile ./", "copies Makefile, which .dockerignore keeps out"),
        ("--require-hashes ", "", "installs without hashes"),
        ("-m pip check", "-m pip install gunicorn", "installs without hashes"),
        ("-m pip check", "-V; curl -sSf https://example.org/x | sh", "fetches unchecked"),
        ("WORKDIR /opt/weir", "RUN apt-get update && apt-get install -y gcc", "installs in the final stage"),
        ('ENTRYPOINT ["weir"]', "ENTRYPOINT weir", "does not pass SIGTERM on"),
        ("HOME=/tmp", "HOME=/tmp REDACTION_KEY=changeme", "a secret in ENV"),
        ("FROM ${BASE}\nLABEL", "LABEL", "one stage only"),
    ],
)
def test_spoilt_dockerfile_is_seen(old: str, new: str, message: str) -> None:
    """Each way to spoil the Dockerfile is named, and the place to spoil is really there."""
    assert old in DOCKERFILE
    problems = found(DOCKERFILE.replace(old, new))
    assert any(message in problem for problem in problems), problems


def test_open_build_context_is_seen() -> None:
    """A .dockerignore that lets everything in but for a list is refused: the list is never complete."""
    assert found(ignore=".git\n.venv\n") == [
        ".dockerignore does not begin with *: whatever lies in the folder would go into the build"
    ]


@pytest.mark.parametrize(
    ("path", "kept_out"),
    [
        ("streams/edge/pump.py", False),
        ("streams/edge/__pycache__/pump.cpython-311.pyc", True),
        ("schemas/json/unit.json", False),
        ("tests/conftest.py", True),
        ("weir.toml", True),
        (".env", True),
    ],
)
def test_build_context(path: str, kept_out: bool) -> None:
    """Only what the image is built from enters the build; the last pattern that matches decides."""
    assert check_image.ignored(path, check_image.ignore_patterns(IGNORE)) is kept_out


def test_continued_lines_are_one_instruction() -> None:
    """Continuation lines are joined, comments between them left out, and stages are counted."""
    text = "ARG A=1\nFROM x:1 AS build\nRUN one \\\n# why\n  && two\nFROM x:1\n"
    assert check_image.parse(text) == [
        check_image.Instruction(-1, "ARG", "A=1", 1),
        check_image.Instruction(0, "FROM", "x:1 AS build", 2),
        check_image.Instruction(0, "RUN", "one && two", 3),
        check_image.Instruction(1, "FROM", "x:1", 6),
    ]
