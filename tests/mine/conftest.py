"""Somebody whose data is held."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.mine import Bench, make_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two people who were at the door together, and the pages."""
    bench = make_bench(tmp_path)
    yield bench
    bench.office.engine.dispose()
