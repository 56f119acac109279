"""Which types of event each source gives, for those who choose one; the contract tests hold it to the samples."""

from __future__ import annotations

from streams.sources.base import Source
from streams.sources.mapping import MappedSource

GIVES: dict[str, tuple[str, ...]] = {
    "aws.cloudtrail": (
        "activity",
        "change",
    ),
    "github.webhook": (
        "activity",
        "finding",
        "change",
    ),
    "cdevents": (
        "activity",
        "change",
    ),
    "trivy": (
        "finding",
        "scan",
    ),
    "sarif": ("finding",),
    "ocsf": (
        "activity",
        "finding",
        "change",
    ),
    "grype": (
        "finding",
        "scan",
    ),
    "asff": ("finding",),
    "aws.guardduty": ("finding",),
    "aws.inspector2": ("finding",),
    "aws.eventbridge": (
        "activity",
        "change",
    ),
    "aws.config": (
        "finding",
        "change",
    ),
    "aws.notification": (
        "activity",
        "change",
    ),
    "aws.vpcflow": ("activity",),
    "gitlab.report": (
        "finding",
        "scan",
    ),
    "gitlab.codequality": ("finding",),
    "cyclonedx.vex": ("context",),
    "openvex": ("context",),
    "cyclonedx": (
        "finding",
        "scan",
    ),
    "semgrep": ("finding",),
    "kubernetes.audit": (
        "activity",
        "change",
    ),
    "kubernetes.events": (
        "activity",
        "finding",
        "change",
    ),
    "falco": ("finding",),
    "argocd": (
        "finding",
        "change",
    ),
    "flux": (
        "activity",
        "change",
    ),
    "tekton": ("activity",),
    "trivy.operator": (
        "finding",
        "scan",
    ),
    "okta": (
        "activity",
        "change",
    ),
    "gcp.audit": (
        "activity",
        "change",
    ),
    "azure.activity": (
        "activity",
        "finding",
        "change",
    ),
    "azure.signin": (
        "activity",
        "finding",
        "change",
    ),
    "github.audit": (
        "activity",
        "change",
    ),
    "suricata": (
        "activity",
        "finding",
    ),
    "wazuh": ("finding",),
    "ecs": (
        "activity",
        "finding",
        "change",
    ),
    "osv": (
        "finding",
        "scan",
    ),
    "checkov": (
        "finding",
        "scan",
    ),
    "terraform": (
        "activity",
        "finding",
        "change",
    ),
    "gitlab.webhook": (
        "activity",
        "change",
    ),
    "backstage": ("context",),
    "cisa.kev": ("context",),
    "first.epss": ("context",),
    "policy.exceptions": (
        "change",
        "context",
    ),
    "weir.review": ("review",),
}
"""By name of the source, in the order activity, finding, change, scan, context, review."""

ORDER = ("activity", "finding", "change", "scan", "context", "review")


def gives(source: Source) -> tuple[str, ...]:
    """The types of event of a source; of a mapping those of its tables, none for a source that is not listed."""
    if isinstance(source, MappedSource):
        given = {table.type for table in source.mapping.event}
        return tuple(type_ for type_ in ORDER if type_ in given)
    return GIVES.get(source.name, ())
