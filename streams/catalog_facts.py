"""What the catalog says of components, in the form that correlation takes, worked out once each."""

from __future__ import annotations

from collections.abc import Callable

from streams.catalog import CACHE, Catalog
from streams.correlation.facts import Facts
from streams.correlation.rows import Near
from streams.correlation.topology import near


class CatalogFacts:
    """A view of a catalog, to be cleared whenever that changes."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._facts: dict[str, Facts | None] = {}
        self._near: dict[tuple[str, int], tuple[Near, ...]] = {}

    def clear(self) -> None:
        """Forget what was worked out: the catalog is another one."""
        self._facts.clear()
        self._near.clear()

    def facts(self, component: str) -> Facts | None:
        """What the catalog says about a component; None if it does not know it."""
        if component in self._facts:
            return self._facts[component]
        if len(self._facts) >= CACHE:
            self._facts.clear()
        found = self.catalog.facts(component)
        facts = self._facts[component] = found and Facts(
            owner=found.owner,
            internet_facing=found.internet_facing,
            privileged=found.privileged,
            customer_path=found.customer_path,
            depends_on=tuple(self.catalog.name(ref) for ref in found.depends_on),
            ref=found.ref,
            controls=found.controls,
            criticality=found.criticality,
            name=self.catalog.name(found.ref),
            dependents=found.dependents,
            system=found.system,
        )
        return facts

    def near(self, component: str, max_dependents: int) -> tuple[Near, ...]:
        """What a component depends on closely enough for its signals to be linked."""
        key = (component, max_dependents)
        found = self._near.get(key)
        if found is None:
            if len(self._near) >= CACHE:
                self._near.clear()
            found = self._near[key] = near(component, self._beside(component), max_dependents)
        return found

    def _beside(self, component: str) -> Callable[[str], Facts | None]:
        """What is known of whatever has signals of its own in the component's domain; None of all else.

        A resource that one component uses has none: what happens to it is said of that component.
        """
        ref = self.catalog.ref(component)
        home = ref and self.catalog.place(ref)

        def facts(name: str) -> Facts | None:
            found = self.facts(name)
            if not home or found is None or found.ref is None:
                return None
            return found if self.catalog.place(found.ref) == (home[0], found.name) else None

        return facts
