"""GitHub's ``workflow_run``: a run of a workflow was asked for, began, or ended.

An activity, not a change: what a run deploys is told by ``deployment_status``, and most runs test.

- Time: ``workflow_run.updated_at``. Actor: who triggered this attempt, else who triggered the first.
- Outcome: the conclusion. What was cancelled, skipped or waits for somebody neither worked nor failed.
- Entities: repository, commit, workflow file, the run; of a run for a fork the fork, whose code then runs here.

Source: GitHub documentation, "Webhook events and payloads" (``workflow_run``), "Workflow runs" (conclusions).
"""

from __future__ import annotations

from typing import Final

from schemas.events import Outcome
from streams.sources.base import ActivityDraft, EntityDraft, Ignored, Malformed
from streams.sources.canonical import repository
from streams.sources.document import line, mapping
from streams.sources.fields import dig, instant, text
from streams.sources.github_delivery import Delivery, hash_of, login_of, with_people

_TURNS: Final = frozenset(("requested", "in_progress", "completed"))
_OUTCOMES: Final[dict[str, Outcome]] = {
    "success": "success",
    "failure": "failure",
    "timed_out": "failure",
    "startup_failure": "failure",
}


def workflow_run(delivery: Delivery) -> ActivityDraft | Malformed | Ignored:
    """The activity of a delivery of ``workflow_run``."""
    run = mapping(delivery.payload.get("workflow_run"))
    turn = text(delivery.payload.get("action"), 32)
    if turn not in _TURNS:
        return Ignored("workflow_run of another action not read")
    time = instant(run.get("updated_at"))
    if time is None:
        return Malformed(f"{delivery.place}workflow_run.updated_at", "not an RFC 3339 time with an offset")
    actor = login_of(run.get("triggering_actor")) or login_of(run.get("actor")) or delivery.sender
    commit, path = hash_of(run.get("head_sha")), text(run.get("path"), 512)
    entities: list[EntityDraft] = [("repository", delivery.repository)]
    fork = text(dig(run, "head_repository", "full_name"), 255)
    if fork and (found := repository(fork)) and found.path != delivery.repository:
        entities.append(("repository", found.path))
    if commit:
        entities.append(("commit", commit))
    if path:
        entities.append(("file", path.partition("@")[0]))
    number = run.get("id")
    if type(number) is int:
        entities.append(("resource", f"github:{delivery.repository}/actions/runs/{number}"))
    name = line(run.get("name"), 120) or line(dig(delivery.payload, "workflow", "name"), 120) or path or "workflow"
    conclusion = text(run.get("conclusion"), 32) if turn == "completed" else None
    outcome = _OUTCOMES.get(conclusion or "", "unknown")
    branch = line(run.get("head_branch"), 120)
    what = f"run of {name} in {delivery.repository}{f' on {branch}' if branch else ''}"
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": delivery.id,
        "time": time,
        "domain": f"github:{delivery.repository}",
        "entities": with_people(entities, actor, delivery.sender),
        "title": line(f"{what} {turn.replace('_', ' ')}{f': {conclusion}' if conclusion else ''}") or what[:512],
        "action": f"github:workflow_run.{turn}",
        "actor": actor,
        "outcome": outcome,
        "read_only": None,
    }
    if outcome == "failure":
        draft["error"] = conclusion
        draft["severity"] = 1
    return draft
