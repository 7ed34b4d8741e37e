"""A small world for tracing: people, tags, who wore what, who was where and whose tag heard whose; and its oracle.

The oracle knows nothing of SQL, of indexes, of merged intervals or of frontiers: it looks at every second and walks
every way.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from rig.databases import new_database
from sqlalchemy import insert

from zonetag_backend.store import rows, schema
from zonetag_backend.store.engine import Database, reading, writing
from zonetag_backend.store.schema.contacts import contact_log
from zonetag_backend.store.tracing import Asker
from zonetag_backend.tracing import chain
from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.profile import Profile
from zonetag_protocol.contact import CELLS

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
BEGIN_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
EPOCH_MS = 1_024_000
CELL_MS = 32_000
FOREVER = 1 << 62
STRONG = 15  # the half byte of -40 dBm and more: as close as it gets


@dataclass
class World:
    """Written through `be`, `wear` and `hear`; read by the product through its database, by the oracle from here."""

    folder: Path
    url: str = ""  # of an empty database; else it is a file of that folder
    wearings: list[tuple[int, int, int, int]] = field(default_factory=list)  # person, tag, since, until
    presences: list[tuple[int, int, int, int]] = field(default_factory=list)  # place, tag, from, to
    database: Database = field(init=False)
    _known: dict[int, dict[int, set[int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.database = new_database(self.folder / "zonetag.db", self.url)
        with writing(self.database) as connection:
            connection.exec_driver_sql("INSERT INTO site VALUES ('hq', 'Office', 'UTC', 900)")

    def close(self) -> None:
        self.database.dispose()

    def people(self, count: int, tags: int, places: int) -> None:
        with writing(self.database) as connection:
            of_person = [
                {"id": i, "name": f"P{i}", "unit": "", "code": str(i), "added_ms": 0} for i in range(1, count + 1)
            ]
            connection.execute(insert(schema.person), of_person)
            of_tag = {"kind": "zonetag", "sealed_key": b"", "state": "active", "added_ms": 0}
            connection.execute(insert(schema.tag), [{**of_tag, "id": i, "number": f"T{i}"} for i in range(1, tags + 1)])
            rows.insert(connection, schema.place, [(i, "hq", f"R{i}", "room") for i in range(1, places + 1)])

    def wear(self, person: int, tag: int, since_ms: int = 0, until_ms: int = FOREVER) -> None:
        self.wearings.append((person, tag, since_ms, until_ms))
        until = None if until_ms == FOREVER else until_ms
        with writing(self.database) as connection:
            rows.insert(connection, schema.wearing, [(tag, since_ms, until, person)])

    def be(self, place: int, tag: int, start_ms: int, end_ms: int) -> None:
        """A tag was at a place: cut at full hours, as presence is."""
        self.presences.append((place, tag, start_ms, end_ms))
        pieces, begin = [], start_ms
        while begin < end_ms:
            end = min(end_ms, (begin // HOUR_MS + 1) * HOUR_MS)
            pieces.append((place, begin, tag, end))
            begin = end
        with writing(self.database) as connection:
            rows.insert(connection, schema.presence, pieces)

    def hear(self, reporter: int, peer: int, start_ms: int, cells: Iterable[int], half: int = STRONG) -> None:
        """A record of one epoch of a tag's log, which began at `start_ms`."""
        halves = [half if cell in set(cells) else 0 for cell in range(CELLS)]
        packed = bytes(halves[i] << 4 | halves[i + 1] for i in range(0, CELLS, 2))
        epoch = start_ms // EPOCH_MS
        row = (reporter, epoch, bytes([peer] * 8), 0, peer, start_ms, 9, -40, packed, True, 0)
        with writing(self.database) as connection:
            rows.insert(connection, contact_log, [row])

    def trace(
        self,
        start: int,
        window: chain.Window,
        profile: Profile,
        *,
        depth: int = 2,
        backward: bool = False,
        at_least: float | None = None,
        evidence: Iterable[str] = (),
        floor_ms: int = 0,
        others_until: int | None = None,
    ) -> chain.Chain:
        with reading(self.database) as connection:
            return chain.trace(
                start,
                window,
                Asker(connection, floor_ms, evidence=evidence),
                profile,
                Days(UTC),
                depth=depth,
                backward=backward,
                at_least=at_least,
                others_until=others_until,
            )

    # The oracle: evidence of place, minute by minute.

    def minutes_of(self, person: int) -> dict[int, set[int]]:
        """In which places a person was in each whole minute; times of these worlds are whole minutes."""
        if person in self._known:
            return self._known[person]
        found = self._known[person] = {}
        for who, tag, since, until in self.wearings:
            if who != person:
                continue
            for place, worn, start, end in self.presences:
                if worn == tag:
                    for minute in range(max(start, since) // MINUTE_MS, min(end, until) // MINUTE_MS):
                        found.setdefault(minute, set()).add(place)
        return found

    def met(self, one: int, other: int, window: chain.Window, wanted: int) -> tuple[int, int] | None:
        """First and last ms together on days within the window with at least `wanted` minutes; none without such."""
        mine, theirs = self.minutes_of(one), self.minutes_of(other)
        by_day: dict[int, list[int]] = {}
        for minute in sorted(mine.keys() & theirs.keys()):
            at = minute * MINUTE_MS
            if mine[minute] & theirs[minute] and window[0] <= at < window[1]:
                by_day.setdefault(at // DAY_MS, []).append(at)
        good = [at for of in by_day.values() if len(of) >= wanted for at in of]
        return (min(good), max(good) + MINUTE_MS) if good else None

    def reach(
        self, start: int, window: chain.Window, wanted: int, latent_ms: int, depth: int, backward: bool
    ) -> dict[int, int]:
        """Everybody that some way of at most `depth` steps in the order of time leads to, with the fewest steps."""
        everybody = {person for person, *_ in self.wearings}
        found = {start: 0}

        def walk(person: int, own: chain.Window, steps: int) -> None:
            if steps == depth or own[0] >= own[1]:
                return
            for other in everybody - {person, start}:
                times = self.met(person, other, own, wanted)
                if times is None:
                    continue
                found[other] = min(found.get(other, depth), steps + 1)
                first, last = times
                walk(other, (window[0], last - latent_ms) if backward else (first + latent_ms, window[1]), steps + 1)

        walk(start, window, 0)
        return found


def random_world(world: World, rng: random.Random) -> None:
    """Some people, more tags than people, tags that change hands, stays of whole minutes within three days."""
    people, tags, places = rng.randint(3, 6), rng.randint(4, 7), rng.randint(4, 9)
    world.people(people, tags, places)
    for tag in range(1, tags + 1):
        at = 0
        for _ in range(rng.randint(1, 3)):
            until = rng.choice([FOREVER, BEGIN_MS + rng.randrange(72 * 60) * MINUTE_MS])
            if until <= at:
                break
            world.wear(rng.randint(1, people), tag, at, until)
            if until == FOREVER:
                break
            at = until
        minute = rng.randrange(600)
        while minute < 72 * 60 - 200:
            length = rng.randint(2, 120)
            world.be(
                rng.randint(1, places), tag, BEGIN_MS + minute * MINUTE_MS, BEGIN_MS + (minute + length) * MINUTE_MS
            )
            minute += length + rng.randint(2, 300)
