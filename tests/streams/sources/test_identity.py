"""Who stands for whom, as events say it: for each format what is stated, and what must never be."""

import copy
import importlib.util
from pathlib import Path

import pytest

from streams.sources.aws_cloudtrail import CloudTrail
from streams.sources.aws_names import entity_of
from streams.sources.cdevents import CDEvents
from streams.sources.fields import email, host
from streams.sources.github_webhook import GitHubWebhook
from streams.sources.grype import Grype
from streams.sources.identity import commit_of, cve_of
from streams.sources.kubernetes_names import workload_of_pod
from streams.sources.ocsf import Ocsf
from streams.sources.trivy import Trivy

REPO = Path(__file__).resolve().parents[3]


def samples(name):
    spec = importlib.util.spec_from_file_location("samples", REPO / f"tests/contract/samples/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLOUDTRAIL, GITHUB = samples("aws_cloudtrail"), samples("github_webhook")
ACCOUNT = CLOUDTRAIL.ACCOUNT
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/audit/ann-1"
KEY = "ASIAEXAMPLEEXAMPLE77"
ROLE_ID = "AROAEXAMPLEEXAMPLE123"
ANSWER = {
    "credentials": {"accessKeyId": KEY, "sessionToken": "…", "expiration": "Mar 2, 2026, 10:14:07 AM"},
    "assumedRoleUser": {"assumedRoleId": f"{ROLE_ID}:ann-1", "arn": SESSION},
}
UNIQUE = ("session", f"{ROLE_ID}:ann-1", "session", SESSION)


def stated(source, document, headers=None):
    """All statements of a document, once for each draft that carries them."""
    drafts = [content for _, content in source.read(document, headers or {}) if isinstance(content, dict)]
    return [each for draft in drafts[:1] for each in draft.get("identities", [])]


def call(source, name, identity, answer=None, **more):
    record = CLOUDTRAIL.record(
        eventSource=f"{source}.amazonaws.com",
        eventName=name,
        userIdentity=identity,
        requestParameters=more.pop("asked", {}),
        responseElements=answer,
        readOnly=False,
        **more,
    )
    return stated(CloudTrail(), record)


BY_USER = {"type": "IAMUser", "arn": USER, "principalId": "AIDAEXAMPLEEXAMPLE1", "accessKeyId": "AKIAEXAMPLEEXAMPLE11",
           "accountId": ACCOUNT, "userName": "ann"}  # fmt: skip
BY_SESSION = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build-7", "accountId": ACCOUNT,
              "accessKeyId": "ASIAEXAMPLEEXAMPLE11", "principalId": "AROAEXAMPLEEXAMPLE999:build-7"}  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "issuer"),
    [
        (BY_USER, ("principal", USER)),
        (BY_USER | {"arn": f"arn:aws:iam::{ACCOUNT}:user/staff/ann"}, ("principal", USER)),
        (BY_SESSION, ("access_key", "ASIAEXAMPLEEXAMPLE11")),
        (BY_SESSION | {"accessKeyId": ""}, ("session", BY_SESSION["arn"])),
        ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accessKeyId": "AKIAEXAMPLEEXAMPLE22"},
         ("access_key", "AKIAEXAMPLEEXAMPLE22")),
        ({"type": "AWSAccount", "principalId": "AIDAEXAMPLEEXAMPLE5", "accountId": "444455556666"},
         ("principal", "AIDAEXAMPLEEXAMPLE5")),
        ({"type": "AWSAccount", "principalId": "AROAEXAMPLEEXAMPLE5:job", "accountId": "444455556666"},
         ("session", "AROAEXAMPLEEXAMPLE5:job")),
        ({"type": "WebIdentityUser", "principalId": f"arn:aws:iam::{ACCOUNT}:oidc-provider/x:sts:repo:acme/pay:ref:m",
          "userName": "repo:acme/pay:ref:m"},
         ("principal", f"arn:aws:iam::{ACCOUNT}:oidc-provider/x:sts:repo:acme/pay:ref:m")),
        ({"type": "SAMLUser", "principalId": "q=:ann", "userName": "ann"}, ("principal", "q=:ann")),
    ],
    ids=["user", "user with a path", "chained by key", "chained by name", "root by its key", "user of another account",
         "session of another account", "web identity", "saml"],
)  # fmt: skip
def test_credentials_stand_for_whoever_asked_for_them(identity, issuer):
    """The new key and the new session stand for the asking user, subject or key; its unique id for the session."""
    said = call("sts", "AssumeRole", identity, ANSWER)
    assert {("access_key", KEY, *issuer), ("session", SESSION, *issuer), UNIQUE} <= set(said)
    assert not [each for each in said if ":role/" in each[3]]


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        {"accountId": ACCOUNT, "invokedBy": "lambda.amazonaws.com"},
        {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        {},
        "odd",
        {"arn": ["odd"], "type": {}, "principalId": 7},
    ],
)
def test_a_service_and_the_root_user_are_nobody_s_story(identity):
    """A role that a service assumes, as thousands do, is not tied to the service; nor to the account's root."""
    assert call("sts", "AssumeRole", identity, ANSWER) == [UNIQUE]


def test_refused_and_unanswered_calls_state_nothing():
    """Without success there are no credentials; malformed answers are no statements."""
    assert call("sts", "AssumeRole", BY_USER, ANSWER, errorCode="AccessDenied") == []
    for answer in (None, {"credentials": "x"}, {"credentials": {"accessKeyId": "no"}, "assumedRoleUser": {"arn": 7}}):
        said = call("sts", "AssumeRole", BY_USER, answer)
        assert said == [("principal", "AIDAEXAMPLEEXAMPLE1", "principal", USER)]


def test_other_credentials():
    """A session token's key is the user's, a federated user's session and key too; a made key is whom it is for."""
    token = call("sts", "GetSessionToken", BY_USER, {"credentials": ANSWER["credentials"]})
    assert ("access_key", KEY, "principal", USER) in token
    federated = f"arn:aws:sts::{ACCOUNT}:federated-user/bob"
    answer = {"credentials": ANSWER["credentials"], "federatedUser": {"arn": federated, "federatedUserId": "x:bob"}}
    assert ("session", federated, "principal", USER) in call("sts", "GetFederationToken", BY_USER, answer)
    made = {"accessKey": {"accessKeyId": "AKIAEXAMPLEEXAMPLE99", "userName": "eve", "status": "Active"}}
    assert call("iam", "CreateAccessKey", BY_USER, made, awsRegion="cn-north-1") == [
        ("access_key", "AKIAEXAMPLEEXAMPLE99", "principal", f"arn:aws-cn:iam::{ACCOUNT}:user/eve")
    ]


def test_a_saml_subject_with_an_address_stands_for_the_address():
    """So one person's federated sessions come together with what the same address does elsewhere."""
    identity = {"type": "SAMLUser", "principalId": "q=:Ann@Example.COM", "userName": "Ann@Example.COM"}
    said = call("sts", "AssumeRoleWithSAML", identity, ANSWER)
    assert ("principal", "q=:Ann@Example.COM", "principal", "Ann@example.com") in said


def test_unique_ids_switches_aliases_pushes_and_launches():
    """What other calls say: a unique id's name, a console's switch of role, a key's alias, a tag's digest, an ARN."""
    user = {"user": {"userId": "AIDAEXAMPLEEXAMPLE7", "arn": f"arn:aws:iam::{ACCOUNT}:user/x/eve"}}
    assert call("iam", "CreateUser", BY_USER, user) == [
        ("principal", "AIDAEXAMPLEEXAMPLE7", "principal", f"arn:aws:iam::{ACCOUNT}:user/eve")
    ]
    switched = {"type": "AssumedRole", "arn": SESSION, "accountId": ACCOUNT}
    more = {"additionalEventData": {"SwitchFrom": USER, "RedirectTo": "https://example.com"}}
    assert call("signin", "SwitchRole", switched, {"SwitchRole": "Success"}, **more) == [
        ("session", SESSION, "principal", USER)
    ]
    asked = {"aliasName": "alias/pay", "targetKeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"}
    place = f"arn:aws:kms:eu-central-1:{ACCOUNT}"
    assert call("kms", "UpdateAlias", BY_USER, None, asked=asked, awsRegion="eu-central-1") == [
        ("resource", f"{place}:alias/pay", "resource", f"{place}:key/{asked['targetKeyId']}")
    ]
    digest = "sha256:" + "0" * 64
    image = {"registryId": ACCOUNT, "repositoryName": "pay", "imageId": {"imageTag": "1.4", "imageDigest": digest}}
    home = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/pay"
    assert call("ecr", "PutImage", BY_USER, {"image": image}, awsRegion="eu-central-1") == [
        ("image", f"{home}:1.4", "image", f"{home}@{digest}")
    ]
    launched = {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}, {"instanceId": "odd"}, 7]}}
    assert call("ec2", "RunInstances", BY_USER, launched, awsRegion="eu-central-1") == [
        ("host", "i-0123456789abcdef0", "resource",
         f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("render", {"inScopeOf": {"issuerType": "AWS::Lambda::Function",
                                  "credentialsIssuedTo": f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:render"}},
         [("session", "resource", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:render")]),
        ("i-0123456789abcdef0", {"sessionContext": {"ec2RoleDelivery": "2.0"}},
         [("session", "host", "i-0123456789abcdef0")]),
        ("i-0123456789abcdef0", {"inScopeOf": {"issuerType": "AWS::EC2::Instance", "credentialsIssuedTo":
            f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0"}},
         [("session", "host", "i-0123456789abcdef0"),
          ("host", "resource", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:instance/i-0123456789abcdef0")]),
        ("i-0123456789abcdef0", {}, []),
        ("build-7", {"sessionContext": {"ec2RoleDelivery": "2.0"}}, []),
        ("build-7", {"inScopeOf": {"issuerType": "x", "credentialsIssuedTo": ["odd"]}}, []),
    ],
    ids=["function", "instance by delivery", "instance by scope", "only a name", "only a delivery", "odd"],
)  # fmt: skip
def test_every_call_of_a_machine_says_which_machine(name, more, expected):
    """A session issued to a function or instance stands for it; its name alone, which anybody sets, says nothing."""
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/web/{name}", "accountId": ACCOUNT,
                "sessionContext": {"sessionIssuer": {"arn": f"arn:aws:iam::{ACCOUNT}:role/web"}}}  # fmt: skip
    identity["sessionContext"] |= more.get("sessionContext", {})
    identity |= {key: value for key, value in more.items() if key != "sessionContext"}
    said = call("s3", "GetBucketPolicy", identity)
    assert [(each[0], *each[2:]) for each in said] == expected


def test_a_change_says_what_its_activity_says():
    """Activity and change of one record may go to two domains, so both carry the statements, in lists of their own."""
    made = {"accessKey": {"accessKeyId": "AKIAEXAMPLEEXAMPLE99", "userName": "eve"}}
    record = CLOUDTRAIL.record(
        eventSource="iam.amazonaws.com", eventName="CreateAccessKey", userIdentity=BY_USER, responseElements=made,
        requestParameters={"userName": "eve"}, readOnly=False,
    )  # fmt: skip
    (_, activity), (_, change) = CloudTrail().read(record, {})
    assert activity["identities"] == change["identities"] != []
    assert activity["identities"] is not change["identities"]


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:sts::111122223333:assumed-role/audit", ("principal", "arn:aws:iam::111122223333:role/audit")),
        ("arn:aws-cn:sts::111122223333:assumed-role/audit", ("principal", "arn:aws-cn:iam::111122223333:role/audit")),
        ("arn:aws:iam::111122223333:group/staff/admins", ("resource", "arn:aws:iam::111122223333:group/admins")),
        ("arn:aws:iam::1:instance-profile/a/b/web", ("resource", "arn:aws:iam::1:instance-profile/web")),
        ("arn:aws:iam::aws:policy/service-role/X", ("resource", "arn:aws:iam::aws:policy/service-role/X")),
        ("arn:aws:iam::111122223333:user/*", None),
    ],
)
def test_forms_of_arns(arn, expected):
    """One thing has one ARN; a pattern names nothing."""
    assert entity_of(arn) == expected


def test_a_principal_made_up_without_an_arn_has_the_partition_of_its_region():
    """In China and GovCloud a user or root without an ARN gets one of the right partition."""
    identity = {"type": "IAMUser", "accountId": ACCOUNT, "userName": "ann"}
    for region, partition in (("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")):
        record = CLOUDTRAIL.record(userIdentity=identity, awsRegion=region)
        ((_, activity),) = CloudTrail().read(record, {})
        assert activity["actor"] == f"arn:{partition}:iam::{ACCOUNT}:user/ann"


def test_github_states_addresses_tags_commits_and_advisories():
    """From the server's own fields: pusher, deployed reference, image of the payload; logins in lower case."""
    push = {"ref": "refs/heads/main", "after": GITHUB.SHA, "commits": [], "repository": GITHUB.repository(1772442060),
            "sender": {"login": "Octo-Dev"}, "pusher": {"name": "Octo-Dev", "email": "octo@Acme.example"}}  # fmt: skip
    headers = {"x-github-event": "push", "x-github-delivery": "d-1"}
    assert stated(GitHubWebhook(), push, headers) == [
        ("principal", "github:octo-dev", "principal", "octo@acme.example")
    ]
    ((_, change),) = GitHubWebhook().read(push, headers)
    assert change["actor"] == "github:octo-dev"
    push["pusher"]["email"] = "1+octo@users.noreply.github.com"
    assert stated(GitHubWebhook(), push, headers) == []
    digest = "sha256:" + "a" * 64
    deployment = GITHUB.DEPLOYMENT | {"ref": GITHUB.SHA[:9], "payload": {"image": f"ghcr.io/acme/invoices:1@{digest}"}}
    body = {"action": "created", "deployment": deployment, "repository": GITHUB.repository(), "sender": GITHUB.OCTO}
    assert stated(GitHubWebhook(), body, {"x-github-event": "deployment", "x-github-delivery": "d-2"}) == [
        ("commit", GITHUB.SHA[:9], "commit", GITHUB.SHA),
        ("image", "ghcr.io/acme/invoices:1", "image", f"ghcr.io/acme/invoices@{digest}"),
    ]


def test_a_cdevent_of_an_image_states_its_tag():
    """The package URL of an image names the digest as its version, and the tag as a qualifier."""
    purl = "pkg:oci/pay@sha256%3A" + "b" * 64 + "?repository_url=ghcr.io/acme/pay&tag=2.0"
    event = {
        "context": {"version": "0.4.1", "id": "1", "source": "/ci", "type": "dev.cdevents.artifact.published.0.2.0",
                    "timestamp": "2026-03-02T09:00:00Z"},
        "subject": {"id": purl, "type": "artifact", "content": {}},
    }  # fmt: skip
    assert stated(CDEvents(), event) == [
        ("image", "ghcr.io/acme/pay:2.0", "image", "ghcr.io/acme/pay@sha256:" + "b" * 64)
    ]


def test_an_alert_in_ocsf_states_what_its_objects_name():
    """Host, instance, address, ARN, pod, image, key and address of one object each; public addresses are nobody's."""
    digest = "sha256:" + "c" * 64
    event = {
        "class_uid": 2004, "time": 1772442060000, "metadata": {"uid": "a-1", "product": {"name": "X"}},
        "cloud": {"provider": "AWS", "region": "eu-west-1", "account": {"uid": ACCOUNT}},
        "device": {"hostname": "Web-1.Internal.", "instance_uid": "i-0123456789abcdef0", "ip": "10.0.0.5",
                   "container": {"image": {"name": "ghcr.io/acme/pay", "uid": digest, "tag": "3"}}},
        "src_endpoint": {"hostname": "crawler.example", "ip": "203.0.113.9"},
        "dst_endpoint": {"hostname": "192.168.7.7"},
        "resources": [{"type": "Pod", "namespace": "shop", "name": "pay-api-7d9c6b5f4d-x2x7k"}],
        "actor": {"user": {"uid": USER, "credential_uid": "AKIAEXAMPLEEXAMPLE11", "email_addr": "ann@ACME.example"}},
    }  # fmt: skip
    said = stated(Ocsf(), event)
    instance = ("host", "i-0123456789abcdef0")
    assert set(said) == {
        ("host", "web-1.internal", *instance),
        ("ip", "10.0.0.5", *instance),
        (*instance, "resource", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"),
        ("image", "ghcr.io/acme/pay:3", "image", f"ghcr.io/acme/pay@{digest}"),
        ("workload", "shop/pay-api-7d9c6b5f4d-x2x7k", "workload", "shop/pay-api"),
        ("access_key", "AKIAEXAMPLEEXAMPLE11", "principal", USER),
        ("principal", USER, "principal", "ann@acme.example"),
    }
    ((_, finding),) = Ocsf().read(event, {})
    assert {("host", "web-1.internal"), ("ip", "192.168.7.7")} <= set(finding["entities"])


@pytest.mark.parametrize(
    ("name", "owners", "expected"),
    [
        ("pay-api-7d9c6b5f4d-x2x7k", [], "pay-api"),
        ("pay-api-x2x7k", [], None),  # a DaemonSet's, or just a name
        ("nightly-28512345-x2x7k", [], "nightly"),
        ("db-0", [], None),
        ("pay-api-blue-green", [], None),
        ("x" * 52 + "-7d9c6b5f4d-x2x7k", [], None),
        ("any", [{"kind": "ReplicaSet", "name": "pay-api-7d9c6b5f4d"}], "pay-api"),
        ("any", [{"kind": "ReplicaSet", "name": "made-by-hand"}], "made-by-hand"),
        ("any", [{"kind": "Job", "name": "nightly-28512345"}], "nightly"),
        ("any", [{"kind": "DaemonSet", "name": "agent"}], "agent"),
        ("any", [{"kind": "Node", "name": "n1"}], None),
    ],
)
def test_the_workload_of_a_pod(name, owners, expected):
    """By its owner where it is known, else by a name whose form leaves no doubt."""
    assert workload_of_pod(name, owners) == expected


def test_ids_of_one_advisory_and_short_hashes():
    """Only one GHSA and one CVE id of one advisory are the same; only a prefix of seven or more is a short hash."""
    assert cve_of(["CVE-2026-1234", "CVE-2026-1235", "GHSA-jfh8-c2jp-5v3q"]) == cve_of(["CVE-2026-1234"]) == []
    full = "ab12cd3" + "0" * 33
    assert commit_of("AB12CD3", full) == [("commit", "ab12cd3", "commit", full)]
    assert commit_of("main", full) == commit_of("ab12cd4", full) == commit_of(full, full) == commit_of(7, full) == []


@pytest.mark.parametrize(("source", "name"), [(Trivy(), "trivy"), (Grype(), "grype")])
def test_a_report_says_which_digest_a_tag_is(source, name):
    """The scan of an image, and it alone, says so; not with two digests of one repository, nor without a tag."""
    sample = samples(name)
    document = copy.deepcopy(sample.IMAGE)
    drafts = [reading for _, reading in source.read(document, {}) if isinstance(reading, dict)]
    said = [(draft["type"], each) for draft in drafts for each in draft.get("identities", ())]
    assert said == [("scan", ("image", "ghcr.io/acme/pay:1.4", "image", f"ghcr.io/acme/pay@{sample.DIGEST}"))]
    digests = document["Metadata"]["RepoDigests"] if name == "trivy" else document["source"]["target"]["repoDigests"]
    digests.append("ghcr.io/acme/pay@sha256:" + "7" * 64)
    drafts = [reading for _, reading in source.read(document, {}) if isinstance(reading, dict)]
    assert drafts[-1]["type"] == "scan"
    assert not any(draft.get("identities") for draft in drafts)


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (host, "Web-1.Example.COM.", "web-1.example.com"),
        (host, " ", None),
        (host, "localhost.localdomain", None),
        (host, 7, None),
        (email, "Ann.Lee@Example.COM", "Ann.Lee@example.com"),
        (email, "ann@localhost", None),
        (email, "a b@example.com", None),
        (email, "x" * 65 + "@example.com", None),
        (email, None, None),
    ],
)
def test_case_rules(function, value, expected):
    """Host names and the domains of addresses in lower case, the name before the at sign as it is."""
    assert function(value) == expected
