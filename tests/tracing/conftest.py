"""Fixtures of tracing's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.world import World


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """An empty world in a database of its own."""
    made = World(tmp_path / "world", database_url)
    yield made
    made.close()
