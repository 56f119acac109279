"""Sigma rules from files (``*.yml``, ``*.yaml``, ``*.json``; of folders all below them), and those that Weir brings.

pySigma is loaded with the first rule that is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from schemas.rule import Rule
from streams.correlation.rules.check import faults as faults_of
from streams.sigma.rule import Fault

if TYPE_CHECKING:
    from streams.sigma.bundle import RuleText
    from streams.sigma.documents import Document
    from streams.sigma.load import Loaded

PACK = "pack"
"""Stands for the built-in rules where paths are named; a folder of that name is ``./pack``."""

SUFFIXES = (".yml", ".yaml", ".json")


def read_texts(paths: Iterable[Path]) -> tuple[list[tuple[str, str]], list[Fault]]:
    """Name and text of every file, those of a folder in the order of their names; and what could not be read."""
    texts: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
            if not found:
                faults.append(Fault(str(path), 1, 0, "", "no *.yml, *.yaml or *.json file in this folder"))
        else:
            found = [path]
        for file in found:
            try:
                texts.append((str(file), file.read_text(encoding="utf-8-sig")))
            except OSError as error:
                faults.append(Fault(str(file), 1, 0, "", error.strerror or str(error)))
            except UnicodeDecodeError as error:
                faults.append(Fault(str(file), 1, 0, "", f"is no UTF-8 at byte {error.start}"))
    return texts, faults


def pack() -> list[tuple[str, str]]:
    """Name and text of every file of the built-in pack."""
    found = sorted(files("streams.sigma").joinpath("pack").iterdir(), key=lambda each: each.name)
    return [(f"pack/{each.name}", each.read_text(encoding="utf-8")) for each in found if each.name.endswith(".yml")]


class Detections(NamedTuple):
    """Rules that compiled, as they travel, the correlation rules among them as the engine has them, and all faults."""

    texts: tuple[RuleText, ...] = ()
    correlations: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_detections(given: Iterable[str]) -> Detections:
    """The rules of paths, and of ``PACK``. Never raises: what is wrong is in ``faults``, and left out."""
    names = list(given)
    if not names:
        return Detections()
    from streams.sigma.documents import Document, documents
    from streams.sigma.in_force import refused
    from streams.sigma.load import load

    texts, unread = read_texts(Path(name) for name in names if name != PACK)
    texts += pack() if PACK in names else []
    loaded = load(texts)
    faults = [*unread, *loaded.faults, *correlation_faults(loaded)]
    bad = {(fault.file, fault.document) for fault in faults}
    keys = {(rule.file, rule.document): rule.key for rule in loaded.rules}
    found: dict[str, RuleText] = {}
    for file, text in texts:
        for document in documents(file, text):
            if isinstance(document, Document) and (file, document.number) not in bad:
                rule = _travelling(document, keys.get((file, document.number)))
                wrong = refused(rule.key, {"text": rule.text})
                if rule.key in found:
                    faults.append(document.fault("id", f"{rule.key} is there already"))
                elif wrong is not None:
                    faults.append(document.fault(wrong.place, wrong.reason))
                else:
                    found[rule.key] = rule
    bad = {(fault.file, fault.document) for fault in faults}
    good = (each for each in loaded.correlations if (each.document.file, each.document.number) not in bad)
    return Detections(tuple(found.values()), tuple(each.rule for each in good), tuple(faults))


def correlation_faults(loaded: Loaded) -> list[Fault]:
    """What the engine would refuse of the correlation rules that compiled."""
    made = {each.rule.key: each.document for each in loaded.correlations}
    return [
        made[fault.rule].fault("correlation", f"{fault.place}: {fault.message}")
        for fault in faults_of(each.rule for each in loaded.correlations)
    ]


def _travelling(document: Document, key: str | None) -> RuleText:
    """A document as it travels. ``key`` is that of its rule, where it is a detection."""
    from streams.sigma.bundle import bundle
    from streams.sigma.correlate import Correlation, correlation
    from streams.sigma.keys import same_key

    ((text,), _) = bundle([(document.file, document.canonical)])
    if key is None and "correlation" in document.body:
        read = correlation(document)
        key = read.key if isinstance(read, Correlation) else None
    return text._replace(key=key or same_key(text.key))
