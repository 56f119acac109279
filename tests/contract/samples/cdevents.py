"""CDEvents, written after the specification: bare, in both modes of CloudEvents and in a batch, old and new shapes."""

from typing import Any

DIGEST = "sha256%3A" + "0123456789abcdef" * 4
ARTIFACT = f"pkg:oci/invoices@{DIGEST}?repository_url=ghcr.io%2Facme%2Finvoices"


def event(kind: str, subject: str = "billing/invoices", content: dict[str, Any] | None = None) -> dict[str, Any]:
    """An event in the shape of 0.5 and later."""
    return {
        "context": {
            "specversion": "0.5.0",
            "id": "271069a8-fc18-44f1-b38f-000000000001",
            "chainId": "4c8cb7dd-3448-41de-8768-000000000002",
            "source": "/argocd/prod-eu",
            "type": f"dev.cdevents.{kind}",
            "timestamp": "2026-03-02T09:13:00.25Z",
        },
        "subject": {"id": subject, "source": "/argocd/prod-eu", "content": content or {}},
    }


def old(kind: str, subject: str, subject_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """An event in the shape of 0.3 and 0.4: ``version`` in the context, ``type`` in the subject."""
    given = event(kind, subject, content)
    given["context"]["version"] = given["context"].pop("specversion").replace("0.5.0", "0.3.0")
    given["subject"]["type"] = subject_type
    return given


def structured(data: dict[str, Any]) -> dict[str, Any]:
    """A CloudEvent in structured mode around a CDEvent."""
    context = data["context"]
    return {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": data["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/cdevents+json",
        "data": data,
    }


def attributes(data: dict[str, Any]) -> dict[str, str]:
    """The headers of binary mode, names in lower case."""
    envelope = structured(data)
    names = ("specversion", "id", "source", "type", "subject", "time")
    return {f"ce_{name}": envelope[name] for name in names} | {"content-type": "application/cdevents+json"}


RUNNING = {"environment": {"id": "production", "source": "/argocd/prod-eu"}, "artifactId": ARTIFACT}
DEPLOYED = event("service.deployed.0.2.0", content=RUNNING)
ROLLED_BACK = old("service.rolledback.0.1.1", "billing/invoices", "service", RUNNING)
PUBLISHED = event("artifact.published.0.2.0", ARTIFACT, {"user": "ci-invoices"})
ENVIRONMENT = event(
    "environment.modified.0.2.0", "production", {"name": "production", "uri": "https://prod.acme.example"}
)

FINISHED = old(
    "pipelinerun.finished.0.1.1",
    "7",
    "pipelineRun",
    {"pipelineName": "invoices", "outcome": "failure", "url": "job/invoices/7/", "errors": "tests failed"},
)


def ours(kind: str, subject: str, **content: Any) -> dict[str, Any]:
    """A custom event of our convention."""
    given = event("service.deployed.0.2.0", subject, {"environment": {"id": "production"}, "user": "ann", **content})
    given["context"] = given["context"] | {"type": f"dev.cdeventsx.{kind}", "id": f"custom-{subject}"}
    return given


FLAG = ours("flags-featureflag.enabled.0.1.0", "new-checkout", service={"id": "billing/invoices"})
SECRET = ours(
    "vault-secret.rotated.0.1.0", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:pay-1", version="v7"
)
BUILT = event("build.finished.0.3.0", "build-7", {"artifactId": ARTIFACT})
TESTED = event("testsuiterun.finished.0.3.0", "suite-7", {"outcome": "fail", "reason": "3 of 200 failed"})
TESTED["context"]["id"] = "suite-7"

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "bare": (DEPLOYED, {}),
    "bare, 0.3": (ROLLED_BACK, {}),
    "structured": (structured(PUBLISHED), {"content-type": "application/cloudevents+json"}),
    "binary": (ENVIRONMENT, attributes(ENVIRONMENT)),
    "binary without context": ({"subject": DEPLOYED["subject"]}, attributes(DEPLOYED)),
    "run": (structured(FINISHED), {}),
    "batch": ([structured(DEPLOYED), structured(event("change.merged.0.3.0", "42"))], {}),
    "flag and secret": ([structured(FLAG), structured(SECRET)], {}),
    "build and tests": ([BUILT, TESTED], {}),
    "custom": (event("service.deployed").copy() | {"context": {"type": "dev.cdeventsx.acme-thing.made.0.1.0"}}, {}),
}
