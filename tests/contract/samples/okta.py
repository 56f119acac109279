"""Events of Okta's System Log, written after the System Log API's ``LogEvent``: bare, of a query, of an event hook."""

from typing import Any

ANN = {"id": "00uAnn0000000000001", "type": "User", "alternateId": "Ann.Lee@acme.example", "displayName": "Ann Lee"}
BOB = {"id": "00uBob0000000000002", "type": "User", "alternateId": "bob@acme.example", "displayName": "Bob"}
GROUP = {"id": "00gAdmins000000003", "type": "UserGroup", "alternateId": "unknown", "displayName": "Admins"}
APP = {"id": "0oaPay0000000000004", "type": "AppInstance", "alternateId": "Pay", "displayName": "Pay"}


def event(kind: str = "user.session.start", number: int = 1, **fields: Any) -> dict[str, Any]:
    """What Ann did, with success; a field that is None stays, as Okta writes it."""
    return {
        "uuid": f"dc9fd3c0-598c-11ef-8478-{number:012d}",
        "published": "2026-03-02T09:13:00.123Z",
        "eventType": kind,
        "version": "0",
        "severity": "INFO",
        "legacyEventType": None,
        "displayMessage": "User login to Okta",
        "actor": ANN | {"detailEntry": None},
        "client": {
            "userAgent": {"rawUserAgent": "Mozilla/5.0 (X11; Linux x86_64)", "os": "Linux", "browser": "FIREFOX"},
            "zone": "null",
            "device": "Computer",
            "id": None,
            "ipAddress": "203.0.113.7",
            "geographicalContext": {"city": "Graz", "country": "Austria"},
        },
        "outcome": {"result": "SUCCESS", "reason": None},
        "target": None,
        "transaction": {"type": "WEB", "id": "YjSlblAAqnKY7CdyCkXNBgAAAIU", "detail": {}},
        "debugContext": {"debugData": {"requestUri": "/idp/idx/identify"}},
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": "102abcDEFghiJKLmnoPQRstu1"},
        "securityContext": {"asNumber": 64500, "isProxy": False},
        "request": {"ipChain": [{"ip": "203.0.113.7", "version": "V4", "source": None}]},
        "device": None,
    } | fields


FAILED = event(
    number=2,
    severity="WARN",
    outcome={"result": "FAILURE", "reason": "INVALID_CREDENTIALS"},
    authenticationContext={"authenticationStep": 0, "externalSessionId": "unknown"},
)
GRANTED = event("user.account.privilege.grant", 3, displayMessage="Grant user privilege", target=[BOB])
ADDED = event("group.user_membership.add", 4, displayMessage="Add user to group membership", target=[BOB, GROUP])
TOKEN = event(
    "system.api_token.create",
    5,
    displayMessage="Create API token",
    target=[{"id": "00TNewToken00000005", "type": "Token", "alternateId": "unknown", "displayName": "ci"}],
)
BY_TOKEN = event(
    "user.lifecycle.suspend",
    6,
    target=[BOB],
    transaction={"type": "WEB", "id": "a", "detail": {"requestApiTokenId": "00TCi000000000006"}},
    authenticationContext={"externalSessionId": "trs9JbZEHWs1a2b3c4d5"},
)
ASSIGNED = event(
    "application.user_membership.add",
    7,
    target=[BOB | {"type": "AppUser", "id": "0uaBob000000007"}, APP, BOB],
)
HOOK = {
    "eventType": "com.okta.event_hook",
    "eventTypeVersion": "1.0",
    "cloudEventsVersion": "0.1",
    "source": "https://acme.okta.com/api/v1/eventHooks/who8vt36qfNpCGz9H1e6",
    "eventId": "b5a188b9-5ece-4636-b041-482ffda96311",
    "eventTime": "2026-03-02T09:13:03.000Z",
    "contentType": "application/json",
    "data": {"events": [GRANTED, ADDED]},
}
STREAMED = {
    "version": "0",
    "id": "6f2d1c04-58a7-4a43-9d52-000000000001",
    "detail-type": "SystemLog",
    "source": "aws.partner/okta.com/acme/weir",
    "account": "111122223333",
    "time": "2026-03-02T09:13:02Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": FAILED,
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "event": (event(), {}),
    "query": ([FAILED, TOKEN, BY_TOKEN, ASSIGNED], {"x-weir-org": "acme"}),
    "hook": (HOOK, {}),
    "streamed": (STREAMED, {}),
}
