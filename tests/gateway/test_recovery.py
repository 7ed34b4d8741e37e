"""The ladder: the truth table, and what holds whatever is heard and whenever."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_gateway.heartbeat import is_heartbeat
from zonetag_gateway.reboots import DAY_MS, within_budget
from zonetag_gateway.recovery import MAX_SILENCE_S, NEVER, SILENCE_S, Ears, Rung, State, Watch, patience_s, step

HOUR_S = 3600.0
# In an hour at most so many of each rung: one every 90, 270, 630, 1350 and 2790 s, and one that was due before it.
PER_HOUR = {
    Rung.RESTART_SCAN: 41,
    Rung.POWER_CYCLE: 14,
    Rung.RFKILL: 6,
    Rung.RESTART_BLUETOOTH: 3,
    Rung.REBOOT: 2,
}

Steps = list[tuple[float, Rung]]


def climb(hearing: list[tuple[float, bool]], highest: Rung, until: float, tick: float = 7.0) -> Steps:
    """What a watch does that is looked at every `tick` seconds; `hearing` are (time, of the heartbeat)."""
    watch, taken, waiting = Watch(0.0, highest), [], sorted(hearing)
    now = 0.0
    while now < until:
        now += tick
        while waiting and waiting[0][0] <= now:
            at, heartbeat = waiting.pop(0)
            watch.heard(at, heartbeat=heartbeat)
        if (due := watch.step(now)) is not None:
            taken.append((now, due[0]))
        assert watch.remaining(now) > 0
    return taken


hearings = st.lists(st.tuples(st.floats(0, 4 * HOUR_S), st.booleans()), max_size=60)
rungs = st.sampled_from(Rung)


@given(hearings, rungs)
def test_steps_in_any_hour_are_bounded(hearing: list[tuple[float, bool]], highest: Rung) -> None:
    taken = climb(hearing, highest, 5 * HOUR_S)
    for begin, _ in taken:
        within = [rung for at, rung in taken if begin <= at < begin + HOUR_S]
        for rung in Rung:
            assert within.count(rung) <= PER_HOUR[rung]


@given(hearings, rungs)
def test_no_rung_is_skipped_and_none_above_the_highest_is_taken(
    hearing: list[tuple[float, bool]], highest: Rung
) -> None:
    taken = [rung for _, rung in climb(hearing, highest, 5 * HOUR_S)]
    assert not taken or taken[0] is Rung.RESTART_SCAN
    assert all(later in (earlier + 1, Rung.RESTART_SCAN) for earlier, later in itertools.pairwise(taken))
    assert all(rung <= highest for rung in taken)


@given(hearings, rungs, st.booleans())
def test_hearing_again_brings_it_back_to_the_bottom(
    hearing: list[tuple[float, bool]], highest: Rung, heartbeat: bool
) -> None:
    ever = heartbeat or any(of_heartbeat for _, of_heartbeat in hearing)
    end = 6 * HOUR_S
    taken = climb([*hearing, (end, ever)], highest, end + 200, tick=1.0 if not hearing else 7.0)
    after = [(at, rung) for at, rung in taken if at > end]
    assert [rung for _, rung in after] == [Rung.RESTART_SCAN]
    assert SILENCE_S <= after[0][0] - end <= SILENCE_S + 7


def test_the_whole_ladder_in_silence() -> None:
    taken = climb([], Rung.REBOOT, 8000, tick=1.0)
    assert taken == [
        (90, Rung.RESTART_SCAN),
        (270, Rung.POWER_CYCLE),
        (630, Rung.RFKILL),
        (1350, Rung.RESTART_BLUETOOTH),
        (2790, Rung.REBOOT),
        (4590, Rung.RESTART_SCAN),
        (6390, Rung.POWER_CYCLE),
    ]
    assert climb([(float(at), False) for at in range(0, 8000, 60)], Rung.REBOOT, 8000) == []


def test_silence_counts_from_the_beginning_of_the_scan_once_for_each_step() -> None:
    watch = Watch(0.0, Rung.POWER_CYCLE)
    watch.started(30.0)
    assert watch.remaining(30.0) == 90
    watch.started(80.0)  # bluetoothd has died and come back: no step was taken, so nothing begins anew
    assert watch.remaining(80.0) == 40
    assert watch.step(120.0) is not None
    watch.started(150.0)
    assert watch.remaining(150.0) == 180


def test_twice_the_time_for_each_step_up_to_half_an_hour() -> None:
    assert [patience_s(steps) for steps in range(7)] == [90, 180, 360, 720, 1440, 1800, 1800]
    assert patience_s(10**6) == MAX_SILENCE_S


@pytest.mark.parametrize(
    ("heartbeat", "others", "taken", "afterwards"),
    [
        ("never", "heard", None, Rung.RESTART_SCAN),
        ("never", "silent", Rung.RFKILL, Rung.RESTART_BLUETOOTH),
        ("heard", "heard", None, Rung.RESTART_SCAN),
        ("heard", "silent", None, Rung.RESTART_SCAN),
        ("silent", "heard", Rung.RESTART_SCAN, Rung.POWER_CYCLE),
        ("silent", "silent", Rung.RFKILL, Rung.RESTART_BLUETOOTH),
    ],
)
def test_the_truth_table(heartbeat: str, others: str, taken: Rung | None, afterwards: Rung) -> None:
    before = State(1000.0, Rung.RFKILL, 2)
    at = {"never": NEVER, "silent": 900.0, "heard": 1350.0}
    after, rung = step(before, Ears(at[others], at[heartbeat]), 1400.0, Rung.REBOOT)
    assert (rung, after.next) == (taken, afterwards)


def test_a_flat_heartbeat_never_leads_higher_than_to_a_restart_of_the_scan() -> None:
    hearing = [(1.0, True), *((float(at), False) for at in range(0, 20_000, 10))]
    taken = climb(hearing, Rung.REBOOT, 20_000)
    assert {rung for _, rung in taken} == {Rung.RESTART_SCAN}
    assert len(taken) < 20


def test_what_health_tells() -> None:
    watch = Watch(0.0, Rung.POWER_CYCLE)
    assert watch.tell(0.0, configured=False)["heartbeat"] == "none"
    assert watch.tell(0.0, configured=True)["heartbeat"] == "never"
    watch.heard(10.0, heartbeat=True)
    assert watch.tell(20.0, configured=True)["heartbeat"] == "heard"
    assert watch.step(100.0) == (Rung.RESTART_SCAN, "the heartbeat was not heard for 90 s (step 1 in a row)")
    told = watch.tell(100.0, configured=True)
    assert told["heartbeat"] == "silent"
    assert told["recovery"]["restart-scan"] == 1
    assert set(told["recovery"]) == {"restart-scan", "power-cycle", "rfkill", "restart-bluetooth", "reboot"}


@given(st.lists(st.integers(0, 3 * DAY_MS)), st.integers(1, 24), st.integers(0, 3 * DAY_MS))
def test_reboots_in_a_day_are_bounded(wishes: list[int], per_day: int, jump: int) -> None:
    made: list[int] = []
    for now in sorted(wishes):
        if within_budget(made, now, per_day):
            made.append(now)
    assert all(sum(at <= other < at + DAY_MS for other in made) <= per_day for at in made)
    # A clock that has been set back gives nothing.
    if len(made) >= per_day:
        assert not within_budget(made[-per_day:], made[-per_day] - jump, per_day)


EID, UID = bytes(range(8)), bytes(range(16))


@pytest.mark.parametrize(
    ("frame", "identifier", "same"),
    [
        (b"\x30\xeb" + EID, EID, True),
        (b"\x00\xeb" + UID + b"\0\0", UID, True),
        (b"\x00\xeb" + UID, EID, False),  # begins alike, but is another kind
        (b"\x30\xeb" + EID[::-1], EID, False),
        (b"\x30\xeb" + EID[:7], EID, False),
        (b"", EID, False),
        (b"\x30\xeb" + EID, b"", False),
    ],
)
def test_the_heartbeat_is_known_by_its_identifier(frame: bytes, identifier: bytes, same: bool) -> None:
    assert is_heartbeat(frame, identifier) == same
