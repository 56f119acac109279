"""Every source that Weir reads.

To add one: write its file and its samples (``tests/contract/samples``), and add its line here. The contract tests then
run on it by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.sources.argocd import ArgoCD
from streams.sources.asff import Asff
from streams.sources.aws_cloudtrail import CloudTrail
from streams.sources.aws_config import Config
from streams.sources.aws_eventbridge import EventBridge
from streams.sources.aws_guardduty import GuardDuty
from streams.sources.aws_inspector2 import Inspector2
from streams.sources.aws_notification import Notification
from streams.sources.aws_vpcflow import VpcFlow
from streams.sources.azure_activity import AzureActivity
from streams.sources.azure_signin import AzureSignIn
from streams.sources.backstage import Backstage
from streams.sources.base import Source
from streams.sources.cdevents import CDEvents
from streams.sources.checkov import Checkov
from streams.sources.cyclonedx import CycloneDX
from streams.sources.cyclonedx_vex import CycloneDxVex
from streams.sources.ecs import Ecs
from streams.sources.epss import Epss
from streams.sources.falco import Falco
from streams.sources.flux import Flux
from streams.sources.gcp_audit import GcpAudit
from streams.sources.github_audit import GitHubAudit
from streams.sources.github_webhook import GitHubWebhook
from streams.sources.gitlab_codequality import GitLabCodeQuality
from streams.sources.gitlab_report import GitLabReport
from streams.sources.gitlab_webhook import GitLabWebhook
from streams.sources.grype import Grype
from streams.sources.kev import Kev
from streams.sources.kubernetes_audit import KubernetesAudit
from streams.sources.kubernetes_events import KubernetesEvents
from streams.sources.ocsf import Ocsf
from streams.sources.okta import Okta
from streams.sources.openvex import OpenVex
from streams.sources.osv import Osv
from streams.sources.policy_exceptions import PolicyExceptions
from streams.sources.review import Reviews
from streams.sources.sarif import Sarif
from streams.sources.semgrep import Semgrep
from streams.sources.suricata import Suricata
from streams.sources.tekton import Tekton
from streams.sources.terraform import Terraform
from streams.sources.trivy import Trivy
from streams.sources.trivy_operator import TrivyOperator
from streams.sources.wazuh import Wazuh

SOURCES: tuple[Source, ...] = (
    CloudTrail(),
    GitHubWebhook(),
    CDEvents(),
    Trivy(),
    Sarif(),
    Ocsf(),
    Grype(),
    Asff(),
    GuardDuty(),
    Inspector2(),
    EventBridge(),
    Config(),
    Notification(),
    VpcFlow(),
    GitLabReport(),
    GitLabCodeQuality(),
    CycloneDX(),
    CycloneDxVex(),
    Semgrep(),
    KubernetesAudit(),
    KubernetesEvents(),
    Falco(),
    ArgoCD(),
    Flux(),
    Tekton(),
    TrivyOperator(),
    Okta(),
    GcpAudit(),
    AzureActivity(),
    AzureSignIn(),
    GitHubAudit(),
    Suricata(),
    Wazuh(),
    Ecs(),
    Osv(),
    Checkov(),
    Terraform(),
    GitLabWebhook(),
    Backstage(),
    Kev(),
    Epss(),
    OpenVex(),
    PolicyExceptions(),
    Reviews(),
)


class UnknownSourceError(LookupError):
    """No source has this name."""

    def __init__(self, name: str, sources: Iterable[Source] = SOURCES) -> None:
        known = ", ".join(sorted(source.name for source in sources))
        super().__init__(f"no source is named {name!r}; known: {known}")


def by_name(name: str) -> Source:
    """The source of this name, or ``UnknownSourceError``, which lists the names."""
    for source in SOURCES:
        if source.name == name:
            return source
    raise UnknownSourceError(name)


def recognise(document: object, headers: Mapping[str, str]) -> Source | None:
    """The source whose format the document has, or None.

    At most one claims a document (the contract tests hold that), so the order of ``SOURCES`` decides nothing.
    """
    for source in SOURCES:
        if source.recognise(document, headers):
            return source
    return None
