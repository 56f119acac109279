"""One scenario for the tests that only look."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.simulate import Delivery, Scenario

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return Scenario(7, start=START, hours=6)


@pytest.fixture(scope="session")
def deliveries(scenario: Scenario) -> list[Delivery]:
    return list(scenario.deliveries())
