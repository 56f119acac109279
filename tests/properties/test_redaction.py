"""Laws of redaction: it is stable, total, and touches nothing but strings."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter
from streams.dead_letters import SHOWN, dead_letter, headers
from streams.redaction import Redactor
from streams.redaction.names import KEYWORDS
from streams.redaction.patterns import PATTERNS
from streams.redaction.prefilter import suspicious

REDACTOR = Redactor(b"a key for tests only")

PIECES = [
    *KEYWORDS,
    *(literal for pattern in PATTERNS for literal in pattern.literals),
    *(
        '"',
        "'",
        "\\",
        '\\"',
        "=",
        ":",
        " ",
        "\n",
        "\\n",
        ",",
        ";",
        "@",
        "//",
        "://",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
    ),
    *(
        "-----BEGIN ",
        "PRIVATE ",
        "KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "Basic ",
        "Bearer ",
        "dXNlcjpwYXNz",
        "--",
        "login x ",
    ),
    *(
        "abc",
        "a1b2c3d4e5f6",
        "hunter2",
        "A" * 40,
        "0a" * 20,
        "[REDACTED:password:0a1b2c3d]",
        "[REDACTED:",
        "null",
        "%20",
    ),
    *(
        '"kind":"Secret"',
        '"data":{',
        '"name":"',
        '","value":"',
        "AKIA" + "A" * 16,
        "Cookie: ",
        "; ",
        ".",
        "İ",
        "é",
        "\u2028",
    ),
]
text = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=14).map("".join)
names = st.sampled_from(
    ["password", "token", "secretId", "kind", "data", "name", "value", "authorization", "cookie", "auth", "a"]
)
documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names | text, inner, max_size=4)
        | inner.map(lambda value: json.dumps(value, ensure_ascii=False))
    ),
    max_leaves=12,
)


@given(text)
@settings(max_examples=600, deadline=None)
def test_redacting_text_twice_is_redacting_it_once(content: str) -> None:
    """A second pass finds nothing that the first has left or made."""
    once = REDACTOR.redact_text(content)
    assert REDACTOR.redact_text(once) == once


@given(documents)
@settings(max_examples=400, deadline=None)
def test_redacting_a_document_twice_is_redacting_it_once(document: Any) -> None:
    """A second pass over a document changes nothing, and says so by returning the same object."""
    once = REDACTOR._walked(document)
    assert REDACTOR._walked(once) is once


@given(documents)
@settings(max_examples=400, deadline=None)
def test_redaction_keeps_the_shape(document: Any) -> None:
    """Objects, lists, flags and nulls stay what and where they are; strings change, and numbers under passwords."""

    def same(before: Any, after: Any) -> bool:
        if isinstance(before, dict):
            return isinstance(after, dict) and all(map(same, before.values(), after.values()))
        if isinstance(before, list):
            return isinstance(after, list) and len(before) == len(after) and all(map(same, before, after))
        if isinstance(before, str):
            return isinstance(after, str)
        # A password may be a number.
        return before is after or (type(before) is int and isinstance(after, str) and "[RED" in after)

    raw = json.dumps(document).encode()
    assert same(document, REDACTOR.redact(raw, document))


@given(st.text(min_size=8, max_size=30, alphabet="abcdefghkmnpqrstuvwxyz23456789"), documents)
@settings(max_examples=200, deadline=None)
def test_a_password_goes_whatever_stands_beside_it(secret: str, neighbour: Any) -> None:
    """No neighbour keeps the prefilter or the walk from a password."""
    secret = "Zq7" + secret
    document = {"a": neighbour, "b": [{"user_password": secret}]}
    new = REDACTOR.redact(json.dumps(document).encode(), document)
    assert isinstance(new, dict)
    assert secret not in json.dumps(new["b"])


@given(documents)
@settings(max_examples=400, deadline=None)
def test_the_prefilter_passes_no_document_that_has_a_name_with_a_value(document: Any) -> None:
    """What the prefilter calls clean holds no member that its name would redact."""

    def named(node: Any) -> bool:
        if isinstance(node, dict):
            return any(
                (name in ("password", "token", "authorization", "cookie") and isinstance(member, str) and member != "")
                or named(member)
                for name, member in node.items()
            )
        return isinstance(node, list) and any(map(named, node))

    if named(document):
        assert suspicious(json.dumps(document).encode())
        assert suspicious(json.dumps(document, indent=2, ensure_ascii=False).encode())


@given(
    value=st.none()
    | st.binary(max_size=300)
    | text.map(lambda content: content.encode())
    | st.integers(0, 3).map(lambda n: b"\x1f\x8b" * n),
    repeat=st.sampled_from([1, 1, 1, 500]),
    key=st.none() | st.binary(max_size=40),
    letter_headers=st.lists(st.tuples(st.text(max_size=20) | text, st.none() | st.binary(max_size=40)), max_size=3),
    reason=st.text(max_size=30) | text.map(lambda content: content * 60),
    place=st.text(max_size=30) | text.map(lambda content: content * 60),
    topic=st.text(st.characters(), max_size=10),
)
@settings(max_examples=300, deadline=None)
def test_every_input_gives_a_valid_letter(
    value: bytes | None,
    repeat: int,
    key: bytes | None,
    letter_headers: list[tuple[str, bytes | None]],
    reason: str,
    place: str,
    topic: str,
) -> None:
    """Whatever bytes and strings come, the letter is valid, goes through JSON, and its headers are UTF-8."""
    original = value * repeat if value else value
    made = dead_letter(
        REDACTOR,
        topic=topic,
        partition=0,
        offset=0,
        item=0,
        stage="parse",
        reason=reason,
        place=place,
        source="aws.cloudtrail",
        key=key,
        headers=letter_headers,
        value=original,
    )
    assert DeadLetter.model_validate_json(made.model_dump_json()) == made
    assert made.size == len(original or b"")
    assert len(made.value) <= SHOWN
    assert all(content.decode() is not None for _, content in headers(made))
    assert not any(ord(char) < 32 and char not in "\n\t" for char in made.value + made.reason + made.place)
