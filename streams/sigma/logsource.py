"""Which rules are for which of our sources: Sigma's product, service and category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class LogSource(NamedTuple):
    """Of a rule, what is given must be equal; of a source, all that it is."""

    product: str | None = None
    service: str | None = None
    category: str | None = None

    def covers(self, given: LogSource) -> bool:
        """Whether a rule of this log source is for events of the given one."""
        return all(ours is None or ours == theirs for ours, theirs in zip(self, given, strict=True))

    def __str__(self) -> str:
        return "/".join(part or "*" for part in self)


NORMALISED = "weir"
"""The product of rules over normalised events; their service is the type of event, or none for all types."""

LOG_SOURCES: Mapping[str, tuple[LogSource, ...]] = {
    "aws.cloudtrail": (LogSource("aws", "cloudtrail"),),
    "aws.guardduty": (LogSource("aws", "guardduty"),),
    "aws.vpcflow": (LogSource("aws", "vpcflow"), LogSource("aws", "vpcflow", "firewall")),
    "aws.config": (LogSource("aws", "config"),),
    "asff": (LogSource("aws", "securityhub"),),
    "kubernetes.audit": (LogSource("kubernetes", "audit", "application"),),
    "kubernetes.events": (LogSource("kubernetes", "events", "application"),),
    "falco": (LogSource("falco", "falco"),),
    "github.audit": (LogSource("github", "audit"),),
    "github.webhook": (LogSource("github", "webhook"),),
    "gcp.audit": (LogSource("gcp", "gcp.audit"), LogSource("gcp", "audit")),
    "azure.activity": (LogSource("azure", "activitylogs"),),
    "azure.signin": (
        LogSource("azure", "signinlogs"),
        LogSource("azure", "auditlogs"),
        LogSource("azure", "riskdetection"),
    ),
    "okta": (LogSource("okta", "okta"),),
    "suricata": (LogSource("suricata", "eve"), LogSource("suricata", "alert", "ids")),
    "wazuh": (LogSource("wazuh", "alerts"),),
    "weir.activity": (LogSource(NORMALISED, "activity"),),
    "weir.finding": (LogSource(NORMALISED, "finding"),),
    "weir.change": (LogSource(NORMALISED, "change"),),
}
"""By name of the source. A rule is for a source if it covers one of its log sources."""


def sources_of(rule: LogSource) -> tuple[str, ...]:
    """The sources whose events a rule is for, in the order of the table."""
    return tuple(name for name, given in LOG_SOURCES.items() if any(rule.covers(each) for each in given))
