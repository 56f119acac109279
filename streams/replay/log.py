"""A recorded partition log folded again, in one process: what its workers must have written, byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.pipeline import Pipeline
from streams.records import LogRecord, Output


class OutOfOrder(ValueError):
    """The records of a partition do not ascend by offset, so they are no log."""


class Folded(NamedTuple):
    """One output, and the partition of the log it came from."""

    partition: int
    output: Output


def fold_log(records: Iterable[LogRecord], pipelines: dict[int, Pipeline] | None = None) -> Iterator[Folded]:
    """Fold the records, each partition from an empty state, and give every output in the order of its making.

    Partitions may be mixed; inside one, offsets ascend. The log decides everything: parameters, catalog and ticks are
    records in it, and nothing is flushed at its end. ``pipelines``, if given, is filled with each partition's fold.

    Raises:
        OutOfOrder: a record's offset does not follow the one before.
        TooManyFailures: see ``Pipeline.step``.
    """
    folds = {} if pipelines is None else pipelines
    last: dict[int, int] = {}
    for record in records:
        partition = record.partition
        if record.offset <= last.get(partition, -1):
            raise OutOfOrder(f"partition {partition}: offset {record.offset} comes after {last[partition]}")
        last[partition] = record.offset
        fold = folds.get(partition)
        if fold is None:
            fold = folds[partition] = Pipeline(partition)
        for output in fold.step(record):
            yield Folded(partition, output)
