"""The pages of an office of 2,000 people with 21 days of presence: how long an answer takes, on the server.

Everybody is in, and heard in two rooms at once.  Then the house gets a door with a gateway on each side, which hear
everybody come in, and all the time since.

In this process, through the whole application: shield, guard, audit log, template.  Each figure is the median of
processor time over several answers, warm.  The reference is /healthz, a page of nothing behind the same shield and
guard.  The bound is 100 ms.  The lists of the register are asked for again in an office of 20,000 people.  What is
asked once and then kept for a while (the possible sources of a case: 0.4 s of a thread of its own) has been asked by
the first answer.

Then all of it on a real PostgreSQL, into which each office is moved as `zonetag restore` moves one: this process's
processor time and that of all processes of the server together.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import tracing
from rig.accounts import sign_in
from rig.ill import outbreak
from rig.office import new_office
from rig.pages import KEYRING, as_somebody
from rig.postgresql import PostgreSQL, programs
from sqlalchemy import Table, insert, update
from starlette.applications import Starlette

from zonetag_backend.events import Events
from zonetag_backend.memory import settle
from zonetag_backend.records import day_of
from zonetag_backend.store import doors, heard, name_forms, postgresql, registry, rows, schema
from zonetag_backend.store.consent_ledger import NEEDED
from zonetag_backend.store.copying import copy
from zonetag_backend.store.engine import Database, Transaction, open_database, writing
from zonetag_backend.web.app import make_app

PEOPLE, UNITS = 2000, 40
TAGS = range(1, PEOPLE + 1)
NOW_MS = tracing.END_MS - tracing.DAY_MS + 5 * tracing.HOUR_MS  # in the last day, around noon
ROUNDS = 7
BOUND_MS = 100
REFERENCE = "/healthz"
PAGES = (
    ("health", "/book/hq"),
    ("health", "/book/hq?q=person+7"),
    ("health", "/person/7"),
    ("admin", "/people"),
    ("admin", "/people?q=person+7"),
    ("admin", "/tags"),
    ("admin", "/gateways"),
    ("admin", "/adoption"),
    ("reception", "/inside/hq"),
    ("reception", "/visitors"),
    ("health", "/cases"),
    ("auditor", "/audit"),
    ("admin", "/agreements"),
    ("admin", "/requests"),
)
DOOR_PAGES = (("health", "/book/hq"), ("health", "/book/hq?q=person+7"), ("reception", "/inside/hq"))

CROWD, CROWD_UNITS = 20_000, 200
CROWD_PAGES = (
    ("admin", "/people"),
    ("admin", "/people?page=200"),
    ("admin", "/people?q=duc+an"),
    ("admin", "/people?show=no-tag"),
    ("admin", "/tags"),
    ("admin", "/tags?q=a-19"),
    ("admin", "/tags/give?tag=A-19999"),
    ("admin", "/tags/give?tag=A-19999&q=duc"),
    ("admin", "/agreements"),
    ("admin", "/agreements?show=lacking"),
    ("admin", "/adoption"),
    ("admin", "/adoption/reminders"),
    ("admin", "/firmware"),
    ("admin", "/papers"),
    ("admin", "/setup"),
    ("reception", "/visitors"),
    ("health", "/cases?q=duc+an"),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """What a page is asked of, and what its figures are beside."""

    label: str
    # before each page's path
    spent_s: Callable[[], float]
    # processor time so far of all that works on an answer
    move: Callable[[Database, str], Database]
    # an office, written into a file, to where it is asked (its name)
    reference_ms: float = 0.0

    async def median_ms(self, app: Starlette, path: str, token: str) -> float:
        """Median of processor time of one page; its answer must be 200."""
        took = []
        transport = httpx.ASGITransport(app=app)
        headers = {"Cookie": f"zonetag={token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765", headers=headers) as client:
            for _ in range(ROUNDS):
                start = self.spent_s()
                answer = await client.get(path)
                took.append((self.spent_s() - start) * 1000)
                assert answer.status_code == 200, (path, answer.status_code)
        return statistics.median(took[1:])

    def measure(self, app: Starlette, path: str, token: str, name: str = "") -> None:
        """Ask for a page and say how long it takes."""
        took = asyncio.run(self.median_ms(app, path, token))
        times = f"{took / self.reference_ms:6.1f} x {REFERENCE} ({self.reference_ms:.2f} ms)"
        print(f"{self.label + (name or path):<50} {took:>9.1f} ms (bound {BOUND_MS} ms)  {times}", flush=True)


def main() -> None:
    everything(Bench("", time.process_time, lambda engine, _: engine))
    found = programs()
    if found is None:
        print("pages: PostgreSQL is not installed (apt-get install postgresql): not measured on it")
        return
    server = PostgreSQL(found, folder=Path(tempfile.gettempdir()))
    # Its own housekeeping is nobody's page; an office that was moved is analysed once, as it would have done soon.
    server.start("-c", "autovacuum=off")
    try:

        def moved(office: Database, name: str) -> Database:
            target = open_database(server.make(name))
            copy(office, target, lambda _done, _all: None)
            office.dispose()
            return target

        everything(Bench("PostgreSQL: ", lambda: time.process_time() + server.spent_s(), moved))
    finally:
        server.close()


def everything(bench: Bench) -> None:
    """Every page of every office."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "zonetag.db"
        tracing.fill(path, PEOPLE // tracing.TEAM)
        engine = open_database(f"sqlite:///{path}")
        with writing(engine) as connection:
            registry.add_gateway(connection, "gw", "hq", "Room 1", tracing.BEGIN_MS)
            for unit in range(UNITS):
                of_unit = schema.person.c.id % UNITS == unit
                connection.execute(update(schema.person).where(of_unit).values(unit=f"Phòng {unit + 1}"))
            heard_next_door(connection)
            name_forms.refill(connection)  # the office was written past what makes them
        engine = bench.move(engine, "office")
        app = make_app(engine, lambda: NOW_MS, Events(), keyring=KEYRING)
        settle()  # as `zonetag serve` does once it has started
        bench = replace(bench, reference_ms=asyncio.run(bench.median_ms(app, REFERENCE, "")))
        for role, page in PAGES:
            bench.measure(app, page, sign_in(engine, role, NOW_MS))
        with writing(engine) as connection:
            hang_a_door(connection)
        for role, page in DOOR_PAGES:
            bench.measure(app, page, sign_in(engine, role, NOW_MS), f"{page}, with a door")
        engine.dispose()
        many_contacts(Path(name), bench)
        many_people(Path(name), bench)


def heard_next_door(connection: Transaction) -> None:
    """Whoever is in is heard in the next room too, through the wall: the book has to say which of the two it is."""
    c = schema.visit.c
    connection.execute(update(schema.visit).where(c.came_ms <= NOW_MS, c.last_ms > NOW_MS).values(last_ms=NOW_MS))
    teams = PEOPLE // tracing.TEAM
    homes = [(tag - 1) // tracing.TEAM for tag in TAGS]
    at = [(tag, home + 1, (home + 1) % teams + 1) for tag, home in zip(TAGS, homes, strict=True)]
    begin_ms = NOW_MS - 10 * tracing.MINUTE_MS
    both = [(where, begin_ms, tag, NOW_MS) for tag, here, there in at for where in (here, there)]
    rows.upsert(connection, schema.presence, sorted(both))
    windows = [
        (tag, NOW_MS - 4000 * (n + 1), f"gw-{where}", 1, n, 0, where, 4000, 16, *[dbm] * 4, 1, True)
        for tag, here, there in at
        for where, dbm in {there: -74, here: -60}.items()
        for n in range(15)
    ]
    rows.insert(connection, heard.make(connection, day_of(NOW_MS)), sorted(windows))


def hang_a_door(connection: Transaction) -> None:
    """Gateways inside and outside; a walk through the door at the beginning, and near it in the last two minutes."""
    for name, side in (("door-in", "inside"), ("door-out", "outside")):
        registry.add_gateway(connection, name, "hq", "Room 1", tracing.BEGIN_MS)
        doors.set_side(connection, name, side)
    came_ms = tracing.END_MS - tracing.DAY_MS + tracing.HOUR_MS
    step_ms, steps = 4000, doors.END_MS // 4000
    windows = []
    for tag in TAGS:
        for begin_ms, walks in ((came_ms, True), (NOW_MS - doors.END_MS, False)):
            for n in range(steps):
                outside = walks and n < steps // 2
                for name, near in (("door-in", not outside), ("door-out", outside)):
                    dbm = (-60 if near else -75) - (tag + 7 * n) % 5
                    start = begin_ms + n * step_ms + tag % 1000
                    windows.append((tag, start, name, 1, start, 0, 1, step_ms - 500, 16, *[dbm] * 4, 1, True))
    table = heard.make(connection, day_of(NOW_MS))
    ordered = sorted(windows)
    for at in range(0, len(ordered), 50_000):
        rows.insert(connection, table, ordered[at : at + 50_000])
    if connection.dialect.name == postgresql.NAME:
        postgresql.count_rows(connection, [table.name])


def many_contacts(folder: Path, bench: Bench) -> None:
    """The pages of a case with 430 F1, in an office of its own."""
    own = folder / "ill"
    own.mkdir()
    office = new_office(own)
    ill, _, _ = outbreak(office, 430, 40)
    office.engine = bench.move(office.engine, "ill")
    app = make_app(office.engine, office.clock, Events(), keyring=KEYRING)
    get = as_somebody(app, office)
    about = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "positive test"}
    case = get.post("/cases", person=str(ill), **about).headers["location"]
    for page in (case, f"{case}/notices", f"{case}/export", f"{case}/sources"):
        bench.measure(app, page, get.token(), "/cases/{case}" + page.removeprefix(case))
    office.engine.dispose()


def many_people(folder: Path, bench: Bench) -> None:
    """The lists of an office of 20,000 people: nineteen of twenty wear a tag, heard in the last three weeks."""
    engine = open_database(f"sqlite:///{folder}/crowd.db")
    everybody = range(1, CROWD + 1)
    families, middles = ("Nguyễn", "Trần", "Lê", "Phạm", "Đỗ", "Bùi", "Vũ"), ("Văn", "Thị", "Đức", "Ngọc", "Minh")
    given = ("An", "Ánh", "Bình", "Châu", "Dũng", "Đạt", "Giang", "Hà", "Lan", "Nam", "Quân")
    with writing(engine) as connection:
        registry.add_site(connection, "hq")
        lists: dict[Table, Callable[[int], dict[str, Any]]] = {
            schema.person: lambda n: {
                "id": n,
                "name": f"{families[n % 7]} {middles[n % 5]} {given[n % 11]}",
                "unit": f"Phòng {n % CROWD_UNITS}",
                "code": f"NV{n}",
                "added_ms": 0,
            },
            schema.tag: lambda n: {
                "id": n,
                "number": f"A-{n}",
                "kind": "zonetag",
                "sealed_key": b"",
                "state": "active",
                "added_ms": 0,
            },
            schema.tag_clock: lambda n: {
                "tag": n,
                "offset_ms": 0,
                "slack_ms": 0,
                "offset_at_ms": 0,
                "confirmed": True,
                "slot": 0,
                "status": n % 8,
                "heard_ms": NOW_MS - n % 21 * tracing.DAY_MS // 2,
            },
        }
        for table, row in lists.items():
            connection.execute(insert(table), [row(n) for n in everybody])
        wearers = everybody[: CROWD * 19 // 20]
        worn = [{"tag": n, "since_ms": 0, "until_ms": None, "person": n} for n in wearers]
        connection.execute(insert(schema.wearing), worn)
        signed = {"at_ms": 1, "given": True, "how": "paper", "version": "1", "made_by": "x"}
        ledger = [{"person": n, "purpose": purpose, **signed} for n in wearers[:-100] for purpose in NEEDED]
        connection.execute(insert(schema.office.consent_entry), ledger)
    engine = bench.move(engine, "crowd")
    app = make_app(engine, lambda: NOW_MS, Events(), keyring=KEYRING)
    for role, page in CROWD_PAGES:
        bench.measure(app, page, sign_in(engine, role, NOW_MS), f"{CROWD:,}: {page}")
    engine.dispose()


if __name__ == "__main__":
    main()
