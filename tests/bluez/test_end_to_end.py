"""From the antenna to the book: a tag on the air of a real BlueZ, the gateway and the server as an office runs them."""

import asyncio
import json
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.accounts import cookie_for
from rig.bluez.air import Air
from rig.bluez.bench import ADDRESSES, LIMIT_S, POLL_S, powered
from rig.bluez.controller import Dongle
from rig.bluez.devices import Tag, badge, exposure, others
from rig.bluez.machine import Machine
from rig.brokers import Mosquitto
from rig.programs import Program, script

MASTER = bytes(range(16))
CONFIG = """site = "hq"
name = "entrance"
[source]
kind = "bleak"
[spool]
path = "spool.db"
max_mb = 16
[report]
every_s = 2.0
[broker]
url = "{url}"
"""


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """`start("zonetag", "serve", ...)`: a program that does not outlive its test."""
    started: list[Program] = []

    def run(name: str, *arguments: str) -> Program:
        started.append(Program(script(name), *arguments))
        return started[-1]

    yield run
    for program in started:
        program.close()


async def people(page: str, data: Path) -> list[dict[str, Any]]:
    """Who is in the book."""

    def fetch() -> Any:
        with urllib.request.urlopen(
            urllib.request.Request(page + "book/hq", headers={"Accept": "application/json", **cookie_for(data)})
        ) as answer:
            return json.load(answer)["people"]

    found: list[dict[str, Any]] = await asyncio.to_thread(fetch)
    return found


def test_the_wearer_is_in_the_book(
    machine: Machine, mosquitto: Mosquitto, start: Callable[..., Program], tmp_path: Path
) -> None:
    tag = Tag(7, -55, master=MASTER)
    data = ("--data", str(tmp_path / "data"))
    key = tmp_path / "key"
    key.write_text(MASTER.hex())
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(url=mosquitto.url))
    for command in (
        ("site", "add", "hq"),
        ("gateway", "add", "entrance", "--site", "hq", "--place", "Cửa chính"),
        ("person", "add", "Lê Thị Hà", "--code", "NV1"),
        ("tag", "add", "A-7", "--key-file", str(key), "--clock", str(tag.clock(0)), "--person", "NV1"),
    ):
        code, _ = (program := start("zonetag", *command, *data)).end()
        assert code == 0, program.errors
    settings = tmp_path / "server.toml"
    settings.write_text('[ingest]\nunsigned = "allow"\n')  # who signs is the matter of tests/enrolment
    serve = ("serve", "--config", str(settings), "--broker", mosquitto.url, "--port", "0", *data)
    server = start("zonetag", *serve)
    page = server.wait_for("Pages: ").split()[1]

    async def scene() -> Program:
        async with Dongle(machine.hci_ports[0], ADDRESSES[0]) as dongle:
            await powered()
            sending = asyncio.create_task(Air([tag, badge(1), exposure(1), *others(50)], [dongle.chip]).run())
            # machine.environment is in this process's environment, which a program inherits.
            gateway = await asyncio.to_thread(start, "zonetag-gateway", "run", "--config", str(config), "--json")
            async with asyncio.timeout(LIMIT_S):
                while not any(person["stays"] for person in await people(page, tmp_path / "data")):
                    assert not sending.done()
                    await asyncio.sleep(POLL_S)
            gateway_ended = await asyncio.to_thread(gateway.end, signal.SIGTERM)
            sending.cancel()
            await asyncio.wait((sending,))
        assert gateway_ended[0] == 0, gateway.errors
        summary = json.loads(gateway_ended[1])
        assert summary["acknowledged"] == summary["reports"] > 0, (summary, gateway.errors)
        return gateway

    gateway = asyncio.run(scene())
    [person] = asyncio.run(people(page, tmp_path / "data"))
    assert (person["name"], person["code"], person["tags"]) == ("Lê Thị Hà", "NV1", ["A-7"])
    assert person["stays"]
    assert "hci0 scans, passive+active" in gateway.errors
    assert server.end(signal.SIGTERM)[0] == 0
    assert "Traceback" not in server.errors + gateway.errors
