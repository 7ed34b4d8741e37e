"""Random fields: normal noise that is alike at places and times close to each other, and given by a formula.

A sum of cosines with random wave vectors (random Fourier features): as a pure function of place and time it needs no
memory, so that any stretch of the day can be computed by itself.
"""

import math
from dataclasses import dataclass

import numpy as np

from zonetag_backend.simulate.dice import Floats

_WAVES = 24


@dataclass(frozen=True, slots=True)
class Field:
    """Mean 0 and the given standard deviation, over x, y (metres) and time (seconds)."""

    kx: Floats
    ky: Floats
    w: Floats
    phase: Floats
    sigma: float

    def at(self, x: Floats, y: Floats, times: Floats) -> Floats:
        """The value at each of the points."""
        angle = (
            np.multiply.outer(x, self.kx)
            + np.multiply.outer(y, self.ky)
            + np.multiply.outer(times, self.w)
            + self.phase
        )
        value: Floats = self.sigma * math.sqrt(2 / _WAVES) * np.cos(angle).sum(axis=1)
        return value


def field(roll: np.random.Generator, sigma: float, length_m: float, time_s: float) -> Field:
    """A field whose correlation falls to exp(-1/2) over `length_m` metres or `time_s` seconds."""
    return Field(
        roll.normal(0, 1 / length_m, _WAVES),
        roll.normal(0, 1 / length_m, _WAVES),
        roll.normal(0, 1 / time_s, _WAVES),
        roll.uniform(0, 2 * math.pi, _WAVES),
        sigma,
    )
