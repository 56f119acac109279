"""GitHub's audit log: what people, applications and tokens did in an organisation, an enterprise or a repository.

Read: one event as streaming and exports write it (``action``, ``@timestamp``, ``_document_id``), and an array of them
as the REST API answers. ``at_sign_timestamp``, by which pipelines that do not allow an at sign call the time, is read
as well.

Every event is an activity. One that changes something (``github_audit_changes``) is a change as well, same key.

- Natural key: ``_document_id``; of events that have none, a digest of the event.
- Time: ``@timestamp``, else ``created_at``: milliseconds since 1970, or text.
- Lateness: no bound is stated for streaming; ten minutes.
- Severity: none is stated (0); a failed run or call is informational.
- Principals and repositories as ``github.webhook`` has them: in lower case, logins with ``github:``.
- Who stands for whom: a login for the address that single sign-on knows it by; a token, by its hash, for the login,
  unless it is an application's own. A deploy key acts under no login.
- Address: ``actor_ip``, which is there only where the owners disclose it.
- Domain: the repository; else the organisation, the enterprise or the user, ``github:`` and its name.

Sources: GitHub documentation, "Audit log events for your organization", "Streaming the audit log for your enterprise",
"Identifying audit log events performed by an access token", "Using the audit log API".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from schemas.events import Outcome
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Malformed, Reading
from streams.sources.document import line
from streams.sources.exported import content_id, of_milliseconds, utc
from streams.sources.fields import address, email, text
from streams.sources.github_audit_changes import change_of

_ACTION = re.compile(r"[a-z0-9_]{1,80}(?:\.[A-Za-z0-9_]{1,80}){1,3}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}(?:\[bot\])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMES: Final = ("@timestamp", "at_sign_timestamp", "created_at")
_WHOSE: Final = ("actor", "user", "org", "business", "repo")
_FAILED: Final = frozenset(("failure", "timed_out", "startup_failure", "action_required"))
_USERS_TOKENS: Final = ("personal access token", "oauth", "user-to-server")
_READ_ONLY: Final = {"access": True, "create": False, "modify": False, "remove": False, "transfer": False}
_TARGETS: Final = ("name", "team", "hook_id", "integration", "oauth_application", "ip_allow_list_entry", "role_name")


class GitHubAudit:
    """The source ``github.audit``."""

    name = "github.audit"
    lateness = timedelta(minutes=10)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By an action with a dot and a time of the log's, of the event or of the first of several."""
        if type(document) is list:
            return bool(document) and _is_event(document[0])
        return _is_event(document)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event: one reading for an activity, two with the same item where it is a change as well."""
        if type(document) is not list:
            yield from _read(document, 0, "")
            return
        for item, event in enumerate(document):
            yield from _read(event, item, f"[{item}]")


def _is_event(value: object) -> bool:
    """A webhook's ``action`` is one word, and has its objects beside it rather than their names."""
    if type(value) is not dict:
        return False
    action = value.get("action")
    if type(action) is not str or not _ACTION.fullmatch(action):
        return False
    if "_document_id" in value:
        return True
    return any(name in value for name in _TIMES) and any(type(value.get(name)) is str for name in _WHOSE)


def _when(event: dict[str, Any]) -> str | None:
    for name in _TIMES:
        found = of_milliseconds(event.get(name)) or utc(event.get(name))
        if found is not None:
            return found
    return None


def _read(event: object, item: int, place: str) -> list[Reading]:
    if not isinstance(event, dict):
        return [(item, Malformed(place, "not an object"))]
    action, time = text(event.get("action"), 400), _when(event)
    if action is None or not _ACTION.fullmatch(action) or time is None:
        field, reason = (
            ("@timestamp", "not a time") if time is None else ("action", "not of the form category.operation")
        )
        return [(item, Malformed(f"{place}.{field}" if place else field, reason))]
    actor, user = _login(event.get("actor")), _login(event.get("user"))
    repository = _repository(event.get("repo")) or _repository(event.get("repository"))
    source_id = text(event.get("_document_id")) or content_id(event)
    found: dict[EntityDraft, None] = {("principal", actor): None} if actor else {}
    if user:
        found["principal", user] = None
    if repository:
        found["repository", repository] = None
    said = _credentials(event, actor, found)
    _more(event, found)

    outcome: Outcome = "failure" if (error := _failure(event, action)) else "success"
    domain = f"github:{repository or _owner(event) or 'unknown'}"
    title = _title(event, action, actor, user, repository)
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": list(found),
        "title": title,
        "action": f"github:{action}",
        "actor": actor,
        "outcome": outcome,
        "read_only": _READ_ONLY.get(text(event.get("operation_type"), 32) or ""),
    }
    if said:
        activity["identities"] = said
    if error:
        activity["error"] = error
        activity["severity"] = 1
        activity["title"] = f"{title[:480]}: {error[:30]}"
        return [(item, activity)]
    kind = change_of(action)
    if kind is None:
        return [(item, activity)]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": list(found),
        "title": title,
        "kind": kind,
        "actor": actor,
        "status": "succeeded",
        "action": f"github:{action}",
    }
    if said:
        altered["identities"] = list(said)
    return [(item, activity), (item, altered)]


def _login(value: object) -> str | None:
    if not isinstance(value, str) or value == "deploy_key" or not _NAME.fullmatch(value):
        return None
    return f"github:{value.lower()}"


def _repository(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and _REPOSITORY.fullmatch(value) else None


def _owner(event: dict[str, Any]) -> str | None:
    for field in ("org", "business", "user", "actor"):
        value = event.get(field)
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value.lower()
    return None


def _credentials(event: dict[str, Any], actor: str | None, found: dict[EntityDraft, None]) -> list[IdentityDraft]:
    """What the actor used, which is added to ``found``, and what it says of the actor."""
    said: list[IdentityDraft] = []
    token = text(event.get("hashed_token"), 200)
    if token:
        found["access_key", token] = None
        kind = (text(event.get("programmatic_access_type"), 100) or "").lower()
        if actor and any(word in kind for word in _USERS_TOKENS):
            said.append(("access_key", token, "principal", actor))
    known = email(event.get("external_identity_nameid")) or email(event.get("external_identity_username"))
    if actor and known:
        said.append(("principal", actor, "principal", known))
    return said


def _more(event: dict[str, Any], found: dict[EntityDraft, None]) -> None:
    commit = event.get("head_sha")
    if isinstance(commit, str) and _COMMIT.fullmatch(commit):
        found["commit", commit] = None
    environment = text(event.get("environment_name"), 255)
    if environment:
        found["environment", environment] = None
    ip = address(event.get("actor_ip"))
    if ip is not None:
        found["ip", ip] = None
    agent = text(event.get("user_agent"), 1024)
    if agent and (family := agent_family(agent)):
        found["user_agent", family] = None
    organisation = event.get("org")
    if isinstance(organisation, str) and _NAME.fullmatch(organisation):
        found["account", f"github:{organisation.lower()}"] = None


def _failure(event: dict[str, Any], action: str) -> str | None:
    """Why it failed, of what can fail: a run of a workflow, a request to the API, a sign-in."""
    conclusion = text(event.get("conclusion"), 32)
    if conclusion in _FAILED and action.startswith("workflows."):
        return conclusion
    status = event.get("status_code")
    if action == "api.request" and type(status) is int and 400 <= status <= 599:
        return str(status)
    return "failed" if action.endswith(("failed_login", "_failed")) else None


def _title(event: dict[str, Any], action: str, actor: str | None, user: str | None, repository: str | None) -> str:
    whom = user.removeprefix("github:") if user and user != actor else None
    names = (line(event.get(field), 80) for field in _TARGETS)
    upon = ", ".join(each for each in (whom, next((name for name in names if name), None)) if each)
    where = repository or text(event.get("org"), 100)
    what = f"{action}{f' ({upon})' if upon else ''}"
    return f"{(actor or 'someone').removeprefix('github:')}: {what}{f' in {where}' if where else ''}"[:512]
