"""Sigma rules at ingest: what matches an item is a finding beside its events, and nothing is lost over a rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from schemas.check import Fault
from schemas.events import BATCH
from streams.catalog import Catalog
from streams.correlation.context import Context
from streams.ingest import Ingest, RawRecord
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.redaction import Redactor
from streams.sigma.bundle import bundle
from streams.sigma.in_force import InForce, record_of
from streams.sigma.rule_set import RuleSet
from streams.sources.backstage import Backstage
from streams.sources.base import Source
from streams.sources.registry import by_name
from streams.sources.steering import Steering

MADE = """
title: A user was made
id: 00000000-0000-4000-8000-000000000001
name: user_made
level: high
tags: [attack.t1136.003]
logsource: {product: aws, service: cloudtrail}
detection: {call: {eventSource: iam.amazonaws.com, eventName: CreateUser}, condition: call}
"""
KEYED = """
title: A key was made
id: 00000000-0000-4000-8000-000000000002
logsource: {product: aws, service: cloudtrail}
detection: {call: {eventName|startswith: Create}, condition: call}
"""
MANY = """
title: Many users were made
id: 00000000-0000-4000-8000-000000000003
date: 2026-03-02
level: critical
correlation: {type: event_count, rules: [user_made], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 2}}
"""
OVER_ALL = """
title: Something of billing failed
id: 00000000-0000-4000-8000-000000000004
level: low
logsource: {product: weir, service: activity}
detection: {it: {domain: 'system:billing', outcome: failure, entity.principal|endswith: /ada}, condition: it}
"""
ADA = "arn:aws:iam::111122223333:user/ada"
KEY = b"0123456789abcdef"


def event(number: int, name: str = "CreateUser", **fields: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.09",
        "userIdentity": {"type": "IAMUser", "arn": ADA, "accountId": "111122223333", "userName": "ada"},
        "eventTime": "2026-03-02T08:00:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "198.51.100.7",
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "recipientAccountId": "111122223333",
        **fields,
    }


def rules(*texts: str) -> InForce:
    found, wrong = bundle((f"{number}.yml", text) for number, text in enumerate(texts))
    assert not wrong
    made = InForce()
    for text in found:
        assert made.apply(text.key, record_of(text, "test")) is None
    return made


def raw(document: object, source: str = "aws.cloudtrail", offset: int = 0) -> RawRecord:
    bound: Source = Steering() if source == "weir" else by_name(source)
    return RawRecord("raw", 0, offset, 1_772_438_400_000, None, (), orjson.dumps(document), bound)


def work(given: InForce, catalog: Catalog | None = None, partitions: int = 4) -> Ingest:
    return Ingest(catalog or Catalog(), Redactor(KEY), partitions, rules=given)


def events(ingest: Ingest, *records: RawRecord) -> list[dict[str, Any]]:
    """The events of the records, as they stand in the log."""
    placed = [event for record in records for event in ingest.read(record)[0]]
    packed, dead = ingest.pack(placed, 1_000_000)
    assert not dead
    for record in packed:
        BATCH.validate_json(record.value)
    return [orjson.loads(each.value) for each in placed]


def owned(**resources: tuple[str, str]) -> Catalog:
    """A catalog of resources by name: system and ARN."""
    catalog = Catalog()
    for name, (system, arn) in resources.items():
        entity = {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Resource",
            "metadata": {"name": name, "annotations": {"amazonaws.com/arn": arn}},
            "spec": {"type": "user", "owner": "team-a", "system": system},
        }
        learn(catalog, entity)
    return catalog


def learn(catalog: Catalog, entity: dict[str, Any]) -> None:
    for _, reading in Backstage().read(entity, {}):
        assert isinstance(reading, dict)
        assert reading["type"] == "context"
        catalog.apply(reading["key"], reading["record"])


def found(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(e["source_id"], e["rule"]) for e in events if e["type"] == "finding" and e["reporter"] == "sigma"]


def ids(number: int, rule: int) -> tuple[str, str]:
    key = f"00000000-0000-4000-8000-{rule:012}"
    return f"00000000-0000-4000-8000-{number:012}/{key}", key


def test_each_event_of_a_document_has_its_own_findings() -> None:
    """Of three events of one delivery two match; each finding is where its event is, after it, and names the item."""
    ingest = work(rules(MADE, KEYED))
    given = events(ingest, raw({"Records": [event(1), event(2, "GetUser"), event(3, "CreateAccessKey")]}, offset=5))
    assert found(given) == [ids(1, 1), ids(1, 2), ids(3, 2)]
    for finding in (e for e in given if e["type"] == "finding"):
        activity = next(e for e in given if e["type"] == "activity" and e["origin"] == finding["origin"])
        assert finding["origin"][2] == 5
        assert given.index(activity) < given.index(finding)
        shared = ("domain", "time", "source", "entities")
        assert [finding[name] for name in shared] == [activity[name] for name in shared]
    first = next(e for e in given if e["type"] == "finding")
    assert (first["kind"], first["severity"], first["title"]) == ("detection", 4, "A user was made")
    assert first["evidence"] == "eventSource iam.amazonaws.com; eventName CreateUser ATT&CK: T1136.003"
    assert ingest.take_detected() == ({"high": 1, "none": 2}, {})
    assert ingest.counts["detection"] == 3


def test_a_finding_shares_partition_and_item_with_its_event() -> None:
    """So it is folded after its event, and an item that is refused is refused with what was found in it."""
    ingest = work(rules(MADE), partitions=64)
    placed, _ = ingest.read(raw({"Records": [event(n, recipientAccountId=f"{n:012}") for n in range(8)]}))
    by_item: dict[int, set[int | None]] = {}
    for each in placed:
        by_item.setdefault(each.item, set()).add(each.partition)
    assert sorted(by_item) == list(range(8))
    assert all(len(partitions) == 1 for partitions in by_item.values())
    assert len({partition for partitions in by_item.values() for partition in partitions}) > 1
    assert Counter(each.item for each in placed if b'"reporter"' in each.value) == dict.fromkeys(range(8), 1)
    wrong = [each._replace(fault=Fault("title", "wrong")) if each.item == 3 else each for each in placed]
    packed, (letter,) = ingest.pack(wrong, 1_000_000)
    assert letter.item == 3
    assert 3 not in {e["origin"][3] for record in packed for e in orjson.loads(record.value)}


def test_a_finding_follows_its_event_into_the_domain_of_who_acted() -> None:
    """An activity is placed by its actor, a finding by what it is about: a detection goes with its activity."""
    catalog = owned(ada=("billing", ADA), ledger=("shop", "arn:aws:s3:::ledger"))
    bucket = [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::ledger"}]
    call = event(1, "CreateBucket", eventSource="s3.amazonaws.com", resources=bucket)
    given = events(work(rules(KEYED), catalog), raw(call))
    places = {e["type"]: (e["domain"], e.get("component")) for e in given}
    assert places["finding"] == places["activity"] == ("system:billing", "resource:ada")
    assert places["change"][0] == "system:shop"


def test_a_copy_of_an_event_is_a_copy_of_its_findings() -> None:
    """Redelivered, the finding has the same natural key, and the fold counts a duplicate."""
    ingest, pipeline = work(rules(MADE), partitions=1), Pipeline(0)
    for offset in range(2):
        packed, _ = ingest.pack(ingest.read(raw(event(1), offset=offset))[0], 1_000_000)
        pipeline.step(LogRecord(0, offset, 1_772_438_400_000, packed[0].value))
    assert pipeline.counts["duplicate"] == pipeline.counts.total() / 2
    assert pipeline.counts["member"] >= 1


def test_a_rule_is_in_force_from_its_record_to_its_withdrawal() -> None:
    """It takes effect with the next document, another text under its key replaces it, None ends it."""
    given = rules()
    ingest = work(given)
    (text,), _ = bundle([("r", MADE)])
    assert found(events(ingest, raw(event(1)))) == []
    given.apply(text.key, record_of(text, "test"))
    assert found(events(ingest, raw(event(2)))) == [ids(2, 1)]
    (other,), _ = bundle([("r", MADE.replace("CreateUser", "DeleteUser"))])
    given.apply(text.key, record_of(other, "test"))
    assert found(events(ingest, raw(event(3)), raw(event(4, "DeleteUser")))) == [ids(4, 1)]
    given.apply(text.key, None)
    assert found(events(ingest, raw(event(5, "DeleteUser")))) == []
    assert given.rules is None


def steering(rule: str, **record: Any) -> dict[str, Any]:
    (given,), _ = bundle([("r", rule)])
    return {"kind": "sigma", "key": given.key, "record": record_of(given, "test") | record}


@pytest.mark.parametrize(
    ("record", "place", "reason"),
    [
        (steering(MADE.replace("eventName", "eventName|backwards")), "detection.call.eventName|backwards", "backwards"),
        (steering(MADE.replace("condition: call", "condition: nobody")), "detection.condition", "nobody"),
        (steering(MADE.replace("{product: aws, service: cloudtrail}", "17")), "logsource", ""),
        (steering(MADE, text="{"), "record.digest", "not that of the text"),
        (steering(MADE, text="a: [", digest="2bb4a2b2d0b0a3d5"), "record.digest", ""),
        ({"kind": "sigma", "key": "k", "record": {"text": "a: ["}}, "record.text", "no YAML"),
        ({"kind": "sigma", "key": "k", "record": {"text": MADE + "---" + KEYED}}, "record.text", "2 documents"),
        ({"kind": "sigma", "key": "k", "record": {"text": MADE}}, "key", "the rule is '0000"),
        ({"kind": "sigma", "key": "k", "record": {"text": "x" * 300_000}}, "record.text", "300000 characters"),
        ({"kind": "sigma", "key": "k", "record": []}, "record", "no object"),
        ({"kind": "sigma", "key": "k", "record": {"text": 5}}, "record.text", "no text"),
        (steering(MANY.replace("event_count", "event_counts")), "correlation.type", ""),
    ],
)
def test_a_rule_that_cannot_be_compiled_is_a_dead_letter(record: dict[str, Any], place: str, reason: str) -> None:
    """With its place and reason; nothing of it goes into the log, and what was in force under the key stays."""
    given = rules(MADE)
    ingest = work(given)
    placed, (letter,) = ingest.read(raw(record, "weir"))
    assert placed == []
    assert (letter.stage, letter.place, letter.source) == ("map", place, "weir")
    assert reason in letter.reason
    assert given.apply(record["key"], record["record"]) is not None
    assert found(events(ingest, raw(event(1)))) == [ids(1, 1)]


def test_a_sound_rule_goes_to_every_partition_and_costs_the_fold_a_row() -> None:
    """It is in the context that units name, by digest; no unit is looked into for it."""
    ingest = work(rules(), partitions=3)
    placed, dead = ingest.read(raw(steering(MADE), "weir"))
    assert (dead, [each.partition for each in placed]) == ([], [None])
    packed, _ = ingest.pack(placed, 1_000_000)
    assert [record.partition for record in packed] == [0, 1, 2]
    pipeline = Pipeline(0)
    before = pipeline.state.context.digest()
    pipeline.step(LogRecord(0, 0, 0, packed[0].value))
    assert pipeline.counts == {"steering": 1}
    context: Context = pipeline.state.context
    assert context.digest() != before
    assert [key for key, _ in context.latest("sigma")] == [ids(1, 1)[1]]
    assert list(pipeline.state.shared.tables.get("stirred", ())) == []


def test_a_correlation_rule_makes_what_it_counts_silent() -> None:
    """A detection that only feeds one is informational: no signal by itself; counted apart."""
    ingest = work(rules(MADE, MANY))
    (finding,) = [e for e in events(ingest, raw(event(1))) if e["type"] == "finding"]
    assert finding["severity"] == 1
    assert ingest.take_detected() == ({"silent": 1}, {})
    assert ingest.rules.counts == {"silent": 1, "correlation": 1, "detection": 0, "filter": 0, "refused": 0}


def test_two_rules_of_one_name_are_one_rule_and_a_fault() -> None:
    """The second is not in force and is named; both come back apart once one has another name."""
    given = rules(MADE, KEYED)
    (twin,), _ = bundle([("r", KEYED.replace("title:", "name: user_made\ntitle:"))])
    assert given.apply(twin.key, record_of(twin, "test")) is None
    assert [fault.file for fault in given.faults] == [twin.key]
    assert given.counts["refused"] == 1


def test_a_rule_over_normalised_events_holds_for_every_source() -> None:
    """It sees the event as it was placed, and the finding is beside it."""
    catalog = owned(ada=("billing", ADA))
    given = events(work(rules(OVER_ALL), catalog), raw(event(1)), raw(event(2, errorCode="AccessDenied")))
    assert found(given) == [ids(2, 4)]
    assert next(e for e in given if e["type"] == "finding")["domain"] == "system:billing"


def test_what_is_found_in_a_change_is_told_once_and_at_home() -> None:
    """The copy of the change for those that depend on it has no finding, and the rule sees the change as it is."""
    catalog = owned(ledger=("shop", "arn:aws:s3:::ledger"))
    pay = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "pay"},
        "spec": {"type": "service", "owner": "a", "system": "billing", "dependsOn": ["resource:default/ledger"]},
    }
    learn(catalog, pay)
    bucket = [{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::ledger"}]
    call = event(1, "CreateBucket", eventSource="s3.amazonaws.com", resources=bucket)
    text = OVER_ALL.replace("activity", "change").replace("domain: 'system:billing', outcome: failure, ", "")
    given = events(work(rules(text), catalog), raw(call))
    changes = [(e["domain"], e.get("home", True)) for e in given if e["type"] == "change"]
    assert changes == [("system:shop", True), ("system:billing", False)]
    assert [e["domain"] for e in given if e["type"] == "finding"] == ["system:shop"]


def test_what_a_source_makes_nothing_of_has_no_finding_and_is_counted() -> None:
    """A match on an item that is malformed is no finding, since there is no event to be beside of."""
    ingest = work(rules(MADE))
    _, dead = ingest.read(raw({"Records": [event(1, eventTime=None), event(2, eventTime="yesterday")]}))
    assert len(dead) == 2
    assert ingest.take_detected() == ({}, {"no event": 2})


class Broken(RuleSet):
    """Rules that fail on every event."""

    def detect(self, document: object, source: object) -> Any:
        raise RuntimeError("a fault of ours")


class Stuck(InForce):
    """The rules of another, which fail."""

    def __init__(self, given: InForce) -> None:
        super().__init__()
        assert given.rules is not None
        self._rules = Broken(given.rules.rules)


def test_an_item_whose_detection_fails_keeps_its_events() -> None:
    """The same events as without rules, the same next item, and a counted fault for each."""
    ingest = work(Stuck(rules(MADE, OVER_ALL)))
    record = raw({"Records": [event(1), event(2)]})
    assert events(ingest, record) == events(work(InForce()), record)
    assert ingest.take_detected() == ({}, {"failed": 4})


def test_a_secret_is_redacted_before_rules_see_it() -> None:
    """What matched is shown in the unit, so it comes from the redacted document."""
    text = MADE.replace("eventName: CreateUser", "requestParameters.password|exists: true")
    text = text.replace("exists: true", "contains: '*'")
    secret = "hunter2-correct-horse"
    ingest = work(rules(text))
    given = events(ingest, raw(event(1, requestParameters={"password": secret})))
    assert found(given) == [ids(1, 1)]
    assert secret not in orjson.dumps(given).decode()


def test_without_rules_nothing_of_pysigma_is_looked_at() -> None:
    """No document is taken apart for detection: the rules are None."""
    ingest = work(InForce())
    assert ingest.rules.rules is None
    assert found(events(ingest, raw(event(1)))) == []
    assert ingest.take_detected() == ({}, {})
