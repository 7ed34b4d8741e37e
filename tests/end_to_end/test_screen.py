"""From a tag held close at the door to the word on the screen: gateway -> broker -> backend -> stream of the screen."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from rig.tags import Air

from zonetag_backend import config
from zonetag_backend.app import Backend
from zonetag_backend.broker import EmbeddedBroker
from zonetag_backend.clock import utc_ms
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.store import registry, screens, tags
from zonetag_backend.store.engine import open_database, writing
from zonetag_gateway import config as gateway_config
from zonetag_gateway.app import Gateway
from zonetag_gateway.clock import SystemClock
from zonetag_protocol import frame, rotation

LIMIT_S = 60.0
EVERY_S = 300  # no ordinary report comes within the test: only one that is sent at once


@pytest.mark.parametrize(("shows", "who"), [("given", "Bình"), ("number", "T-0017")])
def test_the_screen_greets_whoever_holds_a_tag_close(tmp_path: Path, shows: str, who: str) -> None:
    async def scene() -> list[str]:
        async with EmbeddedBroker() as broker:
            url = f"mqtt://127.0.0.1:{broker.port}"
            given = {"data": str(tmp_path), "broker.url": url, "http.port": 0, "ingest.unsigned": "allow"}
            settings = config.load(None, given)
            database = open_database(settings.database)
            keyring, now = open_key_file(settings.key_file, may_create=True), utc_ms()
            with writing(database) as connection:
                registry.add_site(connection, "hq", "Trụ sở", "Asia/Ho_Chi_Minh", 600)
                place = registry.add_place(connection, "hq", "Cửa chính", "entrance")
                registry.add_gateway(connection, "door", "hq", "Cửa chính", now)
                person = registry.add_person(connection, "Nguyễn Thị Bình", "Một cửa", "NV1", now)
                new = tags.add_tag(connection, keyring, "T-0017", now)
                tags.hand_out(connection, keyring, new.id, person, now)
                link = screens.make(connection, place, "Sảnh", shows, True, now, "test")
                opened = screens.open_link(connection, link, now)
            database.dispose()
            assert opened is not None
            file = tmp_path / "gateway.toml"
            file.write_text(
                f'site = "hq"\nname = "door"\n[source]\nkind = "simulated"\n[report]\nevery_s = {EVERY_S}\n'
                f'[spool]\npath = "spool.db"\nmax_mb = 16\n[broker]\nurl = "{url}"\n'
            )
            air, stop = Air(), asyncio.Event()
            async with Backend(settings, utc_ms) as backend:
                running = asyncio.create_task(
                    Gateway(gateway_config.load(file), air, SystemClock(), "0").run(stop, 10.0)
                )
                advert = frame.seal(rotation.derive_keys(new.master), new.t0 + (utc_ms() - now) // 1000, status=7)
                cookie = {"Cookie": f"zonetag={opened[1]}"}
                lines: list[str] = []
                async with (
                    httpx.AsyncClient(base_url=backend.url, timeout=LIMIT_S) as client,
                    client.stream("GET", f"/screen/{place}/live", headers=cookie) as answer,
                ):
                    assert answer.status_code == 200
                    async for line in answer.aiter_lines():
                        lines.append(line)
                        if len([one for one in lines if one.startswith("event: state")]) == 1:
                            for _ in range(3):
                                air.put(advert, -35)
                        if '"who"' in line:
                            break
                stop.set()
                await running
            return lines

    lines = asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    states = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith('data: {"now"')]
    assert [(one["what"], one["who"]) for one in states[-1]["heard"]] == [("heard", who)]
    assert "Nguyễn" not in json.dumps(states, ensure_ascii=False)
