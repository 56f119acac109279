"""Detection rules in the topics: each as a record of the context topic, their correlation rules among the parameters.

Who put a rule there may withdraw it: what the settings had and have no more goes at the next start, what was pushed by
hand stays until somebody withdraws it. Of two with one key the one written last is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from schemas.check import Fault
from schemas.parameters import Parameters
from schemas.rule import Rule
from streams.correlation.rules.check import edited
from streams.correlation.rules.check import faults as faults_of
from streams.edge.dump import read_topic
from streams.edge.feed import change_config, publish_config, require_topics, send
from streams.settings import BadSettings, Settings, with_correlations
from streams.sigma.in_force import KIND, PREFIX, record_of, text_of
from streams.sigma.rule import Fault as RuleFault

if TYPE_CHECKING:  # pySigma is loaded where there is a rule
    from streams.sigma.bundle import RuleText
    from streams.sigma.load import Loaded

BY_SETTINGS: Final = "settings"
BY_HAND: Final = "push"


class Held(NamedTuple):
    """A rule in the topic, and who put it there."""

    text: RuleText
    by: str


class Published(NamedTuple):
    """Records written; ``config``: the parameters were, too. ``faults``: what is not in force for all that."""

    written: int
    withdrawn: int
    config: bool
    faults: tuple[RuleFault, ...] = ()


def held(settings: Settings) -> dict[str, Held]:
    """The rules in the context topic by key. A record that is none is left out: ingest has made a dead letter of it."""
    found: dict[str, Held] = {}
    for record in read_topic(settings, settings.topic("context")):
        key = (record.key or b"").decode(errors="replace")
        if key.startswith(PREFIX):
            found.pop(key.removeprefix(PREFIX), None)
            if (rule := _held(record.value)) is not None:
                found[rule.text.key] = rule
    return dict(sorted(found.items()))


def _held(value: bytes | None) -> Held | None:
    from streams.sigma.bundle import RuleText
    from streams.sigma.documents import digest

    try:
        body = orjson.loads(value or b"null")
        if body["kind"] != KIND or isinstance(text := text_of(body["record"]), Fault):
            return None
        return Held(RuleText(body["key"], digest(text), text), str(body["record"].get("by", "")))
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def publish(settings: Settings, given: Iterable[RuleText]) -> Published:
    """Put the parameters into force, and the rules of the settings instead of those that they had before.

    Only what differs is written. Raises ``BadSettings`` as ``publish_config`` does.
    """
    wanted = {text.key: text for text in given}
    before = held(settings)
    pushed = [rule.text for key, rule in before.items() if rule.by != BY_SETTINGS and key not in wanted]
    together = _loaded([*wanted.values(), *pushed])
    config = publish_config(with_correlations(settings, _correlations(together)))
    fresh = [text for key, text in wanted.items() if before.get(key) != Held(text, BY_SETTINGS)]
    gone = [key for key, rule in before.items() if rule.by == BY_SETTINGS and key not in wanted]
    _write(settings, fresh, BY_SETTINGS, gone)
    return Published(len(fresh), len(gone), config, together.faults if together else ())


def push(settings: Settings, given: Iterable[RuleText]) -> Published:
    """Put rules into force besides those that are, or in the place of those with their key.

    Raises:
        NoTopic: the broker has no topics of ours.
        BadSettings: they do not go together with the rules in force, or a correlation rule differs from the one of its
            version; then nothing is written.
    """
    require_topics(settings, [settings.topic("context"), settings.topic("config")])
    before = held(settings)
    fresh = [text for text in given if before.get(text.key) != Held(text, BY_HAND)]
    after = {key: rule.text for key, rule in before.items()} | {text.key: text for text in fresh}
    config = _correlate(settings, before, after.values())
    _write(settings, fresh, BY_HAND, [])
    return Published(len(fresh), 0, config)


def withdraw(settings: Settings, keys: Sequence[str]) -> Published:
    """Take rules out of force.

    Raises:
        NoTopic: the broker has no topics of ours.
        BadSettings: one is not in force, or another needs it; then none is withdrawn.
    """
    require_topics(settings, [settings.topic("context"), settings.topic("config")])
    before = held(settings)
    if unknown := [key for key in keys if key not in before]:
        raise BadSettings(f"not in force: {', '.join(unknown)}; `weir rules ls` lists what is")
    after = [rule.text for key, rule in before.items() if key not in keys]
    config = _correlate(settings, before, after)
    _write(settings, [], BY_HAND, keys)
    return Published(0, len(set(keys)), config)


def _correlate(settings: Settings, before: Mapping[str, Held], after: Iterable[RuleText]) -> bool:
    """Replace the correlation rules among the parameters in force; whether anything changed."""
    old, loaded = _loaded(rule.text for rule in before.values()), _loaded(after)
    if wrong := set(loaded.faults if loaded else ()) - set(old.faults if old else ()):
        raise BadSettings("\n".join(sorted(map(str, wrong))))
    ours, new = {rule.name for rule in _correlations(old)}, _correlations(loaded)
    if not ours and not new:
        return False
    changed = False

    def change(parameters: Parameters) -> Parameters:
        nonlocal changed
        rules = (*(rule for rule in parameters.rules if rule.name not in ours), *new)
        if faults := [*edited(parameters.rules, new), *faults_of(rules)]:
            raise BadSettings("\n".join(map(str, faults)))
        changed = rules != parameters.rules
        return parameters.model_copy(update={"rules": rules})

    change_config(settings, change)
    return changed


def _loaded(texts: Iterable[RuleText]) -> Loaded | None:
    given = sorted(texts)  # as ingest does: of two that exclude each other it is the same one everywhere
    if not given:
        return None
    from streams.sigma.bundle import unbundle

    return unbundle(given)


def _correlations(loaded: Loaded | None) -> tuple[Rule, ...]:
    return tuple(each.rule for each in loaded.correlations) if loaded else ()


def _write(settings: Settings, fresh: Iterable[RuleText], by: str, gone: Iterable[str]) -> None:
    records: list[tuple[bytes, bytes | None]] = []
    for text in fresh:
        record: dict[str, Any] = {"kind": KIND, "key": text.key, "record": record_of(text, by)}
        records.append(((PREFIX + text.key).encode(), orjson.dumps(record)))
    records += [((PREFIX + key).encode(), None) for key in gone]
    send(settings, settings.topic("context"), records)
