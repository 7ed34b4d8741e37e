"""How probably two people were close, from how strongly their devices heard each other.  dBm, dB, minutes.

What is known of a stretch of time is the levels of its looks: each the 90th percentile of what one short scan heard,
for bodies in between only ever take away.  People who are close are heard `apart_db` stronger in the middle than
people in the same room who are not; around both middles the levels spread for two reasons.  What lasts (posture, where
the device is worn, the room) is the same for all looks of a piece of time; what changes from look to look averages out:

    level of m looks = their 80th percentile (turning away lowers half of them)
    variance = lasting_db^2 + look_db^2 / m
    log odds = log(prior odds) + apart_db * (level - middle_dbm) / variance

So more looks make it surer, but never surer than what lasts allows; and the prior is stated.  Of pairs in an office
0.27 % are close for 15 minutes in a day, of pairs whose devices hear each other many more: give the prior of the
question that is asked.  `Calibrated` answers tracing's question (seam.py) of a whole day with it (worlds.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from zonetag_backend.tracing.seam import PLACE_PRIOR, Both, Heard
from zonetag_backend.tracing.worlds import Ints, Worlds
from zonetag_protocol.contact import dbm

BASE_RATE = 0.0027  # of pair-days of a real office with 15 min of contact (SocioPatterns workplace 2015, CC0)
# Of two badges that hear each other, the share of the day that is spent close, before anything is known of the two;
# SHARE_WORTH: as surely as from so many pieces of a day.  In the replay of docs/accuracy.md about 1 % of the looks
# heard are of people face to face.  Chosen on its conference days alone; from 0.02 to 0.1 little changes.
HEARD_PRIOR = 0.05
SHARE_WORTH = 2.0
MOST_LOG_ODDS = 7.0  # nothing is surer than one in a thousand: the model itself may be wrong
HIGH = 0.8  # of the looks of one stretch: turning away lowers half of them, nothing raises any
FEWEST = 4  # sessions of each kind to learn from; below, the physics stays
PHYSICS_WORTH = 4.0  # the physical model weighs as much as so many sessions of each kind
# Ways of wearing differ by this much (carriage moves levels by up to 27 dB): what is believed of one that was not
# learnt; WORN_WORTH: as surely as after seeing so many ways.
WORN_DB = 6.0
WORN_WORTH = 3.0
WORN_SESSIONS = 0.4  # so many sessions show as much of a way of wearing as was known before: (4 dB / 6 dB)^2
NINETY = 1.645  # standard deviations on both sides of 90 %

# At one place: by how much levels at one gateway differ (two bodies and channels), close and anywhere in its reach.
_PLACE_CLOSE_DB = 7.8
_PLACE_APART_DB = 9.6


@dataclass(frozen=True, slots=True)
class Closeness:
    """What tells close from not close.  The defaults are physics; `learn` betters them."""

    # In an office between people: 43.7 dB at 1 m, exponent 1.97, 6 dB (github mitll/H0H1, MIT-Matrix-Data, CC BY 4.0).
    # Close at 1.2 m and not at 4.5 m in the middle are 11.3 dB apart; a tag of -62 dBm at 1 m is heard with -61 and
    # -72 dBm there, 3 dB being gained by the 90th percentile.
    middle_dbm: float = -66.5
    # as likely close as not, when nothing else is known
    apart_db: float = 11.3
    # between the middles of close and not close
    lasting_db: float = 7.0
    # 6 dB of room and 3.5 dB of bodies that stay as they are
    look_db: float = 6.0
    # channels and movement
    doubt_db: float = 3.0
    # standard error of middle_dbm
    worn: Mapping[str, float] = field(default_factory=dict)
    # dB that a way of wearing takes away or adds, by its name; badges are all worn alike and need none
    worn_db: float = WORN_DB
    # by how much one that is not in `worn` may do so


@dataclass(frozen=True, slots=True)
class Session:
    """A stretch of time whose truth is known."""

    levels: tuple[float, ...]
    # of its looks, dBm
    close: bool
    worn: str = ""
    # how the two devices were worn; empty: not known


@dataclass(frozen=True, slots=True)
class Judgement:
    """A probability, and how far it can be trusted."""

    probability: float
    low: float
    high: float
    # where it lies when the model's own middle is off by what 90 % allow


def strong(levels: Sequence[float]) -> float:
    """What stands for several looks: their HIGH quantile, dBm."""
    ordered = sorted(levels)
    low, high = standing(len(ordered))
    return _quantile(len(ordered), ordered[low], ordered[high])


def standing(looks: int) -> tuple[int, int]:
    """Which two of so many looks, weakest first, stand for all."""
    low = int(HIGH * (looks - 1))
    return low, min(low + 1, looks - 1)


def log_odds(model: Closeness, levels: Sequence[float], worn: str = "") -> float:
    """The evidence of some looks, natural logarithm; 0 for none."""
    return _evidence(model, levels, worn, 0.0)


def judge(model: Closeness, levels: Sequence[float], prior: float, worn: str = "") -> Judgement:
    """The probability that the two were close during these looks, which lie within one stretch of time."""
    if not 0 < prior < 1:
        raise ValueError(f"prior {prior} is no probability; give one between 0 and 1")
    before = math.log(prior / (1 - prior))
    off = NINETY * model.doubt_db
    low, middle, high = (_logistic(before + _evidence(model, levels, worn, shift)) for shift in (off, 0.0, -off))
    return Judgement(middle, low, high)


def learn(sessions: Sequence[Session], start: Closeness | None = None) -> Closeness:
    """A model from sessions with known truth; as many of each kind as FEWEST at least, else `start` as it was.

    Close and not close weigh alike, however many there are of each, so that no base rate is learnt with them.
    """
    start = start or Closeness()
    told = [session for session in sessions if session.levels]
    truth = np.array([session.close for session in told], dtype=bool)
    if truth.sum() < FEWEST or (~truth).sum() < FEWEST:
        return start
    looks = np.array([len(session.levels) for session in told], dtype=np.float64)
    level = np.array([strong(session.levels) for session in told])
    worn = _worn(told, level, truth)
    level = level - np.array([worn.get(session.worn, 0.0) for session in told])
    close, far = level[truth], level[~truth]
    weight = [len(each) / (len(each) + PHYSICS_WORTH) for each in (close, far)]
    apart = float(close.mean() - far.mean())
    apart = max(1.0, min(weight) * apart + (1 - min(weight)) * start.apart_db)
    middle = float(close.mean() + far.mean()) / 2
    within = np.concatenate([close - close.mean(), far - far.mean()])
    free = max(len(within) - 2 - 0.8 * len(worn), 1.0)  # each way of wearing has taken some of the spread to itself
    steps = np.concatenate([np.diff(session.levels) for session in told]) if looks.max() > 1 else np.empty(0)
    # Neighbouring looks differ by what changes from one to the next; half of the square of it is its variance.
    look = float(np.sqrt((np.sum(steps**2) / 2 + start.look_db**2) / (len(steps) + 1)))
    seen2 = max(float(np.sum(within**2)) / free - look**2 * float(np.mean(1 / looks)), 0.0)
    lasting = math.sqrt((free * seen2 + PHYSICS_WORTH * start.lasting_db**2) / (free + PHYSICS_WORTH))
    doubt = math.sqrt(float(np.mean(within**2)) * (1 / len(close) + 1 / len(far))) / 2
    ways2 = sum(off**2 for off in worn.values())
    worn_db = math.sqrt((ways2 + WORN_WORTH * WORN_DB**2) / (len(worn) + WORN_WORTH))
    return Closeness(middle, apart, lasting, look, max(doubt, 0.5), worn, worn_db)


def _worn(
    sessions: Sequence[Session], level: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """What each way of wearing adds to the level, shrunk where sessions are few.

    Told together with the middles of close and far (ridge regression): sessions of one way may be close ones mostly.
    """
    names = sorted({session.worn for session in sessions} - {""})
    of = np.array([[session.worn == name for name in names] for session in sessions]).reshape(len(sessions), -1)
    told = np.column_stack([truth, ~truth, of]).astype(np.float64)
    shrunk = np.diag([0.0, 0.0] + [WORN_SESSIONS] * len(names))
    found = np.linalg.solve(told.T @ told + shrunk, told.T @ level)
    return dict(zip(names, found[2:].tolist(), strict=True))


def _evidence(model: Closeness, levels: Sequence[float], worn: str, shift_db: float) -> float:
    if not levels:
        return 0.0
    level = strong(levels) - model.worn.get(worn, 0.0)
    variance = model.lasting_db**2 + model.look_db**2 / len(levels)
    if worn not in model.worn and (worn or model.worn):  # it may be any of them, or another still
        variance += model.worn_db**2
    told = model.apart_db * (level - model.middle_dbm - shift_db) / variance
    return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, told))


def _quantile(looks: int, low: float, high: float) -> float:
    """Between two of them, as quantiles are; numpy takes a hundred times as long."""
    at = HIGH * (looks - 1)
    return low + (at - int(at)) * (high - low)


def _between(looks: int, low: int, high: int) -> float:
    """`strong` of so many looks, by the half bytes of the two that stand for all."""
    return _quantile(looks, *(float(dbm(half) or 0) for half in (low, high)))


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


class Calibrated:
    """Tracing's question answered by a `Closeness`, with the prior of two tags that hear each other."""

    def __init__(self, model: Closeness | None = None, prior: float = HEARD_PRIOR) -> None:
        model = model or Closeness()
        # Half of what lasts changes with the posture; the other half lasts the day, and that is what worlds differ in.
        posture_db = model.lasting_db / math.sqrt(2)
        close_dbm = model.middle_dbm + model.apart_db / 2
        self._worlds = Worlds(close_dbm, posture_db, model.look_db, prior, SHARE_WORTH)

    def direct(self, day: Sequence[Heard]) -> Sequence[tuple[float, ...]]:
        """The probability of each piece in each of equally probable worlds, judged with all pieces of the day."""
        if not day:
            return []
        rows = [self._worlds.row(len(each.levels), strong(each.levels) if each.levels else 0.0) for each in day]
        lengths = np.array([each.length_ms for each in day], np.int64)
        likely, close = (np.stack(each) for each in zip(*rows, strict=True))
        told = self._worlds.of_days(np.zeros(1, np.int64), lengths, likely, close)
        return [tuple(each) for each in told.tolist()]

    def of_cells(self, first: Ints, lengths: Ints, code: Ints) -> npt.NDArray[np.float64]:
        """As `direct`, of many days at once; `first`: where each begins among the pieces.

        A piece's `code`: its number of looks, and the half bytes (contact.py) of the two that stand for all
        (`standing`), 4 bits each.
        """
        known, of = np.unique(code, return_inverse=True)
        rows = [self._worlds.row(each >> 8, _between(each >> 8, each >> 4 & 15, each & 15)) for each in known.tolist()]
        likely, close = (np.stack(each)[of] for each in zip(*rows, strict=True))
        return self._worlds.of_days(first, lengths, likely, close)

    def place(self, both: Both) -> float:
        """The probability for a time at one place: little, and a bit more where both are heard alike."""
        odds = math.log(PLACE_PRIOR / (1 - PLACE_PRIOR))
        mine, theirs = _strongest(both.mine), _strongest(both.theirs)
        for gateway in mine.keys() & theirs.keys():
            off = mine[gateway] - theirs[gateway]
            odds += math.log(_PLACE_APART_DB / _PLACE_CLOSE_DB)
            odds += off**2 / 2 * (1 / _PLACE_APART_DB**2 - 1 / _PLACE_CLOSE_DB**2)
        return _logistic(odds)


def _strongest(windows: Sequence[tuple[int, str, int]]) -> dict[str, float]:
    """90th percentile at each gateway, dBm."""
    by_gateway: dict[str, list[int]] = {}
    for _, gateway, rssi in windows:
        by_gateway.setdefault(gateway, []).append(rssi)
    return {gateway: float(np.quantile(levels, 0.9)) for gateway, levels in by_gateway.items()}
