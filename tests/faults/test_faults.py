"""Each fault a few times, and its control; `make faults` does the same often enough to be believed."""

import random
from pathlib import Path

import pytest
from faults.catalogue import FAULTS
from faults.engine import Fault, play
from rig.components import missing


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_lost_nothing_double_and_the_control_fails(fault: Fault, tmp_path: Path) -> None:
    if why := fault.needs():
        missing(why)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    row, told = play(fault, tmp_path, fault.short, seed, lambda _: None)
    assert (row.lost, row.double) == (0, 0), told
    assert row.stored > 0
    assert row.control_failed, f"the control has passed: {fault.control_is}"
