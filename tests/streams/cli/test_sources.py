"""The command that says what Weir reads, and what a file would become."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.settings import RAW_SOURCES
from streams.sources.registry import SOURCES

MAPPING = """\
name = "guard"
description = "Alerts of Guard. Exported every hour."
lateness = "2h"
items = "alerts"

[recognise]
exists = "alerts"
equals = { product = "Guard" }

[[event]]
when = { equals = { kind = "beat" } }
type = "ignore"
reason = "heartbeat"

[[event]]
type = "finding"
time = "at"
id = "id"
kind = "detection"
rule = "rule"
severity = { path = "level", map = { high = 4 } }
title = "text"
entities = [{ kind = "host", path = "host" }, { kind = "ip", path = "from" }]
"""
ALERT = {"at": "2026-03-02T09:13:00Z", "id": "a1", "rule": "R1", "level": "high", "text": "Odd", "host": "web-1"}
CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web, annotations: {"backstage.io/kubernetes-id": web}}
spec: {system: shop, owner: team-shop}
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Sources = Callable[..., Ran]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    """``sources(*arguments)``: the command in this process, in an empty folder, under a key for tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, ["sources", *map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def export(*alerts: object) -> bytes:
    """A file of the product."""
    return orjson.dumps({"product": "Guard", "alerts": list(alerts)})


def test_every_source_is_listed(sources: Sources) -> None:
    """Each source of the registry and of the settings is in the list, with what it reads; every raw topic is some's."""
    Path("guard.toml").write_text(MAPPING)
    Path("weir.toml").write_text('mappings = ["guard.toml"]\napp = "soc"\n')
    rows = {row["name"]: row for row in sources("ls", "--json").objects}
    assert set(rows) == {"guard", *(source.name for source in SOURCES)}
    assert all(row["reads"] and row["lateness"] for row in rows.values())
    assert rows["guard"] == {
        "name": "guard", "reads": "Alerts of Guard", "topics": ["soc.raw.guard"], "gives": ["finding"],
        "lateness": "2h", "mapping": True,
    }  # fmt: skip
    bound = {topic for row in rows.values() for topic in row["topics"]}
    assert {f"soc.raw.{name}" for name in RAW_SOURCES} <= bound
    assert rows["weir.review"]["topics"] == ["soc.reviews"]
    table = sources("ls")
    assert table.code == 0
    assert all(name in table.out for name in rows)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_source_is_shown(source: Any, sources: Sources) -> None:
    """The page of a source has its documentation and the fields of what it gives."""
    shown = sources("show", source.name)
    assert shown.code == 0
    assert f"{source.name}: " in shown.out
    assert len(shown.out.splitlines()) > 5
    assert sources("show", source.name, "--json").objects[0]["documentation"]


def test_a_mapping_is_shown_by_its_fields(sources: Sources) -> None:
    """The page of a mapping says how it is known and where each field comes from; an unknown name lists the known."""
    Path("guard.toml").write_text(MAPPING)
    shown = sources("show", "guard", "--mapping", "guard.toml").out.splitlines()
    for line in (
        "topic     weir.raw.guard", "  alerts is there", "  product is 'Guard'", "event[0]: ignore, 'heartbeat'",
        "  when       kind is 'beat'", "  severity   level; high = 4", "  host       host", "  kind       'detection'",
    ):  # fmt: skip
        assert line in shown
    unknown = sources("show", "guard")
    assert unknown.code == 2
    assert "no source is named 'guard'; known: " in unknown.err


def test_what_a_file_would_become(sources: Sources) -> None:
    """Each item is an event with its key and entities, ignored or refused with its reason; secrets are not shown."""
    Path("guard.toml").write_text(MAPPING)
    odd = ALERT | {"id": "a2", "text": "login with password=hunter2secret!", "from": "nowhere", "more": 1}
    Path("alerts.json").write_bytes(export(ALERT, {"kind": "beat"}, odd, {"id": 3}))
    tried = sources("try", "alerts.json", "--mapping", "guard.toml")
    assert tried.code == 1
    assert "hunter2" not in tried.out
    out = [" ".join(line.split()) for line in tried.out.splitlines()]
    for line in (
        "alerts.json: guard, by content",
        "0.0 finding 2026-03-02T09:13:00Z high Odd",
        "key a1",
        "entities host web-1",
        "domain guard",
        "0.1 ignored heartbeat",
        "0.2 ignored entities[1] ip left out: unfit",
        "1 document: 2 finding, 2 ignored, 1 refused",
        "the mapping does not read alerts[*].more",
        "component the catalog knows none of its host (2 of 2)",
        "domain no account, cluster or system: all such events share one domain, named as the source (2 of 2)",
    ):
        assert line in out
    assert any(line.startswith("0.3 refused alerts[3].at: time: missing; also alerts[3].rule") for line in out)
    Path("alerts.json").write_bytes(export(ALERT))
    assert sources("try", "alerts.json", "--mapping", "guard.toml").code == 0


def test_as_lines_of_json(sources: Sources) -> None:
    """``--json`` gives one object for each thing that an item becomes, at most ``--limit`` of them."""
    Path("guard.toml").write_text(MAPPING)
    Path("alerts.ndjson").write_bytes(b"\n".join([export(ALERT), export({"kind": "beat"}), b"{"]))
    found = sources("try", "alerts.ndjson", "--mapping", "guard.toml", "--json")
    assert found.code == 1
    assert [(each["document"], each["item"], each["outcome"]) for each in found.objects] == [
        (0, 0, "event"),
        (1, 0, "ignored"),
        (2, None, "refused"),
    ]
    event, _, broken = found.objects
    assert (event["source"], event["event"]["source_id"]) == ("guard", "a1")
    assert [each["field"] for each in event["missing"]] == ["component", "domain"]
    assert (broken["stage"], broken["source"]) == ("parse", None)
    assert len(sources("try", "alerts.ndjson", "--mapping", "guard.toml", "--json", "--limit", 1).objects) == 1
    more = sources("try", "alerts.ndjson", "--mapping", "guard.toml", "--limit", 1).out
    assert "… 2 more; --limit 0 shows all" in more


def test_a_file_that_nothing_reads_names_the_nearest(sources: Sources) -> None:
    """Without a source the closest ones are named with what is missing, for files of any name."""
    Path("guard.toml").write_text(MAPPING)
    for name in ("a.json", "b.txt"):
        Path(name).write_bytes(orjson.dumps({"product": "Other", "alerts": [1]}))
        tried = sources("try", name, "--mapping", "guard.toml")
        assert tried.code == 1
        assert tried.out.splitlines()[:2] == [
            f"{name}: no source reads this",
            "  near guard: 1 of 2 conditions hold; product is not 'Guard'",
        ]


def test_the_source_can_be_named(sources: Sources) -> None:
    """``--source`` and ``NAME=FILE`` read a file as that source; an unknown name, or a file that is not there, is 2."""
    Path("guard.toml").write_text(MAPPING)
    Path("a.json").write_bytes(orjson.dumps({"alerts": [ALERT]}))
    for arguments in (("a.json", "--source", "guard"), ("guard=a.json",)):
        tried = sources("try", *arguments, "--mapping", "guard.toml")
        assert tried.code == 0, tried.out
        assert tried.out.startswith("a.json: guard, as named")
    assert sources("try", "a.json", "--source", "gard").code == 2
    assert sources("try", "gone.json").code == 2
    Path("bad.toml").write_text(MAPPING.replace("high = 4", "high = 9"))
    bad = sources("try", "a.json", "--mapping", "bad.toml")
    assert bad.code == 2
    assert bad.err.startswith("weir: bad.toml:15: event[1].severity.map.high: 9: no severity of OCSF, 0 to 6")


def test_a_catalog_places_the_events(sources: Sources) -> None:
    """With a catalog, what it knows has its component and domain, and is not missed."""
    Path("guard.toml").write_text(MAPPING.replace('kind = "host"', 'kind = "workload"'))
    Path("catalog.yaml").write_text(CATALOG)
    Path("a.json").write_bytes(export(ALERT | {"host": "shop/web"}))
    [found] = sources("try", "a.json", "--mapping", "guard.toml", "--catalog", "catalog.yaml", "--json").objects
    assert (found["event"]["domain"], found["event"]["component"], found["missing"]) == ("system:shop", "web", [])


def test_text_of_the_input_cannot_steer_the_terminal(sources: Sources) -> None:
    """Escapes in a title are shown, not obeyed."""
    Path("guard.toml").write_text(MAPPING)
    Path("a.json").write_bytes(
        export(ALERT | {"text": "\u001b[2Jgone", "level": "\u001b[31m"}, ALERT | {"text": "\u001b]0;x"})
    )
    tried = sources("try", "a.json", "--mapping", "guard.toml")
    assert "\u001b" not in tried.out


def test_two_that_claim_a_document_are_told(sources: Sources) -> None:
    """Where a mapping claims what a source of Weir's reads, the source is taken and the other is named."""
    Path("guard.toml").write_text(
        MAPPING.replace('exists = "alerts"\nequals = { product = "Guard" }', 'exists = "runs"')
    )
    Path("a.sarif").write_bytes(orjson.dumps({"version": "2.1.0", "runs": []}))
    assert sources("try", "a.sarif", "--mapping", "guard.toml").out.splitlines()[0] == (
        "a.sarif: sarif, by content; also claimed by guard"
    )


def test_a_change_is_shown_where_it_belongs(sources: Sources) -> None:
    """Of a change that dependent domains are told of, too, the one in its own domain is shown, once."""
    change = '[[event]]\ntype = "change"\ntime = "at"\nid = "id"\nkind = "deploy"\ncomponent = "what"\n'
    Path("guard.toml").write_text(MAPPING[: MAPPING.index("[[event]]")] + change)
    depends = CATALOG.replace("name: web, ", "name: till, ").replace("system: shop", "system: pay")
    depends = depends.replace('"backstage.io/kubernetes-id": web', "").replace(
        "owner:", "dependsOn: [component:web], owner:"
    )
    Path("catalog.yaml").write_text(CATALOG + "---\n" + depends)
    Path("a.json").write_bytes(export({"at": "2026-03-02T09:13:00Z", "id": "c1", "what": "web"}))
    [found] = sources("try", "a.json", "--mapping", "guard.toml", "--catalog", "catalog.yaml", "--json").objects
    assert (found["event"]["domain"], found["event"]["component"]) == ("system:shop", "web")
