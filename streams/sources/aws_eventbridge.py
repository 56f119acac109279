"""What AWS services say of deploys, builds, images, scaling and stacks on Amazon EventBridge.

A document is one event (``aws_envelope``). CodePipeline, CodeDeploy, CodeBuild, ECR, Auto Scaling, ECS, CloudFormation
and EC2's instance states are read (``READERS``); other detail types are ignored with a reason. What has a source of
its own (GuardDuty, Inspector, Security Hub, Config, calls via CloudTrail, Okta) is that source's, the envelope opened
once.

- Time and identity: the envelope's ``time`` and ``id``. Delivery is at least once, with the same id.
- A change that also comes by CloudTrail has another identity here: the call says who asked, the event how it ended.
- Lateness: events come within minutes; best effort for most services.

Source: EventBridge reference, "Events from AWS services", and the services' own pages of events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from streams.sources.asff import Asff
from streams.sources.aws_envelope import envelope, kind_of
from streams.sources.aws_events_compute import COMPUTE
from streams.sources.aws_events_delivery import DELIVERY
from streams.sources.aws_events_drafts import Reader
from streams.sources.aws_guardduty import KIND as GUARDDUTY
from streams.sources.aws_inspector2 import KIND as INSPECTOR
from streams.sources.base import Ignored, Malformed, Reading
from streams.sources.ocsf import Ocsf

READERS: dict[str, Reader] = {**DELIVERY, **COMPUTE}
"""By ``detail-type``."""

OTHERS = frozenset({GUARDDUTY, INSPECTOR})
PARTNERS = ("aws.partner/okta.com/",)
"""Partners' event sources whose events have a source of their own, as their documentation spells them."""

_FINDINGS = (Asff(), Ocsf())


class EventBridge:
    """The source ``aws.eventbridge``."""

    name = "aws.eventbridge"
    lateness = timedelta(minutes=15)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """Any event of EventBridge that no other source reads."""
        if isinstance(document, dict) and str(document.get("source", "")).startswith(PARTNERS):
            return False
        kind = kind_of(document)
        if kind is None or kind in OTHERS or kind.startswith("Config ") or kind.endswith(" via CloudTrail"):
            return False
        return not any(source.recognise(document, headers) for source in _FINDINGS)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """One item: an activity or a change, or both."""
        if not isinstance(document, dict) or kind_of(document) is None:
            yield 0, Malformed("detail-type", "not an event of EventBridge")
            return
        event = envelope(document)
        if isinstance(event, Malformed):
            yield 0, event
            return
        reader = READERS.get(event.kind)
        if reader is None:
            yield 0, Ignored("detail type not read")
            return
        yield 0, reader(event)
