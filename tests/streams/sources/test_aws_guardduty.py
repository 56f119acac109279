"""GuardDuty: what a finding is about, and when two records are one detection."""

from __future__ import annotations

import pytest

from streams.correlation.finding_identity import same
from streams.sources.asff import Asff
from streams.sources.aws_guardduty import GuardDuty, tactic_of
from streams.sources.base import Malformed
from tests.contract.samples.asff import finding as asff_finding
from tests.contract.samples.aws_guardduty import (
    ACCOUNT,
    BUCKET,
    INSTANCE,
    KEY,
    POD,
    REGION,
    SEQUENCE,
    event,
    pascal,
)
from tests.streams.sources.reading import events, findings

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deploy-42"


def test_a_session_is_named_as_cloudtrail_names_it() -> None:
    """Role, session and key link to the calls; the key stands for the session; the other side's address is there."""
    (found,) = findings(GuardDuty(), event(KEY))
    assert {
        ("principal", ROLE),
        ("session", SESSION),
        ("access_key", "ASIAEXAMPLEKEY000001"),
        ("ip", "203.0.113.77"),
        ("user_agent", "aws-cli"),
        ("account", "444455556666"),
        ("account", ACCOUNT),
    } == set(found.entities)
    assert found.identities == (("access_key", "ASIAEXAMPLEKEY000001", "session", SESSION),)
    assert (found.domain, found.rule) == (f"aws:{ACCOUNT}", "CredentialAccess:IAMUser/AnomalousBehavior")
    assert found.time.isoformat() == "2026-03-02T09:02:44+00:00"


def test_the_evidence_says_how_often_and_which_tactic() -> None:
    """Count, first time, tactic, kind of action and description are on one line."""
    (found,) = findings(GuardDuty(), KEY)
    assert found.evidence == (
        "seen 3 times since 2026-03-02T08:50:11.000Z; ATT&CK tactic Credential Access; AWS_API_CALL: What it is about."
    )


def test_an_instance_is_host_and_resource() -> None:
    """An instance brings its ARN, id, interface, groups and addresses, and says which id is which ARN."""
    (found,) = findings(GuardDuty(), INSTANCE)
    place = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    assert {
        ("resource", f"{place}:instance/i-0123456789abcdef0"),
        ("host", "i-0123456789abcdef0"),
        ("resource", f"{place}:network-interface/eni-0123456789abcdef0"),
        ("resource", f"{place}:security-group/sg-0123456789abcdef0"),
        ("ip", "198.51.100.7"),
        ("ip", "203.0.113.77"),
        ("ip", "2001:db8::12"),
    } <= set(found.entities)
    assert ("host", "i-0123456789abcdef0", "resource", f"{place}:instance/i-0123456789abcdef0") in found.identities
    assert found.status == "suppressed"


def test_a_workload_and_an_attack_sequence() -> None:
    """A pod's finding names workload, image, cluster and user; a sequence its actors, resources and endpoints."""
    pod, attack = findings(GuardDuty(), [POD, SEQUENCE])
    assert {
        ("workload", "pay/pay-debug"),
        ("namespace", "pay"),
        ("image", "ghcr.io/acme/shell:1.0"),
        ("principal", "system:serviceaccount:pay:builder"),
        ("resource", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod"),
        ("ip", "203.0.113.78"),
    } <= set(pod.entities)
    assert {
        ("principal", f"arn:aws:iam::{ACCOUNT}:user/ann"),
        ("access_key", "AKIAEXAMPLEKEY000002"),
        ("resource", "arn:aws:s3:::acme-exports"),
        ("ip", "203.0.113.77"),
    } <= set(attack.entities)


@pytest.mark.parametrize(
    ("score", "level"), [(0.5, 1), (1.0, 2), (3.9, 2), (4.0, 3), (6.9, 3), (7.0, 4), (9.0, 5), (11, 0)]
)
def test_severity_bands(score: float, level: int) -> None:
    """GuardDuty's bands decide; what is outside 0 to 10 is unknown."""
    (found,) = findings(GuardDuty(), {**KEY, "severity": score})
    assert found.severity == level


def test_updates_and_security_hub_are_one_detection() -> None:
    """An update has its own natural key and is the same detection, as is what Security Hub says of the finding."""
    first, update = findings(GuardDuty(), [KEY, {**KEY, "updatedAt": "2026-03-02T15:12:30Z"}])
    assert first.source_id != update.source_id
    assert same(first, update)
    hub = asff_finding(
        KEY["arn"], "GuardDuty", Types=["TTPs/Credential Access/CredentialAccess:IAMUser-AnomalousBehavior"]
    )
    assert same(findings(Asff(), hub)[0], first)


def test_the_spelling_of_the_cli_reads_the_same() -> None:
    """A finding of an SDK, its names in Pascal case, gives what the API's gives."""
    assert findings(GuardDuty(), {"Findings": [pascal(BUCKET)]}) == findings(GuardDuty(), BUCKET)
    (found,) = findings(GuardDuty(), BUCKET)
    assert {("host", "bad.example"), ("resource", "arn:aws:s3:::acme-exports")} <= set(found.entities)


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    """Without id, type or any time an item is refused, and the others are read."""
    damaged = [
        {**KEY, "id": ""},
        {**KEY, "type": None},
        {**KEY, "service": {}, "createdAt": 1, "updatedAt": "now"},
        KEY,
    ]
    *refused, good = events(GuardDuty(), damaged)
    assert [each.place for each in refused if isinstance(each, Malformed)] == ["[0].id", "[1].type", "[2].updatedAt"]
    assert good.type == "finding"


def test_only_purposes_that_are_tactics_count() -> None:
    """Threat purposes of GuardDuty's own, such as Recon and Backdoor, are no tactic."""
    assert tactic_of("DefenseEvasion:EC2/UnusualDNSResolver") == "Defense Evasion"
    assert tactic_of("Backdoor:EC2/C&CActivity.B") is None
