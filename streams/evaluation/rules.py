"""``weir eval rules``: the pack's rules on sample logs that were published with other rules, and what they are to say.

``rule-tests-panther`` has sample logs of detection rules, each with whether that rule is to alert. What those rules ask
is not in it. For each of them that has a counterpart in the pack (``rule_counterparts``), all its logs go through
``RuleSet.detect`` of the whole pack as they would at ingest: without the fields that the publisher's own platform added
(``p_``), redacted, taken apart into events. The source is the one that claims the log, else those that its log type is
for, as of a topic that is bound to one: many logs are cut down to a few fields, which no source would know by itself.

A rule is right as a whole if every log is decided as expected. The counterparts were written with the logs at hand, so
this shows what the pack covers; it is no forecast of what it would find elsewhere.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from rich.table import Column, Table

from streams.evaluation.rule_counterparts import COUNTERPARTS, WITHOUT
from streams.redaction import Redactor
from streams.sigma.events import items
from streams.sigma.load import load
from streams.sigma.rule_set import RuleSet
from streams.sigma_files import pack
from streams.sources.registry import by_name

FOLDER = Path("rule-tests-panther")
WANTED: Final = 60
"""Rules that are to be right as a whole."""

_PLATFORM = "p_"
_REDACTOR = Redactor(b"a key for the evaluation")

SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS.CloudTrail": ("aws.cloudtrail",),
    "AWS.GuardDuty": ("aws.guardduty",),
    "AWS.SecurityFindingFormat": ("asff",),
    "AWS.VPCFlow": ("aws.vpcflow",),
    "Amazon.EKS.Audit": ("kubernetes.audit",),
    "Azure.Audit": ("azure.signin",),
    "Azure.MonitorActivity": ("azure.activity",),
    "GCP.AuditLog": ("gcp.audit",),
    "GitHub.Audit": ("github.audit",),
    "GitHub.Webhook": ("github.webhook",),
}
"""Our sources of a log type. The others are read by none."""


def run(
    data: Path,
    progress: Callable[[str], None],
    counterparts: Mapping[str, tuple[str, ...]] = COUNTERPARTS,
    without: Mapping[str, str] = WITHOUT,
) -> dict[str, Any]:
    """``passed``, the totals, every rule with a counterpart and its logs, and why the others have none.

    Raises ``FileNotFoundError`` where the data folder has no sample logs, ``ValueError`` where the table names a rule
    that the pack does not have or one that is not published.
    """
    published = _published(data / FOLDER)
    rules = RuleSet(load(pack()).rules)
    _known(published, rules, counterparts, without)
    shown: list[dict[str, Any]] = []
    for key, wanted in sorted(counterparts.items()):
        logs = [_decided(each, frozenset(wanted), rules) for each in published[key]]
        right = all(log["right"] for log in logs)
        shown.append({"rule": key, "ours": list(wanted), "right": right, "logs": logs})
        if not right:
            wrong = ", ".join(log["log"] for log in logs if not log["right"])
            progress(f"{key}: {sum(log['right'] for log in logs)} of {len(logs)}; not {wrong}")
    whole = [each for each in shown if each["right"]]
    logs = [log for each in shown for log in each["logs"]]
    return {
        "passed": len(whole) >= WANTED,
        "published": len(published),
        "wanted": WANTED,
        "rules": len(shown),
        "rules_right": len(whole),
        "rules_right_both_ways": sum(len({log["expected"] for log in each["logs"]}) == 2 for each in whole),
        "ours": len({name for each in shown for name in each["ours"]}),
        "logs": len(logs),
        "logs_right": sum(log["right"] for log in logs),
        "logs_claimed": sum(log["claimed"] for log in logs),
        "missed": sum(log["expected"] and not log["found"] for log in logs),
        "false": sum(not log["expected"] and bool(log["found"]) for log in logs),
        "results": shown,
        "without": dict(sorted(without.items())),
        "unsaid": sorted(published.keys() - counterparts.keys() - without.keys()),
    }


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """For people: rule by rule, what has no counterpart, and the totals."""
    each_rule = Table(_wide("published rule"), _wide("rules of ours"), "logs right", "whole", title="Sample logs")
    for each in result["results"]:
        right = sum(log["right"] for log in each["logs"])
        figures = f"{right} of {len(each['logs'])}"
        each_rule.add_row(each["rule"], ", ".join(each["ours"]), figures, "yes" if each["right"] else "NO")
    yield each_rule
    none = Table(_wide("published rule"), _wide("why the pack has none"), title="Without a counterpart")
    for key, reason in result["without"].items():
        none.add_row(key, reason)
    for key in result["unsaid"]:
        none.add_row(key, "not looked at")
    yield none
    whole = f"{result['rules_right']} of {result['rules']}, at least {result['wanted']} wanted"
    total = Table("of", "figure", title=f"{result['rules']} of {result['published']} rules have a counterpart")
    total.add_row("rules right as a whole", whole)
    total.add_row("of these with logs of both kinds", str(result["rules_right_both_ways"]))
    total.add_row("rules of ours in use", str(result["ours"]))
    total.add_row("logs right", f"{result['logs_right']} of {result['logs']}")
    total.add_row("logs missed, matched wrongly", f"{result['missed']}, {result['false']}")
    total.add_row("logs that a source claims by content", f"{result['logs_claimed']} of {result['logs']}")
    yield total


def _wide(name: str) -> Column:
    return Column(name, overflow="fold")


def _published(folder: Path) -> dict[str, list[dict[str, Any]]]:
    files = sorted(folder.glob("*_rules.ndjson*"))
    if not files:
        raise FileNotFoundError(f"no *_rules.ndjson in {folder}")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                found[row["rule_id"]].append(row)
    return dict(found)


def _known(
    published: Mapping[str, object],
    rules: RuleSet,
    counterparts: Mapping[str, tuple[str, ...]],
    without: Mapping[str, str],
) -> None:
    strangers = sorted((counterparts.keys() | without.keys()) - published.keys())
    if strangers:
        raise ValueError(f"not among the published rules: {', '.join(strangers)}")
    both = sorted(counterparts.keys() & without.keys())
    if both:
        raise ValueError(f"with a counterpart and without: {', '.join(both)}")
    names = {rule.name for rule in rules.rules}
    missing = sorted({name for wanted in counterparts.values() for name in wanted} - names)
    if missing:
        raise ValueError(f"not in the pack: {', '.join(missing)}")


def _decided(row: Mapping[str, Any], wanted: frozenset[str], rules: RuleSet) -> dict[str, Any]:
    """One log: what of the wanted rules matches it."""
    document = {name: value for name, value in row["log"].items() if not name.startswith(_PLATFORM)}
    of_type = [source for kind in row["log_types"] for source in SOURCES.get(kind, ())]
    claimed = [source for source in of_type if by_name(source).recognise(document, {})]
    redacted = _REDACTOR.redact(orjson.dumps(document), document)
    found = {
        rule.name
        for source in claimed or of_type
        for _, event in items(source, redacted)
        for rule in rules.detect(event, source)
        if rule.name in wanted
    }
    return {
        "log": row["test"],
        "expected": row["expected_alert"],
        "found": sorted(map(str, found)),
        "right": bool(found) == row["expected_alert"],
        "claimed": bool(claimed),
    }
