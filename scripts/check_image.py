"""Checks the Dockerfile without Docker: ``python -m scripts.check_image``; ``--build`` also runs its build steps.

The build runs the RUN lines of the first stage in a scratch folder, with the same files copied and this Python in
place of the base image's, and compares the wheel with the packages. It shows that the hash-checked install and the
wheel work; not that the base image exists or that the final stage's user can read the files.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from scripts.repository import ROOT, tracked

PACKAGES = ("schemas", "models", "streams")


class Instruction(NamedTuple):
    """One instruction. ``stage`` counts the FROM lines so far, less one; -1 before the first."""

    stage: int
    keyword: str
    argument: str
    line: int


def parse(text: str) -> list[Instruction]:
    """Instructions of a Dockerfile, continuation lines joined, comments and blank lines left out."""
    instructions: list[Instruction] = []
    stage, pending, start = -1, "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.lstrip().startswith("#") or not raw.strip():
            continue
        start = start or number
        if raw.rstrip().endswith("\\"):
            pending += raw.rstrip()[:-1] + " "
            continue
        keyword, _, argument = (pending + raw).strip().partition(" ")
        stage += keyword.upper() == "FROM"
        instructions.append(Instruction(stage, keyword.upper(), " ".join(argument.split()), start))
        pending, start = "", 0
    return instructions


def ignored(path: str, patterns: list[str]) -> bool:
    """Whether .dockerignore keeps ``path`` out: the last pattern that matches it or a folder above it decides."""
    out = False
    above = [path, *(parent.as_posix() for parent in Path(path).parents if parent.as_posix() != ".")]
    for pattern in patterns:
        negated = pattern.startswith("!")
        wanted = pattern.removeprefix("!").removeprefix("**/").rstrip("/")
        anywhere = pattern.startswith("**/")
        names = [name.rsplit("/", 1)[-1] for name in above] if anywhere else above
        if any(fnmatch.fnmatchcase(name, wanted) for name in names):
            out = not negated
    return out


def ignore_patterns(text: str) -> list[str]:
    """Patterns of a .dockerignore, comments left out."""
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def problems(text: str, ignore: str, present: set[str]) -> list[str]:
    """What is wrong with a Dockerfile, given its .dockerignore and the paths of the files and folders beside it."""
    instructions = parse(text)
    last = max((i.stage for i in instructions), default=-1)
    patterns = ignore_patterns(ignore)
    defaults = dict(i.argument.split("=", 1) for i in instructions if i.stage < 0 and "=" in i.argument)
    found = [f"line {i.line}: {what}" for i in instructions for what in _wrong(i, last, defaults, patterns, present)]
    if last < 1:
        found.append("one stage only: the build's tools would stay in the image")
    final = [i for i in instructions if i.stage == last]
    user = next((i.argument for i in reversed(final) if i.keyword == "USER"), "none")
    if not re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user):
        found.append(f"runs as user {user}: Kubernetes can tell only a number other than 0 from root")
    entry = next((i.argument for i in reversed(final) if i.keyword == "ENTRYPOINT"), "none")
    if not _is_list(entry):
        found.append(f"ENTRYPOINT {entry}: a shell in front of the process does not pass SIGTERM on")
    if patterns[:1] != ["*"]:
        found.append(".dockerignore does not begin with *: whatever lies in the folder would go into the build")
    return found


def _wrong(it: Instruction, last: int, defaults: dict[str, str], patterns: list[str], present: set[str]) -> list[str]:
    words = it.argument.split()
    wrong: list[str] = []
    if it.keyword == "FROM":
        image = re.sub(r"\$\{?(\w+)\}?", lambda m: defaults.get(m[1], ""), words[0])
        if "@sha256:" not in image and (":" not in image or image.endswith(":latest")):
            wrong.append(f"base image {image or words[0]} names no version")
    elif it.keyword == "ADD":
        wrong.append("ADD fetches and unpacks; use COPY")
    elif it.keyword == "COPY" and not words[0].startswith("--from="):
        for source in (word.removeprefix("./") for word in words[:-1] if not word.startswith("--")):
            if source in ("", "."):
                wrong.append("copies the whole folder; name what is needed")
            elif source not in present:
                wrong.append(f"copies {source}, which is not there")
            elif ignored(source, patterns):
                wrong.append(f"copies {source}, which .dockerignore keeps out")
    elif it.keyword == "RUN":
        for command in re.split(r"&&|;|\|\|", it.argument):
            if re.search(r"\bpip3? install\b", command) and not (
                "--require-hashes" in command or "--no-index" in command
            ):
                wrong.append(f"installs without hashes: {command.strip()}")
            if re.search(r"\b(?:curl|wget)\b", command):
                wrong.append(f"fetches unchecked: {command.strip()}")
        if it.stage == last and re.search(r"\b(?:apt-get|apt|apk|pip3?)\b.*\binstall\b", it.argument):
            wrong.append("installs in the final stage; what builds belongs in the first")
    elif it.keyword in ("ENV", "ARG") and re.search(r"(?i)(?:password|secret|token|_key)\s*=", it.argument):
        wrong.append("a secret in ENV or ARG stays in the image")
    return wrong


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def beside(root: Path) -> set[str]:
    """Paths of the repository's files and of the folders that hold them."""
    files = [path.relative_to(root) for path in tracked(root)]
    return {path.as_posix() for file in files for path in (file, *file.parents)}


def build(root: Path) -> list[str]:
    """Run the first stage in a scratch folder. Prints the commands' output; returns what is wrong with the result."""
    instructions = [i for i in parse((root / "Dockerfile").read_text()) if i.stage == 0]
    patterns = ignore_patterns((root / ".dockerignore").read_text())
    files = [path.relative_to(root).as_posix() for path in tracked(root)]
    context = [file for file in files if not ignored(file, patterns)]
    with tempfile.TemporaryDirectory(prefix="weir-image-") as scratch:
        work, venv = Path(scratch) / "build", Path(scratch) / "weir"
        work.mkdir()
        (Path(scratch) / "bin").mkdir()
        (Path(scratch) / "bin" / "python").symlink_to(sys.executable)
        env = {**os.environ, "VENV": str(venv), "PATH": f"{scratch}/bin:{os.environ['PATH']}"}
        env.pop("VIRTUAL_ENV", None)
        for it in instructions:
            sources = [word.removeprefix("./") for word in it.argument.split()[:-1]]
            if it.keyword == "COPY":
                for file in context:
                    if any(file == source or file.startswith(f"{source}/") for source in sources):
                        (work / file).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(root / file, work / file)
            elif it.keyword == "RUN":
                sys.stdout.write(f"RUN {it.argument}\n")
                sys.stdout.flush()
                if subprocess.run(["/bin/sh", "-c", it.argument], cwd=work, env=env, check=False).returncode:  # noqa: S603
                    return [f"line {it.line}: the command failed"]
        (wheel,) = (work / "dist").glob("weir-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            packed = set(archive.namelist())
        found = [f"the wheel lacks {file}" for file in files if file.startswith(PACKAGES) and file not in packed]
        command = [str(venv / "bin" / "weir"), "--help"]
        if subprocess.run(command, cwd=scratch, stdout=subprocess.DEVNULL, check=False).returncode:  # noqa: S603
            found.append("the installed weir --help fails")
        return found


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Exit code 1 if anything is wrong."""
    found = problems((root / "Dockerfile").read_text(), (root / ".dockerignore").read_text(), beside(root))
    if not found and "--build" in arguments:
        found = build(root)
    for problem in found:
        sys.stderr.write(f"Dockerfile: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
