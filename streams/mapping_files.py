"""Mappings from files: one TOML file a format (``streams.sources.mapping_model``), or tables in ``weir.toml``.

All faults of all files come back at once, so that one start shows all that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from streams.sources.mapping_file import Mapped, MappingFault, mapping_of, parse_mapping


def read_mappings(
    given: Iterable[Path | Mapping[str, Any]], taken: Collection[str]
) -> tuple[tuple[Mapped, ...], list[MappingFault]]:
    """The mappings of files, of ``*.toml`` below folders in the order of their names, and of tables; and all faults.

    ``taken`` are names that no mapping may have: those of other sources and of their topics.
    """
    found: list[Mapped] = []
    wrong: list[MappingFault] = []
    for entry in given:
        if isinstance(entry, Mapping):
            read = [mapping_of(entry, "[[mappings]]")]
        else:
            files = sorted(entry.rglob("*.toml")) if entry.is_dir() else [entry]
            if not files:
                wrong.append(MappingFault(str(entry), 0, "", "no *.toml file in this folder"))
            read = [_read(file) for file in files]
        for mapped, faults in read:
            wrong += faults
            if mapped is not None:
                found.append(mapped)
    names: dict[str, str] = {}
    for mapped in found:
        name = mapped.source.name
        if name in taken:
            wrong.append(MappingFault(mapped.file, 0, "name", f"{name!r} is the name of a source that Weir has"))
        elif name in names:
            wrong.append(MappingFault(mapped.file, 0, "name", f"{name!r} is the name of {names[name]} already"))
        names.setdefault(name, mapped.file)
    return tuple(found), wrong


def _read(file: Path) -> tuple[Mapped | None, list[MappingFault]]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        return None, [MappingFault(str(file), 0, "", error.strerror or str(error))]
    except UnicodeDecodeError as error:
        return None, [MappingFault(str(file), 0, "", f"not UTF-8: byte {error.start}")]
    return parse_mapping(text, str(file))
