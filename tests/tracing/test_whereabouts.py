"""Which room, by all gateways that heard the tag: the judgement, and that the book and a case's places follow it."""

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from rig.registry import HOUR_MS, Office, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.store import book, case_story, person_day, registry, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.profile import PROFILES
from zonetag_backend.tracing.whereabouts import BIN_MS, GAIN, LOOK_MS, Hearing, likeliest, settled
from zonetag_protocol.report import Report

SEED = 20260921
HALL, ROOM = 11, 12
WINDOW_MS, PERIOD_MS = 3500, 4000
END_MS = NOW_MS + 20 * 60_000


def test_a_stronger_reading_never_says_less() -> None:
    assert all(weak < strong for weak, strong in pairwise(GAIN))
    assert GAIN[0] == 0


def test_all_readings_count_and_not_the_last_one() -> None:
    rows = [(0, HALL, 8000, -58), (0, HALL, 4000, -60), (0, ROOM, 8000, -74), (0, ROOM, 4000, -75), (0, ROOM, 0, -72)]
    assert likeliest(rows) == {0: HALL}
    assert max(rows, key=lambda row: -row[2])[1] == ROOM, "the last reading alone would have said so"


def test_the_newer_weighs_more() -> None:
    went = [(0, HALL, 12_000, -60), (0, ROOM, 12_000, -76), (0, HALL, 0, -77), (0, ROOM, 0, -60)]
    assert likeliest(went) == {0: ROOM}


def test_any_order_gives_the_same_and_subjects_do_not_mix() -> None:
    roll = random.Random(SEED)
    rows = [
        (roll.randrange(30), roll.choice((HALL, ROOM, 7)), roll.randrange(LOOK_MS), roll.randint(-90, -40))
        for _ in range(600)
    ]
    told = likeliest(rows)
    for _ in range(5):
        roll.shuffle(rows)
        assert likeliest(rows) == told, f"seed {SEED}"
    assert {who: likeliest([(0, *row[1:]) for row in rows if row[0] == who])[0] for who in told} == told
    assert likeliest([]) == {}
    assert likeliest([(0, ROOM, 0, -60), (0, HALL, 0, -60)]) == {0: HALL}, "of two alike always the same"


def test_it_is_right_more_often_than_the_last_reading() -> None:
    """Through a wall 9 dB weaker, with the spread of one body and one room; a window at each gateway every 4 s."""
    roll = random.Random(SEED)
    right, last = 0, 0
    for _ in range(500):
        rows = [
            (0, where, age, round(roll.gauss(dbm, 6.3)))
            for where, dbm in ((HALL, -65), (ROOM, -74))
            for age in range(0, LOOK_MS, PERIOD_MS)
        ]
        right += likeliest(rows)[0] == HALL
        last += roll.choice((HALL, ROOM)) == HALL  # which gateway's window ends last is chance
    assert right > 450 > last, f"seed {SEED}: {right} and {last} of 500"


def test_stays_at_once_become_one_after_the_other() -> None:
    begin, middle, end = (NOW_MS // BIN_MS * BIN_MS + n * 20 * BIN_MS for n in range(3))
    heard = [
        Hearing(where, at, at + WINDOW_MS, -60 if (where == HALL) is (at < middle) else -75)
        for at in range(begin, end, PERIOD_MS)
        for where in (HALL, ROOM)
    ]
    random.Random(SEED).shuffle(heard)
    stays = [(HALL, begin, end), (ROOM, begin, end)]
    assert settled(stays, heard) == [(HALL, begin, middle), (ROOM, middle, end)]
    assert settled(stays, []) == stays, "of what is kept no more, presence alone tells"


def test_one_odd_moment_is_no_walk_to_another_room() -> None:
    begin = NOW_MS // BIN_MS * BIN_MS
    heard = [Hearing(HALL, at, at + WINDOW_MS, -60) for at in range(begin, begin + 20 * BIN_MS, PERIOD_MS)]
    heard.append(Hearing(ROOM, begin + 5 * BIN_MS, begin + 5 * BIN_MS + WINDOW_MS, -57))
    odd = (ROOM, begin + 5 * BIN_MS, begin + 5 * BIN_MS + WINDOW_MS)
    assert settled([(HALL, begin, begin + 20 * BIN_MS), odd], heard) == [(HALL, begin, begin + 20 * BIN_MS)]


@dataclass
class Floor:
    """An office whose gateways gw1 (door) and gw3 (room) both hear one tag, and what they report of it."""

    office: Office
    who: int
    reports: list[Report]
    # ten minutes nearer to gw1, then ten nearer to gw3; the last window is gw1's

    def take(self, reports: list[Report]) -> None:
        writer = self.office.writer()
        for each in reports:
            take(writer, each)

    def last_place(self, now_ms: int = END_MS) -> str:
        with reading(self.office.database) as connection:
            site = book.site_named(connection, "hq")
            assert site is not None
            [stay] = book.stays_of_day(connection, site, range(NOW_MS - HOUR_MS, NOW_MS + 24 * HOUR_MS), now_ms)
            [of_person] = book.stays_of_person(connection, self.who, NOW_MS - HOUR_MS, NOW_MS + HOUR_MS, now_ms)
            assert stay.place == of_person.place
            return stay.place


@pytest.fixture
def floor(tmp_path: Path) -> Floor:
    office = make_office(tmp_path / "office")
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        who = registry.add_person(connection, "Nguyễn Thị An", code="7")
        tags.hand_out(connection, office.keyring, which, who, NOW_MS - 1000)
    gateways = {"gw1": Gateway("gw1"), "gw3": Gateway("gw3")}
    reports = []
    for minute in range(20):
        for name, gateway in gateways.items():
            begin = NOW_MS + minute * 60_000 + (500 if name == "gw1" else 0)
            nearer = (name == "gw1") is (minute < 10)
            heard = [
                office.tag(which).window(at, WINDOW_MS, rssi=-58 if nearer else -73)
                for at in range(begin, begin + 60_000, PERIOD_MS)
            ]
            reports.append(gateway.report(*heard))
    return Floor(office, who, reports)


def named(floor: Floor) -> dict[str, str]:
    """Gateway -> the name of its place."""
    rows = floor.office.rows("SELECT g.name, p.name FROM gateway g JOIN place p ON p.id = g.place")
    return {str(gateway): str(place) for gateway, place in rows}


def test_the_book_names_the_room_and_not_the_gateway_that_was_last(floor: Floor) -> None:
    floor.take(floor.reports)
    last = floor.office.rows("SELECT p.name FROM presence JOIN place p ON p.id = place ORDER BY end_ms DESC LIMIT 1")
    assert last == [(named(floor)["gw1"],)], "the control: by presence it would be the door"
    assert floor.last_place() == named(floor)["gw3"]


def test_reports_in_any_order_and_late_ones_give_the_same_place(floor: Floor) -> None:
    of_door = [each for each in floor.reports if each.gateway == "gw1"]
    of_room = [each for each in floor.reports if each.gateway == "gw3"]
    floor.take(of_door)
    assert floor.last_place() == named(floor)["gw1"], "all that is known so far"
    random.Random(SEED).shuffle(of_room)
    floor.take(of_room)
    assert floor.last_place() == named(floor)["gw3"], "late, and it is put right"


def test_the_places_of_a_case_and_of_a_day_follow_one_another(floor: Floor) -> None:
    random.Random(SEED).shuffle(floor.reports)
    floor.take(floor.reports)
    with reading(floor.office.database) as connection:
        found = traced(connection, floor.who, (NOW_MS - HOUR_MS, END_MS), PROFILES["covid-19"], floor_ms=0, depth=1)
        spells = person_day.spells_of_person(connection, floor.who, NOW_MS - HOUR_MS, END_MS + HOUR_MS)
        shown = case_story.zones_of(connection, floor.who, (NOW_MS - HOUR_MS, END_MS))
    expected = [named(floor)["gw1"], named(floor)["gw3"]]
    assert [stop.place for stop in found.zones] == expected
    assert shown == list(found.zones), "the page and the command say the same"
    assert [spell.place for spell in spells] == expected
    assert abs(found.zones[0].end_ms - (NOW_MS + 600_000)) <= 2 * BIN_MS
    assert found.zones[0].end_ms <= found.zones[1].start_ms


def test_without_the_windows_presence_still_tells(floor: Floor) -> None:
    floor.take(floor.reports)
    with writing(floor.office.database) as connection:
        for (table,) in floor.office.rows("SELECT name FROM sqlite_master WHERE name LIKE 'heard_2%' AND type='table'"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    assert floor.last_place() == named(floor)["gw1"]
