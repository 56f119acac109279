"""Sources that share a topic, told apart by content: a bus such as EventBridge carries the events of many services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

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
from streams.sources.base import Source
from streams.sources.checkov import Checkov
from streams.sources.cyclonedx import CycloneDX
from streams.sources.cyclonedx_vex import CycloneDxVex
from streams.sources.gitlab_codequality import GitLabCodeQuality
from streams.sources.gitlab_report import GitLabReport
from streams.sources.grype import Grype
from streams.sources.ocsf import Ocsf
from streams.sources.openvex import OpenVex
from streams.sources.osv import Osv
from streams.sources.sarif import Sarif
from streams.sources.semgrep import Semgrep
from streams.sources.trivy import Trivy


class Family(NamedTuple):
    """What a topic may carry, and nothing else: whoever writes to it can't steer the engine, as by content alone."""

    name: str
    sources: tuple[Source, ...]

    def recognise(self, document: object, headers: Mapping[str, str]) -> Source | None:
        """The member whose format the document has, or None."""
        for source in self.sources:
            if source.recognise(document, headers):
                return source
        return None


AWS = Family(
    "aws", (CloudTrail(), GuardDuty(), Inspector2(), EventBridge(), Config(), Notification(), Asff(), Ocsf(), VpcFlow())
)  # the findings of Security Hub are ASFF or OCSF
AZURE = Family("azure", (AzureActivity(), AzureSignIn()))  # one event hub may take both
VEX = Family("vex", (OpenVex(), CycloneDxVex()))
SCANS = Family(
    "scans",
    (
        Trivy(),
        Grype(),
        Osv(),
        Sarif(),
        CycloneDX(),
        Semgrep(),
        Checkov(),
        GitLabReport(),
        GitLabCodeQuality(),
    ),
)  # what a build's scanners write, whichever they are
