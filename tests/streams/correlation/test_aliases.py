"""Entity resolution case by case: whose session, whose key, which image, and what stays apart."""

from __future__ import annotations

import gzip
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.unit import Alias
from streams.correlation.aliases import DEPTH, Aliases, Conflict
from streams.correlation.statement import EPOCH_MS, MANUAL, SESSION_MS, Statement, named, of_context, said
from streams.correlation.table import Table
from streams.sources.aws_cloudtrail import CloudTrail

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
T0 = 300 * EPOCH_MS
HOUR = 3_600_000
ANN, BOB = ("principal", "arn:aws:iam::111122223333:user/ann"), ("principal", "arn:aws:iam::111122223333:user/bob")
ROLE = ("principal", "arn:aws:iam::111122223333:role/audit")
SESSION = ("session", "arn:aws:sts::111122223333:assumed-role/audit/s")
KEY, CHAINED = ("access_key", "ASIAEXAMPLEEXAMPLE11"), ("access_key", "ASIAEXAMPLEEXAMPLE22")
TAG = ("image", "acme/pay:1")
OLD, NEW = ("image", "acme/pay@sha256:aa"), ("image", "acme/pay@sha256:bb")

Entity = tuple[str, str]


def aliases(common: Aliases | None = None) -> Aliases:
    return Aliases(Table("aliases", []), common)


def saying(entity: Entity, of: Entity, at: int = 0, event: str = "e-1") -> Statement:
    """What an event says ``at`` ms after T0."""
    return said((*entity, *of), "aws.cloudtrail", event, T0 + at)


def by_hand(entity: Entity, of: Entity, rank: int = MANUAL) -> Statement:
    return Statement(*entity, *of, "catalog", "k", 0, rank=rank)


def test_a_leaked_key_that_assumed_three_roles_is_one_story() -> None:
    """Sessions and keys, chained ones too, lead to the user who began; the role leads nowhere."""
    known = aliases()
    known.learn(saying(KEY, ANN))
    known.learn(saying(SESSION, ANN))
    known.learn(saying(CHAINED, KEY, HOUR, "e-2"))
    assert [known.root(each, T0 + HOUR) for each in (KEY, SESSION, CHAINED, ROLE)] == [ANN, ANN, ANN, ROLE]
    assert known.resolved([(*CHAINED, T0 + HOUR), (*ROLE, T0), (*KEY, T0 + HOUR)]) == (
        Alias(
            kind="access_key", id=KEY[1], of_kind="principal", of_id=ANN[1],
            source="aws.cloudtrail", source_id="e-1",
        ),
        Alias(
            kind="access_key", id=CHAINED[1], of_kind="access_key", of_id=KEY[1],
            source="aws.cloudtrail", source_id="e-2",
        ),
    )  # fmt: skip


def test_credentials_hold_as_long_as_they_can_live() -> None:
    """Before they were issued, but for clocks that differ, and after 36 hours, they stand for themselves."""
    known = aliases()
    (changed,) = known.learn(saying(KEY, ANN))
    assert (changed.since, changed.until) == (T0 - 60_000, T0 + SESSION_MS)
    assert changed.roots == (KEY, ANN)
    for at, root in ((-60_001, KEY), (-60_000, ANN), (SESSION_MS, ANN), (SESSION_MS + 1, KEY)):
        assert known.root(KEY, T0 + at) == root
    assert known.root(KEY) == KEY


def test_a_session_name_that_two_use_at_one_time_is_nobody_s() -> None:
    """Two issuers of one session name part again: it is itself while both hold, and reported; keys are exact."""
    known = aliases()
    known.learn(saying(SESSION, ANN))
    known.learn(saying(KEY, ANN))
    assert [each[:2] for each in known.learn(saying(SESSION, BOB, 20 * HOUR, "e-2"))] == [SESSION]
    assert known.root(SESSION, T0 + HOUR) == ANN
    assert known.root(SESSION, T0 + 30 * HOUR) == SESSION
    assert known.root(SESSION, T0 + 50 * HOUR) == BOB
    assert known.root(KEY, T0 + 30 * HOUR) == ANN
    assert known.conflicts() == [Conflict(*SESSION, (ANN, BOB))]


def test_a_name_used_again_weeks_later_is_another_s() -> None:
    """What was said in one week does not reach over to what the same issuer says in another."""
    known = aliases()
    known.learn(saying(SESSION, ANN))
    known.learn(saying(SESSION, BOB, 3 * EPOCH_MS))
    known.learn(saying(SESSION, ANN, 6 * EPOCH_MS))
    assert [known.root(SESSION, T0 + weeks * EPOCH_MS) for weeks in (0, 3, 4, 6)] == [ANN, BOB, SESSION, ANN]
    assert known.conflicts() == []


def test_a_tag_is_the_image_it_was_last_said_to_be() -> None:
    """A moved tag follows; after a rollback it is the old image again; before the first statement it is itself."""
    known = aliases()
    for at, digest in ((0, OLD), (10 * HOUR, NEW), (20 * HOUR, OLD)):
        known.learn(saying(TAG, digest, at))
    roots = [known.root(TAG, T0 + at * HOUR) for at in (-1, 5, 10, 20, 40)]
    assert roots == [TAG, OLD, NEW, OLD, OLD]
    assert known.conflicts() == []
    assert known.root(TAG, T0 + 31 * 24 * HOUR) == TAG


def test_people_go_before_the_catalog_and_that_before_events() -> None:
    """A login's address by the catalog, or by hand, overrides what an event says; withdrawn, the event counts again."""
    login, mail, person = ("principal", "github:ann"), ("principal", "ann@x.example"), ("principal", "user:default/ann")
    common = aliases()
    known = aliases(common)
    known.learn(saying(login, mail))
    assert known.root(login, T0) == mail
    (record,) = of_context("user:default/ann", {"entity": person, "aliases": [login]})
    assert {each[:2] for each in known.affected(common.learn(record))} == {login}
    assert known.root(login, T0) == person
    known.learn(by_hand(login, BOB))
    assert known.root(login, T0) == BOB
    known.withdraw(login, "k")
    known.affected(common.withdraw(login, "user:default/ann"))
    assert known.root(login, T0) == mail


def test_a_reviewer_s_unlink_stays() -> None:
    """Revoked is revoked in this domain, also against the catalog; another statement later is a new one."""
    common = aliases()
    known = aliases(common)
    known.learn(saying(KEY, ANN))
    common.learn(by_hand(KEY, BOB))
    entity = named(":".join(KEY))
    assert entity == KEY
    (changed,) = known.revoke(KEY, "review-1", T0)
    assert set(changed.roots) == {KEY, ANN, BOB}
    assert known.learn(saying(KEY, ANN, HOUR, "e-2")) == []
    assert known.root(KEY, T0) == KEY
    assert aliases(common).root(KEY, T0) == BOB
    assert known.revoked(KEY) == ((*ANN, "review-1", T0), (*BOB, "review-1", T0))
    assert known.revoke(KEY, "review-2", T0) == known.revoke(ROLE, "review-2", T0) == []
    known.learn(saying(KEY, ROLE))
    assert known.root(KEY, T0) == ROLE


def test_circles_and_long_chains_end() -> None:
    """Of a circle the smallest is the root of all; a chain is followed only so far; nothing is its own alias."""
    known = aliases()
    ring = [("principal", name) for name in "abc"]
    for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        known.learn(saying(one, other))
    known.learn(saying(KEY, ring[1]))
    assert {known.root(each, T0) for each in (*ring, KEY)} == {ring[0]}
    line = [("principal", f"p{number:02}") for number in range(DEPTH + 3)]
    for one, other in pairwise(line):
        known.learn(saying(one, other))
    assert known.root(line[0], T0) == line[DEPTH]
    assert len(known.chain(line[0], T0)) == DEPTH
    assert known.learn(saying(ANN, ANN)) == []


def test_saying_the_same_again_and_again_writes_nothing() -> None:
    """A function says in each call what it is: after a few times no row changes until the next day."""
    known = aliases()
    thing = ("resource", "arn:aws:lambda:eu-west-1:111122223333:function:render")
    for number in range(20):
        known.learn(saying(SESSION, thing, number))
    known.table.drain()
    assert known.learn(saying(SESSION, thing, 21)) == known.table.drain() == []
    assert known.chain(SESSION, T0)[0].fact.source_id == "e-1"


def recording(name: str) -> list[dict[str, Any]]:
    """The records of a recording."""
    path = SHARED / name
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [orjson.loads(line) for line in raw.splitlines()] if ".ndjson" in name else list(orjson.loads(raw))


def instant(record: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(record["eventTime"]).timestamp() * 1000)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared beside the repository")
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("cloudtrail-invictus/events.ndjson.gz", 8),
        ("cloudtrail-stratus/aws.credential-access.ec2-get-password-data.json.gz", 2),
        ("cloudtrail-stratus/aws.execution.ec2-launch-unusual-instances.json", 2),
        ("cloudtrail-stratus/aws.persistence.iam-create-admin-user.json", 0),
    ],
)
def test_every_real_chain_resolves_and_has_its_evidence(name: str, count: int) -> None:
    """Each key and session of a real AssumeRole by a user leads to that user, by that very call; nothing to a role."""
    known = aliases()
    records = recording(name)
    drafts = [draft for record in records for _, draft in CloudTrail().read(record, {}) if isinstance(draft, dict)]
    stated = {draft["source_id"]: draft.get("identities", []) for draft in drafts}
    for record in records:
        for each in stated[record["eventID"]]:
            known.learn(said(each, "aws.cloudtrail", record["eventID"], instant(record)))
    issued = set()
    for record in records:
        caller, answer = record["userIdentity"], record.get("responseElements") or {}
        if record["eventName"] == "AssumeRole" and caller.get("type") == "IAMUser" and "credentials" in answer:
            key = ("access_key", answer["credentials"]["accessKeyId"])
            session = ("session", answer["assumedRoleUser"]["arn"])
            issued.add(key)
            for entity in (key, session):
                assert known.root(entity, instant(record) + HOUR) == ("principal", caller["arn"])
            assert known.chain(key, instant(record))[0].fact.source_id == record["eventID"]
    assert len(issued) == count
    for draft in drafts:
        at = int(datetime.fromisoformat(draft["time"]).timestamp() * 1000)
        for entity in draft["entities"]:
            assert entity[0] == "principal" or ":role/" not in known.root(entity, at)[1]
            for step in known.chain(entity, at):
                assert (step.kind, step.id, *step.fact.of) in stated[step.fact.source_id]
    assert known.conflicts() == []
