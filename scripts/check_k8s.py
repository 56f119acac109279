"""Builds and checks ``k8s/`` without a cluster: ``python -m scripts.check_k8s``.

Base and overlays are built by ``kustomize`` or ``kubectl`` where one is installed; where neither is, the base's files
are read as they are (it patches nothing) and overlays are left out, with a word. What comes out is held against the
strict schemas of the oldest and the newest supported Kubernetes and against ``scripts.k8s_rules``.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import typer.main
import yaml

from scripts.k8s_rules import Resources, commands, problems, title
from scripts.repository import ROOT

VERSIONS = ("1.31", kubernetes_validate.latest_version())
KUSTOMIZATION = "kustomization.yaml"


def builder() -> list[str] | None:
    """The command that builds a kustomization, without the folder; None where no such tool is installed."""
    if tool := shutil.which("kustomize"):
        return [tool, "build"]
    if tool := shutil.which("kubectl"):
        return [tool, "kustomize"]
    return None


def render(folder: Path, command: Sequence[str]) -> Resources:
    """The resources of one kustomization. Raises ``CalledProcessError`` with the tool's words in ``stderr``."""
    built = subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True)  # noqa: S603
    return [document for document in yaml.safe_load_all(built.stdout) if document]


def read(folder: Path) -> Resources:
    """The resources that a kustomization lists, unchanged, and its generated ConfigMaps without a suffix."""
    listing = yaml.safe_load((folder / KUSTOMIZATION).read_text())
    resources: list[Any] = []
    for name in listing.get("resources", []):
        resources += [document for document in yaml.safe_load_all((folder / name).read_text()) if document]
    for generator in listing.get("configMapGenerator", []):
        data = {Path(name).name: (folder / name).read_text() for name in generator.get("files", [])}
        data.update(literal.split("=", 1) for literal in generator.get("literals", []))
        resources.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
        )
    return resources


def unlisted(folder: Path) -> Iterator[str]:
    """Files beside a kustomization that it does not use."""
    listing = yaml.safe_load((folder / KUSTOMIZATION).read_text())
    used = {*listing.get("resources", []), *listing.get("components", []), KUSTOMIZATION}
    used |= {patch["path"] for patch in listing.get("patches", []) if "path" in patch}
    for kind in ("configMapGenerator", "secretGenerator"):
        used |= {name.split("=")[-1] for generator in listing.get(kind, []) for name in generator.get("files", [])}
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name not in used:
            yield f"{file.name} is not listed in {KUSTOMIZATION}"


def against_schema(resources: Resources, versions: Sequence[str] = VERSIONS) -> Iterator[str]:
    """What the API server of each version would refuse; unknown fields are refused too."""
    for version in versions:
        for resource in resources:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                place = ".".join(str(part) for part in error.path)
                yield f"{title(resource)}: Kubernetes {version}: {place}: {error.message}"
            except kubernetes_validate.SchemaNotFoundError as error:
                yield f"{title(resource)}: {error.message}"


def unknown_commands(resources: Resources) -> Iterator[str]:
    """Arguments of containers that are no command of ``weir``."""
    if importlib.util.find_spec("streams.cli") is None:
        return
    root = typer.main.get_command(importlib.import_module("streams.cli").app)
    for workload, arguments in commands(resources):
        command: Any = root
        for argument in arguments:
            if hasattr(command, "commands"):
                command = command.commands.get(argument)
        if command is None or hasattr(command, "commands"):
            yield f"{workload}: weir {' '.join(map(str, arguments))} is no command"


def check(resources: Resources, versions: Sequence[str] = VERSIONS) -> list[str]:
    """Everything wrong with the resources of one build; the rules are asked only about what the schemas allow."""
    return list(against_schema(resources, versions)) or [*problems(resources), *unknown_commands(resources)]


def main(root: Path = ROOT / "k8s") -> int:
    """Exit code 1 if anything is wrong."""
    command = builder()
    bad = 0
    for listing in sorted(root.glob(f"**/{KUSTOMIZATION}")):
        folder = listing.parent
        found = list(unlisted(folder))
        resources: Resources = []
        if yaml.safe_load(listing.read_text())["kind"] == "Kustomization":
            if command:
                try:
                    resources = render(folder, command)
                except subprocess.CalledProcessError as error:
                    found.append(f"does not build: {error.stderr.strip()}")
            elif folder.name == "base":
                resources = read(folder)
            else:
                sys.stdout.write(f"{folder.relative_to(root)}: not built, neither kubectl nor kustomize is installed\n")
            found += check(resources)
        for problem in found:
            sys.stderr.write(f"k8s/{folder.relative_to(root)}: {problem}\n")
        bad += len(found)
        sys.stdout.write(f"k8s/{folder.relative_to(root)}: {len(resources)} resources, {len(found)} problems\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
