"""Randomness that depends on a seed and on what it is for, and on nothing else."""

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def dice(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator of its own for each purpose, so that what one part draws never changes what another gets."""
    numbers = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose]
    return np.random.default_rng([seed, *numbers])
