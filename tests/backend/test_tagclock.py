"""The clock of a tag: drift, replays, changes of battery.  Pure, so years pass in milliseconds."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.tagclock import CONFIRMING, EPOCH_MS, JUMPING, RESUMING, SLOT_MS, Heard, Track, judge

DAY_MS = 86_400_000
START_MS = 1_790_000_000_000
NEW = Track(START_MS, 0, START_MS, False, 0, -1, 0)


def heard(utc_ms: int, t_ms: int, span_ms: int = 0, *, synchronised: bool = True) -> Heard:
    """A frame of the slot of `t_ms` on the tag's clock, heard at `utc_ms`."""
    return Heard(t_ms // SLOT_MS * SLOT_MS, SLOT_MS, utc_ms, utc_ms + span_ms, 7, synchronised)


def run(track: Track, frames: Iterator[Heard]) -> Track:
    for each in frames:
        track, good = judge(track, each)
        assert good, (track, each)
    return track


def confirmed(offset_ms: int = START_MS, until_ms: int = START_MS + 60_000) -> Track:
    times = range(until_ms - 60_000, until_ms, 1000)
    track = run(NEW, (heard(at, at - offset_ms + 10 * SLOT_MS) for at in times))
    assert track.confirmed
    return track._replace(offset_ms=offset_ms - 10 * SLOT_MS)


def test_the_first_frame_sets_the_offset_and_the_next_confirm_it() -> None:
    track = NEW
    states = []
    for slot in range(CONFIRMING + 1):
        track, good = judge(track, heard(START_MS + slot * SLOT_MS + 1000, 777_000_000 + slot * SLOT_MS))
        assert good
        states.append(track.confirmed)
    assert states == [False] * (CONFIRMING - 1) + [True] * 2
    # Heard 1000 ms after the beginning of each slot, or so: all that is known is that it was within the slot.
    assert track.offset_ms - track.slack_ms <= START_MS + 1000 - 777_000_000 <= track.offset_ms + track.slack_ms


def test_the_same_slot_again_confirms_nothing() -> None:
    track = NEW
    for _ in range(10):
        track, good = judge(track, heard(START_MS, 777_000_000))
        assert good
    assert not track.confirmed


@pytest.mark.parametrize("ppm", [-150, -20, 0, 20, 150])
@pytest.mark.parametrize("seed", range(5))
def test_two_weeks_of_drift_with_gaps(ppm: int, seed: int) -> None:
    """Heard at random for a while, then unheard for up to three days, by gateways whose clocks differ by 50 ms."""
    rng = random.Random(seed)
    at, track = START_MS, NEW
    while at < START_MS + 14 * DAY_MS:
        for _ in range(rng.randrange(5, 200)):
            t_ms = round((at - START_MS) * (1 + ppm / 1e6)) + 5 * DAY_MS
            seen = at + rng.randrange(-50, 51)
            track, good = judge(track, heard(seen, t_ms))
            assert good, (seed, at - START_MS)
            at += rng.randrange(250, 4000)
        at += rng.choice([0, 0, 60_000, 3_600_000, DAY_MS // 2, 3 * DAY_MS])
    assert track.confirmed


def test_a_clock_beyond_the_bound_is_noticed() -> None:
    """The control of the test above: at 1 % the next day is not believed."""
    track = confirmed()
    at = START_MS + DAY_MS
    assert not judge(track, heard(at, round((at - START_MS) * 1.01) + 10 * SLOT_MS))[1]


@pytest.mark.parametrize(("slots", "good"), [(0, True), (2, False), (10, False), (500, False)])
@pytest.mark.parametrize("phase_ms", [0, 1000, 2000, 3999])
def test_a_replay_some_slots_later(slots: int, good: bool, phase_ms: int) -> None:
    """A frame that no gateway heard when it was sent, so that only its lateness speaks against it."""
    track = confirmed()
    sent = START_MS + 120_000 + phase_ms
    fresh = judge(track, heard(sent + slots * SLOT_MS, sent - START_MS + 10 * SLOT_MS))[1]
    assert fresh is good


def test_a_replay_one_slot_later_is_within_what_a_clock_may_do_or_not() -> None:
    """What lateness cannot tell: up to 2 s beyond a slot's end.  The order of slots at a gateway does the rest."""
    track = confirmed()
    sent = START_MS + 120_000
    good = [judge(track, heard(sent + ms, sent - START_MS + 10 * SLOT_MS))[1] for ms in range(0, 8000, 100)]
    assert good == sorted(good, reverse=True)
    assert good[39]
    assert not good[60]


@pytest.mark.parametrize("slots", [2, 10, 900])
def test_a_recording_of_one_frame_never_becomes_a_jump(slots: int) -> None:
    track = confirmed()
    sent = START_MS + 120_000
    for repeat in range(20):
        at = sent + slots * SLOT_MS + repeat * SLOT_MS
        track, good = judge(track, heard(at, sent - START_MS + 10 * SLOT_MS))
        assert not good


def test_a_replayed_sequence_dies_with_the_next_true_frame() -> None:
    track = confirmed()
    late = 40 * SLOT_MS
    for slot in range(30):
        sent = START_MS + 120_000 + slot * SLOT_MS
        track, good = judge(track, heard(sent + late, sent - START_MS + 10 * SLOT_MS))
        assert not good
        track, good = judge(track, heard(sent + late + 500, sent + late - START_MS + 10 * SLOT_MS))
        assert good


@pytest.mark.parametrize(("ahead_ms", "slots"), [(600_000, JUMPING), (3_000_000, JUMPING), (-600_000, RESUMING)])
def test_a_change_of_battery_is_taken_after_some_slots_with_little_trust(ahead_ms: int, slots: int) -> None:
    """The tag's clock goes on ahead of all that it has used; behind or ahead of where it should be."""
    track = confirmed()
    silent = START_MS + 3_600_000
    goods = []
    for slot in range(slots + CONFIRMING):
        at = silent + slot * SLOT_MS
        track, good = judge(track, heard(at, at - START_MS + 10 * SLOT_MS + ahead_ms))
        goods.append((good, track.confirmed))
    assert goods[: slots - 1] == [(False, True)] * (slots - 1)
    assert goods[slots - 1] == (True, False)
    assert goods[-1] == (True, True)


def test_used_slots_are_never_a_jump() -> None:
    track = confirmed(until_ms=START_MS + 3_600_000)
    for slot in range(20):  # the clock set back by half an hour
        at = START_MS + 3_700_000 + slot * SLOT_MS
        track, good = judge(track, heard(at, at - START_MS - 1_800_000))
        assert not good


def test_a_late_report_is_judged_by_its_own_time_and_moves_nothing() -> None:
    track = confirmed(until_ms=START_MS + 3 * DAY_MS)
    late = START_MS + 60_000
    after, good = judge(track, heard(late, late - START_MS + 10 * SLOT_MS))
    assert good
    assert (after.offset_ms, after.offset_at_ms, after.heard_ms) == (
        track.offset_ms,
        track.offset_at_ms,
        track.heard_ms,
    )


def test_a_gateway_without_time_gets_more_tolerance_and_moves_nothing() -> None:
    track = confirmed()
    at = START_MS + 120_000
    off = heard(at + 20_000, at - START_MS + 10 * SLOT_MS, synchronised=False)
    after, good = judge(track, off)
    assert good
    assert (after.offset_ms, after.offset_at_ms) == (track.offset_ms, track.offset_at_ms)
    assert not judge(track, off._replace(synchronised=True))[1]
    assert not judge(track, off._replace(first_ms=at + 60_000, last_ms=at + 60_000))[1]


def test_a_gateway_without_time_may_confirm_a_card_and_not_set_a_clock() -> None:
    wrong = heard(START_MS + 3_608_000, 8000)
    assert judge(NEW, heard(START_MS + 8000, 8000, synchronised=False))[1]
    assert judge(NEW, wrong)[1]  # the control: one that knows the time sets it
    assert judge(NEW, wrong._replace(synchronised=False)) == (NEW, False)


def test_a_window_longer_than_its_slot_is_an_echo() -> None:
    track = confirmed()
    at = START_MS + 120_000
    assert judge(track, heard(at, at - START_MS + 10 * SLOT_MS, span_ms=3900))[1]
    assert not judge(track, heard(at, at - START_MS + 10 * SLOT_MS, span_ms=12_000))[1]


@given(st.randoms(use_true_random=False), st.integers(-150, 150))
def test_honest_frames_are_good_in_any_order(rng: random.Random, ppm: int) -> None:
    frames = []
    for _ in range(60):
        at = START_MS + rng.randrange(3 * DAY_MS)
        frames.append(heard(at, round((at - START_MS) * (1 + ppm / 1e6)) + DAY_MS, rng.choice([0, 200])))
    # A window may begin in one slot and end in the next only if a timer came late; here it does not.
    frames = [f for f in frames if f.last_ms - f.first_ms == 0 or (f.first_ms - START_MS) % SLOT_MS < 3000]
    rng.shuffle(frames)
    run(NEW, iter(frames))


@given(st.randoms(use_true_random=False))
def test_a_badge_is_followed_to_its_epoch(rng: random.Random) -> None:
    track, at = NEW, START_MS
    for _ in range(50):
        t_ms = at - START_MS + DAY_MS
        track, good = judge(track, Heard(t_ms // EPOCH_MS * EPOCH_MS, EPOCH_MS, at, at, -1, True))
        assert good
        at += rng.randrange(1000, 2 * EPOCH_MS)
    assert not track.confirmed  # it proves nothing, so it is never sure
