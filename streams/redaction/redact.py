"""The redactor: a cheap look at the raw bytes, and only where that finds something a walk through the document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from streams.redaction.names import kind_of, spared
from streams.redaction.prefilter import suspicious
from streams.redaction.text import PLACEHOLDER, TYPED, is_userpass, names_value, opens_key, redact_text

_DEPTH = 64
"""Deeper than any vendor's document. What lies below is replaced, so that hostile nesting can't exhaust the stack."""

_NAME_FIELDS = ("name", "Name", "key", "Key", "parameterKey", "ParameterKey", "parameterName")
_VALUE_FIELDS = frozenset(("value", "Value", "parameterValue", "ParameterValue"))

_IDENTIFIER = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z|[0-9a-f]{40}\Z|[0-9a-f]{64}\Z"
)
_SHORTEST = 6
"""Text that could hold a name, a separator and a value."""

_REPEATABLE = 12
_REMEMBERED = 32


class Redactor:
    """Replaces secrets by ``[REDACTED:<type>:<8 hex digits>]``, a keyed hash, so that equal secrets stay equal.

    Without the key nobody can try candidate secrets against the hashes; with another key the digits differ, so all
    processes of one installation must share it. Instances hold no state beyond the key and may be shared by threads.

    What it knows: names of fields (``names``), shapes of tokens (``patterns``) and the places where text holds secrets
    (``text``). What it doesn't: a secret with no name and no known shape. It looks for no entropy, because commit
    ids, digests, ARNs and trace ids must survive as join keys. Not for personal data.

    >>> Redactor(b"0123456789abcdef").redact(b'{"password":"hunter2"}', {"password": "hunter2", "secretId": "db"})
    {'password': '[REDACTED:password:1c7f4cdd]', 'secretId': 'db'}
    """

    __slots__ = ("_key", "_seen")

    def __init__(self, key: bytes, seen: Callable[[str], None] | None = None) -> None:
        """``key``: at least 16 bytes, else ``ValueError``. ``seen`` is told the type of each replacement, to count."""
        if len(key) < 16:
            raise ValueError(f"the redaction key has {len(key)} bytes; at least 16 are needed")
        self._key = key if len(key) <= 64 else hashlib.blake2b(key).digest()
        self._seen = seen

    def redact(self, value: bytes, document: object) -> object:
        """The document without its secrets: new containers along changed paths only, the same object if none changed.

        ``value`` is the JSON text that ``document`` was parsed from, decompressed; a document whose text shows no sign
        of a secret is not walked. Numbers under the name of a password go too; ids, ARNs, booleans, masked values stay.
        """
        return self._walked(document) if suspicious(value) else document

    def redact_text(self, text: str) -> str:
        """Free text without its secrets: error messages, unparsable input, header values."""
        try:
            return redact_text(text, self._mark)
        except UnicodeEncodeError:
            # Lone surrogates, which no UTF-8 input can give.
            return redact_text(text.encode("utf-8", "replace").decode(), self._mark)

    def redact_field(self, name: str, value: str) -> str:
        """The value of a named field, such as a header: as ``redact`` treats a member of an object."""
        kind = kind_of(name)
        return self._string(value, 0, []) if kind is None else self._secret(kind, value, 0, [])

    def _mark(self, kind: str, secret: str) -> str:
        if self._seen is not None:
            self._seen(kind)
        digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=4).hexdigest()
        return f"[REDACTED:{kind}:{digest}]"

    def _walked(self, document: object) -> object:
        found: list[tuple[str, str]] = []
        redacted = self._walk(document, 0, found)
        # A secret that its name gave away may stand in the same document without a name: scanners quote the line.
        repeats = [
            (secret, mark)
            for secret, mark in dict(found).items()
            if len(secret) >= _REPEATABLE
            and not secret.isalpha()
            and not secret.isdigit()
            and not _IDENTIFIER.match(secret)
        ]
        if repeats:
            repeats.sort(key=lambda pair: (-len(pair[0]), pair[0]))
            redacted = _replaced(redacted, repeats[:_REMEMBERED])
        return redacted

    def _walk(self, node: object, depth: int, found: list[tuple[str, str]]) -> object:
        if isinstance(node, str):
            return self._string(node, depth, found)
        if isinstance(node, dict):
            if depth >= _DEPTH:
                return self._mark("nesting", "")
            return self._object(node, depth + 1, found)
        if isinstance(node, list):
            if depth >= _DEPTH:
                return self._mark("nesting", "")
            return self._list(node, depth + 1, found)
        return node

    def _object(self, node: dict[str, Any], depth: int, found: list[tuple[str, str]]) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        renamed: dict[str, str] = {}
        for name, member in node.items():
            kind, holds_typed = _field(name)
            if kind is not None:
                new = self._member(kind, member, depth, found)
            elif isinstance(member, str):
                new = self._string(member, depth, found) if len(member) >= _SHORTEST else member
            elif isinstance(member, dict | list):
                new = self._walk(member, depth, found)
            else:
                new = member
            if new is not member:
                changed[name] = new
            if holds_typed and (fresh := self.redact_text(name)) != name:
                renamed[name] = fresh
        if not _VALUE_FIELDS.isdisjoint(node):
            self._pair(node, changed, depth, found)
        if "kind" in node and node["kind"] in ("Secret", "SecretList"):
            self._kubernetes_secret(node, changed)
        elif isinstance(node.get("objectRef"), dict) and node["objectRef"].get("resource") == "secrets":
            # A Kubernetes audit record: the bodies may be patches that don't say what they patch.
            for body in ("requestObject", "responseObject"):
                if body in node:
                    changed[body] = self._payloads(changed.get(body, node[body]), depth)
        if renamed:
            return {renamed.get(name, name): changed.get(name, member) for name, member in node.items()}
        return {**node, **changed} if changed else node

    def _member(self, kind: str, member: object, depth: int, found: list[tuple[str, str]]) -> object:
        """What stands under a name that promises a secret."""
        if member is None or isinstance(member, bool):
            return member
        if isinstance(member, str):
            return self._secret(kind, member, depth, found)
        if isinstance(member, int | float):
            return self._mark(kind, str(member)) if kind == "password" else member
        if isinstance(member, list):
            new = [
                self._secret(kind, item, depth, found) if isinstance(item, str) else self._walk(item, depth + 1, found)
                for item in member
            ]
            return member if all(a is b for a, b in zip(member, new, strict=True)) else new
        return self._walk(member, depth, found)

    def _secret(self, kind: str, value: str, depth: int, found: list[tuple[str, str]]) -> str:
        """A string under a name that promises a secret."""
        if spared(kind, value):
            return value
        typed = self._string(value, depth, found)
        if PLACEHOLDER.fullmatch(typed):
            return typed  # a known shape says more than the name
        if kind == "basic" and not is_userpass(value):
            return typed
        if kind in ("authorization", "cookie") and _container(value) is not None:
            return typed  # Azure's activity log: {"scope": …, "action": …}
        scheme, gap, rest = value.partition(" ")
        if kind == "authorization" and gap and scheme.isalpha():
            if spared(kind, rest):
                return value
            return f"{scheme} {self._mark(kind, rest)}"
        mark = self._mark(kind, value)
        found.append((value, mark))
        return mark

    def _string(self, value: str, depth: int, found: list[tuple[str, str]]) -> str:
        """A string under any other name: nested JSON, or free text."""
        if len(value) < _SHORTEST or not (TYPED.any(value) or names_value(value) or "@" in value):
            return value
        nested = _container(value)
        if nested is not None:
            redacted = self._walk(nested, depth + 8, found)
            return value if redacted is nested else orjson.dumps(redacted).decode()
        redacted_text = self.redact_text(value)
        return value if redacted_text == value else redacted_text

    def _list(self, node: list[Any], depth: int, found: list[tuple[str, str]]) -> list[Any]:
        new: list[Any] = []
        flag: str | None = None
        inside_key = False
        for item in node:
            if isinstance(item, str):
                if inside_key or opens_key(item):
                    # A PEM file as a list of its lines.
                    inside_key = "-----END" not in item
                    new.append(item if PLACEHOLDER.fullmatch(item) else self._mark("private-key", item))
                    continue
                if flag is not None:
                    new.append(self._secret(flag, item, depth, found))
                    flag = None
                    continue
                # ["--password", "…"]: the arguments of a container or a run command.
                flag = kind_of(item) if item.startswith("-") and "=" not in item and " " not in item else None
            else:
                flag = None
            new.append(self._walk(item, depth, found))
        return node if all(a is b for a, b in zip(node, new, strict=True)) else new

    def _pair(self, node: dict[str, Any], changed: dict[str, Any], depth: int, found: list[tuple[str, str]]) -> None:
        """``{"name": "DB_PASSWORD", "value": "…"}``: environment variables, stack parameters, headers."""
        for value_field in sorted(_VALUE_FIELDS.intersection(node)):
            if isinstance(value := node.get(value_field), str):
                for name_field in _NAME_FIELDS:
                    if isinstance(name := node.get(name_field), str) and (kind := kind_of(name)) is not None:
                        new = self._secret(kind, value, depth, found)
                        if new is not value:
                            changed[value_field] = new
                        return

    def _kubernetes_secret(self, node: dict[str, Any], changed: dict[str, Any]) -> None:
        for field in ("data", "stringData"):
            if field in node:
                changed[field] = self._leaves(node[field], 0)
        if isinstance(items := node.get("items"), list):
            changed["items"] = self._payloads(changed.get("items", items), 0)

    def _payloads(self, node: object, depth: int) -> object:
        """``data``, ``stringData`` and patch values at any level; what stands around them stays."""
        if depth >= _DEPTH:
            return self._mark("nesting", "")
        if isinstance(node, dict):
            return {
                name: self._leaves(member, depth)
                if name in ("data", "stringData") or (name == "value" and "op" in node)
                else self._payloads(member, depth + 1)
                for name, member in node.items()
            }
        if isinstance(node, list):
            return [self._payloads(item, depth + 1) for item in node]
        return node

    def _leaves(self, node: object, depth: int) -> object:
        if depth >= _DEPTH:
            return self._mark("nesting", "")
        if isinstance(node, str):
            return node if spared("kubernetes-secret", node) else self._mark("kubernetes-secret", node)
        if isinstance(node, dict):
            return {name: self._leaves(member, depth + 1) for name, member in node.items()}
        if isinstance(node, list):
            return [self._leaves(item, depth + 1) for item in node]
        return node


@lru_cache(maxsize=8192)
def _field(name: str) -> tuple[str | None, bool]:
    """Type of secret that the name promises, and whether the name may itself hold one."""
    return kind_of(name), len(name) > 15 and TYPED.any(name)


def _container(value: str) -> object:
    """The object or list that a string spells, or None."""
    if value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _replaced(node: object, repeats: list[tuple[str, str]]) -> object:
    if isinstance(node, str):
        for secret, mark in repeats:
            if secret in node:
                node = node.replace(secret, mark)
        return node
    if isinstance(node, dict):
        changed = {name: new for name, member in node.items() if (new := _replaced(member, repeats)) is not member}
        return {**node, **changed} if changed else node
    if isinstance(node, list):
        new_items = [_replaced(item, repeats) for item in node]
        return node if all(a is b for a, b in zip(node, new_items, strict=True)) else new_items
    return node
