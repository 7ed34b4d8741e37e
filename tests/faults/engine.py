"""A fault: how it is done, how often, and its control.  What it yields is one row of the table."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from faults.counting import Count

Progress = Callable[[int], None]
"""Told how many times it was done."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a fault is given."""

    folder: Path
    # empty, its own
    times: int
    dice: random.Random
    # of the seed that is printed
    progress: Progress


@dataclass(frozen=True, slots=True)
class Fault:
    """One row."""

    name: str
    what: str
    # one line for the list
    short: int
    long: int
    # times, within `make test` and by `make faults`
    run: Callable[[Run], Count]
    control: Callable[[Run], bool]
    # whether the product built wrongly has failed, as it must
    control_is: str
    # how it is built wrongly
    needs: Callable[[], str] = lambda: ""
    # why it cannot be done here; empty if it can


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, as `--json` prints it."""

    fault: str
    times: int
    acknowledged: int
    stored: int
    lost: int
    double: int
    control_failed: bool

    @property
    def good(self) -> bool:
        """Nothing lost, nothing double, and the control would have told."""
        return not self.lost and not self.double and self.control_failed


def play(fault: Fault, folder: Path, times: int, seed: int, progress: Progress) -> tuple[Row, str]:
    """The fault and then its control; the row, and what was lost or double in words."""
    (folder / "real").mkdir(parents=True)
    (folder / "control").mkdir()
    counted = fault.run(Run(folder / "real", times, random.Random(f"{seed} {fault.name}"), progress))
    control = fault.control(Run(folder / "control", 1, random.Random(f"{seed} {fault.name} control"), lambda _: None))
    done = counted.times or times
    row = Row(fault.name, done, counted.acknowledged, counted.stored, counted.lost, counted.double, control)
    return row, counted.told
