"""What the catalog says of components as correlation takes it: with whom their signals may be linked."""

from __future__ import annotations

from typing import Any

from streams.catalog import Catalog
from streams.catalog_facts import CatalogFacts


def view(**records: tuple[str | None, list[str]]) -> CatalogFacts:
    """Entities by name, ``r_`` for resources: their system, and what they depend on."""
    catalog = Catalog()

    def ref(name: str) -> str:
        return f"resource:default/{name[2:]}" if name.startswith("r_") else f"component:default/{name}"

    for name, (system, needs) in records.items():
        record: dict[str, Any] = {"depends_on": [ref(each) for each in needs]}
        catalog.apply(ref(name), record | ({"system": f"system:default/{system}"} if system else {}))
    return CatalogFacts(catalog)


def test_what_a_component_alone_uses_is_the_component() -> None:
    """What happens to its bucket is said of it, so there is nobody to link with; a database of two is somebody."""
    facts = view(pay=("shop", ["r_bucket", "r_db"]), mail=("shop", ["r_db"]), r_bucket=(None, []), r_db=(None, []))
    assert facts.near("pay", 10) == ((1, "resource:db"),)
    assert facts.near("resource:db", 10) == ((0, "resource:db"),)
    assert facts.near("resource:bucket", 10) == ()


def test_only_components_of_one_system_are_near() -> None:
    """Their signals are in one domain; another system is not passed through either."""
    facts = view(web=("shop", ["pay", "login"]), pay=("shop", []), login=("id", ["mail"]), mail=("shop", []))
    assert facts.near("web", 10) == ((1, "pay"),)
    assert facts.near("login", 10) == ((0, "login"),)


def test_a_change_of_the_catalog_counts_after_clear() -> None:
    """What was worked out is kept until then."""
    facts = view(web=("shop", ["pay"]), pay=("shop", []))
    assert facts.near("web", 10) == ((1, "pay"),)
    facts.catalog.apply("component:default/web", {"system": "system:default/shop"})
    facts.clear()
    assert facts.near("web", 10) == ()


def test_nobody_is_near_what_the_catalog_does_not_have() -> None:
    """An unknown name has no dependencies."""
    assert view().near("web", 10) == ()
