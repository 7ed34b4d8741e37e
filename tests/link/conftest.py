"""Fixtures of the link's tests: the firmware, a real broker, and a room with both."""

from pathlib import Path

import pytest
from rig.brokers import Mosquitto
from rig.link_room import LinkRoom
from rig.micropython import Micropython
from rig.tag_bench import compiled


@pytest.fixture(scope="session")
def firmware(micropython: Micropython, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware and the stand-ins, compiled."""
    return compiled(micropython, tmp_path_factory.mktemp("firmware"))


@pytest.fixture
def room(micropython: Micropython, firmware: Path, mosquitto: Mosquitto, tmp_path: Path) -> LinkRoom:
    """Three tags, worn."""
    return LinkRoom(micropython, firmware, mosquitto, tmp_path)
