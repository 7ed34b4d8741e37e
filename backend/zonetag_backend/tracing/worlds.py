"""What may be true of a day of two people, told by how strongly their tags heard each other.  Pure.  dBm, dB, ms.

Two neighbours at two desks are heard as strongly every hour: what makes readings wrong lasts for the day, not for a
posture only.  So two things are taken as unknown and the same all day: how much weaker than close the two are heard
when they are not (APART_DB), and which share of the day they are close (ODDS).  Each combination is a world.  Within
one, the pieces of the day are independent, each close or not:

    level of a piece with m looks ~ normal(close_dbm or close_dbm - apart, posture_db^2 + look_db^2 / m)

The pieces of the whole day say how probable each world is.  Dozens of worlds a piece are more than need be carried
about: put in order by how many close minutes they mean, they are drawn together into WORLDS groups that are equally
probable.  A piece then has a probability of being close in each group.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WORLDS = 4  # on the conference days of docs/accuracy.md two are nearly as good, one (no worlds at all) is far worse
# How much weaker than close two people are heard who share a room: desks of 2 to 15 m against 1.2 m, exponent 1.97.
# Finer where it is hard to tell.
APART_DB = np.geomspace(4.4, 21.6, 12)
ODDS = np.linspace(-6.0, 3.0, 7)  # of being close, natural logarithm: 0.25 % to 95 % of the day
MOST_LOG_ODDS = 7.0  # no piece is surer than one in a thousand: the model itself may be wrong


class Worlds:
    """The worlds of any pair, and how probable each is before anything was heard."""

    def __init__(self, close_dbm: float, posture_db: float, look_db: float, prior: float, worth: float) -> None:
        """`prior`: the share of the day spent close, known before as surely as from `worth` pieces of it."""
        self._close_dbm = close_dbm
        self._posture_db = posture_db
        self._look_db = look_db
        share = 1 / (1 + np.exp(-ODDS))
        self._close, self._away = np.log(share), np.log(1 - share)
        of_share = worth * (prior * self._close + (1 - prior) * self._away)
        self._before: Floats = np.tile(of_share, len(APART_DB))
        self._rows: dict[tuple[int, float], tuple[Floats, Floats]] = {}  # few figures come again and again

    def row(self, looks: int, level: float) -> tuple[Floats, Floats]:
        """Of a piece with so many looks, for which this level stands: log likelihood, and probability of being close.

        Each world by world.  With no look at all it says nothing.
        """
        found = self._rows.get((looks, level))
        if found is None:
            found = self._rows[looks, level] = self._computed(looks, level)
        return found

    def _computed(self, looks: int, level: float) -> tuple[Floats, Floats]:
        told = np.zeros(len(APART_DB))
        apart = np.zeros(len(APART_DB))
        if looks:
            variance = self._posture_db**2 + self._look_db**2 / looks
            off = level - self._close_dbm
            apart = -((off + APART_DB) ** 2) / 2 / variance
            told = np.clip(-(off**2) / 2 / variance - apart, -MOST_LOG_ODDS, MOST_LOG_ODDS)
        likely = apart[:, None] + np.logaddexp(self._away, self._close + told[:, None])
        return likely.ravel(), (1 / (1 + np.exp(-ODDS - told[:, None]))).ravel()

    def of_days(self, first: Ints, lengths: Ints, likely: Floats, close: Floats) -> Floats:
        """The probability of each piece in each of WORLDS equally probable groups, one column each.

        Pieces in order, those of a day together; `first`: where each day begins among them; `lengths`: ms;
        `likely` and `close`: their rows.  What is said of one day does not depend, to the last bit, on the others.
        """
        weight = np.add.reduceat(likely, first, axis=0) + self._before
        weight = np.exp(weight - weight.max(axis=1, keepdims=True))
        order = np.argsort(np.add.reduceat(close * lengths[:, None], first, axis=0), axis=1, kind="stable")
        summed = np.zeros((len(first), weight.shape[1] + 1))
        np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1, out=summed[:, 1:])
        summed *= WORLDS / summed[:, -1:]
        day = np.repeat(np.arange(len(first)), np.diff(first, append=len(lengths)))
        out = np.empty((len(lengths), WORLDS))
        share = np.empty_like(weight)
        for group in range(WORLDS):
            np.put_along_axis(share, order, np.diff(np.clip(summed - group, 0, 1), axis=1), axis=1)
            out[:, group] = (close * share[day]).sum(axis=1)
        return np.clip(out, 0, 1)
