"""Fixtures of the backend's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import Office, make_office


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    """An office in a database of its own."""
    made = make_office(tmp_path / "office", enrolled=True, url=database_url)
    yield made
    made.database.dispose()
