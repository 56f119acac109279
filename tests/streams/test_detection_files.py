"""Sigma rules that the settings name: read where they are published, each fault with its place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from schemas.parameters import Parameters
from streams.settings import BadSettings, Settings, detections_of, load, with_correlations
from streams.sigma.bundle import unbundle
from streams.sigma.in_force import refused
from streams.sigma_files import pack, read_detections

RULES = """
title: A user was made
id: 0000000A-0000-4000-8000-000000000001
name: user_made
logsource: {product: aws, service: cloudtrail}
detection: {call: {eventName: CreateUser}, condition: call}
references: [https://example.org]
tests: [{name: made, match: true, event: {eventName: CreateUser}}]
---
title: Many users were made
name: many_made
correlation: {type: event_count, rules: [user_made], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 3}}
---
title: Made by the platform
name: platform
logsource: {product: aws, service: cloudtrail}
filter: {rules: [user_made], it: {userIdentity.type: AWSService}, condition: not it}
"""
BROKEN = """
title: Something
logsource: {product: aws}
detection: {call: {eventName|backwards: x}, condition: call}
"""


def test_every_document_travels_under_its_key(tmp_path: Path) -> None:
    """Detections, correlation rules and filters; ids in one spelling; what no machine needs stays behind."""
    (tmp_path / "rules.yml").write_text(RULES)
    found = read_detections([str(tmp_path)])
    assert found.faults == ()
    assert [text.key for text in found.texts] == ["0000000a-0000-4000-8000-000000000001", "many_made", "platform"]
    assert [rule.name for rule in found.correlations] == ["many_made"]
    assert "tests" not in orjson.loads(found.texts[0].text)
    together = unbundle(found.texts)
    assert (len(together.rules), len(together.correlations), together.filters, together.faults) == (1, 1, 1, ())


def test_what_does_not_compile_is_left_out_with_its_place(tmp_path: Path) -> None:
    """The others are there; the settings refuse all of it, each fault on a line."""
    (tmp_path / "a.yml").write_text(BROKEN)
    (tmp_path / "b.yml").write_text(RULES)
    missing = str(tmp_path / "none.yml")
    found = read_detections([str(tmp_path), missing])
    assert len(found.texts) == 3
    assert [(Path(fault.file).name, fault.line, fault.place) for fault in found.faults] == [
        ("none.yml", 0, ""),
        ("a.yml", 4, "detection.call.eventName|backwards"),
    ]
    with pytest.raises(BadSettings, match=r"none\.yml(.|\n)*a\.yml:4: document 1: detection\.call"):
        detections_of(load(detections=[str(tmp_path), missing]))


def test_the_pack_can_be_in_force() -> None:
    """By its name: each of its documents is taken by ingest as it travels."""
    found = read_detections(["pack"])
    assert len(found.texts) >= len(pack())
    assert [refused(text.key, {"text": text.text, "digest": text.digest}) for text in found.texts] == [None] * len(
        found.texts
    )


def test_settings_name_rules_and_do_not_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that publishes none needs no rule files; one path may stand without brackets."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weir.toml").write_text('detections = ["rules/none", "pack"]\n')
    assert load().detections == ("rules/none", "pack")
    assert load(detections=Path("rules")).detections == ("rules",)
    assert Settings().detections == ("rules/none", "pack")


def test_correlation_rules_go_to_the_engine(tmp_path: Path) -> None:
    """Besides its own; one of the same name and version is refused."""
    (tmp_path / "rules.yml").write_text(RULES)
    found = read_detections([str(tmp_path / "rules.yml")])
    settings = with_correlations(load(engine=Parameters()), found.correlations)
    assert [rule.name for rule in settings.engine.rules] == ["many_made"]
    assert with_correlations(settings, ()) is settings
    with pytest.raises(BadSettings, match="many_made@1: is there twice"):
        with_correlations(settings, found.correlations)


def test_who_has_no_rules_does_not_load_their_parser() -> None:
    """Settings and ingest without a rule leave pySigma out: it takes a third of a second and 20 MB."""
    code = (
        "import sys, streams.edge.ingest, streams.edge.detections; from streams.settings import detections_of, load; "
        "detections_of(load()); sys.exit(any(name.split('.')[0] == 'sigma' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
