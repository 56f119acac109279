"""The topics commands where no broker answers; with one: tests/broker/test_topics_commands.py."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from streams.cli import app


@pytest.mark.parametrize("arguments", [("create",), ("check",), ("check", "--json"), ("dump", "weir.units")])
def test_without_an_address(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, and the variable to set on stderr."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    result = CliRunner().invoke(app, ["topics", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "set KAFKA_BOOTSTRAP_SERVERS" in result.stderr
