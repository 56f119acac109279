"""The quick look at an event says what the contract says."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import check
from schemas.check import fault
from schemas.events import EVENT, Activity, Change, ConfigRecord, ContextRecord, Finding

SEEN = {
    "source": "aws.cloudtrail",
    "source_id": "e-1",
    "time": "2026-03-02T08:00:00Z",
    "domain": "system:pay",
    "entities": [("ip", "198.51.100.7"), ("account", "111122223333")],
    "title": "somebody did something",
    "origin": ("raw", 0, 7, 0),
}
DRAFTS = [
    {
        **SEEN,
        "type": "activity",
        "action": "iam:CreateUser",
        "actor": "arn:x",
        "outcome": "success",
        "read_only": False,
    },
    {**SEEN, "type": "finding", "kind": "vulnerability", "rule": "CVE-2026-1", "severity": 4, "reporter": "trivy"},
    {**SEEN, "type": "change", "kind": "deploy", "status": "succeeded", "component": "pay", "home": False},
    {"type": "context", "kind": "kev", "key": "CVE-2026-1", "record": {"a": [1]}, "origin": ("raw", 0, 7, 0)},
    {"type": "config", "digest": "0123456789", "settings": {}, "origin": ("raw", 0, 7, 0)},
]
NAMES = sorted({n for m in (Activity, Finding, Change, ContextRecord, ConfigRecord) for n in m.model_fields} - {"type"})

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.sampled_from(["", "x", "ip", "success", "deploy", "trivy", "1", "true", "2026-03-02T08:00:00+02:00"])
    | st.sampled_from(["2026-03-02T08:00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "x" * 600])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
pairs = st.tuples(st.sampled_from(["ip", "host", "x", ""]), st.text(max_size=3)) | st.tuples(values, values)
entities = st.lists(pairs, max_size=3)


@st.composite
def changed(draw):
    """A good draft with some fields left out, added, or holding anything."""
    draft = dict(draw(st.sampled_from(DRAFTS)))
    for name in draw(st.lists(st.sampled_from([*NAMES, "another"]), max_size=2)):
        if draw(st.integers(0, 4)):
            draft[name] = draw(entities if name == "entities" and draw(st.booleans()) else values)
        else:
            draft.pop(name, None)
    return draft


def allowed(draft):
    try:
        EVENT.validate_json(orjson.dumps(draft))
    except ValidationError:
        return False
    return True


@given(changed())
def test_the_verdict_is_the_contracts(draft):
    """Whatever stands in a field: no fault, exactly if the contract takes the event's JSON; asked twice or once."""
    assert [fault(draft) is None, fault(draft) is None] == [allowed(draft)] * 2


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft["type"])
def test_each_field_is_looked_at(draft):
    """A value that no field allows is found in each, under the field's name, also right after a good event."""
    for name in draft:
        if name in ("type", "settings", "record"):
            continue
        assert fault(draft) is None
        assert fault({**draft, name: [[["bad"]]]}).place.split(".")[0] == name


def test_a_type_that_is_not_written_is_a_fault():
    """Relations come from elsewhere, and a wrong type is no reason to crash."""
    assert fault({"type": "related"}).place == "type"


def test_memory_is_bounded(monkeypatch):
    """What is remembered is forgotten when it becomes too much, and what is long is not remembered."""
    monkeypatch.setattr(check, "KEPT", 3)
    known = check._Known({"type": "str"})
    for value in ["a", "b", "c", "d", "x" * 1000]:
        known[value]
    assert list(known) == ["d"]
