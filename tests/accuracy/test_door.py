"""Through a door: alike in both directions, unknown while unsure, still tags invent nothing, and controls."""

import numpy as np
import pytest
from rig.recordings import DOOR, through_the_door

from zonetag_backend.tracing import door
from zonetag_backend.tracing.door import INSIDE, OUTSIDE, UNKNOWN, Passages

INSIDE_OF = [name.startswith("I-") for name in DOOR]
UNTRAINED = door.by_sides(INSIDE_OF)


def recording(seed: int) -> Passages:
    return Passages(*through_the_door(np.random.default_rng(seed)))


def found(passages: Passages, told: door.Followed, near_s: float = 3.0) -> tuple[int, int, int]:
    """(true, found, false) crossings."""
    turns = np.flatnonzero(np.diff(passages.inside.astype(int)))
    free = list(told.crossings)
    hits = 0
    for turn in turns:
        same = [c for c in free if c.inwards == passages.inside[turn + 1]]
        near = [c for c in same if abs(c.at_s - passages.times[turn]) <= near_s]
        if near:
            free.remove(near[0])
            hits += 1
    return len(turns), hits, len(free)


@pytest.mark.parametrize("seed", range(3))
def test_every_crossing_untrained_and_learnt(seed: int) -> None:
    test = recording(seed)
    learnt = door.learn([recording(100 + i) for i in range(3)])
    assert learnt is not None
    for profiles in ([], [learnt]):
        told = door.follow(test.times, test.levels, UNTRAINED, profiles)
        assert found(test, told) == (4, 4, 0)
        assert np.mean(told.states == np.where(test.inside, INSIDE, OUTSIDE)) > 0.9
        assert all(c.known_s - c.at_s <= 5 for c in told.crossings)


def test_control_sides_mistaken_find_nothing_right() -> None:
    test = recording(1)
    told = door.follow(test.times, test.levels, door.by_sides([not each for each in INSIDE_OF]))
    assert found(test, told)[1] == 0
    assert np.mean(told.states == np.where(test.inside, INSIDE, OUTSIDE)) < 0.2


def test_in_and_out_are_told_alike() -> None:
    """Sides and levels exchanged: the same crossings the other way."""
    test = recording(2)
    told = door.follow(test.times, test.levels, UNTRAINED)
    mirrored = door.follow(test.times, test.levels, door.by_sides([not each for each in INSIDE_OF]))
    assert [(c.at_s, not c.inwards) for c in told.crossings] == [(c.at_s, c.inwards) for c in mirrored.crossings]
    assert np.allclose(told.p_outside, 1 - mirrored.p_outside)


def test_unknown_while_both_sides_hear_it_alike() -> None:
    times = np.arange(0, 60, 0.1)
    levels = np.full((len(times), len(DOOR)), -70.0)
    told = door.follow(times, levels, UNTRAINED)
    assert (told.states == UNKNOWN).all()
    assert told.crossings == ()


def test_a_tag_that_stands_in_the_middle_does_not_go_to_and_fro() -> None:
    """Noise of 3 dB around no difference for ten minutes; the plain sign of the difference, as a control, changes."""
    roll = np.random.default_rng(3)
    times = np.arange(0, 600, 0.1)
    levels = roll.normal(-70, 3, (len(times), len(DOOR)))
    assert len(door.follow(times, levels, UNTRAINED).crossings) <= 1
    sign = levels @ np.array([1.0 if each else -1.0 for each in INSIDE_OF]) > 0
    assert np.count_nonzero(np.diff(sign.astype(int))) > 100


def test_nothing_later_than_the_confirmation_changes_what_was_said() -> None:
    test = recording(4)
    whole = door.follow(test.times, test.levels, UNTRAINED)
    cut = int(np.searchsorted(test.times, 40.0))
    part = door.follow(test.times[:cut], test.levels[:cut], UNTRAINED)
    sure = test.times[:cut] <= test.times[cut - 1] - door.CONFIRM_S
    assert np.allclose(part.p_outside[sure], whole.p_outside[:cut][sure])


def test_what_was_learnt_of_others_does_not_apply() -> None:
    """A profile of quite another strength is set aside, and the untrained one decides."""
    strange = door.learn([Passages(r.times, r.levels[:, ::-1] - 25, r.inside) for r in (recording(9), recording(10))])
    assert strange is not None
    test = recording(5)
    told = door.follow(test.times, test.levels, UNTRAINED, [strange])
    assert found(test, told) == (4, 4, 0)


def test_a_tag_of_another_strength_is_still_followed_by_what_was_learnt() -> None:
    """6 dB weaker, each receiver off by some more, a fifth of the packets lost: the learnt profile goes on applying."""
    learnt = door.learn([recording(100 + i) for i in range(3)])
    assert learnt is not None
    roll = np.random.default_rng(6)
    test = recording(6)
    levels = test.levels - 6 + roll.normal(0, 2, len(DOOR))
    levels[roll.random(levels.shape) < 0.2] = np.nan
    told = door.follow(test.times, levels, UNTRAINED, [learnt])
    assert found(test, told) == (4, 4, 0)


def test_lost_packets_do_not_make_another_profile_fit() -> None:
    """Half of everything lost: the profile of other traffic is set aside all the same."""
    strange = door.learn([Passages(r.times, r.levels[:, ::-1], r.inside) for r in (recording(9), recording(10))])
    assert strange is not None
    test = recording(7)
    levels = np.where(np.random.default_rng(8).random(test.levels.shape) < 0.5, np.nan, test.levels)
    with_it, without = (door.follow(test.times, levels, UNTRAINED, profiles) for profiles in ([strange], []))
    late = test.times > 10.0
    assert np.mean(with_it.states[late] == without.states[late]) > 0.95


def test_edges() -> None:
    with pytest.raises(ValueError, match="one side"):
        door.by_sides([True, True])
    assert door.learn([]) is None
    still = recording(1)
    assert door.learn([Passages(still.times, still.levels, np.ones(len(still.times), dtype=bool))]) is None
    nothing = door.follow(np.empty(0), np.empty((0, 4)), UNTRAINED)
    assert nothing.crossings == ()
    deaf = door.follow(np.array([0.0, 5.0]), np.full((2, 4), np.nan), UNTRAINED)
    assert (deaf.states == UNKNOWN).all()
