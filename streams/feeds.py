"""A feed of context: what the settings say of one under ``[context.NAME]``.

Secrets never stand here: ``headers`` names the environment variable that holds a header's value, and an address with a
user or password in it is refused.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from schemas.rule import Duration

FeedType = Literal["kev", "epss", "backstage", "catalog", "policy_exceptions", "url-json"]

MAX_BYTES = 67_108_864
"""The most that is read of one feed, and the most that it may grow to when it is inflated."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")  # RFC 9110, section 5.6.2: a token
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

_WHOLE = frozenset(("kev", "epss", "backstage", "catalog", "policy_exceptions"))
"""Types of feeds that hold all there is, so that what is not in them any more is withdrawn."""


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Feed(BaseModel):
    """One feed. Exactly one of ``url`` and ``path`` is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: FeedType
    url: str | None = Field(default=None, max_length=4_096, description="https, or http on loopback; see plain_http")
    path: Path | None = Field(default=None, description="a file; of type catalog also a folder, such as a git checkout")
    every: Annotated[Duration, Field(ge=1_000)] = Field(default=3_600_000, description="time from one look to the next")
    headers: dict[str, str] = Field(
        default_factory=dict, description="header -> name of the environment variable that holds its value"
    )
    timeout: Annotated[Duration, Field(ge=100)] = Field(default=60_000, description="for all of one look")
    max_bytes: int = Field(default=MAX_BYTES, ge=1_024, le=MAX_BYTES, description="of what is sent, and of all pages")
    filter: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        default=("kind=component", "kind=resource", "kind=system", "kind=api", "kind=group", "kind=user"),
        description="of type backstage: filter sets of its API, any of which an entity meets",
    )
    glob: str = Field(default="**/catalog-info.y*ml", description="of a folder: which files in it")
    complete: bool | None = Field(
        default=None,
        description="what is gone from it is withdrawn; by default for all but url-json and answers of the EPSS API",
    )
    plain_http: bool = Field(default=False, description="allow http beyond loopback, for example inside a cluster")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user and no password; name a variable in headers")
        return value

    @field_validator("headers")
    @classmethod
    def _names(cls, value: dict[str, str]) -> dict[str, str]:
        for header, variable in value.items():
            if not _HEADER.fullmatch(header):
                raise ValueError("not the name of a header")
            if not _VARIABLE.fullmatch(variable):
                raise ValueError(f"{header} must name an environment variable, never hold the value itself")
        return value

    @field_validator("glob")
    @classmethod
    def _inside(cls, value: str) -> str:
        if not value or value.startswith("/") or ".." in Path(value).parts:
            raise ValueError("must be a pattern inside the folder")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise ValueError("give exactly one of url and path")
        if self.type == "backstage" and self.url is None:
            raise ValueError("type backstage needs the url of the catalog's API, https://HOST/api/catalog")
        if self.url is not None and self.url.startswith("http:") and not (self.plain_http or is_loopback(self.url)):
            raise ValueError("http beyond loopback needs plain_http = true")
        if self.headers and self.url is None:
            raise ValueError("headers belong to a url")
        return self

    @property
    def whole(self) -> bool:
        """Whether it holds all there is; of EPSS only the daily file does, whatever this says."""
        return self.type in _WHOLE if self.complete is None else self.complete

    @property
    def silent_ms(self) -> int:
        """Time without a good look, in ms, from which something is wrong: three looks, and at least an hour."""
        return max(3 * self.every, 3_600_000)


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own: ``localhost``, or a loopback address as a literal."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
