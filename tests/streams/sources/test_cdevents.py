"""CDEvents: what runs where, and since when, in every wrapping and version."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.cdevents import CDEvents
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/cdevents.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = CDEvents()
IMAGE = "ghcr.io/acme/invoices@sha256:" + "0123456789abcdef" * 4


def read(document, headers=None):
    return [content for _, content in SOURCE.read(document, headers or {})]


def test_a_deployed_service_is_a_deploy():
    """A deployment names service, environment and image; the key is the context's source and id."""
    assert read(samples.DEPLOYED) == [
        {
            "type": "change",
            "source_id": "/argocd/prod-eu/271069a8-fc18-44f1-b38f-000000000001",
            "time": "2026-03-02T09:13:00.25Z",
            "domain": "cdevents:/argocd/prod-eu",
            "entities": [("workload", "billing/invoices"), ("environment", "production"), ("image", IMAGE)],
            "title": "service billing/invoices deployed in production",
            "kind": "deploy",
            "actor": None,
            "status": "succeeded",
            "revision": samples.ARTIFACT,
        }
    ]


@pytest.mark.parametrize("wrap", [lambda e: (e, {}), lambda e: (samples.structured(e), {}),
                                  lambda e: (e, samples.attributes(e))])  # fmt: skip
def test_a_run_is_an_activity_in_every_mode(wrap):
    """What Jenkins sends of a pipeline: which ran, how it ended and why; bare, structured and binary."""
    document, headers = wrap(samples.FINISHED)
    (draft,) = read(document, headers)
    assert (draft["action"], draft["outcome"], draft["error"]) == (
        "cdevents:pipelinerun.finished", "failure", "tests failed")  # fmt: skip
    assert draft["title"] == "pipelinerun invoices finished: failure"
    assert draft["time"] == "2026-03-02T09:13:00.25Z"


@pytest.mark.parametrize(
    ("outcome", "read_as"), [("success", "success"), ("failure", "failure"), ("error", "failure"), ("odd", "unknown")]
)
def test_each_outcome_of_a_run(outcome, read_as):
    """The three of the specification, and unknown for what is none."""
    (draft,) = read(samples.event("taskrun.finished.0.2.0", content={"outcome": outcome}))
    assert draft["outcome"] == read_as


def test_a_task_that_started_has_no_outcome_yet():
    """A version may be written as ``v1``, as early senders did."""
    (draft,) = read(samples.event("taskrun.started.v1", content={"taskName": "test"}))
    assert (draft["type"], draft["outcome"], draft["title"]) == ("activity", "unknown", "taskrun test started")


def test_every_wrapping_gives_the_same_change():
    """Bare, structured, binary, binary without its context and in a batch: one change."""
    event = samples.DEPLOYED
    expected = read(event)
    assert read(samples.structured(event)) == expected
    assert read(event, samples.attributes(event)) == expected
    assert read({"subject": event["subject"]}, samples.attributes(event)) == expected
    assert read([samples.structured(event), event]) == expected * 2


def test_old_and_new_versions_read_alike():
    """The shape of 0.3 gives the same change as that of 0.5."""
    old = samples.old("service.deployed.0.1.1", "billing/invoices", "service", samples.RUNNING)
    assert read(old) == read(samples.DEPLOYED)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("service.deployed", "deploy"), ("service.upgraded", "deploy"), ("service.published", "deploy"),
        ("service.removed", "deploy"), ("service.rolledback", "rollback"), ("artifact.published", "code"),
        ("environment.created", "infrastructure"), ("environment.modified", "infrastructure"),
        ("environment.deleted", "infrastructure"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["", ".0.1.0", ".0.3.0-draft"])
def test_the_kind_of_a_change(kind, expected, version):
    """Each read type is its kind of change, whatever the version that it carries."""
    assert read(samples.event(kind + version))[0]["kind"] == expected


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("change.merged.0.3.0", "change event not read"), ("artifact.packaged.0.2.0", "artifact event not read"),
     ("nonsense4711.made.0.1.0", "custom event not read"), ("nonsense.made.0.1.0", "custom event not read")],
)  # fmt: skip
def test_other_types_are_counted(kind, reason):
    """Other subjects of the specification are ignored by name, unknown ones under one label."""
    assert read(samples.event(kind)) == [Ignored(reason)]


@pytest.mark.parametrize(
    ("artifact", "entity"),
    [
        (samples.ARTIFACT, ("image", IMAGE)),
        ("pkg:oci/invoices@sha256%3A" + "ab" * 32, ("image", "invoices@sha256:" + "ab" * 32)),
        ("pkg:docker/acme/invoices@1.42", ("image", "acme/invoices:1.42")),
        ("pkg:golang/git.example/acme/invoices@1.2.3", ("package", "pkg:golang/git.example/acme/invoices@1.2.3")),
        ("ghcr.io/acme/invoices:1.42", ("image", "ghcr.io/acme/invoices:1.42")),
        ("six-1.14.0-py2.py3-none-any.whl", None),
    ],
)
def test_an_artifact_is_the_image_or_package_it_names(artifact, entity):
    """OCI package URLs and references are images as scanners spell them, other package URLs packages."""
    (draft,) = read(samples.event("service.deployed", content={"artifactId": artifact}))
    assert [found for found in draft["entities"] if found[0] in ("image", "package")] == ([entity] if entity else [])
    assert draft["revision"] == artifact


def test_a_published_artifact_names_who_published_it():
    """The user of an artifact event is the actor."""
    (draft,) = read(samples.PUBLISHED)
    assert draft["actor"] == "ci-invoices"
    assert ("principal", "ci-invoices") in draft["entities"]


def test_keys_are_never_ambiguous_nor_too_long():
    """An id with a slash, or a pair too long for a key, is keyed by a digest; two pairs never share one."""
    keys = set()
    for source, identity in (("/a", "b/c"), ("/a/b", "c"), ("/a", "b"), ("/" + "a" * 600, "b"), ("/" + "a" * 601, "b")):
        event = samples.event("service.deployed")
        event["context"] |= {"source": source, "id": identity}
        keys.add(read(event)[0]["source_id"])
    assert len(keys) == 5
    assert max(map(len, keys)) <= 512


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [("id", "", "context.id"), ("id", 7, "context.id"), ("source", None, "context.source"),
     ("timestamp", "2026-03-02", "context.timestamp"), ("type", "io.other.thing", "context.type")],
)  # fmt: skip
def test_an_event_is_refused_with_its_place(field, value, place):
    """A context without a usable key, time or type is malformed there, in each wrapping; neighbours are read."""
    event = samples.event("service.deployed")
    event["context"][field] = value
    assert [content.place for content in read(event)] == [place]
    assert read({"specversion": "1.0", "type": "dev.cdevents.x", "data": event})[0].place == f"data.{place}"
    assert [getattr(c, "place", None) for c in read([samples.DEPLOYED, event, 5])] == [None, f"[1].{place}", "[2]"]


def test_a_cloudevent_without_data_is_refused():
    """A CloudEvent of a CDEvents type without its CDEvent is malformed at data."""
    bare = samples.structured(samples.DEPLOYED)
    assert read({k: v for k, v in bare.items() if k != "data"}) == [Malformed("data", "not an object")]


def test_other_cloudevents_are_not_claimed():
    """CloudEvents of other types, and documents with a context of their own, belong to others."""
    assert not SOURCE.recognise({"specversion": "1.0", "type": "com.example.thing", "data": {}}, {})
    assert not SOURCE.recognise({"context": {"type": 5}}, {"ce_type": "com.example.thing"})
    assert not SOURCE.recognise([], {})


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_conformance_events_are_read_or_counted():
    """Each of the 49 conformance events is a change of its kind, an activity or counted, none refused."""
    counts = Counter()
    for path in sorted((SHARED / "cdevents").glob("*_*.json")):
        document = parse(path.read_bytes())
        assert SOURCE.recognise(document, {})
        counts.update("ignored" if isinstance(c, Ignored) else c.get("kind", c["type"]) for c in read(document))
    assert counts == {"ignored": 29, "activity": 11, "deploy": 4, "rollback": 1, "code": 1, "infrastructure": 3}


def test_a_flag_and_a_secret_are_changes_by_our_convention():
    """Of any tool: the subject is a name or an ARN, and service, environment and user are as in other events."""
    (flag,), (secret,) = read(samples.FLAG), read(samples.SECRET)
    assert (flag["kind"], flag["status"], flag["title"]) == (
        "feature_flag", "succeeded", "featureflag new-checkout enabled in production",
    )  # fmt: skip
    assert flag["entities"] == [
        ("resource", "featureflag:new-checkout"),
        ("workload", "billing/invoices"),
        ("environment", "production"),
        ("principal", "ann"),
    ]
    assert (secret["kind"], secret["revision"]) == ("secret_rotation", "v7")
    assert ("resource", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:pay-1") in secret["entities"]


@pytest.mark.parametrize(
    "kind",
    [
        "vault-secret.read.0.1.0",
        "flags-flag.enabled.0.1.0",
        "tool-pipelinerun.started.0.1.0",
        "featureflag.enabled.0.1.0",
    ],
)
def test_other_custom_events_are_not_read(kind):
    """Only what the convention names: a tool's own runs, or a read secret, are nobody's change."""
    assert read(samples.ours(kind, "x")) == [Ignored("custom event not read")]


def test_builds_and_test_suites_are_activities():
    """A finished build names what it built; a suite that failed says why."""
    (built,), (tested,) = read(samples.BUILT), read(samples.TESTED)
    assert (built["action"], built["outcome"]) == ("cdevents:build.finished", "unknown")
    assert [kind for kind, _ in built["entities"]] == ["resource", "image"]
    assert (tested["action"], tested["outcome"], tested["error"]) == (
        "cdevents:testsuiterun.finished", "failure", "3 of 200 failed",
    )  # fmt: skip
