"""A day of a simulated office, from who stood beside whom to contact logs in the database, by way of real frames.

Each tag looks once in each 32 s and notes what it hears of the others, as SPEC.md section 12.6 says; the levels are
those measured between people in an office: 43.7 dB at 1 m, exponent 1.97, 6 dB, and a body that lasts.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from math import log10
from pathlib import Path

import numpy as np
from rig.registry import Office, make_office
from rig.reports import NOW_MS

from zonetag_backend.ingest import Ingest
from zonetag_backend.simulate.nearness import meetings
from zonetag_backend.simulate.office import Office as Simulated
from zonetag_backend.store import contact_log, registry, roster, tags
from zonetag_backend.store.engine import writing
from zonetag_backend.tracing.contacts import judge
from zonetag_protocol import rotation
from zonetag_protocol.contact import CELL_S, Contact, level, pack, unpack

NEAR_M = 1.5
MINUTE_S = 60.0
SENT_DBM = -61.9 + 43.7  # what a tag is heard with at 1 m, loss taken away


@dataclass
class LivedDay:
    """The day, and the truth about it."""

    office: Office
    people: list[int]
    # ids, in the order of the simulation
    now_ms: int
    # when it ended
    minutes: dict[tuple[int, int], float]
    # that two of them, by their places in `people`, were within NEAR_M of each other

    def met(self, least: float) -> set[tuple[int, int]]:
        """Who was near whom for so many minutes."""
        return {pair for pair, length in self.minutes.items() if length >= least}


def live(simulated: Simulated, folder: Path, seed: int) -> LivedDay:
    """Let everybody of the simulation wear a tag for its whole length."""
    count = len(simulated.tracks)
    office, rng = make_office(folder), random.Random(seed)
    ids = [office.add_tag(f"A-{i}", at_ms=NOW_MS - 3_600_000) for i in range(count)]
    with writing(office.database) as connection:
        people = [registry.add_person(connection, f"Person {i}") for i in range(count)]
        for which, who in zip(ids, people, strict=True):
            tags.hand_out(connection, office.keyring, which, who, NOW_MS - 1000)
    cells: dict[tuple[int, int, bytes], list[int]] = defaultdict(lambda: [0] * 32)
    best: dict[tuple[int, int, bytes], tuple[int, int, bytes]] = {}
    body = {(a, b): rng.gauss(0, 3.5) for a in range(count) for b in range(count)}
    for at_s in np.arange(0.0, simulated.length_s, CELL_S) + 5:
        x, y, _ = (np.array([track.at(np.array([at_s]))[i][0] for track in simulated.tracks]) for i in range(3))
        inside = [track.room_at(float(at_s)) for track in simulated.tracks]
        for a in range(count):
            for b in range(count):
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
        for a in range(count):
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
    return LivedDay(office, people, now_ms, minutes)


def packed(halves: list[int]) -> bytes:
    return bytes(halves[i] << 4 | halves[i + 1] for i in range(0, 32, 2))
