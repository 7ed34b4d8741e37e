"""The simulated office as a whole: the same for the same seed, real frames, and a truth that makes sense."""

from itertools import pairwise

import pytest

from zonetag_backend.simulate.attackers import MIN_DELAY_S, attackers
from zonetag_backend.simulate.office import STEP_S, Office
from zonetag_backend.simulate.schedule import absence_of, shortest_way_out
from zonetag_backend.simulate.tag import MAX_DRIFT_PPM
from zonetag_protocol import advert, frame, rotation

LENGTHS = (20.0, 200.0, 1800.0, 7200.0, 35_100.0)


def test_the_same_seed_gives_the_same_day_in_any_order() -> None:
    one, two, other = Office(1, 600), Office(1, 600), Office(2, 600)
    backwards = {step: two.hear(step) for step in reversed(range(two.steps))}
    assert [one.hear(step) for step in range(one.steps)] == [backwards[step] for step in range(two.steps)]
    assert one.visits() == two.visits()
    assert one.visits() != other.visits()
    assert one.hear(40) != other.hear(40)


def test_what_is_heard() -> None:
    office = Office(1, 600)
    keys = [rotation.derive_keys(tag.master) for tag in office.tags]
    kinds = set()
    for step in (60, 110):
        for heard in office.hear(step).values():
            assert [h.at for h in heard] == sorted(h.at for h in heard)
            for one in heard:
                assert step * STEP_S <= one.at < (step + 1) * STEP_S
                assert -100 <= one.rssi <= 0
                kinds.add(advert.explain(one.data).kind)
            # Every advert of a known tag verifies under its own clock.
            by_data = {office.tags[i].advert(h.at): (i, h.at) for h in heard for i in range(len(office.tags))}
            for one in heard:
                if one.data in by_data:
                    index, _ = by_data[one.data]
                    seen = advert.frame_of(advert.decode(one.data))
                    epoch = rotation.epoch_of(int(office.tags[index].clock(one.at)))
                    frame.verify(keys[index], epoch, seen.eid, seen.sealed, seen.mac)
    assert kinds >= {advert.ZONETAG, advert.BLUEZONE, advert.EXPOSURE_NOTIFICATION, advert.EDDYSTONE_EID}


def test_clocks_differ_and_drift() -> None:
    office = Office(3, 600)
    assert len({round(tag.t0_s) for tag in office.tags}) == len(office.tags)
    for tag in office.tags:
        assert abs(tag.drift_ppm) <= MAX_DRIFT_PPM
        assert tag.clock(1e6) - tag.clock(0.0) == pytest.approx(1e6 + tag.drift_ppm, abs=1e-3)
        # What the registry believes is wrong by the drift of a month at most, but within the search of the resolver.
        assert abs(tag.believed_t0_s - tag.t0_s) <= 30 * 86_400 * MAX_DRIFT_PPM * 1e-6


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("length_s", LENGTHS)
def test_everybodys_day_makes_sense(length_s: float, seed: int) -> None:
    office = Office(seed, length_s)
    visits = office.visits()
    returned = 0
    for person in range(len(office.people)):
        own = [v for v in visits if v.person == person]
        assert 0 <= own[0].came_s <= max(0.25 * length_s, 5.0), "everybody comes in the first quarter"
        for before, after in pairwise(own):
            assert before.left_s is not None
            assert after.came_s - before.left_s > min(shortest_way_out(length_s) - 20, 1.4 * absence_of(length_s))
            returned += 1
        assert all(v.left_s is None or v.left_s > v.came_s for v in own)
    if length_s >= 600:
        assert returned > 3, "some leave and come back"
        assert sum(v.left_s is not None for v in visits) > returned, "some go home"
    assert office.absence_s == absence_of(length_s)


def test_rooms_follow_each_other() -> None:
    office = Office(1, 1800)
    for track in office.tracks:
        rooms = [p.room for p in track.passages]
        assert rooms[0] == "hall"
        for before, after in zip([None, *rooms], rooms, strict=False):
            doors = {room.name: room.parent for room in office.plan.rooms}
            assert doors.get(after or "") == before or doors.get(before or "") == after
        for passage in track.passages:
            assert track.room_at(passage.at_s + 0.01) == passage.room


def test_attackers_replay_and_forge_and_replay_only_what_is_stale_for_certain() -> None:
    tags = Office(1, 600).tags
    assert len(attackers(1, tags, 1800)) == 4
    assert len(attackers(1, tags, MIN_DELAY_S)) == 2


def test_names() -> None:
    office = Office(1, 600)
    assert len({p.name for p in office.people}) == len({p.code for p in office.people}) == 40
    assert all(len(p.name.split()) == 3 for p in office.people)
