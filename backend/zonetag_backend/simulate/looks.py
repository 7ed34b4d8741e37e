"""What tags hear of each other when they look: a short scan in each cell of 32 s (SPEC.md section 12.6)."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from zonetag_backend.simulate.between import SENSITIVITY_DBM, Between
from zonetag_backend.simulate.dice import Flags, Floats, Ints, dice
from zonetag_backend.simulate.tag import MOVING_MS, Tag
from zonetag_backend.simulate.track import Track
from zonetag_protocol.contact import CELL_S

LOOK_S = (MOVING_MS * 9 // 8 + 20) / 1000  # the firmware's: an eighth and 20 ms longer than the interval when moving
_MOST_S = CELL_S - LOOK_S - 1.0  # in its cell a look begins before this
_STRONGEST_DBM = 20


class Heard(NamedTuple):
    """What the looks of one tag heard of the others, a column each, in order of time."""

    end_s: Floats
    # when the look was over, seconds from the day's start
    sender: Ints
    # by number
    at_s: Floats
    # when the strongest advert was sent
    rssi: Ints
    # its level, dBm
    adverts: Ints
    # how many were heard


@dataclass(frozen=True, slots=True)
class Day:
    """One day of an office as its tags meet it."""

    tags: list[Tag]
    tracks: list[Track]
    times: list[Floats]
    # of each tag's adverts, seconds from the day's start
    air: Between
    since_s: float
    # the day's start on the line of the tags' clocks, office seconds
    length_s: float
    seed: tuple[int, ...]

    def heard(self, listener: int) -> Heard:
        """All that one tag hears of the others."""
        roll = dice(self.seed[0], "looks", listener, *self.seed[1:])
        looks = self._looks(listener, roll)
        rows: list[tuple[Floats, Ints, Floats, Ints, Ints]] = []
        for sender, times in enumerate(self.times):
            if sender == listener or not len(looks):
                continue
            first, last = np.searchsorted(times, looks), np.searchsorted(times, looks + LOOK_S)
            (which,) = np.nonzero(last > first)
            which = which[_inside(self.tracks[sender], looks[which])]
            if not len(which):
                continue
            level, at, count = self._strongest(listener, sender, (first[which], last[which]), roll)
            good = count > 0
            senders: Ints = np.full(int(good.sum()), sender)
            rows.append((looks[which[good]] + LOOK_S, senders, at[good], level[good], count[good]))
        if not rows:
            none: Ints = np.empty(0, np.int64)
            return Heard(np.empty(0), none, np.empty(0), none, none)
        columns = [np.concatenate([row[i] for row in rows]) for i in range(5)]
        order = np.lexsort((columns[2], columns[0]))
        return Heard(*(column[order] for column in columns))

    def _looks(self, listener: int, roll: np.random.Generator) -> Floats:
        """When the looks of a tag begin, as far as its wearer is inside: at home nobody else of the office is near."""
        tag = self.tags[listener]
        first = int(tag.clock(self.since_s)) // CELL_S + 1
        cells: Floats = np.arange(first, int(tag.clock(self.since_s + self.length_s)) // CELL_S, dtype=np.float64)
        clock = cells * CELL_S + roll.uniform(0, _MOST_S, len(cells))
        begin: Floats = (clock - tag.t0_s) / (1 + tag.drift_ppm * 1e-6) - self.since_s
        return begin[_inside(self.tracks[listener], begin)]

    def _strongest(
        self, listener: int, sender: int, spans: tuple[Ints, Ints], roll: np.random.Generator
    ) -> tuple[Ints, Floats, Ints]:
        """Of the adverts in each look: level and time of the strongest, and how many were heard (none: 0)."""
        first, last = spans
        times = self.times[sender]
        level: Floats = np.full(len(first), -np.inf)
        at: Floats = np.zeros(len(first))
        count: Ints = np.zeros(len(first), np.int64)
        for nth in range(int((last - first).max())):
            (here,) = np.nonzero(first + nth < last)
            sent = times[first[here] + nth]
            rssi = self.air.rssi(listener, sender, sent, roll)
            count[here] += rssi >= SENSITIVITY_DBM
            better = (rssi >= SENSITIVITY_DBM) & (rssi > level[here])
            level[here[better]] = rssi[better]
            at[here[better]] = sent[better]
        rounded: Ints = np.where(count > 0, np.clip(np.rint(level), -127, _STRONGEST_DBM), 0).astype(np.int64)
        return rounded, at, count


def _inside(track: Track, times: Floats) -> Flags:
    """Whether the person is in a room at each of `times`."""
    behind: Flags = np.array([False, *(passage.room is not None for passage in track.passages)])
    doors = np.array([passage.at_s for passage in track.passages])
    inside: Flags = behind[np.searchsorted(doors, times, "right")]
    return inside
