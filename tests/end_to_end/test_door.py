"""Through a door with gateways on both sides: people -> radio -> gateways -> mosquitto -> backend -> pages."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from rig.accounts import sign_in
from rig.brokers import Mosquitto
from rig.programs import LIMIT_S, Program

from zonetag_backend import config
from zonetag_backend.app import Backend
from zonetag_backend.events import Events
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.office import Office
from zonetag_backend.simulate.plan import Receiver, small_office
from zonetag_backend.store import doors, registry, tags
from zonetag_backend.store.engine import open_database, writing
from zonetag_backend.web.app import make_app

Start = Callable[..., Program]
SEED, PEOPLE = 3, 9
LENGTH_S = 280.0  # of a day pressed together
FAST = 50.0
START_MS = 1_795_140_000_000  # Friday 20 November 2026, 09:00 in Hanoi
NEAR_S = 6.0  # a window of 4 s, and the second in which it is confirmed
BOTH_SIDES = (
    Receiver("gw-street", (-1.0, 4.0), "Cửa chính", "entrance"),
    Receiver("gw-hall", (2.0, 4.0), "Cửa chính", "entrance"),
)
SIDES = {"gw-street": "outside", "gw-hall": "inside"}


def through(office: Office, index: int) -> list[tuple[float, str]]:
    """The truth: when somebody went in and out."""
    rooms = [None, *(p.room for p in office.tracks[index].passages)]
    found = []
    for before, each in zip(rooms, office.tracks[index].passages, strict=False):
        if (before is None) != (each.room is None) and each.at_s < LENGTH_S:
            found.append((each.at_s, "out" if each.room is None else "in"))
    return found


def register(settings: config.Config, office: Office) -> list[str]:
    """Site, both gateways with their sides, and a person for each tag; the names, in the order of the simulation."""
    database = open_database(settings.database)
    keyring = open_key_file(settings.key_file, may_create=True)
    names = [f"Person {i}" for i in range(PEOPLE)]
    with writing(database) as connection:
        registry.add_site(connection, "hq", "Trụ sở", "Asia/Ho_Chi_Minh", 3600)
        registry.add_place(connection, "hq", "Cửa chính", "entrance")
        for name, side in SIDES.items():
            registry.add_gateway(connection, name, "hq", "Cửa chính", START_MS - 1000)
            doors.set_side(connection, name, side)
        for name, tag in zip(names, office.tags, strict=True):
            who = registry.add_person(connection, name, "", None, START_MS - 1000)
            clock = {"t0": int(tag.believed_t0_s), "issued_ms": START_MS}
            new = tags.add_tag(connection, keyring, tag.number, START_MS - 1000, master=tag.master, **clock)  # type: ignore[arg-type]  # t0 and issued_ms are numbers
            tags.hand_out(connection, keyring, new.id, who, START_MS - 1000)
    database.dispose()
    return names


def test_the_book_says_who_went_in_and_out_and_when(start: Start, mosquitto: Mosquitto, tmp_path: Path) -> None:
    office = Office(SEED, LENGTH_S, PEOPLE, replace(small_office(), receivers=BOTH_SIDES))
    (tmp_path / "data").mkdir()
    set_to: dict[str, Any] = {"data": str(tmp_path / "data"), "broker.url": mosquitto.url, "http.port": 0}
    settings = config.load(None, {**set_to, "ingest.unsigned": "allow"})  # who signs is the matter of tests/enrolment
    names = register(settings, office)
    begun = time.monotonic()

    def clock() -> int:
        return START_MS + round(min(LENGTH_S, (time.monotonic() - begun) * FAST) * 1000)

    async def scene() -> dict[str, dict[str, Any]]:
        async with Backend(settings, clock) as backend, AirServer(office, START_MS, FAST, time.monotonic) as air:
            gateways = [gateway(name, air.port) for name in SIDES]
            await air.run()
            for each in gateways:
                code, out = await asyncio.to_thread(each.end)
                assert code == 0, each.errors
                assert json.loads(out)["spooled"] == 0
            app = make_app(backend.engine, clock, Events(), keyring=open_key_file(settings.key_file))
            health = {"Cookie": f"zonetag={sign_in(backend.engine, 'health', clock())}"}
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765", headers=health) as get:
                in_book, in_words = [await get.get(f"/book/hq{kind}?day=2026-11-20") for kind in (".json", "")]
                people: list[dict[str, Any]] = in_book.json()["people"]
                for row in people:
                    row["day"] = (await get.get(f"/person/{row['person']}.json?day=2026-11-20")).json()
            assert 'data-door="out"' in in_words.text
            assert 'data-door="in"' in in_words.text
            return {each["name"]: each for each in people}

    def gateway(name: str, port: int) -> Program:
        file = tmp_path / f"{name}.toml"
        file.write_text(
            f'site = "hq"\nname = "{name}"\n[source]\nkind = "simulated"\nair = "127.0.0.1:{port}"\n'
            f'[spool]\npath = "spool-{name}.db"\nmax_mb = 16\n[broker]\nurl = "{mosquitto.url}"\n'
        )
        return start("zonetag-gateway", "run", "--config", str(file), "--drain", str(LIMIT_S), "--json")

    people = asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    told = 0
    for index, name in enumerate(names):
        true = through(office, index)
        seen = [(seconds(each["at"]), each["way"]) for each in people[name]["day"]["doors"]]
        # What is told is true; what is not clear may be missing, and is then "unknown" and not the opposite.
        for at_s, way in seen:
            assert any(way == other and abs(at_s - true_s) <= NEAR_S for true_s, other in true), (name, seen, true)
        told += len(seen)
        [stay] = people[name]["stays"]
        assert stay["door"]["state"] == (seen[-1][1] if seen else "unknown"), (name, seen, stay)
        if seen and seen[-1][1] == "out":
            assert abs(seconds(stay["door"]["out"]) - true[-1][0]) <= NEAR_S
    crossings = sum(len(through(office, index)) for index in range(PEOPLE))
    assert {way for index in range(PEOPLE) for _, way in through(office, index)} == {"in", "out"}
    assert told >= 0.8 * crossings, f"{told} of {crossings}"


def seconds(iso: str) -> float:
    """Of the simulation."""
    return datetime.fromisoformat(iso).timestamp() - START_MS / 1000
