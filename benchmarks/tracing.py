"""Tracing: contacts of a person over 14 days, the in-out log of a person, and a chain of two generations.

A made-up office with weeks of presence (the arguments say how many million intervals; 100 take 12 GB of disk and a
while), SQLite on disk, warm.  Each figure is the median over many people; the reference is the bare statement on the
same table, prepared, and its rows fetched in one go: what any program needs at least.

Teams of ten share a room, three teams a meeting room: each person has about 30 contacts and 200 intervals.
Contact logs hold a record a pair and direction every day, heard in nearly every cell.  Of a chain, the contacts of the
contacts are either the same people again, as in an office, or ("all new") 841 others, each met on seven days.
"""

import argparse
import contextlib
import io
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path

import run

from zonetag_backend.memory import settle
from zonetag_backend.store import book, meetings, registry
from zonetag_backend.store.engine import Transaction, open_database, reading, writing
from zonetag_backend.store.tracing import Asker, traced
from zonetag_backend.tracing import chain, encounter, profile
from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.outcome import Outcome

DAYS, ASKED_DAYS, PER_DAY = 21, 14, 10
TEAM, TEAMS = 10, 3
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
BEGIN_MS = 1_790_000_000_000 // DAY_MS * DAY_MS
END_MS = BEGIN_MS + DAYS * DAY_MS
ROUNDS = 200
SIZES = (1.0, 10.0)
MEETING = TEAM * TEAMS
EPOCH_MS = 1_024_000
LOGGING = 10 * MEETING  # tags with contact logs that hear their own meeting, every day
STRANGERS = MEETING * MEETING  # others, who stand in a square: half of the days by rows, the other half by columns
CELLS = (0x9A, 0xBB, 0xBC, 0xCB, 0xA0, 0x8B)  # two levels each, -80 to -50 dBm, and one in twelve not heard
SINCE_MS = END_MS - ASKED_DAYS * DAY_MS
WINDOW = (SINCE_MS, END_MS)

BARE = """SELECT b.tag, b.place,
 CASE WHEN a.start_ms > b.start_ms THEN a.start_ms ELSE b.start_ms END,
 CASE WHEN a.end_ms < b.end_ms THEN a.end_ms ELSE b.end_ms END
FROM presence a CROSS JOIN presence b
WHERE a.tag = ?1 AND a.start_ms > ?2 - 3600000 AND a.start_ms < ?3 AND a.end_ms > ?2
 AND b.place = a.place AND b.start_ms > a.start_ms - 3600000 AND b.start_ms < a.end_ms AND b.end_ms > a.start_ms
 AND b.tag <> a.tag"""


def presence(rng: random.Random, teams: int) -> Iterator[tuple[int, int, int, int]]:
    """(place, start, tag, end) in the order of the table: eight hours in the room, two in the meeting room."""
    for room in range(1, teams + 1):
        for day in range(DAYS):
            of_day = []
            for tag in range((room - 1) * TEAM + 1, room * TEAM + 1):
                for hour in (1, 2, 3, 5, 6, 7, 8, 9):
                    start = BEGIN_MS + day * DAY_MS + hour * HOUR_MS + rng.randrange(10 * MINUTE_MS)
                    of_day.append((room, start, tag, start + 30 * MINUTE_MS + rng.randrange(20 * MINUTE_MS)))
            yield from sorted(of_day)
    for meeting in range((teams + TEAMS - 1) // TEAMS):
        for day in range(DAYS):
            of_day = []
            for tag in range(meeting * TEAM * TEAMS + 1, min(teams, (meeting + 1) * TEAMS) * TEAM + 1):
                for hour in (4, 10):
                    start = BEGIN_MS + day * DAY_MS + hour * HOUR_MS + rng.randrange(10 * MINUTE_MS)
                    of_day.append(
                        (teams + 1 + meeting, start, tag, start + 20 * MINUTE_MS + rng.randrange(9 * MINUTE_MS))
                    )
            yield from sorted(of_day)


def heard_each_other(people: int) -> Iterator[tuple[int, int, bytes, int, int, bytes]]:
    """Records of contact logs: everybody hears everybody of a group for a whole epoch a day.

    The first tags their meeting, whose contacts are each other's; the others two groups, so that the contacts of one's
    contacts are all new.
    """
    rng = random.Random(4)
    for day in range(DAYS - ASKED_DAYS, DAYS):
        start = BEGIN_MS + day * DAY_MS + 4 * HOUR_MS
        for group in groups(people, DAYS - day > ASKED_DAYS // 2):
            for tag in group:
                for peer in group:
                    if peer != tag:
                        cells = bytes(rng.choices(CELLS, k=16))
                        yield tag, start // EPOCH_MS, peer.to_bytes(8, "big"), peer, start, cells


def groups(people: int, by_rows: bool) -> Iterator[range]:
    """Whose tags hear each other on a day."""
    for first in range(1, min(people, LOGGING) + 1, MEETING):
        yield range(first, min(people + 1, first + MEETING))
    if people >= LOGGING + STRANGERS:
        low, high = LOGGING + 1, LOGGING + STRANGERS + 1
        for n in range(MEETING):
            yield range(low + n * MEETING, low + (n + 1) * MEETING) if by_rows else range(low + n, high, MEETING)


def fill(path: Path, teams: int) -> None:
    """The office's database, through the driver: it is the reading that is measured."""
    engine = open_database(f"sqlite:///{path}")
    with writing(engine) as connection:
        registry.add_site(connection, "hq")
    engine.dispose()
    people = teams * TEAM
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    database.execute("PRAGMA foreign_keys=OFF")
    [(index,)] = database.execute("SELECT sql FROM sqlite_master WHERE name = 'ix_presence_tag_start_ms'").fetchall()
    database.execute("DROP INDEX ix_presence_tag_start_ms")  # made at the end, in one go
    database.execute("BEGIN")
    rooms = teams + (teams + TEAMS - 1) // TEAMS
    database.executemany(
        "INSERT INTO place (id, site, name, kind) VALUES (?, 'hq', ?, 'room')",
        ((i, f"Room {i}") for i in range(1, rooms + 1)),
    )
    database.executemany(
        "INSERT INTO person (id, name, unit, added_ms) VALUES (?, ?, '', 0)",
        ((i, f"Person {i}") for i in range(1, people + 1)),
    )
    database.executemany(
        "INSERT INTO tag (id, number, kind, sealed_key, state, added_ms) VALUES (?, ?, 'zonetag', x'', 'active', 0)",
        ((i, f"T-{i}") for i in range(1, people + 1)),
    )
    database.executemany(
        "INSERT INTO wearing (tag, since_ms, person) VALUES (?, 0, ?)", ((i, i) for i in range(1, people + 1))
    )
    rng = random.Random(1)
    database.executemany(
        "INSERT INTO presence (place, start_ms, tag, end_ms) VALUES (?, ?, ?, ?)", presence(rng, teams)
    )
    database.executemany(
        "INSERT INTO visit (site, came_ms, tag, last_ms) VALUES ('hq', ?, ?, ?)",
        (
            (BEGIN_MS + day * DAY_MS + HOUR_MS, tag, BEGIN_MS + day * DAY_MS + 11 * HOUR_MS)
            for day in range(DAYS)
            for tag in range(1, people + 1)
        ),
    )
    database.executemany(
        "INSERT INTO contact_log (tag, epoch, eid, at, peer, start_ms, count, rssi_max, cells, trusted, received_ms)"
        " VALUES (?, ?, ?, 0, ?, ?, 20, -55, ?, 1, 0)",
        heard_each_other(people),
    )
    database.execute("COMMIT")
    database.execute(index)
    database.close()


def median_ms(work: Callable[[int], object], whom: list[int]) -> float:
    """Median over people, each asked twice in a row: the second time it is warm."""
    return statistics.median(warm_ms(work, who) for who in whom)


def warm_ms(work: Callable[[int], object], who: int) -> float:
    """Of processor time, as in `measure.rate`: warm there is nothing to wait for but what else the machine does."""
    work(who)
    start = time.process_time()
    work(who)
    return (time.process_time() - start) * 1000


def said(name: str, value: float, bound: float, reference: float = 0.0) -> None:
    ratio = f"  {value / reference:5.2f} x the bare statement ({reference:.2f} ms)" if reference else ""
    print(f"{name:<76} {value:>9.2f} ms (bound {bound:g} ms){ratio}", flush=True)


def measure(connection: Transaction, bare: sqlite3.Connection, people: int, millions: float) -> None:
    whom = random.Random(2).sample(range(1, people + 1), min(ROUNDS, people))
    cursor = bare.cursor()
    # In turn, so that what else the machine does weighs on both alike.
    both = [
        (
            warm_ms(lambda who: cursor.execute(BARE, (who, *WINDOW)).fetchall(), who),
            warm_ms(lambda who: meetings.shared(connection, {who: WINDOW}), who),
        )
        for who in whom
    ]
    reference, contacts = (statistics.median(each) for each in zip(*both, strict=True))
    rows = sum(len(each) for each in meetings.shared(connection, {whom[0]: WINDOW}).values())
    said(f"contacts of a person, 14 days, {millions:g} M, {rows} rows", contacts, 3 if millions <= 10 else 5, reference)
    said(
        f"in-out log of a person, 14 days, {millions:g} M",
        median_ms(lambda who: book.stays_of_person(connection, who, *WINDOW, END_MS), whom),
        1,
    )
    days = Days(UTC)
    covid = profile.PROFILES["covid-19"]
    met = random.Random(3).sample(range(1, min(people, LOGGING) + 1), 5)
    asked: list[tuple[str, tuple[str, ...], list[int]]] = [
        ("by place", (encounter.PLACE,), met),
        ("by contact logs", (encounter.DIRECT,), met),
        ("by both", (), met),
    ]
    if people >= LOGGING + STRANGERS:
        asked.append(("by contact logs, all new", (encounter.DIRECT,), [LOGGING + who for who in met]))
    for name, evidence, some in asked:
        ask = Asker(connection, 0, evidence=evidence)
        made = chain.trace(some[0], WINDOW, ask, covid, days, at_least=0.01)
        took = median_ms(partial(chain.trace, window=WINDOW, ask=ask, profile=covid, days=days, at_least=0.01), some)
        first, second = (sum(each == n for each in made.generations.values()) for n in (1, 2))
        said(f"chain, {first} and {second} people, {millions:g} M, {name}", took, 500)
    if people >= LOGGING + STRANGERS:

        def whole(who: int) -> Outcome:  # as a page asks: for more than a time at one place can say
            return traced(connection, who, WINDOW, covid, floor_ms=0, at_least=0.06, others_until=END_MS)

        found = len({each.who.id for each in whole(asked[-1][2][0]).found})
        said(f"a whole case, {found} people, {millions:g} M, all new", median_ms(whole, asked[-1][2]), 500)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "millions", nargs="*", type=float, default=SIZES, help="million intervals of presence (1 10), one after another"
    )
    parser.add_argument("--write", action="store_true", help="write those of 100 million into docs/benchmarks.md")
    args = parser.parse_args()
    for millions in args.millions:
        text = io.StringIO()
        with contextlib.redirect_stdout(text) if args.write else contextlib.nullcontext():
            of_size(millions)
        print(text.getvalue(), end="", flush=True)
        if args.write and f"tracing_{millions:g}" in run.LONG:
            run.write({f"tracing_{millions:g}": text.getvalue()})


def of_size(millions: float) -> None:
    teams = max(TEAMS, round(millions * 1_000_000 / (DAYS * PER_DAY * TEAM)))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "zonetag.db"
        fill(path, teams)
        engine = open_database(f"sqlite:///{path}")
        bare = sqlite3.connect(path)
        try:
            settle()  # as `zonetag serve` does once it has started
            with reading(engine) as connection:
                measure(connection, bare, teams * TEAM, millions)
        finally:
            bare.close()
            engine.dispose()


if __name__ == "__main__":
    main()
