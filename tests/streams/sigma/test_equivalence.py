"""The compiler, the index and what it keeps, against a plain reading of pySigma's condition tree."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.rule import SigmaRule

from streams.sigma.condition import Has, Present, predicate
from streams.sigma.documents import Document
from streams.sigma.gates import gates
from streams.sigma.index import Index
from streams.sigma.load import compile_rule
from streams.sigma.rule import Rule
from streams.sigma.specialise import specialise
from tests.streams.sigma import drawn, reference

SEEDS = st.integers(0, 2**48)


def compiled(body: dict[str, Any]) -> Rule:
    found = compile_rule(Document("drawn", 1, body, {}).canonical)
    assert isinstance(found, Rule), found
    return found


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_a_compiled_rule_means_what_its_condition_tree_says(seed: int) -> None:
    """The predicate of a rule holds for an event exactly if the reference says so."""
    chance = Random(seed)
    events = [drawn.event(chance) for _ in range(30)]
    for _ in range(8):
        body = drawn.rule(chance)
        holds, parsed = predicate(compiled(body).node), SigmaRule.from_dict(body)
        for each in events:
            assert holds(each) is reference.matches(parsed, each), (body["detection"], each)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_the_index_passes_over_no_rule_that_holds(seed: int) -> None:
    """Indexed evaluation gives the rules that asking each one gives, in their order, the second time as the first."""
    chance = Random(seed)
    rules = [compiled(drawn.rule(chance)) for _ in range(chance.randint(1, 20))]
    events = [drawn.event(chance) for _ in range(40)]
    index = Index(rules)
    every = [(rule, predicate(rule.node)) for rule in rules]
    for each in events + events:
        assert list(index.matches(each)) == [rule for rule, holds in every if holds(each)], each


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_what_is_left_of_a_condition_decides_as_the_whole(seed: int) -> None:
    """With the texts of some fields known, what is still open of a condition holds exactly where all of it does."""
    chance = Random(seed)
    for _ in range(12):
        node = compiled(drawn.rule(chance)).node
        holds = predicate(node)
        for event in [drawn.event(chance) for _ in range(20)]:
            known = {name: event.get(name) for name in ("a", "b", "c") if isinstance(event.get(name), str | None)}
            left = specialise(node, known)
            assert (left if isinstance(left, bool) else predicate(left)(event)) is holds(event), (node, event)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_gate_is_necessary(seed: int) -> None:
    """An event for which a condition holds meets each gate that the condition shows."""
    chance = Random(seed)
    events = [drawn.event(chance) for _ in range(30)]
    for _ in range(12):
        node = compiled(drawn.rule(chance)).node
        holds, shown = predicate(node), gates(node)
        for each in filter(holds, events):
            for gate in shown:
                meets = Present("", gate.paths) if gate.asks is None else Has("", gate.paths, gate.asks)
                assert predicate(meets)(each), (node, gate, each)
