"""What tells how close two people were.  Tracing asks a model; this is what it asks, and the simple one.

Two kinds of evidence, never mixed up: *direct* (a tag heard the other) and *place* (gateways heard both at one place).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

# Loss between two people in an office at 1 m is 43.7 dB, exponent 1.97: at 2 m 49.6 dB.  With a tag that sends -21 dBm
# at 0 m (Eddystone's figure; -41 dB to 1 m is in it) 2 m is about -70 dBm.  Sigma 6 dB of the room and 10 dB of bodies.
NEAR_DBM = -70.0
SIGMA_DB = 11.7  # sqrt(6.0^2 + 10^2)
# Two people whose tags one gateway hears at once are within some ten metres: one in twenty such minutes is spent close.
PLACE_PRIOR = 0.05


class Look(NamedTuple):
    """What one tag's log says of another for one period."""

    start_ms: int
    end_ms: int
    rssi_max: int
    # dBm, the strongest advert
    rssi_p90: int
    # dBm; equal to rssi_max where the log keeps no other
    looks: int
    # how many looks of the period heard it


class Heard(NamedTuple):
    """What two people's tags heard of each other in one piece of time, which is wholly close or not at all."""

    length_ms: int
    levels: Sequence[int]
    # dBm, of all looks whose middle lies in it, weakest first; there may be none


class Both(NamedTuple):
    """Two tags at one place at once."""

    place: int
    start_ms: int
    end_ms: int
    mine: Sequence[tuple[int, str, int]]
    # (UTC ms, gateway, dBm) of one tag's windows in it; empty when no longer kept, or not asked for
    theirs: Sequence[tuple[int, str, int]]


class Closeness(Protocol):
    """How probable it is that two people were as close as a contact needs."""

    def direct(self, day: Sequence[Heard]) -> Sequence[tuple[float, ...]]:
        """For each piece of one day of two people, in order of time, how probably it was close.

        There may be several answers, as many for each piece: what is unknown may be the same for all of the day.  Then
        they stand for worlds of which one is true, each as probably; pieces are independent within a world.
        """

    def place(self, both: Both) -> float:
        """The probability for a time at one place."""


class Simple:
    """One threshold on the strongest advert, blurred by what bodies and rooms do; a constant for a shared place."""

    def direct(self, day: Sequence[Heard]) -> Sequence[tuple[float, ...]]:
        """Shadowing only ever lowers RSSI, so the strongest adverts tell most."""
        out = [(0.0,)]
        for piece in day:
            told = [0.5 * (1 + math.erf((level - NEAR_DBM) / (SIGMA_DB * math.sqrt(2)))) for level in piece.levels]
            out.append((sum(told) / len(told),) if told else out[-1])  # a piece with no look is as the one before
        return out[1:]

    def place(self, both: Both) -> float:  # a better model looks at what the gateways heard
        """Being at one place says little."""
        return PLACE_PRIOR
