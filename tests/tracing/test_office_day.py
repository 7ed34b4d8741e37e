"""A simulated office, from who stood beside whom to what tracing says of it, by way of real frames in contact logs.

Each tag looks once in each 32 s and notes what it hears of the others, as SPEC.md section 12.6 says; the levels are
those measured between people in an office: 43.7 dB at 1 m, exponent 1.97, 6 dB, and a body that lasts.
"""

import random
from collections import defaultdict
from math import log10
from pathlib import Path

import numpy as np
import pytest
from rig.registry import make_office
from rig.reports import NOW_MS

from zonetag_backend.ingest import Ingest
from zonetag_backend.simulate.nearness import meetings
from zonetag_backend.simulate.office import Office as Simulated
from zonetag_backend.store import contact_log, registry, roster, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.contacts import judge
from zonetag_backend.tracing.profile import PROFILES
from zonetag_protocol import rotation
from zonetag_protocol.contact import CELL_S, Contact, level, pack, unpack

PEOPLE, HOURS = 10, 2
SEED = 5
NEAR_M = 1.5
SENT_DBM = -61.9 + 43.7  # what a tag is heard with at 1 m, loss taken away
MINUTE_S = 60.0


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
    office, rng = make_office(tmp_path / "office"), random.Random(SEED)
    ids = [office.add_tag(f"A-{i}", at_ms=NOW_MS - 3_600_000) for i in range(PEOPLE)]
    with writing(office.database) as connection:
        people = [registry.add_person(connection, f"Person {i}") for i in range(PEOPLE)]
        for which, who in zip(ids, people, strict=True):
            tags.hand_out(connection, office.keyring, which, who, NOW_MS - 1000)
    cells: dict[tuple[int, int, bytes], list[int]] = defaultdict(lambda: [0] * 32)
    best: dict[tuple[int, int, bytes], tuple[int, int, bytes]] = {}
    body = {(a, b): rng.gauss(0, 3.5) for a in range(PEOPLE) for b in range(PEOPLE)}
    for at_s in np.arange(0.0, simulated.length_s, CELL_S) + 5:
        x, y, _ = (np.array([track.at(np.array([at_s]))[i][0] for track in simulated.tracks]) for i in range(3))
        inside = [track.room_at(float(at_s)) for track in simulated.tracks]
        for a in range(PEOPLE):
            for b in range(PEOPLE):
                if a == b or inside[a] is None or inside[a] != inside[b] or rng.random() < 0.1:
                    continue
                metres = max(0.3, float(np.hypot(x[a] - x[b], y[a] - y[b])))
                dbm = round(SENT_DBM - 43.7 - 19.7 * log10(metres) + body[a, b] + rng.gauss(0, 6))
                if dbm < -100:
                    continue
                at_ms = NOW_MS + int(at_s * 1000)
                t = office.tag(ids[a]).t_ms(at_ms) // 1000
                advert = office.tag(ids[b]).advert(at_ms)
                key = (a, rotation.epoch_of(t), advert[13:21])
                cell = (t & 1023) // CELL_S
                cells[key][cell] = max(cells[key][cell], level(dbm))
                best[key] = max(best.get(key, (-128, 0, b"")), (dbm, rotation.slot_of(t), advert[25:31]))
    judging = Ingest(office.keyring.open, 3, 300_000)
    now_ms = NOW_MS + int(simulated.length_s * 1000)
    with writing(office.database) as connection:
        judging.take(roster.read(connection).tags)
        for a in range(PEOPLE):
            records = [
                unpack(pack(Contact(epoch, best[key][1], eid, best[key][2], best[key][0], 9, packed(cells[key]))))
                for key in cells
                for reporter, epoch, eid in [key]
                if reporter == a
            ]
            good, apart = judge(judging, ids[a], records, now_ms)
            assert apart == []
            contact_log.write(connection, good, apart)
    minutes: dict[tuple[int, int], float] = defaultdict(float)
    for met in meetings(simulated.tracks, simulated.length_s, NEAR_M):
        minutes[met.one, met.other] += (met.to_s - met.from_s) / MINUTE_S
    truth = {pair for pair, length in minutes.items() if length >= 15}
    found: dict[tuple[int, int], float] = {}
    with reading(office.database) as connection:
        for a, who in enumerate(people):
            window = (NOW_MS, now_ms)
            told = traced(connection, who, window, PROFILES["covid-19"], floor_ms=0, depth=1, at_least=0.01)
            for each in told.found:
                found[tuple(sorted((a, people.index(each.who.id))))] = each.probability  # type: ignore[index]  # sorted() of two is a pair
    listed = {pair for pair, probability in found.items() if probability >= PROFILES["covid-19"].probability}
    assert truth
    assert len(truth & listed) >= 0.9 * len(truth), (truth - listed, found)
    far = [pair for pair in found if minutes[pair] < 1]
    near = [pair for pair in found if pair in truth]
    assert np.mean([found[pair] for pair in near]) > np.mean([found[pair] for pair in far] or [0.0])


def packed(halves: list[int]) -> bytes:
    return bytes(halves[i] << 4 | halves[i + 1] for i in range(0, 32, 2))
