"""A simulated office, from who stood beside whom to what tracing says of it (rig/office_day.py)."""

from pathlib import Path

import numpy as np
import pytest
from rig.office_day import NEAR_M, live
from rig.reports import NOW_MS

from zonetag_backend.simulate.nearness import meetings
from zonetag_backend.simulate.office import Office as Simulated
from zonetag_backend.store.engine import reading
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.profile import PROFILES

PEOPLE, HOURS = 10, 2
SEED = 5


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return Simulated(SEED, HOURS * 3600.0, PEOPLE)


def test_who_met_whom_is_symmetric_and_within_the_day(simulated: Simulated) -> None:
    met = meetings(simulated.tracks, simulated.length_s, NEAR_M)
    assert met
    assert all(each.one < each.other and 0 <= each.from_s < each.to_s <= simulated.length_s + 4 for each in met)
    wider = meetings(simulated.tracks, simulated.length_s, 2 * NEAR_M)
    assert sum(m.to_s - m.from_s for m in wider) > sum(m.to_s - m.from_s for m in met)
    for each in met[:50]:
        middle = (each.from_s + each.to_s) / 2 // 4 * 4
        places = [simulated.tracks[i].at(np.array([middle])) for i in (each.one, each.other)]
        assert np.hypot(places[0][0] - places[1][0], places[0][1] - places[1][1])[0] <= NEAR_M
        assert simulated.tracks[each.one].room_at(middle) == simulated.tracks[each.other].room_at(middle) is not None


def test_from_the_floor_to_the_list(simulated: Simulated, tmp_path: Path) -> None:
    day = live(simulated, tmp_path / "office", SEED)
    truth = day.met(15)
    found: dict[tuple[int, int], float] = {}
    with reading(day.office.database) as connection:
        for a, who in enumerate(day.people):
            window = (NOW_MS, day.now_ms)
            told = traced(connection, who, window, PROFILES["covid-19"], floor_ms=0, depth=1, at_least=0.01)
            for each in told.found:
                found[tuple(sorted((a, day.people.index(each.who.id))))] = each.probability  # type: ignore[index]  # sorted() of two is a pair
    listed = {pair for pair, probability in found.items() if probability >= PROFILES["covid-19"].probability}
    assert truth
    assert len(truth & listed) >= 0.9 * len(truth), (truth - listed, found)
    far = [pair for pair in found if day.minutes[pair] < 1]
    near = [pair for pair in found if pair in truth]
    assert np.mean([found[pair] for pair in near]) > np.mean([found[pair] for pair in far] or [0.0])
