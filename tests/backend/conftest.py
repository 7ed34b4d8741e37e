"""Fixtures of the backend's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import Office, make_office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office in a database of its own."""
    made = make_office(tmp_path / "office", enrolled=True)
    yield made
    made.database.dispose()
