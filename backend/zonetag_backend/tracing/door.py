"""In or out: which way a tag went through a door, from receivers on both sides of it.  Seconds, dBm.

One method for people and for vehicles.  The way through the door is a chain of places from far inside to far outside;
a tag moves along it from neighbour to neighbour (a hidden Markov chain), and each packet says by its strengths at all
receivers which places are likely.  A `Profile` says how strongly each receiver hears a tag at each place:

- `by_sides` knows only on which side each receiver hangs and judges by the difference between the sides.  It needs no
  training, and is what a new door begins with.
- `learn` takes recordings of passages with the moment of each crossing.  Its places are times before and after it.

Several profiles (people, a forklift) are followed at once.  That one decides which explains the last minutes best; a
learnt one only if it explains them about as well as the recordings it was learnt from, so that what was learnt from
vehicles is not held against a person.  If none does, the untrained one decides.  When another takes over, what changes
by that alone is no crossing.  No tag is as strong as the one that taught, and no body shades as another's: how much
stronger than by the profile each receiver hears this tag is learnt on the way, as `Apart`.

The state is confirmed a moment later (`CONFIRM_S`), with hysteresis, and is unknown until the first confirmation; a
crossing has the time at which it took place and the time at which it became known.  A tag that stands still repeats
one and the same evidence, so its packets weigh less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
States = npt.NDArray[np.int8]

UNKNOWN, OUTSIDE, INSIDE = -1, 0, 1

CONFIRM_S = 1.0  # what is heard so long afterwards still counts: one second of shade is no crossing
SURE = 0.8  # hysteresis: outside above this probability, inside below its complement, else as before
STEP_S = 0.5  # a place of the chain, as time: half a second's walk is half a metre
REACH_S = 4.0  # beyond so long before and after a crossing a place is called far
FAR_S = (4.0, 9.0, np.inf)  # outside, what is far is parted once more: the car park is not the threshold
MOVES_HZ = 1.0  # steps a second along the chain in each direction: it crosses the near zone in a few seconds
STEP_MOST_S = 2.0  # a longer silence moves nobody further
LEAP = 1e-4  # of jumping anywhere, so that no wrong belief is for ever
# Packets of 100 ms see the same shadows for a third of a second, so each carries a third of independent evidence.
PACKET_WEIGHT = 0.3
PACKET_S = 0.1
STILL_DB = 3.0  # a tag in motion changes by more than this from second to second; below, its evidence is a repetition
STILL_LEAST = 0.1
MOTION_S = 3.0  # over which it is judged
TAILS = 6.0  # degrees of freedom of Student's t: now and then a reading is far off
SPREAD_DB = 2.5  # added to what was seen in training: another day, another body
FORGET_S = 300.0  # of the choice between profiles: who carries a tag seldom changes
# A learnt profile applies while its log-likelihood per reading is at most so much below that of its training.  What was
# not heard does not count, or lost packets would make anything fit.
MISFIT = 0.1
FLATTERS = 0.1  # one recording fits what was learnt from it by so much too well, of several each by its part of that
UNPROVEN, UNPROVEN_PACKETS = -0.2, 50.0  # how well a learnt profile is thought to fit before anything was heard
# Seconds in motion that the profile's own levels weigh: against another strength at all receivers, or at one.
APART_WORTH, APART_ONE_WORTH = 10.0, 20.0
APART_MOST_DB = 12.0  # of one reading
NOT_HEARD_DBM = -95.0  # about the weakest that a receiver hears, for the untrained difference
SIDES_DB = (8.0, 4.0, 1.0, -1.0, -4.0, -8.0)  # inside minus outside, at the six places of the untrained chain
SIDES_SPREAD_DB = 5.0


@dataclass(frozen=True, slots=True)
class Passages:
    """One recording near a door."""

    times: Floats
    # seconds, ascending
    levels: Floats
    # a row a packet, a column a receiver, dBm; NaN: not heard
    inside: Flags
    # the truth at each packet


@dataclass(frozen=True, slots=True)
class Profile:
    """How strongly each receiver hears one kind of traffic at each place of the chain, from inside to outside."""

    outside: Flags
    # of each place
    mean: Floats
    spread: Floats
    # dBm and dB, a row a place, a column a receiver; of the untrained one a single column, the difference of the sides
    heard: Floats
    # share of packets heard, likewise
    usual: float
    # log-likelihood per reading on what it was learnt from; -inf: it always applies
    sides: Floats | None
    # of the untrained one: +1 for receivers inside, -1 for those outside, divided by their number


@dataclass(frozen=True, slots=True)
class Crossing:
    """Through the door, once."""

    at_s: float
    # when
    inwards: bool
    known_s: float
    # when the packets were in that it is told from


@dataclass(frozen=True, slots=True)
class Followed:
    """What was made of one tag's packets."""

    states: States
    # OUTSIDE, INSIDE or UNKNOWN at each packet, as known CONFIRM_S later
    p_outside: Floats
    # probability at each packet
    crossings: tuple[Crossing, ...]


def by_sides(inside: Sequence[bool]) -> Profile:
    """The untrained profile of a door whose receiver i hangs inside if `inside[i]`; needs one on each side."""
    within = np.asarray(inside, dtype=bool)
    if within.all() or not within.any():
        raise ValueError("all receivers hang on one side of the door; hang at least one on the other")
    sides = np.where(within, 1 / within.sum(), -1 / (~within).sum())
    mean = np.array(SIDES_DB)[:, None]
    ones = np.ones_like(mean)
    return Profile(mean[:, 0] < 0, mean, SIDES_SPREAD_DB * ones, ones, -np.inf, sides)


def learn(recordings: Sequence[Passages]) -> Profile | None:
    """The profile of one kind of traffic; None when the recordings hold no crossing or only a few packets."""
    phase = np.concatenate([_phase(r) for r in recordings]) if recordings else np.empty(0)
    if not np.isfinite(phase).any():
        return None
    levels = np.vstack([r.levels for r in recordings])
    edges = [-np.inf, *np.arange(-REACH_S, REACH_S + STEP_S / 2, STEP_S), *(REACH_S + far for far in FAR_S)]
    outside, mean, spread, heard = [], [], [], []
    for low, high in pairwise(edges):
        here = levels[(phase >= low) & (phase < high)]
        if len(here) < 5:
            continue
        here_heard = ~np.isnan(here)
        count = here_heard.sum(axis=0)
        filled = np.where(here_heard, here, 0.0)
        centre = np.where(count > 0, filled.sum(axis=0) / np.maximum(count, 1), NOT_HEARD_DBM)
        square = np.where(here_heard, (here - centre) ** 2, 0.0).sum(axis=0) / np.maximum(count, 1)
        outside.append(low >= 0)
        mean.append(centre)
        spread.append(np.sqrt(square + SPREAD_DB**2))
        heard.append(np.clip(count / len(here), 0.05, 0.95))
    if not any(outside) or all(outside):
        return None
    untold = Profile(np.array(outside), np.array(mean), np.array(spread), np.array(heard), 0.0, None)
    usual = float(np.nanmean(np.concatenate([_filter(untold, r.times, r.levels)[1] for r in recordings])))
    usual -= FLATTERS / len(recordings)
    return Profile(untold.outside, untold.mean, untold.spread, untold.heard, usual, None)


def follow(times: Floats, levels: Floats, untrained: Profile, learnt: Sequence[Profile] = ()) -> Followed:
    """The side at each packet and the crossings of one tag.

    `times` ascending seconds, `levels` a row a packet and a column a receiver in the order of the profiles, dBm, NaN
    where not heard.  Nothing later than CONFIRM_S after a packet is used for what is said of it.
    """
    if len(times) == 0:
        return Followed(np.empty(0, np.int8), np.empty(0), ())
    chosen = np.zeros(len(times))
    decides = np.zeros(len(times), dtype=np.int64)
    best = np.full(len(times), -np.inf)
    for number, profile in enumerate((untrained, *learnt)):
        p_outside, surprise = _filter(profile, times, levels)
        if profile.sides is None:
            fits = _forgetting(times, surprise - profile.usual, FORGET_S, (UNPROVEN, UNPROVEN_PACKETS))
            better = (fits > -MISFIT) & (fits + profile.usual > best)
            best = np.where(better, fits + profile.usual, best)
        else:
            better = np.ones(len(times), dtype=bool)
        chosen = np.where(better, p_outside, chosen)
        decides = np.where(better, number, decides)
    return _decide(times, chosen, decides)


def _phase(recording: Passages) -> Floats:
    """Seconds to the nearest crossing, negative inside; infinite where there is none."""
    turns = np.flatnonzero(np.diff(recording.inside.astype(np.int8)))
    sign = np.where(recording.inside, -1.0, 1.0)
    if len(turns) == 0:
        return sign * np.inf
    at = (recording.times[turns] + recording.times[turns + 1]) / 2
    distance: Floats = np.abs(recording.times[:, None] - at[None, :]).min(axis=1)
    return sign * np.maximum(distance, 1e-6)


class _Told:
    """The log-likelihood of packets, one after the other, at each place."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._present = np.log(profile.heard)
        # A packet missed by one receiver is told less by the place than by chance (collisions): half of its weight.
        self._absent = 0.5 * np.log(np.maximum(1 - profile.heard, 0.05))
        self._narrow = np.log(profile.spread)

    def __call__(self, level: Floats) -> tuple[Floats, Floats]:
        """(of the packet, of its readings alone and per reading; NaN when there is none)."""
        missing = np.isnan(level)
        z = (np.where(missing, 0.0, level) - self._profile.mean) / self._profile.spread
        reading = -(TAILS + 1) / 2 * np.log1p(z * z / TAILS) - self._narrow
        read = np.where(missing, 0.0, reading).sum(axis=1)
        heard = np.where(missing, self._absent, self._present).sum(axis=1)
        count = len(level) - np.count_nonzero(missing)
        return read + heard, read / count if count else np.full(len(read), np.nan)


class _Apart:
    """How much stronger one tag is heard than by the profile: everywhere, and at each receiver beyond that, dB."""

    def __init__(self, receivers: int) -> None:
        self._sums = np.zeros(receivers + 1)  # the last: everywhere
        self._weights = np.zeros(receivers + 1)
        self.offset = np.zeros(receivers)

    def learn(self, keep: float, weight: float, beyond: Floats) -> None:
        """From one packet: what was heard beyond the profile with the offset taken out; NaN: not heard."""
        heard = ~np.isnan(beyond)
        if not heard.any():
            return
        everywhere = self._sums[-1] / (self._weights[-1] + APART_WORTH)
        own = self.offset - everywhere
        bounded = np.clip(np.where(heard, beyond, 0.0), -APART_MOST_DB, APART_MOST_DB)
        fresh = np.append(np.where(heard, bounded + own, 0.0), (bounded + everywhere)[heard].mean())
        counted = np.append(heard, True) * weight / PACKET_WEIGHT * PACKET_S
        self._sums = self._sums * keep + counted * fresh
        self._weights = self._weights * keep + counted
        told = self._sums[:-1] / (self._weights[:-1] + APART_ONE_WORTH)
        self.offset = told + self._sums[-1] / (self._weights[-1] + APART_WORTH)


def _weights(times: Floats, levels: Floats) -> Floats:
    """Of each packet's evidence: for the time since the last, and less when nothing changes."""
    gaps = np.minimum(np.diff(times, prepend=times[0] - PACKET_S), 10 * PACKET_S)
    second_ago = np.searchsorted(times, times - 1.0)
    change = np.abs(levels - levels[second_ago])
    known = ~np.isnan(change)
    mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean = np.where(known.any(axis=1), mean, STILL_DB)
    mean[second_ago == np.arange(len(times))] = STILL_DB
    motion = np.clip(_forgetting(times, mean, MOTION_S, (0.0, 0.0)) / STILL_DB, 0.0, 1.0) ** 2
    weights: Floats = PACKET_WEIGHT * np.sqrt(np.maximum(gaps, 0.0) / PACKET_S) * np.maximum(motion, STILL_LEAST)
    return weights


def _filter(profile: Profile, times: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """P(outside) at each packet given all until CONFIRM_S later; log-likelihood of each, per reading, foretold."""
    weights = _weights(times, levels)
    if profile.sides is not None:
        levels = (np.where(np.isnan(levels), NOT_HEARD_DBM, levels) @ profile.sides)[:, None]
    told, apart = _Told(profile), _Apart(levels.shape[1])
    keep = np.exp(-np.diff(times, prepend=times[0]) / FORGET_S)
    count, places = len(times), len(profile.outside)
    evidence = np.empty((count, places))
    steps = np.minimum(np.diff(times, prepend=times[0]), STEP_MOST_S) * MOVES_HZ
    moves: dict[float, Floats] = {}
    forward = np.empty_like(evidence)
    surprise = np.empty(count)
    belief = np.full(places, 1 / places)
    for i in range(count):
        belief = belief @ _move(moves, places, float(steps[i]))
        here, each = told(levels[i] - apart.offset)
        surprise[i] = float(belief @ each)
        evidence[i] = np.exp(weights[i] * (here - here.max()))
        belief = belief * evidence[i]
        belief /= belief.sum()
        forward[i] = belief
        if profile.sides is None:
            apart.learn(float(keep[i]), float(weights[i]), levels[i] - apart.offset - belief @ profile.mean)
    last = np.searchsorted(times, times + CONFIRM_S, "right") - 1
    p_outside = np.empty(count)
    for i in range(count):
        later = np.ones(places)
        for j in range(int(last[i]), i, -1):
            later = _move(moves, places, float(steps[j])) @ (evidence[j] * later)
            later /= later.max()
        both = forward[i] * later
        p_outside[i] = both[profile.outside].sum() / both.sum()
    return p_outside, surprise


def _move(known: dict[float, Floats], places: int, steps: float) -> Floats:
    """The chain's transition for `steps`; rounded, so that few are made."""
    key = round(steps, 2)
    if key not in known:
        known[key] = transition(places, key)
    return known[key]


def transition(places: int, steps: float) -> Floats:
    """From place to place of the chain in `steps` expected steps each way."""
    neighbours = np.eye(places, k=1) + np.eye(places, k=-1)
    stay = np.exp(-2 * steps)
    move = stay * np.eye(places) + (1 - stay) * neighbours / neighbours.sum(axis=1, keepdims=True)
    leap: Floats = (1 - LEAP) * move + LEAP / places
    return leap


def _forgetting(times: Floats, values: Floats, forget_s: float, before: tuple[float, float]) -> Floats:
    """The mean of what was so far, the older the less; `before`: what was thought at first, as of so many values."""
    keep = np.exp(-np.diff(times, prepend=times[0]) / forget_s)
    out = np.empty(len(values))
    total, weight = before[0] * before[1], before[1]
    for i, value in enumerate(values):
        total, weight = total * keep[i], weight * keep[i]
        if not np.isnan(value):
            total, weight = total + value, weight + 1
        out[i] = total / weight if weight else 0.0
    return out


def _decide(times: Floats, p_outside: Floats, decides: npt.NDArray[np.int64]) -> Followed:
    """Hysteresis.  `decides` numbers the profiles, the untrained one first.

    By a learnt profile a crossing took place where the probability last passed one half.  The untrained difference
    between the sides passes it a few steps too early, in both directions: a tag is worn in front, and the body that
    approaches a door already shades what lies behind it.  So by that one it took place when it became known.
    """
    states = np.full(len(times), UNKNOWN, np.int8)
    crossings = []
    state, half = UNKNOWN, 0
    for i, p in enumerate(p_outside):
        if i and decides[i] != decides[i - 1]:
            state = UNKNOWN
        if i and (p > 0.5) != (p_outside[i - 1] > 0.5):
            half = i
        now = OUTSIDE if p > SURE else INSIDE if p < 1 - SURE else state
        if state not in (now, UNKNOWN):
            known = float(times[i]) + CONFIRM_S
            at = float(times[half]) if decides[i] else known
            crossings.append(Crossing(at, now == INSIDE, known))
            states[half:i] = now
            if not decides[i]:
                states[half : int(np.searchsorted(times, known))] = state
        state = now
        later = decides[i] == 0 and crossings and float(times[i]) < crossings[-1].at_s
        if not later:
            states[i] = state
    return Followed(states, p_outside, tuple(crossings))
