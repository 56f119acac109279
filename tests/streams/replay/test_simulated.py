"""A scenario in files says the same as on Kafka."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from schemas.events import EVENT
from schemas.parameters import Parameters
from streams.catalog import Catalog
from streams.ingest import Ingest, RawRecord
from streams.redaction import Redactor
from streams.replay import catalog, files, simulated
from streams.replay.run import Replay, run
from streams.simulate import Message, Scenario
from streams.sources.backstage import Backstage
from streams.sources.registry import by_name
from tests.streams.replay.conftest import Heard

KEY = b"a key for tests only"
SOURCES = {
    "cloudtrail": "aws.cloudtrail",
    "github": "github.webhook",
    "cdevents": "cdevents",
    "trivy": "trivy",
    "sarif": "sarif",
    "ocsf": "ocsf",
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(17, 12, start=datetime(2026, 3, 2, 8, tzinfo=UTC), hours=3, events=3_000)


@pytest.fixture(scope="module")
def folder(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenario")
    told: list[int] = []
    written = simulated.write(scenario, path, told.append)
    assert written.lines + written.left_out == scenario.events
    assert told == list(range(1_000, written.lines + 1, 1_000))
    empty = sum(not message.value for message in scenario.messages())
    assert written.left_out == empty > 0
    return path


def test_files_hold_what_the_topics_would(scenario: Scenario, folder: Path) -> None:
    """Replayed from files, the scenario gives the events that ingest makes of its messages with their headers."""
    ingest = Ingest(Catalog(), Redactor(KEY), 1)
    for entity in scenario.catalog():
        for _, draft in Backstage().read(entity, {}):
            assert isinstance(draft, dict)
            assert draft["type"] == "context"
            ingest.catalog.apply(draft["key"], draft["record"])
    wanted: Counter[str] = Counter()
    dead = 0
    for message in scenario.messages():
        source = by_name(SOURCES[message.source])
        raw = RawRecord(message.source, 0, 0, 0, message.key, message.headers, message.value, source)
        placed, refused = ingest.read(raw)
        dead += len(refused) if message.value else 0
        wanted.update(identity(EVENT.validate_json(event.value)) for event in placed)

    heard = Heard()
    inputs, skipped = files.find([str(folder / "input")])
    assert skipped == []
    replay = Replay(Redactor(KEY), Parameters(), heard)
    documents, _ = run(replay, inputs)
    assert replay.problems(documents) == []
    assert Counter(identity(event) for event in heard.events if event.type != "context") == wanted
    assert len(heard.letters) == dead


def identity(event: object) -> str:
    fields = event.model_dump(mode="json", exclude={"origin"})  # type: ignore[attr-defined] # every event is a model
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()


def test_the_catalog_survives_yaml(scenario: Scenario, folder: Path) -> None:
    """The entities read back are those of the scenario."""
    assert catalog.entities(folder / "input" / "catalog.yaml") == scenario.catalog()


def test_the_truth_is_not_among_the_input(scenario: Scenario, folder: Path) -> None:
    """The truth stands beside the input folder, and nothing in the input names it."""
    truth = [orjson.loads(line) for line in (folder / "truth.ndjson").read_bytes().splitlines()]
    assert truth == scenario.truth()
    names = sorted(path.name for path in (folder / "input").iterdir())
    assert names == ["catalog.yaml", *sorted(f"{source}.ndjson" for source in SOURCES)]
    assert not any(b"incident-" in path.read_bytes() for path in (folder / "input").iterdir())


def test_equal_scenarios_give_equal_files(scenario: Scenario, folder: Path, tmp_path: Path) -> None:
    """The same seed writes the same bytes."""
    simulated.write(scenario, tmp_path)
    for path in folder.rglob("*.*"):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_headers_become_fields() -> None:
    """What a gateway puts into headers stands in the line, in the form that its source reads without headers."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    github = Message("github", None, (("X-GitHub-Event", b"push"), ("X-GitHub-Delivery", b'a"b')), b'{"ref":"x"}', at)
    assert orjson.loads(simulated.line(github) or b"") == {"event": "push", "delivery": 'a"b', "payload": {"ref": "x"}}
    headers = (("ce_specversion", b"1.0"), ("ce_type", b"dev.cdevents.x"), ("content-type", b"application/json"))
    assert orjson.loads(simulated.line(Message("cdevents", None, headers, b'{"a":1}', at)) or b"") == {
        "specversion": "1.0",
        "type": "dev.cdevents.x",
        "datacontenttype": "application/json",
        "data": {"a": 1},
    }
    assert simulated.line(Message("ocsf", None, (), b"\xff{", at)) == b"\xff{"


@pytest.mark.parametrize("value", [b"", b"  ", b"{\n}", b"{\r}"])
def test_what_cannot_be_a_line_is_left_out(value: bytes) -> None:
    """An empty value, and one with a line feed in it, would be other documents when read back."""
    assert simulated.line(Message("ocsf", None, (), value, datetime(2026, 3, 2, tzinfo=UTC))) is None
