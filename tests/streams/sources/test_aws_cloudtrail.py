"""CloudTrail: who, what and when of a record, which calls are changes, and everything else refused with its place."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.aws_changes import change_of
from streams.sources.aws_cloudtrail import CloudTrail, agent_family
from streams.sources.aws_names import canonical, entity_of
from streams.sources.aws_resources import MAX_ENTITIES
from streams.sources.base import Ignored, Malformed
from streams.sources.parse import inflate, parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/aws_cloudtrail.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
record, ACCOUNT = samples.record, samples.ACCOUNT
SOURCE = CloudTrail()
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"


def read(document):
    return [content for _, content in SOURCE.read(document, {})]


def activity(**fields):
    return read(record(**fields))[0]


def named(draft, kind):
    return [name for found, name in draft["entities"] if found == kind]


def test_a_read_call_is_one_activity():
    """A read-only call gives an activity with its natural key, time, domain, action and outcome, and no change."""
    (draft,) = read(record())
    assert draft == {
        "type": "activity",
        "source_id": "3038ebd2-c98a-4c65-9b6e-e22506292001",
        "time": "2026-03-02T09:14:07Z",
        "domain": f"aws:{ACCOUNT}",
        "title": "deployer/deploy-42 called s3:GetBucketPolicy",
        "action": "s3:GetBucketPolicy",
        "actor": ROLE,
        "outcome": "success",
        "read_only": True,
        "entities": [
            ("principal", ROLE),
            ("session", f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deploy-42"),
            ("access_key", "ASIAEXAMPLEEXAMPLE11"),
            ("ip", "198.51.100.23"),
            ("account", ACCOUNT),
            ("user_agent", "aws-cli"),
            ("resource", "arn:aws:s3:::acme-invoices"),
        ],
    }


def test_a_change_shares_key_and_item_with_its_activity():
    """A successful mutating call gives an activity and a change, of one item and one source_id."""
    _, (first, done), (second, change) = SOURCE.read({"Records": [record(), samples.DEPLOY]}, {})
    assert first == second == 1
    assert (done["type"], change["type"]) == ("activity", "change")
    assert done["source_id"] == change["source_id"]
    assert (change["kind"], change["status"], change["revision"]) == (
        "deploy", "succeeded", samples.DEPLOY["responseElements"]["codeSha256"],
    )  # fmt: skip
    assert f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:invoices-render" in named(change, "resource")


@pytest.mark.parametrize("error", [{"errorCode": "AccessDenied"}, {"errorMessage": "no"}, {"errorCode": {"odd": 1}}])
def test_a_failed_call_changes_nothing(error):
    """A failed mutating call is an activity with its error, and never a change."""
    (draft,) = read(samples.ATTACH | error)
    assert draft["outcome"] == "failure"
    assert draft["severity"] == 1
    assert draft["error"] in draft["title"]


def test_read_only_true_is_never_a_change():
    """What CloudTrail calls read-only is no change, whatever its name."""
    assert len(read(samples.ATTACH | {"readOnly": True})) == 1
    assert len(read(samples.ATTACH | {"readOnly": False})) == 2
    assert len(read({k: v for k, v in samples.ATTACH.items() if k != "readOnly"})) == 2


@pytest.mark.parametrize(("answer", "outcome"), [("Failure", "failure"), ("Success", "success")])
def test_console_login_tells_its_outcome_in_the_response(answer, outcome):
    """A sign-in without errorCode has the outcome of its response."""
    fields = samples.LOGIN | {"responseElements": {"ConsoleLogin": answer}}
    fields.pop("errorMessage")
    (draft,) = read(fields)
    assert draft["outcome"] == outcome
    assert draft["actor"] == f"arn:aws:iam::{ACCOUNT}:root"


@pytest.mark.parametrize(
    ("identity", "actor", "label"),
    [
        (samples.iam_user("dana"), f"arn:aws:iam::{ACCOUNT}:user/dana", "dana"),
        ({"type": "IAMUser", "accountId": ACCOUNT, "userName": "eve"}, f"arn:aws:iam::{ACCOUNT}:user/eve", "eve"),
        ({"type": "IAMUser", "accountId": ACCOUNT, "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}, None, "someone"),
        ({"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/x@acme.example"}, ROLE,
         "deployer/x@acme.example"),
        ({"type": "AssumedRole", "arn": f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/r/s", "sessionContext": []},
         f"arn:aws-cn:iam::{ACCOUNT}:role/r", "r/s"),
        ({"type": "Root", "accountId": ACCOUNT}, f"arn:aws:iam::{ACCOUNT}:root", "root"),
        ({"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}, "ec2.amazonaws.com", "ec2.amazonaws.com"),
        ({"accountId": ACCOUNT, "invokedBy": "AWS Internal"}, None, "someone"),
        ({"type": "AWSAccount", "principalId": "AROAX:session", "accountId": "999988887777"}, "AROAX", "AROAX"),
        ({"type": "WebIdentityUser", "principalId": "accounts.example:app:1", "userName": "1"},
         "accounts.example:app:1", "1"),
        ({"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/kim",
          "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:user/it/broker"}}},
         f"arn:aws:iam::{ACCOUNT}:user/broker", "kim"),
        ({}, None, "someone"),
        ("text", None, "someone"),
    ],
)  # fmt: skip
def test_the_actor_is_the_principal_behind_the_session(identity, actor, label):
    """Sessions count as their role or user, with the path left out; without a known principal there is no actor."""
    draft = activity(userIdentity=identity)
    assert draft["actor"] == actor
    assert draft["title"].startswith(f"{label} called")
    assert actor is None or actor in named(draft, "principal")


def test_issuer_and_session_name_one_role():
    """The role derived from a session's ARN equals the issuer's, though only that one has a path."""
    with_issuer = activity()["actor"]
    identity = record()["userIdentity"] | {"sessionContext": None}
    assert activity(userIdentity=identity)["actor"] == with_issuer == ROLE


def test_callers_do_not_leak_into_each_other():
    """What one record names is not found in the next record of the same caller."""
    first = activity(requestParameters={"bucketName": "first"}, resources=...)
    second = activity(requestParameters=None, resources=...)
    assert "arn:aws:s3:::first" in named(first, "resource")
    assert named(second, "resource") == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [("198.51.100.23", ["198.51.100.23"]), ("075.050.255.67", ["75.50.255.67"]), ("2001:DB8::1", ["2001:db8::1"]),
     ("AWS Internal", []), ("cloudtrail.amazonaws.com", []), (None, []), ({"a": 1}, [])],
)  # fmt: skip
def test_only_addresses_are_addresses(address, expected):
    """A service name in sourceIPAddress is no address; a real one is canonical."""
    assert named(activity(sourceIPAddress=address), "ip") == expected


@pytest.mark.parametrize(
    ("source", "name", "parameters", "expected"),
    [
        ("s3", "PutBucketAcl", {"bucketName": "b"}, ("resource", "arn:aws:s3:::b")),
        ("iam", "DeleteRole", {"roleName": "x"}, ("principal", f"arn:aws:iam::{ACCOUNT}:role/x")),
        ("iam", "AttachRolePolicy", {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/p"},
         ("resource", f"arn:aws:iam::{ACCOUNT}:policy/p")),
        ("lambda", "Invoke", {"functionName": f"{ACCOUNT}:function:f:live"},
         ("resource", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:f")),
        ("secretsmanager", "GetSecretValue", {"secretId": "db/main"},
         ("resource", f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:db/main")),
        ("secretsmanager", "GetSecretValue",
         {"secretId": f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:db/main-Ab1cD2"},
         ("resource", f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:db/main")),
        ("kms", "Decrypt", {"keyId": "alias/app"}, ("resource", f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/app")),
        ("kms", "DisableKey", {"keyId": "0a1b"}, ("resource", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0a1b")),
        ("ssm", "PutParameter", {"name": "/app/db"},
         ("resource", f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/app/db")),
        ("ssm", "GetParameters", {"names": ["a", "/b"]},
         ("resource", f"arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/b")),
        ("ssm", "StartSession", {"target": "i-0123456789abcdef0"},
         ("resource", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0")),
        ("ec2", "TerminateInstances", {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}},
         ("resource", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0")),
        ("ec2", "ModifySnapshotAttribute", {"snapshotId": "snap-0123456789abcdef0"},
         ("resource", "arn:aws:ec2:eu-central-1::snapshot/snap-0123456789abcdef0")),
        ("ec2", "AuthorizeSecurityGroupIngress",
         {"groupId": "sg-0123456789abcdef0", "ipPermissions": {"items": [{"ipRanges": {"items": [
             {"cidrIp": "203.0.113.9/32"}]}}]}}, ("ip", "203.0.113.9")),
        ("cloudtrail", "StopLogging", {"name": "audit"},
         ("resource", f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/audit")),
        ("sqs", "DeleteQueue", {"queueUrl": f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/jobs"},
         ("resource", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:jobs")),
        ("newservice", "MakeThing", {"thingArn": f"arn:aws:newservice:eu-central-1:{ACCOUNT}:thing/1"},
         ("resource", f"arn:aws:newservice:eu-central-1:{ACCOUNT}:thing/1")),
        ("iam", "UpdateAccessKey", {"accessKeyId": "AKIAEXAMPLEEXAMPLE99"}, ("access_key", "AKIAEXAMPLEEXAMPLE99")),
    ],
)  # fmt: skip
def test_parameters_name_resources(source, name, parameters, expected):
    """What a call is about is named by its canonical ARN, whichever way the request said it."""
    draft = activity(eventSource=f"{source}.amazonaws.com", eventName=name, requestParameters=parameters, resources=...)
    assert expected in draft["entities"]


def test_new_credentials_are_linked_to_who_made_them():
    """The key and the session that AssumeRole hands out are entities of the call, as is the role."""
    (draft,) = read(samples.ASSUME)
    assert "ASIAEXAMPLEEXAMPLE66" in named(draft, "access_key")
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/nightly" in named(draft, "session")
    assert named(draft, "principal") == ["AROAEXAMPLEEXAMPLE999", f"arn:aws:iam::{ACCOUNT}:role/audit"]


def test_entities_are_bounded():
    """A call with a thousand instances names at most MAX_ENTITIES, the caller's own first."""
    items = [{"instanceId": f"i-{number:017x}"} for number in range(1000)]
    draft = activity(requestParameters={"instancesSet": {"items": items}})
    assert len(draft["entities"]) == MAX_ENTITIES
    assert draft["entities"][0] == ("principal", ROLE)


def test_nested_parameters_do_not_exhaust_the_stack():
    """Parameters nested as deep as parsing allows are walked."""
    deep = "i-0123456789abcdef0"
    for number in range(250):
        deep = [deep] if number % 2 else {"a": deep}
    assert f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0" in named(
        activity(requestParameters={"x": deep}), "resource"
    )


@pytest.mark.parametrize(
    ("service", "name", "expected"),
    [
        ("iam", "AttachRolePolicy", ("access", "succeeded")),
        ("iam", "CreateAccessKey", ("access", "succeeded")),
        ("s3", "PutBucketPolicy", ("access", "succeeded")),
        ("lambda", "AddPermission20150331v2", ("access", "succeeded")),
        ("lambda", "UpdateFunctionCode20150331v2", ("deploy", "succeeded")),
        ("lambda", "UpdateFunctionConfiguration20150331v2", ("configuration", "succeeded")),
        ("ecs", "UpdateService", ("deploy", "started")),
        ("codedeploy", "CreateDeployment", ("deploy", "started")),
        ("ecr", "PutImage", ("code", "succeeded")),
        ("secretsmanager", "RotateSecret", ("secret_rotation", "succeeded")),
        ("kms", "RotateKey", ("secret_rotation", "succeeded")),
        ("ssm", "PutParameter", ("configuration", "succeeded")),
        ("ec2", "RunInstances", ("infrastructure", "succeeded")),
        ("ec2", "StopInstances", ("infrastructure", "succeeded")),
        ("ec2", "AuthorizeSecurityGroupIngress", ("infrastructure", "succeeded")),
        ("cloudtrail", "DeleteTrail", ("infrastructure", "succeeded")),
        ("cloudfront", "UpdateDistribution2020_05_31", ("infrastructure", "succeeded")),
        ("cloudformation", "RollbackStack", ("rollback", "started")),
        *((service, name, None) for service, name in [
            ("kms", "Decrypt"), ("kms", "GenerateDataKey"), ("sts", "AssumeRole"), ("s3", "PutObject"),
            ("sqs", "SendMessage"), ("sqs", "DeleteMessage"), ("ssm", "UpdateInstanceInformation"),
            ("ssm", "SendCommand"), ("dynamodb", "PutItem"), ("logs", "CreateLogStream"),
            ("monitoring", "PutMetricData"), ("secretsmanager", "StartSecretVersionDelete"),
            ("athena", "StartQueryExecution"), ("ec2", "CreateTags"), ("signin", "ConsoleLogin"), ("iam", "GetRole"),
            ("ec2", "DescribeInstances"), ("x", "Settle"), ("x", "Putting"),
        ]),
    ],
)  # fmt: skip
def test_which_calls_are_changes(service, name, expected):
    """Calls that alter configuration are changes of the stated kind; calls that move data or report are not."""
    assert change_of(service, name) == expected


def test_eventbridge_places_and_account():
    """A record in an EventBridge event takes the envelope's account where its own is missing, and has its place."""
    envelope = {"detail-type": "AWS API Call via CloudTrail", "account": "444455556666", "detail": samples.ATTACH}
    detail = record(recipientAccountId=..., userIdentity={"type": "AWSService", "invokedBy": "x.amazonaws.com"})
    assert read(envelope | {"detail": detail})[0]["domain"] == "aws:444455556666"
    assert read(envelope | {"detail": record(eventID=None)}) == [
        Malformed("detail.eventID", "not a text of 1 to 512 characters")
    ]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"eventID": ...}, "eventID"),
        ({"eventID": 7}, "eventID"),
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": 1772442847}, "eventTime"),
        ({"eventSource": ""}, "eventSource"),
        ({"eventName": ["x"]}, "eventName"),
        ({"eventName": "x" * 129}, "eventName"),
        ({"eventVersion": "2.0"}, "eventVersion"),
        ({"eventVersion": 1.08}, "eventVersion"),
    ],
)
def test_a_record_is_refused_with_its_place(fields, place):
    """A record without a usable key, time or name is malformed at that field, and its neighbours are read."""
    bad = record(**fields)
    (only,) = read(bad)
    assert isinstance(only, Malformed)
    assert only.place == place
    first, second, third = read({"Records": [record(1), bad, record(2)]})
    assert (first["type"], second.place, third["type"]) == ("activity", f"Records[1].{place}", "activity")
    assert [item for item, _ in SOURCE.read([bad, 5], {})] == [0, 1]
    assert read([bad, 5])[1] == Malformed("[1]", "not an object")


def test_insights_are_ignored():
    """A CloudTrail Insights event is counted as uninteresting, not refused."""
    assert read(samples.INSIGHT) == [Ignored("CloudTrail Insights event")]


@pytest.mark.parametrize(
    "document",
    [
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-03-02T09:00:00Z"}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {}}]},
        {"Records": [{"eventSource": "aws:kinesis", "eventID": "shardId-0:1", "eventName": "aws:kinesis:record"}]},
        {"detail-type": "GuardDuty Finding", "detail": {}},
        {"Records": [], "other": 1},
        [],
        {},
        "text",
    ],
)
def test_other_records_are_not_claimed(document):
    """Notifications of S3, SNS and Kinesis have Records too, EventBridge carries other things: not CloudTrail's."""
    assert not SOURCE.recognise(document, {})


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (
            "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/eu/Admin_0a",
            ("principal", "arn:aws:iam::1:role/Admin_0a"),
        ),
        ("arn:aws:sts::1:assumed-role/r/s", ("session", "arn:aws:sts::1:assumed-role/r/s")),
        ("arn:aws:logs:eu:1:log-group:/a:*", ("resource", "arn:aws:logs:eu:1:log-group:/a")),
        ("arn:aws:secretsmanager:eu:1:secret:db-secret", ("resource", "arn:aws:secretsmanager:eu:1:secret:db-secret")),
        ("arn:aws:cloudformation:eu:1:stack/s/0a1b", ("resource", "arn:aws:cloudformation:eu:1:stack/s")),
        ("arn:aws:s3:::b/*", None),
        ("arn:aws:s3", None),
        ("arn:aws:s3:::" + "k" * 600, None),
    ],
)
def test_one_thing_has_one_arn(arn, expected):
    """ARNs lose what differs between records about one thing, once and for all; what is no single thing is None."""
    assert entity_of(arn) == expected
    assert canonical(canonical(arn)) == canonical(arn)


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.0 terraform-provider-aws/5.1", "terraform"),
        ("[aws-cli/2.22.0 Python/3.12]", "aws-cli"),
        ("Boto3/1.35", "boto3"),
        ("signin.amazonaws.com", "signin.amazonaws.com"),
        ("tool_1a2b3c", "tool"),
        ("123", ""),
    ],
)
def test_agent_families(agent, family):
    """A user agent is its client, without versions and random suffixes."""
    assert agent_family(agent) == family


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_real_stream_is_read_whole():
    """Every record of a real account's stream is an activity; what set up infrastructure, tags aside, is a change."""
    folder = SHARED / "cloudtrail-invictus"
    documents = [parse(line) for line in inflate((folder / "events.ndjson.gz").read_bytes()).splitlines()]
    rows = inflate((folder / "labels.csv.gz").read_bytes()).decode().splitlines()
    intended = {row.split(",")[0] for row in rows if row.endswith(",1")}
    counts, changed, failed, tagging = Counter(), set(), set(), set()
    for document in documents:
        for content in read(document):
            counts[type(content).__name__ if isinstance(content, tuple) else content["type"]] += 1
            if content["type"] == "change":
                changed.add(content["source_id"])
            elif content["outcome"] == "failure":
                failed.add(content["source_id"])
            elif "Tag" in content["action"]:
                tagging.add(content["source_id"])
    assert counts == {"activity": len(documents), "change": len(changed)}
    assert intended - failed - tagging <= changed
    assert len(changed - intended) <= 5  # the attacks' own changes


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_real_attack_files_are_read_whole():
    """Arrays of anonymised records, with leading zeros in their addresses, are recognised and read without refusal."""
    counts = Counter()
    for path in sorted((SHARED / "cloudtrail-stratus").glob("aws.*")):
        document = parse(path.read_bytes())
        assert SOURCE.recognise(document, {})
        counts.update("refused" if isinstance(c, tuple) else c["type"] for c in read(document))
    assert counts["activity"] == 142
    assert counts["change"] >= 10
    assert counts["refused"] == 0
