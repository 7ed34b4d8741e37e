"""The server as a process, against real mosquitto and the embedded broker; killed, it is in tests/faults."""

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig.brokers import Mosquitto
from rig.registry import Office, make_office
from rig.reports import Gateway, Tag
from rig.uplink import Uplink

from zonetag_backend.app import Backend
from zonetag_backend.broker import EmbeddedBroker
from zonetag_backend.clock import utc_ms
from zonetag_backend.config import load
from zonetag_protocol import topics
from zonetag_protocol.report import Report

LIMIT_S = 60.0
HOUR_MS = 3_600_000
WINDOWS = 20


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes of a test, none of which outlives it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(LIMIT_S)


@pytest.fixture
def now_office(tmp_path: Path) -> Iterator[tuple[Office, list[Tag]]]:
    """An office whose tags live in the present: the server has the system's clock."""
    made = make_office(tmp_path / "office", enrolled=True)
    now = utc_ms() // 4000 * 4000
    tags = [made.tag(made.add_tag(f"A-{n}", at_ms=now - HOUR_MS)) for n in range(5)]
    yield made, tags
    made.database.dispose()


def reports_of(gateway: Gateway, tags: list[Tag], count: int) -> list[Report]:
    """`count` reports up to now, each of WINDOWS windows, 5 tags in 4 slots."""
    begin = utc_ms() // 4000 * 4000 - count * 16_000 - 60_000
    return [
        gateway.report(
            *[
                tag.window(begin + n * 16_000 + slot * 4000 + 100, 3000)
                for slot in range(WINDOWS // len(tags))
                for tag in tags
            ]
        )
        for n in range(count)
    ]


ZONETAG = [sys.executable, "-c", "import sys; from zonetag_backend.cli import main; sys.exit(main())"]


class Server:
    """`zonetag serve` in a process of its own."""

    def __init__(self, processes: list["subprocess.Popen[str]"], office: Office, broker: str) -> None:
        self.said: list[str] = []
        self._ready = threading.Event()
        options = ["--data", str(office.folder), "--broker", broker, "--port", "0"]
        self.process = subprocess.Popen([*ZONETAG, "serve", *options], stderr=subprocess.PIPE, text=True)
        processes.append(self.process)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            for line in stderr:
                self.said.append(line)
                if "connected to" in line:
                    self._ready.set()
        self._ready.set()

    def wait_until_connected(self) -> None:
        assert self._ready.wait(LIMIT_S), self.said
        assert self.process.poll() is None, self.said

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(LIMIT_S)
        self._listener.join(LIMIT_S)
        return code


def assert_all_once(office: Office, *delivered: list[Report]) -> None:
    reports = [made for each in delivered for made in each]
    windows = sum(made.columns.n for made in reports)
    days = [
        name for (name,) in office.rows("SELECT name FROM sqlite_master WHERE name LIKE 'heard_%' AND type = 'table'")
    ]
    assert sum(office.number(f"SELECT count(*) FROM {day}") for day in days) == windows
    assert office.number("SELECT count(*) FROM report") == len(reports)
    assert office.number("SELECT count(*) FROM rejected") == 0
    assert office.number("SELECT coalesce(sum(broken), 0) FROM gateway_status") == 0


Present = tuple[Office, list[Tag]]
Processes = list["subprocess.Popen[str]"]


def gateway_of_now(name: str = "gw1") -> Gateway:
    return Gateway(name, start_ms=utc_ms() - HOUR_MS)


def test_what_was_sent_while_the_server_was_away_is_there_when_it_comes(
    mosquitto: Mosquitto, now_office: Present, processes: Processes
) -> None:
    """The broker keeps it under the server's stable identifier, over MQTT 5."""
    office, tags = now_office
    gateway = gateway_of_now()
    reports = reports_of(gateway, tags, 10)
    server = Server(processes, office, mosquitto.url)
    server.wait_until_connected()
    with Uplink(mosquitto.port, gateway) as uplink:
        uplink.deliver(reports[:1])
        assert server.end(signal.SIGTERM) == 0
        uplink.send(*reports[1:])
        server = Server(processes, office, mosquitto.url)
        uplink.wait_for(set(range(1, 11)))
        assert server.end(signal.SIGTERM) == 0
    assert any("over MQTT 5" in line for line in server.said), server.said
    assert_all_once(office, reports)


def test_a_broker_that_dies_is_found_again(mosquitto: Mosquitto, now_office: Present, processes: Processes) -> None:
    office, tags = now_office
    gateway = gateway_of_now()
    reports = reports_of(gateway, tags, 4)
    server = Server(processes, office, mosquitto.url)
    with Uplink(mosquitto.port, gateway) as uplink:
        uplink.deliver(reports[:2])
    mosquitto.kill()
    mosquitto.start()
    with Uplink(mosquitto.port, gateway) as uplink:
        uplink.deliver(reports[2:])
    assert server.end(signal.SIGTERM) == 0
    assert_all_once(office, reports)


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_the_embedded_broker(now_office: Present) -> None:
    """It speaks MQTT 3.1.1 only: "auto" finds that out."""
    office, tags = now_office
    gateway = gateway_of_now()
    reports = reports_of(gateway, tags, 20)

    def deliver(port: int) -> None:
        with Uplink(port, gateway) as uplink:
            uplink.deliver(reports)

    async def run() -> None:
        async with EmbeddedBroker() as broker:
            config = load(None, {"data": str(office.folder), "broker.url": broker.url, "http.port": 0})
            async with Backend(config, utc_ms) as backend:
                await _until(lambda: backend.connected)
                await asyncio.to_thread(deliver, broker.port)
                counters = backend.counters()
            assert counters["observations"] == 20 * WINDOWS
            assert counters["reports"] == 20

    asyncio.run(run())
    assert_all_once(office, reports)


def test_everything_that_can_come_is_counted(mosquitto: Mosquitto, now_office: Present) -> None:
    office, tags = now_office
    gateway, stranger = gateway_of_now(), gateway_of_now("gw9")
    good, strange = reports_of(gateway, tags, 2), reports_of(stranger, tags, 3)
    rng = random.Random(1)

    async def run() -> None:
        config = load(None, {"data": str(office.folder), "broker.url": mosquitto.url, "http.port": 0})
        async with Backend(config, utc_ms) as backend:
            await _until(lambda: backend.connected)
            with Uplink(mosquitto.port, gateway) as uplink, Uplink(mosquitto.port, stranger) as other:
                for _ in range(50):
                    uplink.raw(gateway.topic(), rng.randbytes(rng.randrange(200)))
                uplink.raw(gateway.topic(topics.STATE), b"[1]")
                uplink.raw(gateway.topic(topics.HEALTH), b"{" * 100_000)
                uplink.raw("zonetag/v1/UPPER/gw1/report", b"")
                other.send(*strange)
                uplink.raw(gateway.topic(topics.STATE), b'{"online": true, "since": 1}')
                uplink.raw(gateway.topic(topics.HEALTH), b'{"spool": {"reports": 1}}')
                await asyncio.to_thread(uplink.deliver, good)
                uplink.send(good[0])
                await _until(lambda: backend.counters()["duplicates"] != 0 and backend.counters()["refused"] == 3)
                assert other.acknowledgements == 0
            counters = backend.counters()
        assert counters == {
            "reports": 2,
            "windows": 2 * WINDOWS,
            "observations": 2 * WINDOWS,
            "rejected": {},
            "duplicates": counters["duplicates"],
            "refused": 3,
            "malformed": 53,
            "failed": 0,
            "unsigned": {},
            "repaired": 0,
            "gaps": 0,
            "lost": 0,
            "link": {},
        }

    asyncio.run(run())
    states = office.rows("SELECT gateway, online, health, refused FROM gateway_status ORDER BY gateway")
    assert states == [("gw1", 1, '{"spool":{"reports":1}}', 0), ("gw9", 0, "{}", 3)]


def test_pages_are_told_after_each_commit(mosquitto: Mosquitto, now_office: Present) -> None:
    office, tags = now_office
    gateway = gateway_of_now()
    reports = reports_of(gateway, tags, 1)

    async def run() -> None:
        config = load(None, {"data": str(office.folder), "broker.url": mosquitto.url, "http.port": 0})
        async with Backend(config, utc_ms) as backend:
            await _until(lambda: backend.connected)

            async def first() -> tuple[str, str]:
                async for change in backend.events.subscribe():
                    return change.site, change.what
                raise AssertionError("closed")

            listening = asyncio.create_task(first())
            await asyncio.sleep(0)
            with Uplink(mosquitto.port, gateway) as uplink:
                await asyncio.to_thread(uplink.deliver, reports)
            assert await asyncio.wait_for(listening, LIMIT_S) == ("hq", "book")

    asyncio.run(run())


def test_a_taken_port_is_told(now_office: Present) -> None:
    office, _ = now_office

    async def run() -> None:
        config = load(None, {"data": str(office.folder), "broker.url": "mqtt://127.0.0.1:9", "http.port": 0})
        async with Backend(config, utc_ms) as backend:
            port = backend.url.rstrip("/").rsplit(":", 1)[1]
            again = load(None, {"data": str(office.folder), "http.port": int(port)})
            with pytest.raises(Exception, match="--port"):
                async with Backend(again, utc_ms):
                    raise AssertionError

    asyncio.run(run())
