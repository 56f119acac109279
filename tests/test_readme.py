"""The README names commands, settings and files that exist."""

from __future__ import annotations

import re
from typing import Any

import typer.main

from schemas.parameters import Parameters
from scripts.repository import ROOT
from streams.cli import app
from streams.settings import Settings

README = (ROOT / "README.md").read_text()


def test_commands_exist() -> None:
    """Every `weir COMMAND` in the README is a command, with its sub-command, and every option belongs to one."""
    commands: dict[str, Any] = {}
    options: set[str] = set()
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        commands[name] = getattr(command, "commands", {})
        for each in (command, *commands[name].values()):
            options |= {text for parameter in each.params for text in (*parameter.opts, *parameter.secondary_opts)}
    named = re.findall(r"`weir ([a-z]+)(?: ([a-z]+)\b)?", README)
    assert len(named) > 10
    for name, sub in named:
        assert name in commands
        assert not sub or not commands[name] or sub in commands[name], f"weir {name} {sub}"
    assert set(re.findall(r"(?<!-)--[a-z][a-z-]+", README)) <= options


def test_settings_exist() -> None:
    """Every key of the settings table is a setting, and the engine's are parameters."""
    table = README.split("## Settings")[1].split("## What")[0]
    keys = [key for cell in re.findall(r"^\| (`.*?) \|", table, re.M) for key in re.findall(r"`(\w+)`", cell)]
    assert len(keys) > 5
    assert set(keys) <= set(Settings.model_fields)
    assert {"group_wait_ms", "link_window_ms", "signal_p"} <= set(Parameters.model_fields)


def test_topics_are_those_of_the_settings() -> None:
    """The table of sources has every raw topic, and no other."""
    assert sorted(re.findall(r"^\| `(weir\.raw\.\w+)`", README, re.M)) == sorted(Settings().raw_topics.values())


def test_files_exist() -> None:
    """Every file of the repository that is named is there."""
    for name in re.findall(r"`((?:schemas|streams|k8s)/[\w/.]*|SECURITY\.md|LICENSE)`", README):
        assert (ROOT / name).exists(), name
