"""Two adverts at once on one channel are both lost.

An advert takes (16 + n) * 8 us on each channel; all devices go through the three channels in the same order and at the
same spacing, so whoever collides on one collides on all, and the loss is 1 - exp(-2 T (N - 1) / (I + 5 ms)).
"""

import numpy as np

from zonetag_backend.simulate.dice import Flags, Floats, Ints

_BYTE_S = 8e-6  # at 1 Mbit/s
_OVERHEAD = 16  # preamble 1, access address 4, header 2, advertiser's address 6, CRC 3
_REACH = 4  # an advert of 31 bytes ends before the fifth after it begins, but for one in a million


def airtime_s(length: int) -> float:
    """Seconds on each channel of an advert with `length` bytes of data: 376 us for 31."""
    return (_OVERHEAD + length) * _BYTE_S


def airtimes_s(lengths: Ints) -> Floats:
    """The same for many."""
    seconds: Floats = (_OVERHEAD + lengths).astype(np.float64) * _BYTE_S
    return seconds


def collided(times: Floats, airtimes: Floats) -> Flags:
    """Which of the adverts that begin at `times` (ascending) overlap another."""
    lost = np.zeros(len(times), dtype=np.bool_)
    for step in range(1, min(_REACH, len(times) - 1) + 1):
        over = times[step:] < times[:-step] + airtimes[:-step]
        lost[step:] |= over
        lost[:-step] |= over
    return lost
