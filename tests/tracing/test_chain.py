"""Chains against an oracle that walks every way, and the laws of time, each with its control."""

import random
from dataclasses import replace

import pytest
from rig.world import BEGIN_MS, DAY_MS, FOREVER, HOUR_MS, MINUTE_MS, World, random_world

from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.encounter import DIRECT, PLACE
from zonetag_backend.tracing.profile import PROFILES, Profile

# Being at one place is enough, so that the oracle can count minutes and needs no model.
AIR: Profile = replace(PROFILES["measles"], minutes=20, latent_h=5)
CLOSE: Profile = replace(PROFILES["covid-19"], latent_h=5)
WHOLE = (BEGIN_MS, BEGIN_MS + 3 * DAY_MS)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("backward", [False, True])
def test_a_chain_is_what_every_way_in_the_order_of_time_leads_to(world: World, seed: int, backward: bool) -> None:
    rng = random.Random(seed)
    random_world(world, rng)
    window = (BEGIN_MS + rng.randrange(20) * HOUR_MS, BEGIN_MS + rng.randint(30, 72) * HOUR_MS)
    start, depth = rng.choice(world.wearings)[0], rng.randint(1, 4)
    found = world.trace(start, window, AIR, depth=depth, backward=backward, evidence=[PLACE])
    assert found.generations == world.reach(start, window, AIR.minutes, AIR.latent_h * HOUR_MS, depth, backward), seed
    assert all(link.generation == found.generations[link.found] for link in found.links)


def test_worlds_are_not_trivial(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The control of the oracle: among its worlds are chains of several generations, and order of time matters."""
    deep = shorter = 0
    for seed in range(5):
        world = World(tmp_path_factory.mktemp("world"))
        random_world(world, random.Random(seed))
        start = world.wearings[0][0]
        deep += max(world.reach(start, WHOLE, 20, AIR.latent_h * HOUR_MS, 3, False).values()) > 1
        shorter += len(world.reach(start, WHOLE, 20, 0, 3, False)) > len(
            world.reach(start, WHOLE, 20, 24 * HOUR_MS, 3, False)
        )
        world.close()
    assert deep > 1
    assert shorter > 0


def two_meetings(world: World, gap_h: int) -> None:
    """1 meets 2 at hour 8, 2 meets 3 `gap_h` hours later."""
    world.people(3, 3, 2)
    for person in (1, 2, 3):
        world.wear(person, person)
    first, second = BEGIN_MS + 8 * HOUR_MS, BEGIN_MS + (8 + gap_h) * HOUR_MS
    world.be(1, 1, first, first + 30 * MINUTE_MS)
    world.be(1, 2, first, first + 30 * MINUTE_MS)
    world.be(2, 2, second, second + 30 * MINUTE_MS)
    world.be(2, 3, second, second + 30 * MINUTE_MS)


def test_nobody_passes_on_what_it_has_not_got_yet(world: World) -> None:
    two_meetings(world, -3)
    assert world.trace(1, WHOLE, AIR).generations == {1: 0, 2: 1}


def test_nobody_passes_on_within_the_latent_time(world: World) -> None:
    two_meetings(world, 3)
    assert world.trace(1, WHOLE, AIR).generations == {1: 0, 2: 1}


def test_control_after_the_latent_time_it_goes_on(world: World) -> None:
    two_meetings(world, 6)
    found = world.trace(1, WHOLE, AIR)
    assert found.generations == {1: 0, 2: 1, 3: 2}
    assert [(link.known, link.found, link.generation) for link in found.links] == [(1, 2, 1), (2, 3, 2)]
    assert world.trace(1, WHOLE, AIR, depth=1).generations == {1: 0, 2: 1}


def test_whoever_was_infected_at_the_end_of_a_case_s_days_passes_it_on_behind_them(world: World) -> None:
    two_meetings(world, 30)
    days_of_case = (BEGIN_MS, BEGIN_MS + 10 * HOUR_MS)
    assert world.trace(1, days_of_case, AIR).generations == {1: 0, 2: 1}
    assert world.trace(1, days_of_case, AIR, others_until=WHOLE[1]).generations == {1: 0, 2: 1, 3: 2}
    only_known = world.trace(1, days_of_case, AIR, others_until=BEGIN_MS + 20 * HOUR_MS)
    assert only_known.generations == {1: 0, 2: 1}


def test_backward_is_the_same_chain_from_its_end(world: World) -> None:
    two_meetings(world, 6)
    assert world.trace(3, WHOLE, AIR, backward=True).generations == {3: 0, 2: 1, 1: 2}
    assert world.trace(1, WHOLE, AIR, backward=True).generations == {1: 0, 2: 1}


@pytest.mark.both_databases
def test_people_not_tags_a_tag_handed_over_in_mid_meeting_is_two_people(world: World) -> None:
    world.people(3, 2, 1)
    start = BEGIN_MS + 8 * HOUR_MS
    world.wear(1, 1)
    world.wear(2, 2, 0, start + 30 * MINUTE_MS)
    world.wear(3, 2, start + 30 * MINUTE_MS, FOREVER)
    world.be(1, 1, start, start + 60 * MINUTE_MS)
    world.be(1, 2, start, start + 60 * MINUTE_MS)
    links = world.trace(1, WHOLE, AIR, depth=1).links
    assert {(link.found, link.exposures[0].together) for link in links} == {(2, 30.0), (3, 30.0)}


@pytest.mark.both_databases
@pytest.mark.parametrize(("hearing", "heard"), [(1, 2), (2, 1)])
def test_by_logs_too_a_tag_handed_over_is_two_people(world: World, hearing: int, heard: int) -> None:
    world.people(3, 2, 1)
    start = BEGIN_MS + 8 * HOUR_MS
    handed = start + 41 * MINUTE_MS  # within a record
    world.wear(1, 1)
    world.wear(2, 2, 0, handed)
    world.wear(3, 2, handed, FOREVER)
    for epoch in range(4):
        world.hear(hearing, heard, start + epoch * 1_024_000, range(32))
    minutes = {2: 41, 3: 4 * 1024 / 60 - 41}
    links = world.trace(1, WHOLE, CLOSE, depth=1).links
    assert {link.found: link.exposures[0].together for link in links} == pytest.approx(minutes)
    for who, together in minutes.items():  # asked from the other side
        [link] = world.trace(who, WHOLE, CLOSE, depth=1).links
        assert link.found == 1
        assert link.exposures[0].together == pytest.approx(together)


def test_by_logs_too_somebodys_two_tags_are_no_meeting(world: World) -> None:
    world.people(2, 3, 1)
    world.wear(1, 1)
    world.wear(1, 2)
    world.wear(2, 3)
    start = BEGIN_MS + 8 * HOUR_MS
    for reporter, peer in ((1, 2), (2, 1), (1, 3), (2, 3), (3, 1)):
        world.hear(reporter, peer, start, range(32))
    [link] = world.trace(1, WHOLE, CLOSE).links
    assert link.found == 2
    assert link.exposures[0].together == pytest.approx(1024 / 60)


def test_by_logs_too_nobody_passes_on_what_it_has_not_got_yet(world: World) -> None:
    world.people(4, 4, 1)
    for person in range(1, 5):
        world.wear(person, person)
    at = BEGIN_MS + 30 * HOUR_MS
    world.hear(1, 2, at, range(32))
    world.hear(2, 3, at - 20 * HOUR_MS, range(32))  # before
    world.hear(3, 2, at + CLOSE.latent_h * HOUR_MS - 1_024_000, range(32))  # within the latent time
    world.hear(2, 4, at + CLOSE.latent_h * HOUR_MS, range(32))
    assert world.trace(1, WHOLE, CLOSE).generations == {1: 0, 2: 1, 4: 2}


def test_somebodys_two_tags_are_no_meeting_and_count_once(world: World) -> None:
    world.people(2, 3, 1)
    world.wear(1, 1)
    world.wear(1, 2)
    world.wear(2, 3)
    start = BEGIN_MS + 8 * HOUR_MS
    for tag in (1, 2, 3):
        world.be(1, tag, start, start + 25 * MINUTE_MS)
    [link] = world.trace(1, WHOLE, AIR).links
    assert (link.found, link.exposures[0].together) == (2, 25.0)


@pytest.mark.both_databases
def test_the_two_kinds_of_evidence_stay_apart(world: World) -> None:
    world.people(3, 3, 1)
    for person in (1, 2, 3):
        world.wear(person, person)
    start = BEGIN_MS + 8 * HOUR_MS
    world.be(1, 1, start, start + 30 * MINUTE_MS)
    world.be(1, 2, start, start + 30 * MINUTE_MS)
    world.hear(1, 3, start, range(32))
    world.hear(1, 3, start + 1_024_000, range(32))
    links = world.trace(1, WHOLE, CLOSE, depth=1, at_least=0.01).links
    assert {(link.found, e.evidence) for link in links for e in link.exposures} == {(2, PLACE), (3, DIRECT)}
    assert [link.found for link in world.trace(1, WHOLE, CLOSE, depth=1).links] == [3]
    assert [link.found for link in world.trace(1, WHOLE, CLOSE, evidence=[PLACE], at_least=0.01).links] == [2]


@pytest.mark.both_databases
def test_both_directions_of_a_log_count_once(world: World) -> None:
    world.people(2, 2, 1)
    world.wear(1, 1)
    world.wear(2, 2)
    start = BEGIN_MS + 8 * HOUR_MS
    world.hear(1, 2, start, range(32))
    one_way = world.trace(1, WHOLE, CLOSE, at_least=0.01).links[0].exposures[0]
    world.hear(2, 1, start + 5000, range(32))  # its epochs begin at other moments
    both = world.trace(1, WHOLE, CLOSE, at_least=0.01).links[0].exposures[0]
    assert one_way.together == pytest.approx(32 * 32 / 60)
    assert both.together == pytest.approx(32 * 32 / 60 + 5 / 60)
    back = world.trace(2, WHOLE, CLOSE, at_least=0.01).links[0].exposures[0]
    assert (back.together, back.probability) == (both.together, both.probability)


@pytest.mark.parametrize(("hour", "days"), [(17, 0), (24, 1)])
def test_a_day_is_one_of_the_site(world: World, hour: int, days: int) -> None:
    """Half an hour around a midnight of the site is a quarter on each of two days; around one of UTC it is whole."""
    world.people(2, 2, 1)
    with writing(world.database) as connection:
        connection.exec_driver_sql("UPDATE site SET timezone = 'Asia/Ho_Chi_Minh'")
    for who in (1, 2):
        world.wear(who, who)
        world.be(1, who, BEGIN_MS + hour * HOUR_MS - 15 * MINUTE_MS, BEGIN_MS + hour * HOUR_MS + 15 * MINUTE_MS)
    with reading(world.database) as connection:
        found = traced(connection, 1, WHOLE, AIR, floor_ms=0).found
    assert sum(len(each.days) for each in found) == days


@pytest.mark.parametrize("minutes", [7, 11, 13, 17])
def test_evidence_of_place_counts_at_its_own_probability_however_often_a_day(world: World, minutes: int) -> None:
    """A mean of like numbers is rounded; and where no time at a place can count, it is not asked for."""
    world.people(2, 2, 1)
    for who in (1, 2):
        world.wear(who, who)
        for hour in range(5):
            start = BEGIN_MS + hour * HOUR_MS
            world.be(1, who, start, start + (minutes + 7 * hour) * MINUTE_MS)
    with reading(world.database) as connection:
        [found] = traced(connection, 1, WHOLE, CLOSE, floor_ms=0, at_least=0.05).found
        assert [day.evidence for day in found.days] == ["place"]
        assert traced(connection, 1, WHOLE, CLOSE, floor_ms=0, at_least=0.051).found == ()
        assert traced(connection, 1, WHOLE, CLOSE, floor_ms=0, evidence=("place",)).found == ()
        assert traced(connection, 1, WHOLE, AIR, floor_ms=0).found  # a disease for which the place is enough


@pytest.mark.both_databases
def test_what_retention_should_have_removed_is_not_told(world: World) -> None:
    two_meetings(world, 6)
    late = BEGIN_MS + 8 * HOUR_MS + 25 * MINUTE_MS  # leaves five minutes of the first meeting
    assert world.trace(1, WHOLE, AIR, floor_ms=late).generations == {1: 0}
    assert world.trace(1, WHOLE, AIR, floor_ms=late - 20 * MINUTE_MS).generations == {1: 0, 2: 1, 3: 2}
