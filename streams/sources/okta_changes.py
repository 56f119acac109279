"""Which events of Okta's System Log say that something was changed on purpose, and what kind of change it was.

An event type names a thing, and last what happened to it (``user.account.privilege.grant``). It is a change if the
thing is listed here and the verb is one of changing; sign-ins, provisioning by agents and evaluations are none.
The longest listed beginning decides. Names: Okta developer documentation, "Event types".
"""

from __future__ import annotations

import re
from typing import Final

from schemas.events import ChangeKind
from streams.sources.memo import Memo

_VERBS: Final = re.compile(
    r"(?:.*_)?(create|update|delete|add|remove|grant|revoke|assign|unassign|activate|deactivate|enable|disable|suspend"
    r"|unsuspend|reactivate|unlock|reset|reset_all|reset_password|override|rotate|rollover|renew|import|publish|set)"
    r"(?:e?d)?(?:_legacy|_metadata|_saml)?"
)

_KINDS: Final[dict[ChangeKind, str]] = {
    "access": """
        user.account. user.lifecycle. user.mfa.factor. user.session.impersonation. group.privilege. group.lifecycle.
        group.user_membership. group.application_assignment. application.user_membership. application.policy.
        application.provisioning. iam. policy.lifecycle. policy.rule. system.api_token. system.idp.lifecycle.
        app.oauth2.as. app.oauth2.client.lifecycle. app.oauth2.trusted_server. oauth2.
        security.authenticator.lifecycle. security.trusted_origin.
    """,
    "configuration": """
        application.lifecycle. application.configuration. zone. event_hook. inline_hook. system.log_stream.lifecycle.
        system.org. system.email. device.assurance. security.threat.configuration. pki.cert.
    """,
    "feature_flag": "system.feature.",
    "secret_rotation": "app.oauth2.as.key. app.keys. pki.cert.renew",
}
_BEGINNINGS: Final = sorted(
    ((start, kind) for kind, starts in _KINDS.items() for start in starts.split()), key=lambda each: -len(each[0])
)
_NEVER: Final = ("app.oauth2.as.token.", "app.oauth2.as.consent.")
"""Tokens and consents are given at sign-in, all day."""


def change_of(event_type: str) -> ChangeKind | None:
    """The kind of change that a successful event of this type is; None if it is none.

    >>> change_of("user.account.privilege.grant"), change_of("zone.update"), change_of("user.session.start")
    ('access', 'configuration', None)
    """
    return _CHANGES[event_type]


def _change_of(event_type: str) -> ChangeKind | None:
    if event_type.startswith(_NEVER) or not _VERBS.fullmatch(event_type.rpartition(".")[2]):
        return None
    for start, kind in _BEGINNINGS:
        if event_type.startswith(start):
            return kind
    return None


_CHANGES: Memo[str, ChangeKind | None] = Memo(_change_of)
