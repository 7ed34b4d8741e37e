"""Fixtures of tracing's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.receivers import NOW_MS, PostOffice, Receiver
from rig.world import BEGIN_MS, DAY_MS, HOUR_MS, World

from zonetag_backend.store import cases
from zonetag_backend.store.engine import writing
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.profile import PROFILES


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """An empty world in a database of its own."""
    made = World(tmp_path / "world", database_url)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def post() -> Iterator[PostOffice]:
    made = PostOffice()
    yield made
    made.close()


@pytest.fixture
def case(world: World) -> int:
    """Person 1 fell ill; 2 and 3 had been close."""
    world.people(4, 4, 1)
    for person in range(1, 5):
        world.wear(person, person)
    for peer in (2, 3):
        for epoch in range(3):
            world.hear(1, peer, BEGIN_MS + 2 * HOUR_MS + epoch * 1_024_000, range(32))
    with writing(world.database) as connection:
        which = cases.open_case(connection, 1, "covid-19", BEGIN_MS, "onset", by="me", reason="ill", now_ms=NOW_MS)
        found = traced(connection, 1, (BEGIN_MS - DAY_MS, NOW_MS), PROFILES["covid-19"], floor_ms=0)
        assert cases.keep_exposures(connection, which, found, NOW_MS) == 2
    return which
