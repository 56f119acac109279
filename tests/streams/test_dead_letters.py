"""Dead letters: valid whatever comes, redacted before they are cut, honest about the original."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest

from schemas.dead_letter import DeadLetter
from streams.dead_letters import SHOWN, dead_letter, headers
from streams.redaction import Redactor

REDACTOR = Redactor(b"a key for tests only")
SECRET = "hunter2" * 4


def letter(**changes: Any) -> DeadLetter:
    fields: dict[str, Any] = {
        "topic": "raw.cloudtrail",
        "partition": 3,
        "offset": 42,
        "item": None,
        "stage": "parse",
        "reason": "not JSON",
        "place": "",
        "source": None,
        "key": None,
        "headers": (),
        "value": b"{}",
    }
    return dead_letter(REDACTOR, **{**fields, **changes})


def test_the_original_is_named_by_size_and_digest() -> None:
    """Size and BLAKE2b-128 are those of the untouched value, so that the raw record can be told from any other."""
    value = f'{{"password":"{SECRET}"'.encode() + bytes(100_000)
    made = letter(value=value)
    assert (made.size, made.digest) == (len(value), hashlib.blake2b(value, digest_size=16).hexdigest())
    assert made.truncated


def test_a_null_value_is_an_empty_one() -> None:
    """A tombstone gives a letter too."""
    made = letter(value=None, key=None, headers=[("a", None)])
    assert (made.value, made.size, made.truncated, made.headers) == ("", 0, False, (("a", ""),))


@pytest.mark.parametrize(
    "field", ["reason", "place", "source_text", "key", "header", "named header", "value", "cut JSON"]
)
def test_no_field_holds_a_secret(field: str) -> None:
    """Reason, place, key, headers and value are all redacted."""
    made = {
        "reason": lambda: letter(reason=f"bad field: password={SECRET}"),
        "place": lambda: letter(place=f'Records[0]["token={SECRET}1"]'),
        "source_text": lambda: letter(value=f"GET https://a:{SECRET}@host/".encode()),
        "key": lambda: letter(key=f"secret={SECRET}".encode()),
        "header": lambda: letter(headers=[("x-note", f"password={SECRET}".encode())]),
        "named header": lambda: letter(headers=[("X-Api-Key", SECRET.encode())]),
        "value": lambda: letter(value=json.dumps({"clientSecret": SECRET}).encode()),
        "cut JSON": lambda: letter(value=json.dumps({"clientSecret": SECRET}).encode()[:-2]),
    }[field]()
    assert SECRET not in made.model_dump_json()
    assert "[REDACTED:" in made.model_dump_json()


@pytest.mark.parametrize("before_border", range(-10, 60, 3))
def test_a_secret_across_the_border_is_not_shown_in_half(before_border: int) -> None:
    """Redaction comes before the cut, so no beginning of a secret is left at the end of what is shown."""
    start = b"password="
    value = b"x" * (SHOWN - len(start) - before_border - 1) + b" " + start + SECRET.encode() + b" y" * 20_000
    shown = letter(value=value).value
    assert len(shown) <= SHOWN
    assert SECRET[:7] not in shown


WINDOW = SHOWN + 8192


@pytest.mark.parametrize("cut", range(5, 80, 5))
def test_a_secret_across_the_end_of_what_is_read_is_not_shown(cut: int) -> None:
    """Many redactions make the text shorter; the half secret at the end of the window doesn't slide into view."""
    token = "gh" + "p_" + "A1" * 18
    many = b"password=" + b"z" * 900 + b" "
    value = (many * (WINDOW // len(many))).ljust(WINDOW - cut) + token.encode() * 3 + b" " * 100
    made = letter(value=value, key=(many * 13).ljust(4096 + 8192 - cut)[: 4096 + 8192 - cut] + token.encode() * 3)
    assert token[:5] not in made.value
    assert token[:5] not in (made.key or "")
    assert made.truncated


def test_a_long_value_is_shown_up_to_the_limit() -> None:
    """What is kept is the first 64 Ki characters, not less."""
    assert len(letter(value=b"x " * 100_000).value) == SHOWN
    assert letter(value=b"x" * SHOWN).value == "x" * SHOWN
    assert not letter(value=b"x" * SHOWN).truncated
    assert letter(value=b"x" * (SHOWN + 1)).truncated


def test_controls_bytes_and_direction_marks_are_escapes() -> None:
    """A terminal that prints a letter stays as it was."""
    made = letter(
        value=b"\x1b[31mred\x00\xff\r\n\ttab " + "‮abc".encode(), reason="bad\x07 \ud800", headers=[("\x9b", b"\x1b")]
    )
    assert made.value == "\\x1b[31mred\\x00\\xff\\x0d\n\ttab \\u202eabc"
    assert made.reason == "bad\\x07 \\ud800"
    assert made.headers == (("\\x9b", "\\x1b"),)


def test_utf16_and_gzip_are_read() -> None:
    """Text in another coding is decoded, because redaction can't see through it."""
    text = f"password={SECRET} end"
    for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
        assert letter(value=text.encode(coding)).value.startswith("password=[REDACTED:password:")
    packed = letter(value=gzip.compress(text.encode()))
    assert packed.value.startswith("password=[REDACTED:password:")
    assert not packed.truncated


def test_a_gzip_bomb_and_a_broken_gzip_cost_little() -> None:
    """Only the beginning is unpacked; what comes out of a broken archive is shown as cut."""
    bomb = letter(value=gzip.compress(bytes(50_000_000)))
    assert bomb.truncated
    assert len(bomb.value) <= SHOWN
    broken = gzip.compress(b"password=" + SECRET.encode() + b" " + b"a b " * 50_000)[:200]
    assert SECRET not in letter(value=broken).value
    assert letter(value=broken).truncated
    assert letter(value=b"\x1f\x8b nonsense").truncated


def test_a_kubernetes_secret_is_recognised_in_a_letter() -> None:
    """A whole document is redacted as a document: what a Secret holds goes without regard to its names."""
    coded = base64.b64encode(b"administrator").decode()
    whole = json.dumps({"kind": "Secret", "data": {"user": coded}}).encode()
    for value in (whole, whole[:-1], whole + b" " * 200_000):
        assert coded not in letter(value=value).value


def test_a_good_document_is_shown_as_it_came() -> None:
    """What holds no secret keeps its spelling and its blanks."""
    value = b'{ "a" : [1,  2] }\n'
    assert letter(value=value).value == value.decode()
    assert not letter(value=value).truncated


def test_limits_hold() -> None:
    """Reason and place are cut to the schema's limits, with a sign that they were."""
    made = letter(reason="r" * 5000, place="p" * 5000, key=b"k" * 100_000, headers=[("n" * 999, b"v" * 99_999)] * 99)
    assert (len(made.reason), len(made.place)) == (1024, 512)
    assert made.reason.endswith("[…]")
    assert made.key is not None
    assert len(made.key) <= 4096
    assert len(made.headers) == 64
    assert len(made.model_dump_json()) < 700_000


def test_the_headers_say_where_and_why() -> None:
    """The coordinates of the original, the stage, the reason and the place, as UTF-8 bytes."""
    made = letter(reason="kein gültiges Datum", place="Records[3].eventTime", stage="map")
    assert headers(made) == [
        ("__weir.errors.topic", b"raw.cloudtrail"),
        ("__weir.errors.partition", b"3"),
        ("__weir.errors.offset", b"42"),
        ("__weir.errors.stage", b"map"),
        ("__weir.errors.reason", "kein gültiges Datum".encode()),
        ("__weir.errors.place", b"Records[3].eventTime"),
    ]
