"""The crossings of many tags at one untrained door, all at once: what `door.follow` tells of each of them alone.  Pure.

A page of the book asks for a hundred people's comings and goings.  One after the other each packet costs some twenty
small operations upon six numbers; here one operation serves the n-th packet of everybody.  Of packets of all tags, one
after the other, a run is those of one tag.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from zonetag_backend.tracing.door import (
    CONFIRM_S,
    MOTION_S,
    MOVES_HZ,
    NOT_HEARD_DBM,
    PACKET_S,
    PACKET_WEIGHT,
    STEP_MOST_S,
    STILL_DB,
    STILL_LEAST,
    SURE,
    TAILS,
    Crossing,
    Floats,
    Profile,
    transition,
)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Where the packets of each run stand."""

    start: Ints
    # of each run, its first packet
    of: Ints
    # of each packet, its run
    order: tuple[Ints, ...]
    # the n-th packets of all runs that have so many

    @classmethod
    def of_lengths(cls, lengths: Sequence[int]) -> "_Runs":
        each = np.asarray(lengths, np.int64)
        start = np.cumsum(each) - each
        longest = int(each.max(initial=0))
        return cls(start, np.repeat(np.arange(len(each)), each), tuple(start[each > n] + n for n in range(longest)))


def follow_all(times: Sequence[Floats], levels: Sequence[Floats], profile: Profile) -> list[tuple[Crossing, ...]]:
    """The crossings of each tag: `times` and `levels` of each as `door.follow` takes them, none of them empty."""
    if not times:
        return []
    assert profile.sides is not None, "a learnt profile is followed by itself"
    runs = _Runs.of_lengths([len(each) for each in times])
    at, heard = np.concatenate(times), np.vstack(levels)
    gaps = np.diff(at, prepend=at[0])
    gaps[runs.start] = 0.0
    weights = _weights(times, at, heard, gaps, runs)
    difference = np.where(np.isnan(heard), NOT_HEARD_DBM, heard) @ profile.sides
    z = (difference[:, None] - profile.mean[:, 0]) / profile.spread[:, 0]
    told = -(TAILS + 1) / 2 * np.log1p(z * z / TAILS) - np.log(profile.spread[:, 0])
    evidence = np.exp(weights[:, None] * (told - told.max(axis=1, keepdims=True)))
    which, move = _moves(np.minimum(gaps, STEP_MOST_S) * MOVES_HZ, len(profile.outside))
    forward = _forward(evidence, which, move, runs)
    last = (
        np.concatenate([np.searchsorted(each, each + CONFIRM_S, "right") - 1 for each in times]) + runs.start[runs.of]
    )
    both = forward * _later(evidence, which, move, last)
    p_outside = both[:, profile.outside].sum(axis=1) / both.sum(axis=1)
    return _crossings(at, p_outside, runs)


def _weights(times: Sequence[Floats], at: Floats, heard: Floats, gaps: Floats, runs: _Runs) -> Floats:
    since = np.minimum(gaps, 10 * PACKET_S)
    since[runs.start] = PACKET_S
    second_ago = np.concatenate([np.searchsorted(each, each - 1.0) for each in times]) + runs.start[runs.of]
    change = np.abs(heard - heard[second_ago])
    known = ~np.isnan(change)
    mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    mean[~known.any(axis=1) | (second_ago == np.arange(len(at)))] = STILL_DB
    keep = np.exp(-gaps / MOTION_S)
    total, count = np.zeros(len(runs.start)), np.zeros(len(runs.start))
    smooth = np.empty(len(at))
    for here in runs.order:
        of = runs.of[here]
        total[of] = total[of] * keep[here] + mean[here]
        count[of] = count[of] * keep[here] + 1
        smooth[here] = total[of] / count[of]
    motion = np.clip(smooth / STILL_DB, 0.0, 1.0) ** 2
    weights: Floats = PACKET_WEIGHT * np.sqrt(np.maximum(since, 0.0) / PACKET_S) * np.maximum(motion, STILL_LEAST)
    return weights


def _moves(steps: Floats, places: int) -> tuple[Ints, Floats]:
    """Of each packet which transition leads to it, and the transitions."""
    keys, which = np.unique(np.round(steps, 2), return_inverse=True)
    return which, np.stack([transition(places, float(key)) for key in keys])


def _forward(evidence: Floats, which: Ints, move: Floats, runs: _Runs) -> Floats:
    belief = np.full((len(runs.start), evidence.shape[1]), 1 / evidence.shape[1])
    forward = np.empty_like(evidence)
    for here in runs.order:
        of = runs.of[here]
        now = np.einsum("np,npq->nq", belief[of], move[which[here]]) * evidence[here]
        now /= now.sum(axis=1, keepdims=True)
        belief[of] = forward[here] = now
    return forward


def _later(evidence: Floats, which: Ints, move: Floats, last: Ints) -> Floats:
    """What the packets until `last` say of each packet's place."""
    here = np.arange(len(last))
    later = np.ones_like(evidence)
    for ahead in range(int((last - here).max()), 0, -1):
        some = np.flatnonzero(last - here >= ahead)
        then = some + ahead
        back = np.einsum("npq,nq->np", move[which[then]], evidence[then] * later[some])
        later[some] = back / back.max(axis=1, keepdims=True)
    return later


def _crossings(at: Floats, p_outside: Floats, runs: _Runs) -> list[tuple[Crossing, ...]]:
    """Where somebody is surely on the other side than they surely were before; as `door` has it, when it is known."""
    found: list[list[Crossing]] = [[] for _ in runs.start]
    sure = np.flatnonzero((p_outside > SURE) | (p_outside < 1 - SURE))
    outside = p_outside[sure] > SURE
    turned = np.flatnonzero((outside[1:] != outside[:-1]) & (runs.of[sure[1:]] == runs.of[sure[:-1]])) + 1
    for number in turned.tolist():
        packet = int(sure[number])
        known = float(at[packet]) + CONFIRM_S
        found[int(runs.of[packet])].append(Crossing(known, not outside[number], known))
    return [tuple(each) for each in found]
