"""``weir replay``: recorded files, or a recorded partition log, through the engine in one process."""

from __future__ import annotations

import gzip
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, NamedTuple
from urllib.parse import quote

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console

from models.adopt import StateMismatch
from schemas.dead_letter import DeadLetter
from schemas.events import Event
from schemas.parameters import Parameters
from streams.cli.common import clear_errors, connected, fail, settings
from streams.cli.table import plain
from streams.failures import TooManyFailures
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from streams.redaction import Redactor
from streams.replay import files, summary
from streams.replay.log import OutOfOrder, fold_log
from streams.replay.recorded import BadDump, decode, log_records
from streams.replay.run import Replay, Told, run
from streams.settings import BadSettings, Settings, redaction_key, with_correlations
from streams.sigma_files import read_detections
from streams.sources.known import Known, known_with
from streams.sources.registry import UnknownSourceError

if TYPE_CHECKING:
    from streams.sigma.bundle import RuleText

Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH...", help="Files and folders, or NAME=PATH.")]
SourceName = Annotated[str | None, typer.Option(help="Source of all paths without a NAME, instead of by content.")]
Log = Annotated[str | None, typer.Option(metavar="TOPIC|FILE", help="Fold a recorded partition log instead.")]
CatalogFile = Annotated[list[Path] | None, typer.Option(help="Backstage entities; they count from the start.")]
RuleFiles = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="Correlation rules: files and folders, instead of weir.toml's."),
]
MappingFiles = Annotated[
    list[Path] | None,
    typer.Option("--mapping", help="Mappings of other formats: files and folders, instead of weir.toml's."),
]
DetectionFiles = Annotated[
    list[str] | None,
    typer.Option(metavar="PATH|pack", help="Sigma rules: files, folders, the built-in pack, instead of weir.toml's."),
]
Revisions = Annotated[bool, typer.Option("--revisions", help="Every revision in order, not the last of each unit.")]
NoModels = Annotated[bool, typer.Option("--no-models", help="Signals from findings only.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the engine, e.g. signal_p=1e-4.")
]
MembersFile = Annotated[
    Path | None, typer.Option(help="Write every member as {unit_id, source_id}, under its unit's final id.")
]
EventsFile = Annotated[Path | None, typer.Option(help="Write the normalised events.")]
LettersFile = Annotated[Path | None, typer.Option(help="Write the dead letters.")]
LearntFiles = Annotated[
    list[Path] | None, typer.Option("--learnt", help="Begin with what models learnt elsewhere: files of --keep-learnt.")
]
KeepLearnt = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Write what the models have learnt at the end, a file a domain.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]


class Kept(NamedTuple):
    """Files besides units: what models start with, the folder for what they have learnt, and members."""

    learnt: tuple[Path, ...]
    keep: Path | None
    members: Path | None


class Engine(NamedTuple):
    """What documents go through: redaction, detection rules, and the fold under its parameters."""

    redactor: Redactor
    parameters: Parameters
    rules: Sequence[RuleText]


class _Writer(Told):
    """Sends what comes out where the flags say: units to stdout, the rest to its file."""

    def __init__(self, revisions: bool, events: BinaryIO | None, letters: BinaryIO | None, quiet: bool) -> None:
        self.revisions = revisions
        self.events = events
        self.letters = letters
        self.out = sys.stdout.buffer
        self.last: dict[bytes, bytes] = {}
        self.ids: set[bytes] = set()
        self.told: Sequence[tuple[str, bytes]] = ()
        self.count = 0
        self.size = 0
        self.began = time.monotonic()
        self.console = Console(stderr=True, highlight=False, quiet=quiet, width=None if sys.stderr.isatty() else 200)
        self.status = self.console.status("") if self.console.is_terminal and not quiet else None

    def output(self, output: Output) -> None:
        if output.role in ("units", "suppressed"):
            if output.headers == self.told:  # the same revision, for the other topic
                return
            self.told = output.headers
            self.count += 1
            self.ids.add(output.key)
            if self.revisions:
                self.out.write(output.value + b"\n")
            else:
                self.last[output.key] = output.value
        elif output.role == "dead-letters" and self.letters is not None:
            self.letters.write(output.value + b"\n")

    def event(self, event: Event) -> None:
        if self.events is not None:
            self.events.write(event.model_dump_json().encode() + b"\n")

    def letter(self, letter: DeadLetter) -> None:
        if self.letters is not None:
            self.letters.write(letter.model_dump_json().encode() + b"\n")

    def document(self, documents: int, position: int) -> None:
        share = f"{100 * position / self.size:.0f} % of {self.size:,} bytes" if self.size else ""
        self.progress(f"{documents:,} documents, {share}")

    def progress(self, text: str) -> None:
        """Overwrite the line that says how far it is."""
        if self.status is not None:
            self.status.update(f"{text}, {self.count:,} revisions")

    def units(self) -> None:
        """The last revision of each unit, by unit id."""
        for key in sorted(self.last):
            self.out.write(self.last[key] + b"\n")
        self.out.flush()

    def say(self, text: str) -> None:
        """Lines on stderr; they may hold text of the input."""
        for line in text.splitlines():
            self.console.print(plain(line), markup=False, soft_wrap=True)


def replay(
    paths: Paths = None,
    source: SourceName = None,
    log: Log = None,
    catalog: CatalogFile = None,
    rules: RuleFiles = None,
    mapping: MappingFiles = None,
    detections: DetectionFiles = None,
    revisions: Revisions = False,
    no_models: NoModels = False,
    assignments: Assignments = None,
    members: MembersFile = None,
    events: EventsFile = None,
    dead_letters: LettersFile = None,
    learnt: LearntFiles = None,
    keep_learnt: KeepLearnt = None,
    quiet: Quiet = False,
) -> None:
    """Recorded files through ingest and engine, without Kafka; the last revision of each unit as a line of JSON.

    Reads .json .ndjson .jsonl .csv .yaml .sarif, each also gzip, and folders of them. The format is recognised by
    content. A file's order is kept; several are merged by event time. The summary on stderr accounts for everything.

    Exit code 1 if it does not, or if the engine failed on too many events; 2 for input that cannot be read.
    """
    if log is not None:
        given = {
            "PATH": paths, "--source": source, "--catalog": catalog, "--rules": rules, "--mapping": mapping,
            "--no-models": no_models, "--set": assignments, "--members": members, "--events": events,
            "--learnt": learnt, "--keep-learnt": keep_learnt, "--detections": detections,
        }  # fmt: skip
        if wrong := [name for name, value in given.items() if value]:
            raise fail(f"--log takes everything from the log; leave out {', '.join(wrong)}")
    elif not paths:
        raise fail("name the files or folders to replay, or a log with --log")
    configured = settings(rules=rules, mappings=mapping, detections=detections)
    with ExitStack() as stack:
        writer = _Writer(revisions, _opened(stack, events), _opened(stack, dead_letters), quiet)
        try:
            with writer.status or nullcontext():
                if log is not None:
                    code = _log(log, writer)
                else:
                    found = read_detections(configured.detections)
                    for fault in found.faults:
                        writer.say(f"rule not used: {fault}")
                    with clear_errors(BadSettings):
                        ruled = with_correlations(configured, found.correlations).engine
                    parameters = _parameters(ruled, no_models, assignments or [])
                    catalogs = catalog or [path for path in [configured.catalog] if path]
                    known = known_with(*configured.mappings)
                    kept = Kept(tuple(learnt or ()), keep_learnt, members)
                    engine = Engine(redaction(configured), parameters, found.texts)
                    code = _files(paths or [], source, known, catalogs, engine, kept, writer)
            writer.units()
        except BrokenPipeError:  # the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except TooManyFailures as error:
            raise fail(str(error), code=1) from None
        except OSError as error:
            raise fail(f"{error.filename or 'input'}: {error.strerror or error}") from None
    raise typer.Exit(code)


def redaction(configured: Settings) -> Redactor:
    """The redactor under the installation's key."""
    with clear_errors(BadSettings):
        return Redactor(redaction_key(configured))


def _files(
    paths: list[str],
    source: str | None,
    known: Known,
    catalogs: list[Path],
    engine: Engine,
    kept: Kept,
    writer: _Writer,
) -> int:
    with clear_errors(files.Unreadable, UnknownSourceError):
        inputs, skipped = files.find(paths, source, known)
        inputs += [files.catalog(path, len(inputs) + number) for number, path in enumerate(catalogs)]
    for entry in skipped:
        writer.say(f"not read: {entry.path}: {entry.reason}")
    if not any(entry.path not in catalogs for entry in inputs):
        raise fail("nothing to replay: no file that any source reads")
    writer.size = sum(entry.path.stat().st_size for entry in inputs)
    wanted = kept.members is not None
    replay_ = Replay(engine.redactor, engine.parameters, writer, members=wanted, known=known, rules=engine.rules)
    with clear_errors(StateMismatch):
        replay_.learn(file.read_bytes() for file in kept.learnt)
    documents, blank = run(replay_, inputs)
    if not documents:
        raise fail("nothing to replay: the files are empty")
    if kept.keep is not None:
        kept.keep.mkdir(parents=True, exist_ok=True)
        for domain, data in replay_.learnt().items():
            (kept.keep / f"{quote(domain, safe='')[:200]}.state").write_bytes(data)
    if kept.members is not None:
        with kept.members.open("wb") as out:
            for unit_id, source_id in sorted(set(replay_.pipeline.members_by_unit())):
                out.write(orjson.dumps({"unit_id": unit_id, "source_id": source_id}) + b"\n")
    problems = replay_.problems(documents)
    writer.console.print(summary.table(replay_.tallies))
    for line in summary.reasons(replay_.tallies):
        writer.say(line)
    revisions = ", ".join(f"{count:,} {reason}" for reason, count in sorted(replay_.pipeline.revisions.items()))
    writer.say(
        f"{len(inputs):,} files, {documents:,} documents"
        + (f" and {blank:,} blank lines" if blank else "")
        + f" in {time.monotonic() - writer.began:.1f} s; {len(writer.ids):,} units, {writer.count:,} revisions"
        + (f" ({revisions})" if revisions else "")
    )
    writer.say(summary.accounted(replay_.tallies, documents, problems))
    if problems:
        fail("the counts do not add up; this is a defect of Weir")
    return 1 if problems else 0


def _log(name: str, writer: _Writer) -> int:
    pipelines: dict[int, Pipeline] = {}
    records = 0

    def counted(log: Iterable[LogRecord]) -> Iterator[LogRecord]:
        nonlocal records
        for records, record in enumerate(log, 1):  # the number is used outside
            if records % 1_000 == 0:
                writer.progress(f"{records:,} records")
            yield record

    file = Path(name)
    if file.is_file():
        with gzip.open(file) if _is_gzip(file) else file.open("rb") as stream, clear_errors(BadDump, OutOfOrder):
            for _, output in fold_log(counted(log_records(decode(stream))), pipelines):
                writer.output(output)
    else:
        from streams.edge.dump import NoTopic, read_log
        from streams.edge.reach import BrokerFailed, reaching

        configured = connected()
        with clear_errors(NoTopic, OutOfOrder, BrokerFailed), reaching(configured):
            for _, output in fold_log(counted(read_log(configured, name)), pipelines):
                writer.output(output)
    if not records:
        raise fail(f"{name}: nothing in it")
    outcomes: Counter[str] = sum((pipeline.counts for pipeline in pipelines.values()), Counter())
    writer.say(
        f"{records:,} records of {len(pipelines)} partitions in {time.monotonic() - writer.began:.1f} s; "
        f"{len(writer.ids):,} units, {writer.count:,} revisions"
    )
    writer.say("events: " + ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items())))
    return 0


def _parameters(engine: Parameters, no_models: bool, assignments: list[str]) -> Parameters:
    values = engine.model_dump(exclude={"rules"})
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or key not in values:
            raise fail(f"--set {assignment}: not KEY=VALUE with a KEY of {', '.join(sorted(values))}")
        values[key] = text
    if no_models:
        values["scoring"] = False
    try:
        return Parameters.model_validate(values | {"rules": engine.rules})
    except ValidationError as error:
        first = error.errors()[0]
        raise fail(f"--set {first['loc'][0]}={first['input']}: {first['msg']}") from None


def _opened(stack: ExitStack, path: Path | None) -> BinaryIO | None:
    if path is None:
        return None
    try:
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from None


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)
