"""What of a document a mapping does not look at."""

from __future__ import annotations

from streams.sources.mapping_file import parse_mapping
from streams.sources.mapping_unread import unread

MAPPING = """
name = "guard"
items = "alerts"
[recognise]
exists = "meta.version"
[[event]]
when = { equals = { "state.now" = "beat" } }
type = "ignore"
reason = "heartbeat"
[[event]]
type = "activity"
time = "at ?? $.meta.at"
id = { hash = ["$item"] }
action = { text = "guard:{what.name}" }
entities = [{ kind = "ip", path = "peers[0].ip" }, { kind = "url", path = "links[*]" }]
"""


def test_places_that_no_path_leads_to() -> None:
    """Fallbacks, conditions, templates and lists count as read; the rest is named, once for all items."""
    mapped, faults = parse_mapping(MAPPING, "guard.toml")
    assert mapped is not None, faults
    alert = {
        "at": 1, "state": {"now": "x", "before": "y"}, "what": {"name": "n", "weird key": 2},
        "peers": [{"ip": "1", "port": 2}, {"ip": "3", "port": 4}], "links": ["a", "b"], "empty": {}, "none": None,
    }  # fmt: skip
    document = {"meta": {"version": 1, "at": 2, "more": 3}, "alerts": [alert, alert]}
    assert unread(mapped.source.mapping, document) == [
        "meta.more",
        "alerts[*].state.before",
        'alerts[*].what."weird key"',
        "alerts[*].peers[*].port",
    ]
    assert unread(mapped.source.mapping, "text") == []
