"""A whole server on a broker of ours: it finds its own certificate, and our other commands leave its session alone."""

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rig.tls_broker import OfficeRig, TlsBroker, make_rig, now_ms

from zonetag_backend.app import Backend
from zonetag_backend.cli import main
from zonetag_backend.config import load
from zonetag_backend.pki import profile
from zonetag_backend.store.engine import reading

LIMIT_S = 60.0


def fetched(url: str) -> Any:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        return json.load(answer)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not done():  # noqa: ASYNC110  # what is waited for happens in other threads and programs
            await asyncio.sleep(0.02)


def served(rig: OfficeRig, broker: TlsBroker, scene: Callable[[Backend], Awaitable[None]]) -> None:
    given = {"data": str(rig.data), "broker.url": f"mqtts://127.0.0.1:{broker.port}", "http.port": 0}

    async def serve() -> None:
        async with Backend(load(None, given), now_ms) as backend:
            await until(lambda: backend.connected)
            await scene(backend)

    asyncio.run(serve())


def online(rig: OfficeRig) -> list[str]:
    with reading(rig.database) as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT gateway FROM gateway_status WHERE online")]


def test_a_server_on_a_broker_of_ours(broker: TlsBroker, rig: OfficeRig) -> None:
    gateway = broker.call(rig.gateway("gw1"))
    command = ["gateway", "command", "gw1", "find-me", "--wait", "0.1", "--data", str(rig.data)]

    async def scene(backend: Backend) -> None:
        assert await asyncio.to_thread(gateway.publish, "zonetag/v1/hq/gw1/state", b'{"online": true}') == "Success"
        await until(lambda: online(rig) == ["gw1"])
        assert (await asyncio.to_thread(fetched, f"{backend.url}healthz"))["certificates"] == "ok"
        gateway.subscribe("zonetag/v1/hq/gw1/cmd")
        # Nobody answers, but the command arrives; and by its own name it has taken nobody's place.
        words = [*command, "--broker", f"mqtts://127.0.0.1:{broker.port}"]
        assert await asyncio.to_thread(main, words) == 1
        assert json.loads(gateway.hears()[1])["do"] == "find-me"
        assert backend.connected

    served(rig, broker, scene)
    assert "".join(broker.log).count("as backend.zonetag") == 1


def test_a_server_that_was_away_for_long_makes_itself_a_new_certificate(
    require: Callable[..., str], tmp_path: Path
) -> None:
    """Its own has ended meanwhile; without a new one there would be no way to the broker."""
    rig = make_rig(tmp_path / "office", now_ms() - 200 * profile.DAY_MS)
    path = rig.own(profile.BACKEND_NAME)
    ended = path.read_bytes()
    broker = TlsBroker(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker", rig)
    path.write_bytes(ended)
    broker.start()
    try:
        assert broker.call(path).said == "refused", "the control"

        async def scene(backend: Backend) -> None:
            assert backend.connected

        served(rig, broker, scene)
        assert path.read_bytes() != ended
    finally:
        broker.stop()
        rig.database.dispose()
