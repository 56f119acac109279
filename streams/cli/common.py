"""What several commands share: settings from flags, and errors as one clear line with exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from streams.log import configure
from streams.settings import BadSettings, Settings, load

USAGE = 2


def fail(text: str, code: int = USAGE) -> typer.Exit:
    """Print the error on stderr and give the exit to raise."""
    typer.echo(f"weir: {text}", err=True)
    return typer.Exit(code)


def settings(**flags: Any) -> Settings:
    """Settings with these flags; a wrong one ends the command."""
    try:
        loaded = load(**flags)
    except BadSettings as error:
        raise fail(str(error)) from None
    configure(loaded.log_level)
    return loaded


def connected(**flags: Any) -> Settings:
    """Settings that name a broker; without one the command ends."""
    loaded = settings(**flags)
    if loaded.bootstrap is None:
        raise fail("no broker: set KAFKA_BOOTSTRAP_SERVERS, or bootstrap in weir.toml; `weir run` starts one by itself")
    return loaded


@contextmanager
def clear_errors(*kinds: type[Exception]) -> Iterator[None]:
    """Turn expected errors into one line and exit code 2."""
    try:
        yield
    except kinds as error:
        raise fail(str(error)) from None
