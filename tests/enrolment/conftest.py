"""An office with its authority."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import make_office
from rig.seat import NOW_MS, Seat, make_authority


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    office = make_office(tmp_path / "office")
    office.enrolled = True  # its writers refuse what is unsigned
    yield Seat(office, make_authority(office.folder, NOW_MS))
    office.database.dispose()
