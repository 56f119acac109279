"""The walk-through of a mapping works as it is written: its files are made, its commands run, its output compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from typer.testing import CliRunner

from scripts.repository import ROOT
from streams.cli import app
from streams.settings import load
from streams.sources.mapping_model import ActivityTable, ChangeTable, FindingTable, IgnoreTable

DOCUMENT = (ROOT / "docs" / "connect-a-source.md").read_text()
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: the language, the rest of its first line, the content."""

    language: str
    label: str
    content: str


BLOCKS = [Block(found[1], found[2].strip(), found[3]) for found in BLOCK.finditer(DOCUMENT)]


def squeezed(text: str) -> list[str]:
    """The lines, blanks folded."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_the_walk_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order: each file block is written, each command ends with its exit code, and says each line that is shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    ran = 0
    for language, label, content in BLOCKS:
        if language != "console":
            assert label, "a file block names its file"
            Path(label).write_text(content)
            continue
        command, *shown = content.splitlines()
        prompt, weir, *arguments = shlex.split(command)
        assert (prompt, weir) == ("$", "weir")
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == int(label.removeprefix("exit ") or 0), f"{command}\n{result.output}"
        said = squeezed(result.stdout + result.stderr)
        for line in shown:
            wanted = " ".join(line.split())
            assert any(wanted in each for each in said), f"{command}\n{wanted}\nnot in\n" + "\n".join(said)
        assert "s3cr3t" not in result.output
        ran += 1
    assert ran == 5
    assert load().raw_topics["doorman"] == "weir.raw.doorman"


@pytest.mark.parametrize(
    ("type_", "table"),
    [("activity", ActivityTable), ("finding", FindingTable), ("change", ChangeTable), ("ignore", IgnoreTable)],
)
def test_the_table_of_fields_is_complete(type_: str, table: Any) -> None:
    """The fields that the document lists are those of the model, in the right column."""
    rows = {
        row[1]: (row[2], row[3]) for row in re.finditer(r"^\| (.+?) \| (.*?) \| (.*?) ?\|$", DOCUMENT, re.MULTILINE)
    }
    required, optional = (set(re.findall(r"`(\w+)`", cell)) for cell in rows[f"`{type_}`"])
    if type_ != "ignore":
        optional |= set(re.findall(r"`(\w+)`", rows["the first three"][1]))
    fields = {name: field.is_required() for name, field in table.model_fields.items() if name not in ("type", "when")}
    assert required == {name for name, needed in fields.items() if needed}
    assert optional == {name for name, needed in fields.items() if not needed}


def test_commands_exist() -> None:
    """Every ``weir COMMAND`` of the text is one."""
    commands: Any = getattr(typer.main.get_command(app), "commands", {})
    for name, sub in re.findall(r"`weir ([a-z]+)(?: ([a-z]+)\b)?", DOCUMENT):
        assert name in commands
        assert not sub or sub in commands[name].commands
