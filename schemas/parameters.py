"""The settings that matter to the outcome. They reach the fold only as ``config`` records of the partition log."""

from __future__ import annotations

import json
from hashlib import blake2b

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.model_set import ModelSet
from schemas.rule import Rule

_HOUR = 3_600_000
_DAY = 24 * _HOUR


class Parameters(BaseModel):
    """In force from the place of their record in the log on. Times in ms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group_wait_ms: int = Field(
        default=10_000, ge=0, description="log time from a unit's first signal to its first revision"
    )
    update_interval_ms: int = Field(default=5_000, ge=0, description="least log time between two revisions of a unit")
    link_window_ms: int = Field(default=3_600_000, gt=0, description="event time in which shared entities link signals")
    link_ms: int = Field(
        default=1_000,
        ge=1,
        description="event time in which detections on a busy place link; on a quiet one 600 times it",
    )
    routine_gap_ms: int = Field(
        default=7_200_000, ge=0, description="event time between repeats of a routine detection that are one session"
    )
    idle_close_ms: int = Field(default=14 * _DAY, gt=0, description="log time without a signal that closes a unit")
    retention_ms: int = Field(
        default=7 * _DAY,
        gt=0,
        description="event time behind its source's newest event up to which a late event is taken",
    )
    signal_p: float = Field(default=1e-3, gt=0, lt=1, description="tail probability at which a score is a signal")
    signal_severity: int = Field(default=2, ge=0, le=6, description="least OCSF severity of a finding that is a signal")
    alert_fdr: float = Field(
        default=0.10, gt=0, le=1, description="share of false ones aimed at among shown units that rest on models alone"
    )
    alert_cap: int = Field(
        default=100, ge=0, description="units that rest on models alone that a domain shows a day of log time"
    )
    scoring: bool = Field(default=True, description="whether models score activity; off: signals are findings only")
    reopen_ms: int = Field(default=6 * _HOUR, ge=0, description="log time after a close in which a signal reopens")
    max_life_ms: int = Field(
        default=30 * _DAY, gt=0, description="log time after which a unit closes and has a successor"
    )
    spread_bucket_ms: int = Field(
        default=6 * _HOUR, gt=0, description="event time over which it is counted how many share an entity"
    )
    max_unrelated: int = Field(
        default=20, ge=2, le=200, description="unrelated signals that share an entity, from which on it says less"
    )
    max_targets: int = Field(
        default=100, ge=2, le=1_000, description="targets of one actor, from which on they no longer link its signals"
    )
    align_ms: int = Field(
        default=2_000, ge=0, le=30_000, description="event time between two beginnings that a common entity links"
    )
    dependency_ms: int = Field(
        default=900_000,
        ge=0,
        description="event time in which a dependency links signals; over two hops half of it; 0: not at all",
    )
    max_dependents: int = Field(
        default=10, ge=1, le=1_000, description="dependents of a component from more than which on they do not link"
    )
    max_units: int = Field(default=100_000, ge=10, description="units a domain keeps; the most idle close first")
    max_signals: int = Field(default=1_000, ge=1, description="collapsed signals that a unit lists; more are counted")
    max_seen: int = Field(default=500_000, ge=1_000, description="ids a domain keeps to know duplicates by")
    max_changes: int = Field(default=5_000, ge=10, description="changes a domain keeps")
    shown_changes: int = Field(default=5, ge=0, description="suspect changes that a unit shows")

    suppress_automatic: bool = Field(
        default=True, description="whether evidence alone suppresses a pattern; reviewers' suppressions hold either way"
    )
    suppress_actionable: float = Field(
        default=0.15, gt=0, lt=1, description="share worth acting on that must be surely above a suppressed pattern's"
    )
    suppress_days: int = Field(default=3, ge=1, le=64, description="distinct days on which a pattern must have come")
    suppress_reviewers: int = Field(default=2, ge=1, description="people whose verdicts a suppression must rest on")
    suppress_hours: int = Field(default=6, ge=1, le=24, description="verdicts that one on a long unit counts for")
    suppress_reviewer_lead: float = Field(
        default=8.0, gt=0, description="how much more one person's verdicts weigh than all others', at most"
    )
    suppress_half_life_ms: int = Field(default=30 * _DAY, gt=0, description="age at which a verdict counts half")
    suppress_for_ms: int = Field(default=30 * _DAY, gt=0, description="log time that one on evidence holds")
    suppress_longest_ms: int = Field(default=90 * _DAY, gt=0, description="log time that a reviewer's holds at most")
    suppress_sample: float = Field(
        default=0.02, ge=0, le=1, description="share of suppressed units that is surfaced all the same"
    )
    suppress_surge: float = Field(
        default=4.0, ge=1, description="times the rate that was judged, from which on a unit stays in the queue"
    )
    suppress_surge_floor: float = Field(default=20.0, ge=0, description="occurrences an hour that are never a surge")
    suppress_patterns: int = Field(default=5_000, ge=10, description="patterns that a domain remembers")

    stale_catalog_ms: int = Field(
        default=30 * _DAY, gt=0, description="age at the newest signal beyond which a catalog record is called stale"
    )
    stale_kev_ms: int = Field(
        default=4 * _DAY, gt=0, description="the same of the KEV catalogue, which comes out on working days"
    )
    stale_epss_ms: int = Field(default=2 * _DAY, gt=0, description="the same of an EPSS score, which is of a day")
    stale_on_call_ms: int = Field(
        default=_DAY, gt=0, description="the same of who is on call, where no end of the duty is given"
    )
    stale_calendar_ms: int = Field(
        default=7 * _DAY, gt=0, description="the same of windows, freezes and exceptions, by when they were last read"
    )
    stale_vex_ms: int = Field(default=180 * _DAY, gt=0, description="the same of a VEX statement")

    models: ModelSet = Field(default=ModelSet(), description="the model set whose scores make signals")
    shadow: ModelSet | None = Field(default=None, description="a second one: it scores and learns, and does nothing")

    rules: tuple[Rule, ...] = Field(default=(), description="correlation rules, checked before they get here")

    @model_validator(mode="after")
    def _two_sets(self) -> Parameters:
        if self.shadow is not None and self.shadow.name == self.models.name:
            raise ValueError(f"models and shadow are both named {self.models.name}: what they learn is kept by name")
        return self

    def digest(self) -> str:
        """16 hex digits; equal exactly if all parameters are."""
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=8).hexdigest()
