"""Which way through a door, from windows of gateways on both sides, in the store as reports leave them."""

import random
from pathlib import Path

import numpy as np
import pytest
from rig.registry import make_office, take
from rig.reports import NOW_MS, Gateway, Heard

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import doors, registry, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.tracing import door
from zonetag_backend.tracing.door_sides import follow_all
from zonetag_backend.tracing.passage import Crossing, Way, Window, crossings, crossings_of_all, way

SIDES = {"gw1": "outside", "gw2": "inside"}


def walk(inwards: bool, begin_ms: int = NOW_MS) -> list[Window]:
    """Fifteen seconds on one side, fifteen on the other, a window of 2 s at each gateway; bodies turn meanwhile."""
    out, rng = [], random.Random(7)
    for step in range(15):
        nearer_outside = (step < 7) is inwards
        for gateway, dbm in (("gw1", -60), ("gw2", -75)) if nearer_outside else (("gw1", -75), ("gw2", -60)):
            start = begin_ms + step * 2000
            out.append((gateway, start, start + 1500, dbm + rng.randint(-5, 5)))
    return out


@pytest.mark.parametrize("inwards", [True, False])
def test_the_difference_of_the_sides_tells_the_way(inwards: bool) -> None:
    [found] = crossings(walk(inwards), SIDES)
    assert found.inwards is inwards
    assert abs(found.at_ms - (NOW_MS + 14_000)) < 4000


def test_in_and_out_hours_later() -> None:
    later = NOW_MS + 4 * 3_600_000
    assert [each.inwards for each in crossings([*walk(False, later), *walk(True)], SIDES)] == [True, False]


def test_with_gateways_on_one_side_alone_it_stays_unknown() -> None:
    assert crossings(walk(True), {"gw1": "outside", "gw2": "outside"}) == []
    assert crossings(walk(True), {}) == []


def test_somebody_who_stays_where_they_are_goes_through_no_door() -> None:
    still = [("gw2", NOW_MS + n * 2000, NOW_MS + n * 2000 + 1500, -60 - n % 5) for n in range(200)]
    still += [("gw1", NOW_MS + n * 2000, NOW_MS + n * 2000 + 1500, -78 - n % 3) for n in range(0, 200, 3)]
    assert crossings(still, SIDES) == []


def test_a_day_at_a_desk_between_changes_nothing() -> None:
    """The model is asked around the turns alone, and finds there what it finds in the whole."""
    rng, evening = random.Random(11), NOW_MS + 9 * 3_600_000
    desk = [
        (gateway, at, at + 3500, dbm + rng.randint(-6, 6))
        for at in range(NOW_MS + 40_000, evening - 10_000, 4000)
        for gateway, dbm in (("gw1", -84), ("gw2", -64))
    ]
    day = [*walk(True), *desk, *walk(False, evening)]
    rng.shuffle(day)
    found = crossings(day, SIDES)
    assert [each.inwards for each in found] == [True, False]
    assert abs(found[1].at_ms - (evening + 14_000)) < 4000
    assert way(found) == Way("out", found[0].at_ms, found[1].at_ms)


def test_many_at_once_are_followed_as_each_alone() -> None:
    """Walks, hesitation, silences and lost packets: the same crossings, to the microsecond."""
    seed = 5
    rng, profile = np.random.default_rng(seed), door.by_sides([True, False, False])
    times, levels = [], []
    for _ in range(40):
        at = np.cumsum(rng.choice([0.25, 1.0, 1.0, 2.0, 7.5], rng.integers(1, 70)))
        side = np.cumsum(rng.normal(0, 3, len(at)))
        told = np.stack([-70 + side, -70 - side, -74 - side], axis=1) + rng.normal(0, 3, (len(at), 3))
        told[rng.random(told.shape) < 0.3] = np.nan
        told[np.isnan(told).all(axis=1), 0] = -80.0
        times.append(at)
        levels.append(told)
    alone = [door.follow(at, told, profile).crossings for at, told in zip(times, levels, strict=True)]
    together = follow_all(times, levels, profile)
    assert sum(map(len, alone)) > 20, seed
    assert [[(round(each.at_s, 6), each.inwards) for each in those] for those in together] == [
        [(round(each.at_s, 6), each.inwards) for each in those] for those in alone
    ], seed
    assert follow_all([], [], profile) == []


def test_what_one_does_is_nothing_of_anothers() -> None:
    """All at once, in any order, with others who leave as one comes, or hours apart: each as alone."""
    rng = random.Random(3)
    each = {n: walk(n % 2 == 0, NOW_MS + (n % 3) * 40_000 + n // 3 * 7_200_000) for n in range(12)}
    rows = [(n, *window) for n, windows in each.items() for window in windows]
    rng.shuffle(rows)
    rows.append((99, "another door's", NOW_MS, NOW_MS + 1000, -60))
    assert crossings_of_all(rows, SIDES) == {n: crossings(windows, SIDES) for n, windows in each.items()}


def test_what_was_not_seen_is_unknown() -> None:
    assert way([]) == Way("unknown", None, None)
    assert way([Crossing(5, True)]) == Way("in", 5, None)
    assert way([Crossing(5, False)]) == Way("out", None, 5)
    assert way([Crossing(5, True), Crossing(6, False), Crossing(7, True)]) == Way("in", 5, None)


def test_through_the_store(tmp_path: Path) -> None:
    office = make_office(tmp_path / "office")
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        who = registry.add_person(connection, "Nguyễn Thị An", code="7")
        tags.hand_out(connection, office.keyring, which, who, NOW_MS - 1000)
        doors.set_side(connection, "gw1", "outside")
        doors.set_side(connection, "gw2", "inside")
        with pytest.raises(NotFound):
            doors.set_side(connection, "nobody", "inside")
        with pytest.raises(BadValue):
            doors.set_side(connection, "gw1", "above")
    writer, gateways = office.writer(), {name: Gateway(name) for name in SIDES}
    for name, start, end, dbm in walk(True):
        heard: Heard = office.tag(which).window(start, end - start, rssi=dbm)
        take(writer, gateways[name].report(heard))
    with reading(office.database) as connection:
        [(site, found)] = doors.crossings_of(connection, who, (NOW_MS - 3_600_000, NOW_MS + 3_600_000))
    assert (site, found.inwards) == ("hq", True)
    assert isinstance(found, Crossing)
    with reading(office.database) as connection:
        assert doors.ways(connection, "hq", [(which, NOW_MS, NOW_MS + 30_000)]) == [Way("in", found.at_ms, None)]
        assert doors.ways(connection, "hq", [(which, NOW_MS, NOW_MS + 8 * 3_600_000)]) == [Way("in", found.at_ms, None)]
        assert doors.ways(connection, "annex", [(which, NOW_MS, NOW_MS + 30_000)]) is None, "no gateway on either side"
    with writing(office.database) as connection:
        doors.set_side(connection, "gw2", None)
        assert doors.crossings_of(connection, who, (NOW_MS - 3_600_000, NOW_MS + 3_600_000)) == []
