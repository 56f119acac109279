"""What an operator can set, and where each value came from.

``weir.toml`` is overridden by ``WEIR_*`` variables, and these by flags. Nested keys take two underscores:
``WEIR_ENGINE__SIGNAL_P=1e-4``. ``KAFKA_BOOTSTRAP_SERVERS`` also names the broker; ``WEIR_BOOTSTRAP`` wins over it.
"""

from __future__ import annotations

import difflib
import os
import secrets
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from schemas.parameters import Parameters
from schemas.rule import Rule
from streams.correlation.rules.check import faults
from streams.feeds import NAME, Feed
from streams.mapping_files import read_mappings
from streams.rule_files import parse_rules, read_rules
from streams.sigma_files import Detections, read_detections
from streams.sources.mapping import MappedSource
from streams.sources.registry import SOURCES

RAW_SOURCES = (
    "cloudtrail",
    "github",
    "cdevents",
    "kubernetes_audit",
    "kubernetes_events",
    "argocd",
    "flux",
    "tekton",
    "falco",
    "trivy",
    "trivy_operator",
    "sarif",
    "ocsf",
    "aws",
    "vpcflow",
    "okta",
    "gcp_audit",
    "azure",
    "github_audit",
    "suricata",
    "wazuh",
    "ecs",
    "scans",
    "terraform",
    "gitlab",
    "vex",
    "policy_exceptions",
)
"""Short names of the sources, and families of them, that have a raw topic of their own."""

_OURS = frozenset(
    (
        "acks",
        "auto.offset.reset",
        "bootstrap.servers",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "isolation.level",
        "partition.assignment.strategy",
        "transactional.id",
        "transaction.timeout.ms",
    )
)
"""librdkafka properties that exactly-once rests on; ``kafka`` may not set them."""


class BadSettings(ValueError):
    """A setting is wrong. The message names each key, where its value came from, and what is wrong with it."""


def _mapped(value: object) -> tuple[MappedSource, ...]:
    given: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    if all(isinstance(entry, MappedSource) for entry in given):
        return tuple(given)
    if not all(isinstance(entry, str | Path | Mapping) for entry in given):
        raise ValueError("neither paths nor [[mappings]]")
    taken = {source.name for source in SOURCES} | {*RAW_SOURCES, "weir"}
    found, wrong = read_mappings([Path(entry) if isinstance(entry, str) else entry for entry in given], taken)
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))
    return tuple(mapped.source for mapped in found)


class Settings(BaseSettings):
    """Everything else: addresses, names, limits. Build it with ``load`` to have readable errors."""

    model_config = SettingsConfigDict(
        env_prefix="WEIR_", env_nested_delimiter="__", env_ignore_empty=True, extra="forbid", frozen=True
    )

    config_file: Path | None = Field(
        default=None, description="default: weir.toml in the working folder, if there is one"
    )
    bootstrap: str | None = Field(default=None, description="host:port[,host:port] of the broker; none: one is started")
    app: str = Field(
        default="weir", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="prefix of topics, groups and transactional ids"
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        pattern=r"^[A-Za-z0-9._-]{1,128}$",
        description="name of this process among its kind; the same after a restart",
    )
    partitions: int = Field(default=4, ge=1, le=4096)
    replication_factor: int = Field(default=1, ge=1, le=32767)
    commit_interval_ms: int = Field(default=200, ge=10, le=5_000)
    batch_bytes: int = Field(default=524_288, ge=1_024, description="uncompressed size at which a batch is cut")
    max_message_bytes: int = Field(default=2_097_152, ge=65_536, le=104_857_600)
    session_timeout_ms: int = Field(default=10_000, ge=1_000, description="brokers refuse less than 6000 by default")
    transaction_timeout_ms: int = Field(default=10_000, ge=1_000)
    tick_interval_ms: int = Field(default=1_000, ge=100)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="0: no endpoints")
    log_level: str = Field(default="info", pattern=r"^(debug|info|warning|error|critical)$")
    catalog: Path | None = Field(default=None, description="Backstage entities, YAML")
    redaction_key: SecretStr | None = Field(
        default=None, min_length=16, description="keys the pseudonyms of redacted values; none: see redaction_key()"
    )
    mappings: Annotated[tuple[MappedSource, ...], PlainValidator(_mapped)] = Field(
        default=(), description="formats read by a mapping: paths of files and folders, or [[mappings]]"
    )
    raw: dict[str, str] = Field(default_factory=dict, description="raw topic of a source, where not <app>.raw.<source>")
    broker_image: str = Field(default="apache/kafka:4.1.0", description="container image, where Docker runs")
    broker_data: Path | None = Field(default=None, description="keeps a local broker's data; none: a temporary folder")
    kafka: dict[str, str] = Field(
        default_factory=dict, repr=False, description="librdkafka properties for every client: TLS, SASL, socket limits"
    )
    rules: tuple[Rule, ...] = Field(
        default=(), description="correlation rules: paths of files and folders, or [[rules]]; they go into engine.rules"
    )
    context: dict[str, Feed] = Field(
        default_factory=dict, repr=False, description="feeds of context by name: [context.NAME]; see Feed"
    )
    detections: tuple[str, ...] = Field(
        default=(), description='Sigma rules: paths of files and folders, and "pack"; read where they are published'
    )
    engine: Parameters = Field(default_factory=Parameters)

    @field_validator("detections", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        given = value if isinstance(value, list | tuple) else [value]
        return [str(entry) if isinstance(entry, Path) else entry for entry in given]

    @field_validator("context")
    @classmethod
    def _feed_names(cls, value: dict[str, Feed]) -> dict[str, Feed]:
        if wrong := sorted(name for name in value if not NAME.fullmatch(name)):
            raise ValueError(f"not a name of a feed: {', '.join(wrong)}; letters, digits and ._- make one")
        return value

    @field_validator("rules", mode="before")
    @classmethod
    def _read_rules(cls, value: object) -> tuple[Rule, ...]:
        given = value if isinstance(value, list | tuple) else [value]
        tables = [entry for entry in given if isinstance(entry, Mapping)]
        paths = [Path(entry) for entry in given if isinstance(entry, str | Path)]
        if len(tables) + len(paths) < len(given):
            raise ValueError("neither paths nor [[rules]]")
        written, wrong = parse_rules({"rules": tables}, "[[rules]]") if tables else ((), [])
        read, more = read_rules(paths)
        if wrong or more:
            raise ValueError("\n".join(map(str, [*wrong, *more])))
        return written + read

    @field_validator("engine")
    @classmethod
    def _sound_rules(cls, value: Parameters) -> Parameters:
        if wrong := faults(value.rules):
            raise ValueError("\n".join(f"[[engine.rules]]: {fault}" for fault in wrong))
        return value

    @field_validator("max_message_bytes")
    @classmethod
    def _holds_a_batch(cls, value: int, others: ValidationInfo) -> int:
        if value <= (batch := others.data.get("batch_bytes", 0)):
            raise ValueError(f"must be more than batch_bytes ({batch})")
        return value

    @field_validator("kafka", mode="before")
    @classmethod
    def _flatten(cls, value: object) -> object:
        return dict(_flat("", value)) if isinstance(value, Mapping) else value

    @field_validator("kafka")
    @classmethod
    def _keep_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if taken := sorted(_OURS & value.keys()):
            raise ValueError(f"{', '.join(taken)} cannot be set here: exactly-once delivery rests on Weir's own value")
        return value

    @field_validator("raw")
    @classmethod
    def _known_source(cls, value: dict[str, str], others: ValidationInfo) -> dict[str, str]:
        known = _raw_sources(others.data.get("mappings", ()))
        if unknown := sorted(value.keys() - set(known)):
            raise ValueError(f"no such source: {', '.join(unknown)}; there are {', '.join(known)}")
        return value

    def topic(self, name: str) -> str:
        """Full name of one of Weir's own topics, for example ``events`` -> ``weir.events``."""
        return f"{self.app}.{name}"

    def group(self, role: str) -> str:
        """Consumer group of a role, for example ``ingest`` -> ``weir-ingest``."""
        return f"{self.app}-{role}"

    def transactional_id(self, role: str) -> str:
        """The same after every restart of this instance, so that a new start fences the old one."""
        return f"{self.app}-{role}-{self.instance}"

    @property
    def raw_topics(self) -> dict[str, str]:
        """Raw topic of every source, in the order of ``RAW_SOURCES``; then of the mappings."""
        return {name: self.raw.get(name, f"{self.app}.raw.{name}") for name in _raw_sources(self.mappings)}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then ``WEIR_*``, then ``KAFKA_BOOTSTRAP_SERVERS``, then the file; the first that has a key decides."""
        flags = init_settings()
        file = flags.get("config_file") or os.environ.get("WEIR_CONFIG_FILE")
        return (
            init_settings,
            env_settings,
            _KafkaVariable(settings_cls),
            TomlConfigSettingsSource(settings_cls, toml_file=Path(file or "weir.toml")),
        )


class _KafkaVariable(PydanticBaseSettingsSource):
    """The broker's address under the name that other Kafka tools use too."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        address = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
        return {"bootstrap": address} if address else {}


def load(**flags: Any) -> Settings:
    """Settings from file, environment and flags. A flag that is None counts as not given.

    Raises ``BadSettings`` for a wrong value, an unknown key, an unreadable file, or a named file that is not there.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    file = given.get("config_file") or os.environ.get("WEIR_CONFIG_FILE")
    if file and not Path(file).is_file():
        raise BadSettings(f"config_file = {str(file)!r}: there is no such file")
    try:
        return _with_rules(Settings(**given))
    except ValidationError as error:
        lines = [_complaint(place["loc"], place["msg"], place["input"], given) for place in error.errors()]
        raise BadSettings("\n".join(lines)) from None
    except SettingsError as error:  # a list or table in a variable that is not JSON
        raise BadSettings(f"{error}: {error.__cause__}" if error.__cause__ else str(error)) from None
    except (OSError, ValueError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise BadSettings(f"{file or 'weir.toml'}: {error}") from None


def _raw_sources(mappings: Iterable[MappedSource]) -> tuple[str, ...]:
    return (*RAW_SOURCES, *(source.name for source in mappings))


def _with_rules(settings: Settings) -> Settings:
    """The same with all rules where the engine finds them."""
    if not settings.rules:
        return settings
    rules = settings.engine.rules + settings.rules
    if twice := faults(rules):
        raise BadSettings("\n".join(map(str, twice)))
    return settings.model_copy(update={"engine": settings.engine.model_copy(update={"rules": rules}), "rules": ()})


def detections_of(settings: Settings) -> Detections:
    """The Sigma rules that the settings name, read now. Raises ``BadSettings`` with all that is wrong with them."""
    found = read_detections(settings.detections)
    if found.faults:
        raise BadSettings("\n".join(map(str, found.faults)))
    return found


def with_correlations(settings: Settings, rules: Sequence[Rule]) -> Settings:
    """The same with correlation rules besides its own. Raises ``BadSettings`` where they do not go together."""
    if not rules:
        return settings
    together = (*settings.engine.rules, *rules)
    if wrong := faults(together):
        raise BadSettings("\n".join(map(str, wrong)))
    return settings.model_copy(update={"engine": settings.engine.model_copy(update={"rules": together})})


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """One line for each ``WEIR_*`` variable that sets nothing, with the likely name.

    They are not refused: Kubernetes puts ``WEIR_SERVICE_HOST`` and the like into every pod beside a service ``weir``.
    """
    known = [f"WEIR_{name.upper()}" for name in Settings.model_fields]
    lines = []
    for name in sorted(environ):
        if not name.startswith("WEIR_") or name.split("__")[0] in known:
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
        lines.append(f"{name} sets nothing" + (f"; did you mean {close[0]}?" if close else ""))
    return lines


def redaction_key(settings: Settings) -> bytes:
    """The key of the pseudonyms: the setting, or 32 random bytes made once for this user and kept in a private file.

    All processes that read one log must share it, else the same secret gets different pseudonyms; several machines
    therefore set ``WEIR_REDACTION_KEY``. Raises ``BadSettings`` where the file can be neither read nor written.
    """
    if settings.redaction_key is not None:
        return settings.redaction_key.get_secret_value().encode()
    home = os.environ.get("XDG_STATE_HOME")
    path = (Path(home) if home else Path.home() / ".local" / "state") / "weir" / "redaction.key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"redaction.{secrets.token_hex(8)}")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_hex(32))
            try:
                path.hardlink_to(fresh)
            except FileExistsError:
                pass  # another process was first; its key is the key
            finally:
                fresh.unlink()
        return bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise BadSettings(
            f"redaction_key is not set, and {path} cannot be used ({error}); set WEIR_REDACTION_KEY"
        ) from None


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs.extend(_flat(f"{name}.", value))
        else:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs


def _complaint(place: tuple[int | str, ...], what: str, value: object, flags: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in place)
    if what.startswith("Value error, ") and (place in (("rules",), ("mappings",)) or "[[engine.rules]]: " in what):
        return what.removeprefix("Value error, ")  # each line names file and place
    if what.startswith("Extra inputs"):  # its value may be a secret under a misspelt name
        value = {}
        what = "no such setting"
        if len(place) == 1 and (close := difflib.get_close_matches(key, Settings.model_fields, n=1)):
            what += f"; did you mean {close[0]}?"
    shown = (
        "" if key.startswith(("redaction_key", "kafka", "context.")) or isinstance(value, Mapping) else f" = {value!r}"
    )
    return f"{key}{shown} ({_origin(place, flags)}): {what.removeprefix('Value error, ')}"


def _origin(place: tuple[int | str, ...], flags: Mapping[str, Any]) -> str:
    if _holds(flags, place):
        return f"from --{str(place[0]).replace('_', '-')}"
    if _holds(EnvSettingsSource(Settings)(), place):
        exact = "WEIR_" + "__".join(str(part) for part in place).upper()
        return f"from {exact if exact in os.environ else 'WEIR_' + str(place[0]).upper()}"
    if place == ("bootstrap",) and os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return "from KAFKA_BOOTSTRAP_SERVERS"
    file = Path(flags.get("config_file") or os.environ.get("WEIR_CONFIG_FILE") or "weir.toml")
    return f"from {file}" if _holds(TomlConfigSettingsSource(Settings, toml_file=file)(), place) else "the default"


def _holds(table: object, place: tuple[int | str, ...]) -> bool:
    for part in place:
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True
