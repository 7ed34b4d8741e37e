"""The whole way: the tag's firmware on 32-bit MicroPython -> virtual air -> gateway -> mosquitto -> backend -> book."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rig.air_bridge import AirBridge
from rig.air_tag import ended, start_tag
from rig.brokers import Mosquitto
from rig.micropython import Micropython
from rig.programs import LIMIT_S, Program
from rig.tag_bench import compiled
from rig.virtual_air import VirtualAir

from zonetag_backend import config
from zonetag_backend.app import Backend
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.store import book, registry, tags
from zonetag_backend.store.engine import open_database, reading, writing
from zonetag_protocol.card import Card

Start = Callable[..., Program]
START_MS = 1_795_140_000_000  # Friday 20 November 2026, 09:00 in Hanoi
LENGTH_S = 1500  # over one rotation, wherever it begins
WEARER = "Nguyễn Thị Bình"
DAY_MS = 86_400_000


UNSIGNED = {"ingest.unsigned": "allow"}  # who signs is the matter of tests/enrolment


class Scene:
    """One worn tag and one that nobody knows, a gateway at the entrance, and the backend behind a real broker."""

    def __init__(self, micropython: Micropython, start: Start, mosquitto: Mosquitto, folder: Path) -> None:
        self._micropython = micropython
        self._start = start
        self._broker = mosquitto
        self._folder = folder
        self._data = folder / "data"
        self._data.mkdir()
        self.summary: dict[str, int] = {}
        self.counters: dict[str, Any] = {}
        self.tag_end: dict[str, Any] = {}
        self.card = self._register()

    def _register(self) -> Card:
        """Site, gateway, person and tag, as the commands write them; the card that the flashing tool would write."""
        settings = self._settings()
        database = open_database(settings.database)
        keyring = open_key_file(settings.key_file, may_create=True)
        with writing(database) as connection:
            registry.add_site(connection, "hq", "Trụ sở", "Asia/Ho_Chi_Minh", 600)
            registry.add_place(connection, "hq", "Cửa chính", "entrance")
            registry.add_gateway(connection, "door", "hq", "Cửa chính", START_MS - DAY_MS)
            who = registry.add_person(connection, WEARER, "Một cửa", "NV1", START_MS - DAY_MS)
            new = tags.add_tag(connection, keyring, "T-0017", START_MS)
            tags.hand_out(connection, keyring, new.id, who, START_MS)
        database.dispose()
        return Card("T-0017", new.master, new.t0, 200, 1000, 0xFFFF, -21)

    def _settings(self) -> config.Config:
        return config.load(None, {"data": str(self._data), "broker.url": self._broker.url, "http.port": 0, **UNSIGNED})

    async def play(self) -> list[book.Stay]:
        """Let it all happen; the stays of the day, as the book's page shows them."""
        firmware = await asyncio.to_thread(compiled, self._micropython, self._folder / "firmware")
        bridge = AirBridge(START_MS)
        await bridge.open()
        async with VirtualAir() as air, Backend(self._settings(), lambda: START_MS + int(air.now_ms)) as backend:
            gateway = self._gateway(bridge)
            await asyncio.wait_for(bridge.connected.wait(), LIMIT_S)
            air.on_heard = bridge.hear
            stranger = self.card._replace(number="T-0099", master=bytes(range(16)))
            running = []
            for number, card in enumerate((self.card, stranger)):
                seat = await air.seat(card.number, rssi=-55 - 10 * number)
                folder = self._folder / card.number
                running.append(await start_tag(self._micropython, firmware, folder, air, seat, card))
            await air.run(LENGTH_S * 1000)
            self.tag_end, _ = [await ended(tag) for tag in running]
            bridge.end(LENGTH_S * 1000)
            code, out = await asyncio.to_thread(gateway.end)
            assert code == 0, gateway.errors
            self.summary = json.loads(out)
            bridge.close()
            self.counters = backend.counters()
            return await asyncio.to_thread(self._stays, backend)

    def _gateway(self, bridge: AirBridge) -> Program:
        file = self._folder / "gateway.toml"
        file.write_text(
            f'site = "hq"\nname = "door"\n[source]\nkind = "simulated"\nair = "127.0.0.1:{bridge.port}"\n'
            f'[spool]\npath = "spool.db"\nmax_mb = 16\n[broker]\nurl = "{self._broker.url}"\n'
        )
        return self._start("zonetag-gateway", "run", "--config", str(file), "--drain", str(LIMIT_S), "--json")

    def _stays(self, backend: Backend) -> list[book.Stay]:
        now = START_MS + LENGTH_S * 1000
        with reading(backend.engine) as connection:
            site = book.site_named(connection, "hq")
            assert site is not None
            return book.stays_of_day(connection, site, range(now - DAY_MS, now + DAY_MS), now)


def test_the_firmwares_tag_is_in_the_book_under_its_wearers_name(
    micropython: Micropython, start: Start, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    scene = Scene(micropython, start, mosquitto, tmp_path)
    [stay] = asyncio.run(asyncio.wait_for(scene.play(), LIMIT_S))
    assert (stay.name, stay.code, stay.tag_number, stay.place) == (WEARER, "NV1", "T-0017", "Cửa chính")
    assert stay.inside
    # To a slot and a window: 4 s each.
    assert START_MS <= stay.came_ms <= START_MS + 8_000
    assert START_MS + LENGTH_S * 1000 - 8_000 <= stay.last_ms <= START_MS + LENGTH_S * 1000
    assert stay.battery == 6, "what the stand-in's cell says"
    assert scene.summary["acknowledged"] == scene.summary["reports"] > 0
    slots = LENGTH_S // 4
    assert scene.counters["observations"] >= slots - 2, "every slot's frame was accepted"
    # The tag that is in nobody's registry is heard, counted, and in no book.
    assert set(scene.counters["rejected"]) == {"unknown"}
    assert scene.tag_end["counts"]["address"] == 0
