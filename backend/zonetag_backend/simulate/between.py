"""How strongly the tags of people hear each other.  dBm and dB; the figures are measured ones.

Between people in an office: exponent 1.97, 6.0 dB in all (github mitll/H0H1 and MIT-Matrix-Data), a worn tag having
-62 dBm at 1 m.  Of the deviation the channels make their part anew for each advert; the rest lasts for a posture, and
is the same both ways.  Two bodies stand in the way, each as at a gateway (radio.py).
"""

import math
from dataclasses import dataclass

import numpy as np

from zonetag_backend.simulate.dice import Floats, Ints, dice
from zonetag_backend.simulate.plan import Wall
from zonetag_backend.simulate.radio import BODY_SWING_DB, CHANNELS_DB, wall_loss
from zonetag_backend.simulate.track import Track

AT_1M_DBM = -62.0
EXPONENT = 1.97
SIGMA_DB = 6.0
POSTURE_S = 300.0
SENSITIVITY_DBM = -92.0  # of an ESP32
_NEAREST_M = 0.3
_UPWARDS_DB = 6.0  # two waves in phase double the field
_CHANNEL_SIGMA_DB = CHANNELS_DB / 1.59  # the median range of three normal values is 1.59 of their deviations
_SHADOW_SIGMA_DB = math.sqrt(SIGMA_DB**2 - _CHANNEL_SIGMA_DB**2)


@dataclass(frozen=True, slots=True)
class Between:
    """The air between the people of an office, on one day."""

    walls: tuple[Wall, ...]
    tracks: list[Track]
    shadow: Floats
    # by posture, person and person; the same both ways

    def rssi(self, listener: int, sender: int, times: Floats, roll: np.random.Generator) -> Floats:
        """What the tag of `listener` hears of that of `sender` at each of `times`, where they are then."""
        x, y, heading = self.tracks[listener].at(times)
        far_x, far_y, far_heading = self.tracks[sender].at(times)
        dx, dy = far_x - x, far_y - y
        level = AT_1M_DBM - 10 * EXPONENT * np.log10(np.maximum(np.hypot(dx, dy), _NEAREST_M))
        level = level - wall_loss(self.walls, x, y, (far_x, far_y))
        way = np.arctan2(dy, dx)
        # Facing each other both bodies are out of the way, back to back both are in it.
        level = level + BODY_SWING_DB / 4 * (np.cos(way - heading) - np.cos(way - far_heading))
        posture: Ints = np.minimum((times / POSTURE_S).astype(np.int64), len(self.shadow) - 1)
        level = level + self.shadow[posture, listener, sender]
        out: Floats = level + np.minimum(roll.normal(0, _CHANNEL_SIGMA_DB, len(times)), _UPWARDS_DB)
        return out


def between(walls: tuple[Wall, ...], tracks: list[Track], length_s: float, *seed: int) -> Between:
    """The air of one day; `seed` one or more numbers."""
    people = len(tracks)
    drawn = dice(seed[0], "between", *seed[1:]).normal(
        0, _SHADOW_SIGMA_DB, (int(length_s / POSTURE_S) + 1, people, people)
    )
    upper = np.triu(drawn, 1)
    return Between(walls, tracks, upper + upper.transpose(0, 2, 1))
