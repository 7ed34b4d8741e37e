"""Fixtures of the firmware's tests."""

from pathlib import Path

import pytest
from rig.micropython import Micropython
from rig.tag_bench import TagBench, compiled


@pytest.fixture(scope="session")
def firmware(micropython: Micropython, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware and the stand-ins, compiled."""
    return compiled(micropython, tmp_path_factory.mktemp("firmware"))


@pytest.fixture
def tag_bench(micropython: Micropython, firmware: Path, tmp_path: Path) -> TagBench:
    """A provisioned tag that has never run."""
    bench = TagBench(micropython, firmware, tmp_path)
    bench.give_card()
    return bench
