"""``weir eval kdd99``: tokens on the records of KDD Cup 1999, attacks thinned to a fifth; score, then learn.

Tokens is an option of a set of models, outside the standard set.

All normal rows are kept, and attack row n (from 0, in the 10 % file) where crc32 of its decimal number, modulo 10,000,
is below 613. The 41 features go to the shipped detector as they are, texts and numbers; each record is a minute of its
own, and the ranking is by its score. River's detectors get the 38 numbers, and so does rrcf, which takes milliseconds,
on every twentieth record.

How the constants were chosen is in ``CHOSEN`` and printed with the figures.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
from rich.table import Table

from models.tokens import Tokens
from streams.evaluation import ranking
from streams.evaluation.ranking import Areas, areas, baselines, both, whole_and_parts

RECORDS: Final = Path("anomaly") / "kddcup99_10_percent.csv.gz"
KEPT: Final = 613
"""Of 10,000 attacks."""
GOAL: Final = (0.975, 0.93)
"""ROC area and average precision over all records."""
SPARSE: Final = 20
"""Of the records, for rrcf."""
PREFIX: Final = 12_000
"""Records that are scored under each hash seed."""
POISON: Final = {"one record with 1e9 in every number": 0.005, "a tenth of the first 20 % from attacks": 0.02}
"""What poisoning may cost, in ROC area."""

CHOSEN: Final = (
    "tokens is an option of a set of models, outside the standard set.",
    "The form was found with all labels in view: about 200 configurations scored.",
    "Constants are frozen on the first 20 %, as far as they were searched:",
    "Window lengths, power and guard: the argmax of ROC + AP on the first 20 % (251 attacks), as in the second line.",
    "The guard found there, 80 for 41 fields, is written as 2 a field: seen with all labels, on fewer fields.",
    "The least long-run share, 0.02, is set by what poisoning may cost; ROC alone would have none, as the second line.",
    "Without it the guard's exact place matters: the third line differs from the second by a guard of 82 for 80.",
)
PUBLISHED: Final = (
    (
        "MStream",
        0.903,
        0.60,
        "reference code on the same records, ticks of 100 records; of 1, 10 and 1,000: ROC 0.492, 0.829 and 0.819",
    ),
)
"""Name, ROC area, average precision, source."""

# The names of the data set's own description.
_DESCRIBED: Final = """
duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in
num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds
is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate
diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate
dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
dst_host_rerror_rate dst_host_srv_rerror_rate
"""
FIELDS: Final = tuple(_DESCRIBED.split())
_TEXT: Final = frozenset(("protocol_type", "service", "flag"))

Record = dict[str, Any]


class Records(NamedTuple):
    """The stream in its order, and attacks that are not in it, for poisoning."""

    records: list[Record]
    attack: npt.NDArray[np.bool_]
    spare: list[Record]


class Pass(NamedTuple):
    """One run over all records."""

    name: str
    areas: Areas
    sparse: tuple[float, float]
    micros: float
    rows: int


def read(data: Path, limit: int | None = None) -> Records:
    """The records, or the first ``limit``. Raises ``FileNotFoundError`` or ``ValueError`` where the file is another."""
    records: list[Record] = []
    attack: list[bool] = []
    spare: list[Record] = []
    with gzip.open(data / RECORDS, "rt", encoding="ascii") as lines:
        for at, line in enumerate(lines):
            if len(records) == limit:
                break
            *values, label = line.rstrip("\n").split(",")
            kept = label == "normal." or crc32(str(at).encode()) % 10_000 < KEPT
            if kept or at % 180 == 0:
                (records if kept else spare).append(_record(values))
            if kept:
                attack.append(label != "normal.")
    return Records(records, np.array(attack), spare)


def _record(values: Sequence[str]) -> Record:
    return {
        name: value if name in _TEXT else float(value) if "." in value else int(value)
        for name, value in zip(FIELDS, values, strict=True)
    }


def digest(data: Path) -> str:
    """Of the evidence on the first records and of the rows after them: equal in every process."""
    detector = Tokens()
    state = blake2b(digest_size=8)
    for record in read(data, PREFIX).records:
        state.update(repr(detector.scored({"source": "kdd", "fields": record}, learn=True)).encode())
    state.update(repr(sorted(detector._rows.items())).encode())
    return state.hexdigest()


def run(
    data: Path,
    progress: Callable[[str], None],
    clock: Callable[[], float],
    digests: Callable[[], Sequence[str]],
    *,
    poison: bool = False,
) -> dict[str, Any]:
    """All figures, and ``passed``. ``clock``: CPU s. ``digests``: ``digest`` in processes with other hash seeds."""
    progress("reading the records")
    stream = read(data)
    progress(f"{len(stream.records):,} records, {int(stream.attack.sum()):,} attacks")
    passes = []
    for name, detector in (
        ("shipped", Tokens()),
        ("frozen on the first 20 %", Tokens(rare=0.0, guard=80 / len(FIELDS))),
        ("with the first's guard and the second's rest", Tokens(rare=0.0)),
    ):
        passes.append(_pass(name, detector, stream, clock))
        progress(f"{name}: ROC {passes[-1].areas.roc:.4f}, AP {passes[-1].areas.ap:.4f}")
    numbers = [{name: float(value) for name, value in x.items() if name not in _TEXT} for x in stream.records]
    others = baselines(numbers, stream.attack, SPARSE, progress, clock)
    losses: dict[str, float] = {}
    if poison:
        for name, poisoned in zip(POISON, (_billion, _tenth), strict=True):
            losses[name] = passes[0].areas.rest[0] - poisoned(stream)
            progress(f"{name}: the last 80 % lose {losses[name]:.4f}")
    found = list(digests())
    met = {
        f"ROC >= {GOAL[0]}": passes[0].areas.roc >= GOAL[0],
        f"AP >= {GOAL[1]}": passes[0].areas.ap >= GOAL[1],
        "equal under all hash seeds": len(set(found)) == 1,
        **{f"{name} costs <= {most}": losses[name] <= most for name, most in POISON.items() if name in losses},
    }
    return {
        "records": len(stream.records),
        "attacks": int(stream.attack.sum()),
        "passes": [each._asdict() | {"areas": each.areas._asdict()} for each in passes],
        "baselines": others,
        "published": [dict(zip(("name", "roc", "ap", "source"), each, strict=True)) for each in PUBLISHED],
        "poison": losses,
        "hash_seeds": {"records": PREFIX, "digests": found},
        "constants": list(CHOSEN),
        "met": met,
        "passed": all(met.values()),
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """For reading."""
    whole, *rest = ranking.tables("KDD Cup 1999, attacks thinned to a fifth", "tokens", result)
    others = Table("", "one in", "ROC / AP", "µs CPU", title="The same records")
    others.add_row("tokens, shipped", str(SPARSE), both(result["passes"][0]["sparse"]), "")
    for each in result["baselines"]:
        others.add_row(*ranking.baseline(each, 1))
    return [whole, others, *rest]


def _pass(name: str, detector: Tokens, stream: Records, clock: Callable[[], float]) -> Pass:
    start = clock()
    found = [detector.scored({"source": "kdd", "fields": record}, learn=True) for record in stream.records]
    micros = (clock() - start) / len(found) * 1e6
    scores = np.array([each.score for each in found if each is not None])
    return Pass(
        name,
        whole_and_parts(scores, stream.attack),
        areas(scores[::SPARSE], stream.attack[::SPARSE]),
        micros,
        len(detector._rows),
    )


def _after(records: Sequence[Record], scored: Sequence[bool], attack: npt.NDArray[np.bool_]) -> float:
    """ROC area of the last 80 % of the records that count."""
    detector = Tokens()
    scores = []
    for record, counts in zip(records, scored, strict=True):
        found = detector.scored({"source": "kdd", "fields": record}, learn=True)
        if counts and found is not None:
            scores.append(found.score)
    fifth = len(attack) // 5
    return areas(np.array(scores[fifth:]), attack[fifth:])[0]


def _billion(stream: Records) -> float:
    records = list(stream.records)
    fifth = len(records) // 5
    large = {name: value if name in _TEXT else 10**9 for name, value in records[fifth].items()}
    return _after(
        [*records[:fifth], large, *records[fifth:]], [at != fifth for at in range(len(records) + 1)], stream.attack
    )


def _tenth(stream: Records) -> float:
    """One more record for every nine of the first 20 %, of the attacks that are not in the stream, as they come."""
    records: list[Record] = []
    scored: list[bool] = []
    fifth = len(stream.records) // 5
    extra = 0
    for at, record in enumerate(stream.records):
        records.append(record)
        scored.append(True)
        if at < fifth and at % 9 == 8:
            records.append(stream.spare[extra % len(stream.spare)])
            scored.append(False)
            extra += 1
    return _after(records, scored, stream.attack)
