"""Which unit every member is in: kept only where somebody asks for it, as ``weir replay --members`` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from streams.correlation.state import State


class Members:
    """Members of a fold since this was made. It is no part of the state, and grows without bound."""

    def __init__(self, state: State) -> None:
        self._state = state
        state.moves = []
        self._rows: list[tuple[str, str, str]] = []  # domain, session, source id; no session: it is a member no more

    def __len__(self) -> int:
        return sum(1 if session else -1 for _, session, _ in self._rows)

    def add(self, domain: str, session: str, source_id: str) -> None:
        """A member of a session; ``""``: one that is no member any more, as a rule's match that another replaced."""
        self._rows.append((domain, session, source_id))

    def mark(self) -> tuple[int, int]:
        """Where ``back`` goes to."""
        return len(self._rows), len(self._state.moves or ())

    def back(self, mark: tuple[int, int]) -> None:
        """Forget what came since the mark."""
        rows, moves = mark
        del self._rows[rows:]
        if self._state.moves is not None:
            del self._state.moves[moves:]

    def by_unit(self) -> Iterator[tuple[str, str]]:
        """Unit id and source id of every member, under the unit that it is in now; units need their ids by then."""
        into = {(domain, gone): kept for domain, gone, kept in self._state.moves or ()}
        ids = dict(self._state.ids)
        for name, domain in self._state.domains.items():
            for key in domain.signals:
                cluster, _, session = key.split("\x1f")
                ids[name, session] = domain.units[cluster][1]
        gone: Counter[tuple[str, str]] = Counter()
        found: list[tuple[str, str]] = []
        for name, session, source_id in reversed(self._rows):
            if not session:
                gone[name, source_id] += 1
            elif gone[name, source_id]:
                gone[name, source_id] -= 1
            else:
                while (kept := into.get((name, session))) is not None:
                    session = kept
                found.append((ids[name, session], source_id))
        yield from reversed(found)
