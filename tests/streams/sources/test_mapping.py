"""What a mapping makes of documents: the first table that holds, fields by path, and nothing lost or guessed."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.mapping import MappedSource
from streams.sources.mapping_file import parse_mapping

HEAD = """
name = "guard"
[recognise]
equals = { product = "Guard" }
"""
FINDING = """
[[event]]
type = "finding"
time = { path = "at", format = "epoch_s" }
id = "id"
kind = "detection"
rule = "rule"
severity = { path = "level", map = { high = 4, "7" = 2, true = 1 } }
"""
ITEM = {"product": "Guard", "at": 1772442780, "id": 7, "rule": "R1", "level": "HIGH"}
HEADERS = {"x-weir-received": "2026-03-02T10:00:00Z"}


def mapped(toml: str) -> MappedSource:
    """The source of a mapping that is sound."""
    found, faults = parse_mapping(toml, "guard.toml")
    assert found is not None, faults
    return found.source


def read(toml: str, document: object) -> list[Any]:
    """Everything that the mapping says of a document, without the numbers of the items."""
    return [content for _, content in mapped(toml).read(document, HEADERS)]


def test_the_least_mapping() -> None:
    """Required fields alone give a finding; title, domain and reporter then are rule, name and name."""
    assert read(HEAD + FINDING, ITEM) == [
        {
            "type": "finding",
            "domain": "guard",
            "reporter": "guard",
            "time": "2026-03-02T09:13:00+00:00",
            "kind": "detection",
            "rule": "R1",
            "severity": 4,
            "source_id": "7",
            "title": "R1",
            "entities": [],
        }
    ]


@pytest.mark.parametrize(("level", "severity"), [("high", 4), ("High", 4), (7, 2), ("7", 2), (True, 1)])
def test_a_map_takes_values_as_text_in_any_case(level: object, severity: int) -> None:
    """Numbers and truth values meet the map by how JSON writes them."""
    assert read(HEAD + FINDING, ITEM | {"level": level})[0]["severity"] == severity


def test_everything_that_is_missing_is_told_at_once() -> None:
    """A malformed item names each required field with its path and reason."""
    [found] = read(HEAD + FINDING, {"product": "Guard", "at": "soon", "level": "odd"})
    assert found == Malformed(
        "at", "time: no time: neither a number nor the text of one; also id: id: missing; rule: rule: missing; "
        "level: severity: 'odd' is not in the map"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "document", "told"),
    [
        ('fix = "who"', {"who": {"a": 1}}, "fix left out: not as the field needs it"),
        ('cvss = "score"', {"score": "n/a"}, "cvss left out: not as the field needs it"),
        ('kev = "kev"', {"kev": "yes"}, "kev left out: not as the field needs it"),
        ('entities = [{ kind = "ip", path = "from" }]', {"from": "secret-host"}, "entities[0] ip left out: unfit"),
        (
            'status = { path = "state", map = { new = "open" } }',
            {"state": "x"},
            "status left out: not as the field needs it",
        ),
    ],
)
def test_an_optional_field_that_is_unfit_is_left_out_and_told(line: str, document: dict[str, Any], told: str) -> None:
    """The event stays, and an ignored part says what was left out, without the value; required, it is malformed."""
    event, left = read(HEAD + FINDING + line, ITEM | document)
    assert isinstance(event, dict)
    assert left == Ignored(told)
    if "{" not in line:
        name, _, path = line.partition(" = ")
        [wrong] = read(HEAD + FINDING + f"{name} = {{ path = {path}, required = true }}", ITEM | document)
        assert isinstance(wrong, Malformed)
        assert wrong.reason.startswith(f"{name}: ")


def test_other_takes_what_the_map_does_not_have() -> None:
    """``other`` counts for unknown values and for values of another type, not for missing ones."""
    table = FINDING.replace("} }", "}, other = 3 }")
    assert read(HEAD + table, ITEM | {"level": "odd"})[0]["severity"] == 3
    assert read(HEAD + table, ITEM | {"level": ["high"]})[0]["severity"] == 3
    [missing] = read(HEAD + table, ITEM | {"level": None})
    assert missing == Malformed("level", "severity: missing")


@pytest.mark.parametrize(
    ("scale", "level", "severity"),
    [("ocsf", 5, 5), ("words", "Moderate", 3), ("cvss", 9.8, 5), ("cvss", "0", 1), ("hundred", 40, 3)],
)
def test_scales(scale: str, level: object, severity: int) -> None:
    """Severities by OCSF's numbers, by words, by CVSS score and out of a hundred."""
    line = f'severity = {{ path = "level", scale = "{scale}" }}\n'
    table = "\n".join(each for each in FINDING.splitlines() if not each.startswith("severity")) + "\n" + line
    assert read(HEAD + table, ITEM | {"level": level})[0]["severity"] == severity
    for wrong in ("odd", 900, -1, True, [1]):
        [found] = read(HEAD + table, ITEM | {"level": wrong})
        assert isinstance(found, Malformed)
        assert found.place == "level"


def test_the_first_table_that_holds_is_taken() -> None:
    """Tables are asked in order; an item that none is for is malformed, with what each wanted."""
    toml = (
        HEAD
        + '[[event]]\nwhen = { equals = { what = ["beat", "pong"] } }\ntype = "ignore"\nreason = "heartbeat"\n'
        + FINDING
        + 'when = { exists = "rule", missing = "draft", matches = { rule = "R[0-9]+" } }\n'
    )
    assert read(toml, {"what": "pong", "rule": "R1"}) == [Ignored("heartbeat")]
    assert read(toml, ITEM)[0]["type"] == "finding"
    for item, lack in (
        (ITEM | {"draft": 1}, "draft is there"),
        (ITEM | {"rule": "X"}, "rule does not match R[0-9]+"),
        ({"what": 1}, "rule is missing"),
    ):
        assert read(toml, item) == [
            Malformed("", f"no event table is for it: what is not 'beat' or 'pong'; {lack}"),
        ]


def test_equality_tells_types_apart() -> None:
    """One is not true, and the text of a number is no number."""
    toml = 'name = "guard"\n[recognise]\nequals = { "v.x" = 1 }\n' + FINDING
    source = mapped(toml)
    assert source.recognise({"v": {"x": 1}}, {})
    assert not any(source.recognise({"v": {"x": other}}, {}) for other in (True, "1", 1.5, None, [1]))


def test_items() -> None:
    """A document is split at a path; what is no item is told with its place, and counted in order."""
    toml = 'name = "guard"\nitems = "runs[*].alerts"\n' + FINDING
    document = {"runs": [{"alerts": [ITEM, 3]}, {"alerts": {}}, {"alerts": [ITEM | {"id": None}]}]}
    found = list(mapped(toml).read(document, {}))
    assert [item for item, _ in found] == [0, 1, 2, 3]
    assert [content for _, content in found[1:]] == [
        Malformed("runs[0].alerts[1]", "not an object"),
        Malformed("runs[1].alerts", "not a list, and the items are expected there"),
        Malformed("runs[2].alerts[0].id", "id: missing"),
    ]
    assert read(toml, {"runs": []}) == [Malformed("runs[*].alerts", "missing, and the items are expected there")]
    assert read(toml, {"runs": [{"alerts": []}]}) == [Ignored("no items")]


def test_an_array_is_its_documents() -> None:
    """Each element of an array is a document of its own, as where a file is read element by element."""
    toml = 'name = "guard"\nitems = "alerts"\n' + FINDING + 'title = "$.tenant"\n'
    whole = [{"tenant": "a", "alerts": [ITEM]}, {"tenant": "b", "alerts": [ITEM]}, 5]
    assert [each["title"] for each in read(toml, whole)[:2]] == ["a", "b"]
    assert read(toml, whole)[2] == Malformed("[2]", "not an object")


def test_identity_by_hash() -> None:
    """A hash of named paths is the same for the same values, and tells order, absence and types apart."""
    toml = HEAD + FINDING.replace('id = "id"', 'id = { hash = ["id", "peers[*]", "rule"] }')
    first = read(toml, ITEM)[0]["source_id"]
    assert read(toml, dict(reversed(ITEM.items())))[0]["source_id"] == first
    others = [ITEM | {"id": "7"}, ITEM | {"id": None}, ITEM | {"peers": [1, 2]}, ITEM | {"peers": [2, 1]}]
    assert len({first, *(read(toml, other)[0]["source_id"] for other in others)}) == 5
    toml = HEAD + FINDING.replace('id = "id"', 'id = { hash = ["a", "b"] }')
    assert read(toml, ITEM) == [Malformed("a", "id: missing")]


def test_a_long_id_is_its_hash_and_a_fraction_is_none() -> None:
    """What does not fit is hashed; a float has lost digits and tells nothing apart."""
    assert len(read(HEAD + FINDING, ITEM | {"id": "x" * 600})[0]["source_id"]) == 32
    assert read(HEAD + FINDING, ITEM | {"id": 1.5}) == [
        Malformed("id", "id: a number, and an id is a text or a whole number")
    ]


def test_what_follows_from_fields() -> None:
    """Actor, component and the rule of a vulnerability are entities; ids have the spelling of all sources."""
    table = FINDING.replace('"detection"', '"vulnerability"') + (
        'component = "service"\naliases = "also"\n'
        'entities = [{ kind = "ip", path = "ips" }, { kind = "image", path = "image" },'
        ' { kind = "environment", path = "env", map = { p = "production" } }]\n'
    )
    document = ITEM | {
        "rule": "cve-2026-1", "service": "pay", "also": ["CVE-2026-1", "ghsa-JFH8-c2jp-5v3q"],
        "ips": ["10.0.0.1", "::ffff:10.0.0.2"], "image": "docker.io/library/nginx:1", "env": "P",
    }  # fmt: skip
    event = read(HEAD + table, document)[0]
    assert event["rule"] == "CVE-2026-1"
    assert event["aliases"] == ["GHSA-jfh8-c2jp-5v3q"]
    assert event["entities"] == [
        ("component", "pay"), ("vulnerability", "CVE-2026-1"), ("ip", "10.0.0.1"), ("ip", "10.0.0.2"),
        ("image", "nginx:1"), ("environment", "production"),
    ]  # fmt: skip


def test_lacks_name_what_recognition_misses() -> None:
    """Of a document that is not recognised, the conditions that hold are counted and the others named."""
    source = mapped(HEAD.replace("equals", 'exists = ["a", "b"]\nequals') + FINDING)
    assert source.lacks({"a": 1, "product": "Other"}) == (1, ["b is missing", "product is not 'Guard'"])
    assert source.lacks([]) == (0, ["not an object"])
    unbound = mapped('name = "guard"\n' + FINDING)
    assert not unbound.recognise(ITEM, {})
    assert unbound.lacks(ITEM) == (0, ["the mapping has no recognise: only its topic or --source tell"])
