"""What every source holds to, run on each registered one. No exemptions: what cannot pass is not registered.

Each source brings ``samples/<name>.py`` (dots of the name as underscores) with ``SAMPLES``: documents and headers. A
mapping file is a source, too: ``samples/mapping_sample.toml`` stands for all of them.
"""

import importlib.util
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import EVENT
from streams.sources.base import Ignored, Malformed
from streams.sources.known import known_with
from streams.sources.mapping_file import parse_mapping
from streams.sources.registry import SOURCES as REGISTERED
from streams.sources.registry import UnknownSourceError
from streams.sources.registry import by_name as registered_by_name
from streams.sources.registry import recognise as registered_recognise

SAMPLE_MAPPING = Path(__file__).parent / "samples" / "mapping_sample.toml"
MAPPED = parse_mapping(SAMPLE_MAPPING.read_text(), SAMPLE_MAPPING.name)[0].source
KNOWN = known_with(MAPPED)
SOURCES = KNOWN.sources
ACTUAL = {source.name: source for source in SOURCES}


def samples_of(name):
    path = Path(__file__).parent / "samples" / f"{name.replace('.', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"samples_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SAMPLES


SAMPLES = {(name, label): sample for name in ACTUAL for label, sample in samples_of(name).items()}
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
each_sample = pytest.mark.parametrize(
    ("name", "label"), list(SAMPLES), ids=[f"{name} {label}" for name, label in SAMPLES]
)


def checked(source, document, headers):
    """The readings, each draft completed as ingest does it and validated against the contract."""
    readings = list(source.read(document, headers))
    for reading in readings:
        item, content = reading
        assert type(item) is int
        assert item >= 0
        if isinstance(content, Malformed):
            assert isinstance(content.place, str)
            assert content.reason
            assert "\n" not in content.reason
        elif isinstance(content, Ignored):
            assert content.reason
            assert len(content.reason) <= 64
        else:
            assert "origin" not in content
            if content["type"] == "review":  # written by us: it has no origin but the log, and no entities
                EVENT.validate_json(orjson.dumps(content))
                continue
            if content["type"] != "context":
                assert all(type(entity) is tuple and len(entity) == 2 and entity[1] for entity in content["entities"])
                content = {"source": source.name, **content}
            EVENT.validate_json(orjson.dumps({**content, "origin": ["raw", 0, 0, item]}))
    assert [item for item, _ in readings] == sorted(item for item, _ in readings)
    return readings


@each_source
def test_it_states_name_and_lateness(source):
    """A source has a name of its own, by which it is found, and a lateness above zero."""
    assert source.name == source.name.lower().strip()
    assert KNOWN.by_name(source.name) is source
    assert source is MAPPED or registered_by_name(source.name) is source
    assert timedelta(0) < source.lateness <= timedelta(days=1)


def test_names_are_unique_and_unknown_ones_are_listed():
    """No two sources share a name, and asking for another lists them."""
    assert len(ACTUAL) == len(SOURCES) > 0
    with pytest.raises(UnknownSourceError) as caught:
        KNOWN.by_name("no.such")
    assert all(name in str(caught.value) for name in ACTUAL)
    with pytest.raises(UnknownSourceError) as caught:
        registered_by_name("no.such")
    assert all(source.name in str(caught.value) for source in REGISTERED)


@each_source
def test_its_samples_show_what_it_is_for(source):
    """The samples of a source give at least one draft, and none of them is malformed."""
    readings = [reading for key in SAMPLES if key[0] == source.name for reading in checked(source, *SAMPLES[key])]
    assert any(isinstance(content, dict) for _, content in readings)
    assert not [content for _, content in readings if isinstance(content, Malformed)]


@each_sample
def test_a_sample_is_recognised_by_its_own_source_alone(name, label):
    """Exactly one source claims a document, so the order of the registry decides nothing."""
    document, headers = SAMPLES[name, label]
    assert [source.name for source in SOURCES if source.recognise(document, headers)] == [name]
    assert KNOWN.recognise(document, headers) is ACTUAL[name]
    assert registered_recognise(document, headers) is (None if name == MAPPED.name else ACTUAL[name])


@each_sample
def test_reading_again_gives_the_same(name, label):
    """The same document read twice, also from its bytes, gives equal drafts with equal natural keys."""
    document, headers = SAMPLES[name, label]
    first = checked(ACTUAL[name], document, headers)
    for again in (document, orjson.loads(orjson.dumps(document))):
        assert checked(ACTUAL[name], again, headers) == first


@each_sample
def test_natural_keys_part_the_events_of_a_document(name, label):
    """Inside one document, no two events of one type share a natural key."""
    keys = [
        (content["type"], content["source_id"] if content["type"] != "context" else content["key"])
        for _, content in ACTUAL[name].read(*SAMPLES[name, label])
        if isinstance(content, dict)
    ]
    assert len(keys) == len(set(keys))


@each_sample
def test_reading_leaves_the_document_alone(name, label):
    """A source reads and does not write: the document is the same afterwards, and drafts do not share their lists."""
    document, headers = SAMPLES[name, label]
    before = orjson.dumps(document)
    drafts = [content for _, content in ACTUAL[name].read(document, headers) if isinstance(content, dict)]
    for draft in drafts:
        if "entities" in draft:
            draft["entities"].append(("host", "added by the test"))
    assert all(draft["entities"].count(("host", "added by the test")) == 1 for draft in drafts if "entities" in draft)
    assert orjson.dumps(document) == before
    assert all("added by the test" not in str(content) for _, content in ACTUAL[name].read(document, headers))


def paths(document, prefix=()):
    """Every path inside a document."""
    yield prefix
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, member in members:
        yield from paths(member, (*prefix, key))


def altered(document, path, change):
    """A copy in which the value at the path is ``change(value)``; ``...`` removes it."""
    if not path:
        return change(document)
    copy = dict(document) if isinstance(document, dict) else list(document)
    value = altered(copy[path[0]], path[1:], change)
    if value is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = value
    return copy


DEEP = "nest"
for _ in range(120):
    DEEP = [DEEP] if _ % 2 else {"a": DEEP}
HOSTILE = st.sampled_from([
    None, True, False, 0, -1, 1, 2**63, 10**18, 1.5, 1e300, "", " ", "\n", "x" * 3000, "\u202e\u0000",
    "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-13-45T99:99:99Z",
    [], {}, [[]], [None], [{}], [1, "a"], {"": None}, {"a": {"b": []}}, DEEP,
    "arn:aws:iam::111122223333:role/x", "arn:", "pkg:", "HIDDEN_DUE_TO_SECURITY_REASONS", "256.256.256.256",
])  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@st.composite
def mutations(draw):
    """A sample with one to three values dropped or replaced by something of another type, at any path."""
    name, label = draw(st.sampled_from(list(SAMPLES)))
    document, headers = SAMPLES[name, label]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(document))))
        if path and draw(st.booleans()):
            document = altered(document, path, lambda _: ...)
        else:
            value = draw(HOSTILE | ANY_JSON)
            document = altered(document, path, lambda _, value=value: value)
    if headers and draw(st.booleans()):
        headers = {key: value for key, value in headers.items() if draw(st.booleans())}
    return name, document, headers


@given(mutations())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_damaged_document_is_drafts_or_malformed(mutation):
    """Whatever is missing or wrong-typed: no exception, and each item is a valid draft, Malformed or Ignored."""
    name, document, headers = mutation
    checked(ACTUAL[name], document, headers)
    for source in SOURCES:
        assert source.recognise(document, headers) in (True, False)


@each_sample
def test_every_single_damage(name, label):
    """Each value of a sample in turn, dropped or replaced by each hostile value, is taken or refused with its place."""
    document, headers = SAMPLES[name, label]
    for path in paths(document):
        for value in (..., None, True, 7, 1.5, "", "x" * 600, [], ["a", 1], {}, {"a": 1}):
            if path or value is not ...:
                checked(ACTUAL[name], altered(document, path, lambda _, value=value: value), headers)


@given(
    ANY_JSON, st.dictionaries(st.sampled_from(["ce_type", "x-github-event", "x-github-delivery", "ce_id"]), st.text())
)
@settings(max_examples=300, deadline=None)
def test_random_json_never_raises(document, headers):
    """Any JSON at all, read by any source, gives valid readings."""
    for source in SOURCES:
        source.recognise(document, headers)
        checked(source, document, headers)
