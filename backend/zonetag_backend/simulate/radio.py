"""How strongly a receiver hears a worn tag.  dBm and dB; the figures are measured ones.

Log-distance loss from a tag to a fixed receiver: -61.9 dBm at 1 m, exponent 1.40, standard deviation 6.3 dB in all
(position-annotated walks among twelve receivers, github philotuxo/Position-Annotated-BLE-RSSI-Dataset, CC0).  Of that
deviation the wearer's body makes a swing of 10 dB, and the three channels differ by 6 dB at one place; what remains is
shadowing.  Walls come on top.
"""

import math
from dataclasses import dataclass

import numpy as np

from zonetag_backend.simulate.dice import Floats, Ints, dice
from zonetag_backend.simulate.emitter import Sent
from zonetag_backend.simulate.field import Field, field
from zonetag_backend.simulate.plan import Plan, Receiver, Wall

AT_1M_DBM = -61.9
EXPONENT = 1.40
SIGMA_DB = 6.3
BODY_SWING_DB = 10.0  # median between facing the receiver and turning the back on it
CHANNELS_DB = 6.0  # median between the best and the worst of the three channels at one place
CHANNELS = 3

_BODY_SIGMA_DB = BODY_SWING_DB / 2 / math.sqrt(2)  # of swing / 2 * cos(angle) over all angles
_CHANNEL_SIGMA_DB = CHANNELS_DB / 1.59  # the median range of three normal values is 1.59 of their deviations
_SHADOW_SIGMA_DB = math.sqrt(SIGMA_DB**2 - _BODY_SIGMA_DB**2 - _CHANNEL_SIGMA_DB**2)

_SHADOW_M = 2.0  # furniture
_SHADOW_S = 60.0  # other people
_MULTIPATH_M = 0.15  # about a wavelength: why a channel is good here and bad a step further
_MULTIPATH_S = 30.0
_UPWARDS_DB = 6.0  # two waves in phase double the field; downwards there is no bound, for they may cancel out
_NEAREST_M = 0.3  # a tag is never nearer to a gateway on the wall
PACKET_SIGMA_DB = 1.0  # from packet to packet, nothing else changing
SENSITIVITY_DBM = -94.0  # a Raspberry Pi's, where half of the packets are lost
SCAN_S = 0.060  # a scanner that listens all the time stays on one channel for so long


@dataclass(frozen=True, slots=True)
class Link:
    """The air between one receiver and everywhere."""

    receiver: Receiver
    walls: tuple[Wall, ...]
    shadow: Field
    multipath: tuple[Field, ...]
    # one a channel
    scan_phase: int

    def channel(self, times: Floats) -> Ints:
        """Which of the three channels it listens on at each of `times`."""
        turn: Ints = ((times / SCAN_S).astype(np.int64) + self.scan_phase) % CHANNELS
        return turn

    def rssi(self, sent: Sent) -> Floats:
        """Power received, dBm, before the packet's own noise."""
        x, y, times = sent.x, sent.y, sent.times
        dx, dy = self.receiver.at[0] - x, self.receiver.at[1] - y
        level = AT_1M_DBM + sent.power_db - 10 * EXPONENT * np.log10(np.maximum(np.hypot(dx, dy), _NEAREST_M))
        level = level - wall_loss(self.walls, x, y, self.receiver.at)
        level = level + np.where(sent.worn, BODY_SWING_DB / 2 * np.cos(np.arctan2(dy, dx) - sent.heading), 0.0)
        level = level + np.minimum(self.shadow.at(x, y, times), _UPWARDS_DB)
        channel = self.channel(times)
        for number, multipath in enumerate(self.multipath):
            on = channel == number
            level[on] += np.minimum(multipath.at(x[on], y[on], times[on]), _UPWARDS_DB)
        return level


def links(plan: Plan, seed: int) -> list[Link]:
    """The link of each receiver of a plan."""
    out = []
    for receiver in plan.receivers:
        roll = dice(seed, "link", receiver.name)
        out.append(
            Link(
                receiver,
                plan.walls,
                field(roll, _SHADOW_SIGMA_DB, _SHADOW_M, _SHADOW_S),
                tuple(field(roll, _CHANNEL_SIGMA_DB, _MULTIPATH_M, _MULTIPATH_S) for _ in range(CHANNELS)),
                int(roll.integers(CHANNELS)),
            )
        )
    return out


def wall_loss(walls: tuple[Wall, ...], x: Floats, y: Floats, to: tuple[float, float] | tuple[Floats, Floats]) -> Floats:
    """dB lost in the walls that stand between each (x, y) and `to`, one for all or one for each."""
    loss = np.zeros(len(x))
    for wall in walls:
        (ax, ay), (bx, by) = wall.start, wall.end
        # Each end of either lies on another side of the other's line.
        side_from = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        side_to = (bx - ax) * (to[1] - ay) - (by - ay) * (to[0] - ax)
        side_start = (to[0] - x) * (ay - y) - (to[1] - y) * (ax - x)
        side_end = (to[0] - x) * (by - y) - (to[1] - y) * (bx - x)
        loss += np.where((side_from * side_to < 0) & (side_start * side_end < 0), wall.loss_db, 0.0)
    return loss
