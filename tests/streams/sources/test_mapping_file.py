"""Faults of mapping files: file, line, key, what is wrong and what is allowed; all at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.mapping_file import mapping_of, parse_mapping

SOUND = """\
name = "guard"

[[event]]
type = "finding"
time = "at"
id = "id"
kind = "detection"
rule = "rule"
severity = 3
"""


def faults(text: str) -> list[str]:
    """The faults of a text, in words."""
    return [str(fault) for fault in parse_mapping(text, "guard.toml")[1]]


def test_a_sound_file_has_none() -> None:
    """The least file gives a source of its name."""
    mapped, wrong = parse_mapping(SOUND, "guard.toml")
    assert mapped is not None
    assert (mapped.source.name, mapped.file, wrong) == ("guard", "guard.toml", [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name = ", "name == ", "guard.toml: not TOML: "),
        ('name = "guard"', 'name = "Guard!"', "guard.toml: name: 'Guard!' is no name: lower-case letters"),
        ('"guard"\n', '"guard"\nlateness = "soon"\n', "guard.toml: lateness: 'soon' is no span such as 30s"),
        ('"guard"\n', '"guard"\nlateness = "0s"\n', "guard.toml: lateness: must be more than nothing"),
        (
            '"guard"\n',
            '"guard"\nitem = "x"\n',
            "guard.toml: item: there is no such key; did you mean items? Allowed: name",
        ),
        (
            '"guard"\n',
            '"guard"\nrecognise = {}\n',
            "guard.toml: recognise: says nothing; give exists, missing, equals or",
        ),
        (
            '"guard"\n',
            '"guard"\nrecognise = { matches = { a = "(" } }\n',
            "recognise.matches: a: '(' is no regular expr",
        ),
        (
            '"guard"\n',
            '"guard"\nrecognise = { equals = { "a." = 1 } }\n',
            "recognise.equals: 'a.' is no path: character 3",
        ),
        ('id = "id"\n', "", "guard.toml:3: event[0].id: is missing"),
        ('"finding"', '"alarm"', "event[0]: type is missing or unknown; it is one of activity, finding"),
        ('rule = "rule"', 'rule = "a..b"', "event[0].rule.path: 'a..b' is no path: character 3"),
        ('rule = "rule"', 'rule = "a[*].b"', "event[0].rule.path: 'a[*].b' may give several values, and one is needed"),
        ('rule = "rule"', 'rule = { text = "fixed" }', "has no {path} in it; a fixed text is a value"),
        (
            'rule = "rule"',
            'rule = { path = "a", value = "b" }',
            "event[0].rule: needs exactly one of path, text and value",
        ),
        ('rule = "rule"', "rule = { value = true }", "event[0].rule.value: True: true or false, and a text is needed"),
        ('"detection"', '"alert"', "event[0].kind.value: 'alert': not one of vulnerability, misconfiguration, secret,"),
        ("severity = 3", "severity = 9", "event[0].severity.value: 9: no severity of OCSF, 0 to 6"),
        (
            "severity = 3",
            'severity = { path = "s", map = { a = 7 } }',
            "event[0].severity.map.a: 7: no severity of OCSF",
        ),
        ("severity = 3", 'severity = { path = "s", map = { a = 1, A = 2 } }', "severity.map: has 'a' more than once"),
        (
            "severity = 3",
            'severity = { path = "s", scale = "ten" }',
            "is not allowed; it is 'ocsf', 'words', 'cvss' or",
        ),
        ("severity = 3", 'severity = { path = "s", scale = "cvss", map = { a = 1 } }', "leave out scale"),
        (
            'time = "at"',
            'time = { path = "at", format = "iso" }',
            "event[0].time: 'iso' is not one of rfc3339, epoch_s",
        ),
        ('time = "at"', 'time = { path = "at", zone = "Moon" }', "event[0].time: 'Moon' is no time zone known here"),
        ('id = "id"', "id = \"'one'\"", "event[0].id: is the same for all events"),
        ('id = "id"', "id = { hash = [] }", "event[0].id.hash: is empty"),
        ("severity = 3", "severity = 3\nseverty = 1", "event[0].severty: there is no such key; did you mean severity?"),
        (
            "severity = 3",
            'severity = 3\nentities = [{ kind = "server", path = "h" }]',
            "event[0].entities[0].kind: 'server'",
        ),
        (
            "severity = 3",
            'severity = 3\nstatus = { path = "s", map = { a = "shut" } }',
            "status.map.a: 'shut': not one of",
        ),
        ("severity = 3", 'severity = 3\n[[event]]\ntype = "ignore"\nreason = "x"', "event[0] has no when and takes"),
    ],
)
def test_a_fault_says_where_and_what_is_allowed(old: str, new: str, said: str) -> None:
    """One thing wrong gives one line with its place and what would be right."""
    assert old in SOUND
    [line] = faults(SOUND.replace(old, new, 1))
    assert said in line


def test_all_faults_at_once_each_with_its_table() -> None:
    """Several tables with several faults give them all, under the lines where the tables begin."""
    second = SOUND.partition("\n\n")[2].replace('rule = "rule"\n', "").replace('"at"', '"a["')
    text = SOUND.replace("severity = 3", 'severity = "x"\nwhen = { exists = "x", equal = 1 }') + "\n" + second
    assert [line.partition(" ")[0] + line.split(": ")[1] for line in faults(text)] == [
        "guard.toml:3:event[0].when.equal",
        "guard.toml:12:event[1].time.path",
        "guard.toml:12:event[1].rule",
    ]
    fixed = SOUND.replace("severity = 3", 'severity = 7\nwhen = { exists = "x" }') + SOUND.partition("\n\n")[2].replace(
        '"detection"', '"x"'
    )
    assert [line.split(": ")[1] for line in faults(fixed)] == ["event[0].severity.value", "event[1].kind.value"]


KEYS = st.sampled_from(
    [
        "name",
        "event",
        "type",
        "time",
        "id",
        "kind",
        "rule",
        "severity",
        "map",
        "path",
        "text",
        "value",
        "when",
        "exists",
        "equals",
        "matches",
        "entities",
        "hash",
        "items",
        "recognise",
        "lateness",
        "format",
        "zone",
        "status",
        "other",
    ]
)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["a.b", "a[*]", "finding", "activity", "change", "{a}", "%Y", "detection", "5m"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_table_is_a_mapping_or_has_faults(table: dict[str, Any]) -> None:
    """Whatever is in a file: a source, or at least one fault in words of one line; never both, never an exception."""
    mapped, wrong = mapping_of(table, "x")
    assert (mapped is None) == bool(wrong)
    assert all("\n" not in str(fault) for fault in wrong)
