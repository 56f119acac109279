"""Where settings come from, which wins, and what a wrong one says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from schemas.parameters import Parameters
from streams import settings as settings_module
from streams.settings import BadSettings, Settings, load, redaction_key, unknown_variables


@pytest.fixture(autouse=True)
def _empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("WEIR_") or name == "KAFKA_BOOTSTRAP_SERVERS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_file_and_no_variable() -> None:
    """In an empty folder with an empty environment there are settings, without a broker's address."""
    settings = load()
    assert (settings.bootstrap, settings.app, settings.partitions) == (None, "weir", 4)
    assert settings.engine == Parameters()


def test_flag_beats_variable_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each level overrides single keys of the one below, nested ones too, and leaves the others."""
    Path("weir.toml").write_text(
        'app = "file"\npartitions = 1\nreplication_factor = 3\n[engine]\nsignal_p = 0.5\ngroup_wait_ms = 7\n'
    )
    monkeypatch.setenv("WEIR_APP", "variable")
    monkeypatch.setenv("WEIR_PARTITIONS", "2")
    monkeypatch.setenv("WEIR_ENGINE__SIGNAL_P", "0.25")
    settings = load(app="flag", partitions=None)
    assert (settings.app, settings.partitions, settings.replication_factor) == ("flag", 2, 3)
    assert (settings.engine.signal_p, settings.engine.group_wait_ms) == (0.25, 7)


def test_kafka_variable_names_the_broker_below_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """KAFKA_BOOTSTRAP_SERVERS beats the file, WEIR_BOOTSTRAP beats both, and an empty one counts as not set."""
    Path("weir.toml").write_text('bootstrap = "file:1"\n')
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:2")
    assert load().bootstrap == "kafka:2"
    monkeypatch.setenv("WEIR_BOOTSTRAP", "weir:3")
    assert load().bootstrap == "weir:3"
    assert load(bootstrap="flag:4").bootstrap == "flag:4"
    monkeypatch.setenv("WEIR_BOOTSTRAP", "")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
    assert load().bootstrap == "file:1"


def test_named_file_is_read_and_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """--config-file and WEIR_CONFIG_FILE name the file; one that is not there is an error."""
    named = tmp_path / "other.toml"
    named.write_text("partitions = 9\n")
    assert load(config_file=named).partitions == 9
    monkeypatch.setenv("WEIR_CONFIG_FILE", str(named))
    assert load().partitions == 9
    named.unlink()
    with pytest.raises(BadSettings, match=r"other\.toml.*there is no such file"):
        load()


@pytest.mark.parametrize(
    ("toml", "variables", "flags", "says"),
    [
        ("", {"WEIR_PARTITIONS": "many"}, {}, r"^partitions = 'many' \(from WEIR_PARTITIONS\): .*integer"),
        (
            "",
            {"WEIR_ENGINE__SIGNAL_P": "2"},
            {},
            r"^engine\.signal_p = '2' \(from WEIR_ENGINE__SIGNAL_P\): .*less than 1",
        ),
        ("partitions = 0\n", {}, {}, r"^partitions = 0 \(from weir\.toml\): .*greater than or equal to 1"),
        ("partitons = 4\n", {}, {}, r"^partitons \(from weir\.toml\): no such setting; did you mean partitions\?$"),
        ("[engine]\nspeed = 4\n", {}, {}, r"^engine\.speed \(from weir\.toml\): no such setting$"),
        ("", {}, {"app": "a b"}, r"^app = 'a b' \(from --app\): "),
        (
            "",
            {"WEIR_BATCH_BYTES": "2097152"},
            {},
            r"^max_message_bytes = 2097152 \(the default\): must be more than batch_bytes \(2097152\)",
        ),
        ("app = \n", {}, {}, r"^weir\.toml: "),
        ("", {"WEIR_RAW": "{"}, {}, r"WEIR_RAW|raw"),
        (
            "",
            {"WEIR_RAW": '{"osquery": "x"}'},
            {},
            r"^raw \(from WEIR_RAW\): no such source: osquery; there are cloudtrail",
        ),
        ('[kafka]\nacks = "1"\n', {}, {}, r"^kafka \(from weir\.toml\): acks cannot be set here: exactly-once"),
        ("", {"WEIR_REDACTION_KEY": "short-secret"}, {}, r"^redaction_key \(from WEIR_REDACTION_KEY\): "),
    ],
)
def test_wrong_setting_names_its_key_and_its_origin(
    monkeypatch: pytest.MonkeyPatch, toml: str, variables: dict[str, str], flags: dict[str, str], says: str
) -> None:
    """The message holds the key, the value, the place it came from and what is wrong."""
    Path("weir.toml").write_text(toml)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=says) as caught:
        load(**flags)
    assert "short-secret" not in str(caught.value)


def test_all_wrong_settings_are_told_at_once() -> None:
    """Two mistakes are two lines, so that the user does not fix them one run at a time."""
    with pytest.raises(BadSettings) as caught:
        load(partitions=0, replication_factor=0)
    assert len(str(caught.value).splitlines()) == 2


def test_kafka_properties_from_file_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka's dotted names can be written as TOML keys, quoted or not, and as variables with two underscores."""
    Path("weir.toml").write_text(
        '[kafka]\nsecurity.protocol = "SSL"\n"ssl.ca.location" = "/ca.pem"\nlog.queue = true\n'
    )
    monkeypatch.setenv("WEIR_KAFKA__SASL__PASSWORD", "hush")
    settings = load()
    assert settings.kafka == {
        "security.protocol": "SSL",
        "ssl.ca.location": "/ca.pem",
        "log.queue": "true",
        "sasl.password": "hush",
    }
    assert "hush" not in repr(settings)


def test_names_are_derived_from_app_and_instance() -> None:
    """Topics, groups and transactional ids carry the prefix; a raw topic can be set by its source."""
    settings = Settings(app="soc", instance="pod-0", raw={"github": "org.github.webhooks"})
    assert settings.topic("dead-letters") == "soc.dead-letters"
    assert settings.group("ingest") == "soc-ingest"
    assert settings.transactional_id("ingest") == "soc-ingest-pod-0"
    assert settings.raw_topics["github"] == "org.github.webhooks"
    assert settings.raw_topics["cloudtrail"] == "soc.raw.cloudtrail"
    assert list(settings.raw_topics) == list(settings_module.RAW_SOURCES)


def test_redaction_key_is_made_once_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a setting the key is random, the same from then on, and readable by its owner only; a setting wins."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    first = redaction_key(Settings())
    assert len(first) == 32
    assert redaction_key(Settings()) == first
    [path] = (tmp_path / "state" / "weir").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert redaction_key(Settings(redaction_key="sixteen bytes at least")) == b"sixteen bytes at least"
    path.write_text("not hex")
    with pytest.raises(BadSettings, match="set WEIR_REDACTION_KEY"):
        redaction_key(Settings())


def test_misspelt_variables_are_found() -> None:
    """A WEIR_ variable that sets nothing is listed with the likely name; nested and good ones are not."""
    environ = {"WEIR_PARTITONS": "4", "WEIR_ENGINE__SIGNAL_P": "0.1", "WEIR_APP": "a", "WEIR_SERVICE_HOST": "x"}
    assert unknown_variables(environ) == [
        "WEIR_PARTITONS sets nothing; did you mean WEIR_PARTITIONS?",
        "WEIR_SERVICE_HOST sets nothing",
    ]
