"""The programs as an office runs them, against a real mosquitto: a tag of a simulated air ends up in the book."""

import asyncio
import json
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rig.accounts import cookie_for
from rig.brokers import Mosquitto
from rig.programs import LIMIT_S, Program

from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.office import Office

Start = Callable[..., Program]
LENGTH_S = 120.0
FAST = 100.0


def run(start: Start, *arguments: str) -> None:
    code, _ = (program := start("zonetag", *arguments)).end()
    assert code == 0, program.errors


async def fetched(url: str, data: Path) -> Any:
    def fetch() -> Any:
        headers = {"Accept": "application/json", **cookie_for(data)}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return json.load(answer)

    return await asyncio.to_thread(fetch)


def test_a_tag_ends_up_in_the_book(start: Start, mosquitto: Mosquitto, tmp_path: Path) -> None:
    """The whole path, one gateway over MQTT v5 and one over 3.1.1, everything from files and the command line."""
    data = ("--data", str(tmp_path / "data"))
    office = Office(3, LENGTH_S, count=1)
    tag = office.tags[0]
    run(start, "site", "add", "hq", "--absence", "60", *data)
    for receiver in office.plan.receivers:
        run(start, "gateway", "add", receiver.name, "--site", "hq", "--place", receiver.place, *data)
    run(start, "person", "add", "Lê Thị Hà", "--unit", "Một cửa", "--code", "NV1", *data)
    clock = str(int(tag.believed_t0_s))
    key = tmp_path / "key"
    key.write_text(tag.master.hex())
    run(start, "tag", "add", tag.number, "--key-file", str(key), "--clock", clock, "--person", "NV1", *data)
    settings = tmp_path / "server.toml"
    settings.write_text('[ingest]\nunsigned = "allow"\n')  # who signs is the matter of tests/enrolment
    serve = ("serve", "--config", str(settings), "--broker", mosquitto.url, "--port", "0", *data)
    server = start("zonetag", *serve)
    page = server.wait_for("Pages: ").split()[1]
    # From now on, for only from now on somebody wears the tag; played fast, so two minutes ahead of the server's clock,
    # which takes five for the error of a gateway's clock.
    start_ms = round(time.time() * 1000)

    async def scene() -> dict[str, Any]:
        async with AirServer(office, start_ms, FAST, time.monotonic) as air:
            gateways = []
            for receiver, version in zip(office.plan.receivers, ("5", "3.1.1"), strict=True):
                config = tmp_path / f"{receiver.name}.toml"
                config.write_text(
                    f'site = "hq"\nname = "{receiver.name}"\n'
                    f'[source]\nkind = "simulated"\nair = "127.0.0.1:{air.port}"\n'
                    f'[spool]\npath = "spool-{receiver.name}.db"\nmax_mb = 16\n'
                    f'[broker]\nurl = "{mosquitto.url}"\nmqtt_version = "{version}"\n'
                )
                arguments = ("--config", str(config), "--drain", str(LIMIT_S), "--json")
                gateways.append(start("zonetag-gateway", "run", *arguments))
            await air.run()
            for gateway in gateways:
                code, out = await asyncio.to_thread(gateway.end)
                assert code == 0, gateway.errors
                summary = json.loads(out)
                assert summary["acknowledged"] == summary["reports"] == summary["sent"] > 5
                assert summary["spooled"] == summary["dropped"] == 0, (summary, gateway.errors)
        book: dict[str, Any] = await fetched(page + "book/hq", tmp_path / "data")
        return book

    book = asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    [person] = book["people"]
    assert (person["name"], person["code"], person["tags"]) == ("Lê Thị Hà", "NV1", [tag.number])
    assert person["stays"]
    assert server.end(signal.SIGTERM)[0] == 0
    assert "Traceback" not in server.errors
