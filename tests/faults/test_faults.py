"""Each fault a few times, and its control; `make faults` does the same often enough to be believed."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faults.catalogue import FAULTS
from faults.engine import Fault, Run, play
from rig.components import missing

CONTROLS: dict[Callable[[Run], bool], bool] = {}


def once(control: Callable[[Run], bool]) -> Callable[[Run], bool]:
    """Several faults have the same control."""

    def asked(run: Run) -> bool:
        if control not in CONTROLS:
            CONTROLS[control] = control(run)
        return CONTROLS[control]

    return asked


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_lost_nothing_double_and_the_control_fails(fault: Fault, tmp_path: Path) -> None:
    if why := fault.needs():
        missing(why)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    row, told = play(replace(fault, control=once(fault.control)), tmp_path, fault.short, seed, lambda _: None)
    assert (row.lost, row.double) == (0, 0), told
    assert row.stored > 0
    assert row.control_failed, f"the control has passed: {fault.control_is}"
