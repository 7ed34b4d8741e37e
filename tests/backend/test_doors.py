"""Who holds a tag close, from reports: learnt strengths, once for each arrival, nothing late, nothing without bound."""

import random

import pytest

from zonetag_backend.doors import (
    FRESH_MS,
    HIGHEST_DBM,
    KEPT,
    LOWEST_DBM,
    MOST_TAGS,
    NOBODY,
    REST_MS,
    Doors,
    Heard,
    windows_of,
)
from zonetag_backend.records import Observation, Rejection, Verdict
from zonetag_backend.rules import CLOCK, UNKNOWN

NOW = 1_795_000_000_000
DOOR, ROOM = 1, 2


def heard(tag: int, rssi: int, at: int = NOW, place: int = DOOR, adverts: int = 4, mark: int = 0) -> Heard:
    return Heard(f"gw{place}", place, tag, mark, at, adverts, rssi)


def arrivals(*windows: Heard) -> list[int]:
    doors = Doors()
    for window in windows:
        doors.hear([window], window.end_ms)
    return [each.tag for each in doors.since(DOOR, 0)]


def test_a_close_tag_arrives_once_and_again_after_a_rest() -> None:
    assert arrivals(heard(7, -35), heard(7, -35, NOW + 4000), heard(8, -35, NOW + 5000)) == [7, 8]
    assert arrivals(heard(7, -35), heard(7, -35, NOW + REST_MS + 1)) == [7, 7]
    held = [heard(7, -35, NOW + n * 4000) for n in range(20)]
    assert arrivals(*held) == [7], "a tag that stays there is not greeted again"


def test_what_is_far_elsewhere_single_or_late_is_no_arrival() -> None:
    assert arrivals(heard(7, -80)) == []
    assert arrivals(heard(7, -35, place=ROOM)) == []
    assert arrivals(heard(7, -35, adverts=1)) == []
    doors = Doors()
    doors.hear([heard(7, -35)], NOW + FRESH_MS + 1)
    assert doors.since(DOOR, 0) == []
    doors.hear([heard(7, -35)], NOW + FRESH_MS)
    assert len(doors.since(DOOR, 0)) == 1


@pytest.mark.parametrize(("usual", "close"), [(-75.0, -55), (-50.0, -38)])
def test_the_threshold_is_learnt(usual: float, close: int) -> None:
    dice, doors = random.Random(7), Doors()
    for n in range(4000):
        doors.hear([heard(1, round(dice.gauss(usual, 3)), NOW - 10_000_000 + n)], NOW)
    doors.hear([heard(2, close - 8)], NOW)
    assert doors.since(DOOR, 0) == []
    doors.hear([heard(2, close)], NOW)
    assert [each.tag for each in doors.since(DOOR, 0)] == [2]


def test_bounds_hold_whatever_comes() -> None:
    dice, doors = random.Random(8), Doors()
    for n in range(20_000):
        doors.hear([heard(NOBODY, dice.choice((-127, 20)), NOW + n, mark=n)], NOW + n)
    assert len(doors.since(DOOR, 0)) == KEPT
    assert len(doors._last[DOOR]) <= MOST_TAGS
    level = doors._levels["gw1"].usual
    assert LOWEST_DBM - 10 <= level <= HIGHEST_DBM


def test_ids_grow_also_over_a_restart() -> None:
    first = Doors()
    first.hear([heard(tag, -35) for tag in range(5)], NOW)
    ids = [each.id for each in first.since(DOOR, 0)]
    assert ids == sorted(set(ids))
    again = Doors()
    again.hear([heard(9, -35, NOW + 1000)], NOW + 1000)
    assert again.since(DOOR, 0)[0].id > ids[-1]
    assert first.since(DOOR, ids[2]) == first.since(DOOR, 0)[3:]


def test_who_begins_to_look_is_told_of_the_last_seconds_only() -> None:
    doors = Doors()
    doors.hear([heard(1, -35)], NOW)
    doors.hear([heard(2, -35, NOW + REST_MS)], NOW + REST_MS)
    assert [each.tag for each in doors.since(DOOR, doors.latest(NOW + REST_MS + 1))] == [2]


def test_windows_of_a_report_in_the_order_of_capture() -> None:
    observed = Observation(7, NOW, "gw1", 1, 1, 0, DOOR, 4000, 5, -30, -35, -40, -50, 1, True)
    strange = Rejection("gw1", 1, 1, 1, UNKNOWN, NOW, 1000, bytes(range(8)), bytes(6), 3, -30)
    clock = Rejection("gw1", 1, 1, 2, CLOCK, NOW, 1000, bytes(8), bytes(6), 3, -30)
    first, second = windows_of(DOOR, Verdict([observed], [strange, clock], {}, {}))
    assert (first.tag, first.rssi, first.end_ms) == (NOBODY, -30, NOW + 1000)
    assert (second.tag, second.rssi, second.end_ms, second.adverts) == (7, -35, NOW + 4000, 5)
