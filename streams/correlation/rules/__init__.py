"""Correlation rules over event time: compiled from ``schemas.rule``, folded one event at a time, state in tables.

A **hit** is an event that meets the condition of a step. Per rule and group, hits are kept sorted by event time. A
stretch of time no longer than the timespan that holds what the rule asks for is a **window**; windows that overlap are
one **run**. A run is one match, from its first event to its last, however many windows it is made of: a burst of
400,000 events is one match that grows. All of it is a function of the set of hits, never of the order they came in.

``rule_set`` is the entry: ``compile_rules``, ``RuleSet.observe``, ``RuleSet.advance``. One kind of window a file:
``sliding`` (count, distinct, all), ``sequence``, ``absence``.
"""
