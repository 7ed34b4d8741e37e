"""systemd is told only what is true: fed when scan, spool and publisher all move, and not otherwise."""

import asyncio
import itertools
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rig.brokers import Mosquitto
from rig.running import until
from rig.tags import Air, Chatter

from zonetag_gateway import watchdog
from zonetag_gateway.app import Gateway
from zonetag_gateway.attendant import Attendant, status
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import Config
from zonetag_gateway.logs import is_journal, priority
from zonetag_gateway.notify import MAX_STATUS, Notify

LIMIT_S = 120.0
Configure = Callable[..., Config]


class Manager:
    """A service manager's ear."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(LIMIT_S)

    def next(self) -> list[str]:
        return self._socket.recv(4096).decode().split("\n")

    def until(self, line: str) -> list[list[str]]:
        """What comes, up to the first message with that line."""
        seen = [self.next()]
        while line not in seen[-1]:
            seen.append(self.next())
        return seen

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    with TemporaryDirectory(prefix="notify-") as folder:  # a socket's path has 107 bytes at most
        made = Manager(f"{folder}/s" if request.param == "path" else f"@zonetag-test-{os.getpid()}")
        yield made
        made.close()


def test_what_is_said_arrives(manager: Manager) -> None:
    notify = Notify(manager.address)
    assert notify.wanted
    assert notify.say(ready=True, status="starting")
    assert manager.next() == ["READY=1", "STATUS=starting"]
    assert notify.say(feed=True, status="two\nlines and " + "x" * 500)
    fed, told = manager.next()
    assert fed == "WATCHDOG=1"
    assert told.startswith("STATUS=two lines and x")
    assert len(told) == len("STATUS=") + MAX_STATUS
    assert notify.say(stopping=True)
    assert manager.next() == ["STOPPING=1"]
    assert not notify.say()


def test_nobody_to_tell_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not Notify().wanted
    assert not Notify().say(ready=True)
    assert not Notify("vsock:2:1234").wanted
    gone = Notify(str(tmp_path / "gone"))
    with caplog.at_level(logging.WARNING):
        assert not gone.say(ready=True)
        assert not gone.say(feed=True)
    assert len(caplog.records) == 1  # told once


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "180000000"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "77"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "78"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_time(environ: dict[str, str], seconds: float | None) -> None:
    assert Notify.of(environ, 77).watchdog_s == seconds


def watch(times: list[float], stands: str | None) -> list[watchdog.Verdict]:
    """Verdicts at `times` of a gateway all of whose parts move, but one."""
    state, verdicts = watchdog.begin(0.0), []
    for n, now in enumerate(times):
        signs = {part: 1.0 if part == stands else float(n) for part in watchdog.LIMITS_S}
        state = watchdog.advanced(state, signs, now)
        verdicts.append(watchdog.judge(state, now))
    return verdicts


TIMES = [float(t) for t in range(10, 400, 10)]


def test_it_is_fed_while_everything_moves() -> None:
    assert all(verdict == watchdog.Verdict(True, "") for verdict in watch(TIMES, None))


@pytest.mark.parametrize("part", watchdog.LIMITS_S)
def test_whatever_stands_still_ends_the_feeding(part: str) -> None:
    verdicts = watch(TIMES, part)
    limit = watchdog.LIMITS_S[part]
    for now, verdict in zip(TIMES, verdicts, strict=True):
        stood = now - TIMES[0]  # it was seen there at the first look
        assert verdict.feed == (stood <= limit)
        assert verdict.reason == ("" if verdict.feed else f"{part} has stood still for {stood:.0f} s")


def test_what_moves_again_is_fed_again() -> None:
    state = watchdog.advanced(watchdog.begin(0.0), dict.fromkeys(watchdog.LIMITS_S, 1.0), 0.0)
    assert not watchdog.judge(state, 1000.0).feed
    state = watchdog.advanced(state, dict.fromkeys(watchdog.LIMITS_S, 0.0), 1000.0)  # backwards is a movement too
    assert watchdog.judge(state, 1000.0).feed


HEALTH: dict[str, Any] = {
    "tallies": {"adverts": 7},
    "acknowledged": 3,
    "spool": {"reports": 2, "held": 0},
    "synchronised": True,
}


def test_the_status_is_one_line_for_people() -> None:
    assert status(HEALTH, connected=True) == "heard 7 adverts, 3 reports delivered, 2 waiting, broker connected"
    bad = HEALTH | {"synchronised": False, "spool": {"reports": 2, "held": 4}}
    assert status(bad, connected=False) == (
        "heard 7 adverts, 3 reports delivered, 6 waiting, no broker, clock not synchronised, DISK REFUSES"
    )


@pytest.mark.parametrize("spool_answers", [True, False])
def test_a_spool_that_never_answers_is_told_of_and_not_waited_for(manager: Manager, spool_answers: bool) -> None:
    """The attendant on a clock that makes a minute of each of its looks."""

    async def scenario() -> None:
        now = 0.0

        def clock() -> float:
            nonlocal now
            now += 60.0
            return now

        moves = itertools.count()

        async def look() -> dict[str, Any]:
            if not spool_answers:
                await asyncio.Event().wait()
            return HEALTH

        attendant = Attendant(
            Notify(manager.address, 0.03),
            clock,
            scan=lambda: next(moves),
            publisher=lambda: next(moves),
            look=look,
            connected=lambda: True,
        )
        running = asyncio.create_task(attendant.run())
        wanted = "WATCHDOG=1" if spool_answers else "STATUS=spool has stood still for 120 s"
        seen = await asyncio.to_thread(manager.until, wanted)
        assert seen[0][0] == "READY=1"
        if not spool_answers:
            assert "WATCHDOG=1" not in seen[-1]
        running.cancel()
        await asyncio.wait((running,))

    asyncio.run(scenario())


def test_a_gateway_without_a_broker_is_ready_and_fed(manager: Manager, configure: Configure) -> None:
    """Neither the broker nor anything else is waited for; at the end systemd is told."""

    async def scenario() -> None:
        air, stop = Air(), asyncio.Event()
        notify = Notify(manager.address, 0.3)
        gateway = Gateway(configure("mqtt://127.0.0.1:1"), air, SystemClock(), "0.0", notify=notify)
        task = asyncio.create_task(gateway.run(stop, 0.1))
        chattering = asyncio.create_task(Chatter(air, 50).run())
        seen = await asyncio.to_thread(manager.until, "WATCHDOG=1")
        assert seen[0] == ["READY=1", "STATUS=starting"]
        await until(lambda: air.given > 20)
        assert any("no broker" in line for message in await asyncio.to_thread(waiting, manager) for line in message)
        chattering.cancel()
        stop.set()
        await task
        assert (await asyncio.to_thread(manager.until, "STOPPING=1"))[-1][0] == "STOPPING=1"

    def waiting(manager: Manager) -> list[list[str]]:
        return [manager.next() for _ in range(5)]

    asyncio.run(scenario())


def test_the_program_under_a_service_manager(manager: Manager, broker: Mosquitto, tmp_path: Path) -> None:
    """As systemd starts it: told when it is ready, its log with priorities, the time kept beside the spool."""
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'site = "hq"\nname = "entrance"\n[source]\nkind = "simulated"\nair = "127.0.0.1:1"\n'
        f'[spool]\npath = "spool.db"\n[broker]\nurl = "{broker.url}"\n'
    )
    with socket.create_server(("127.0.0.1", 0)) as simulator:  # accepts, and stays silent
        config.write_text(config.read_text().replace('127.0.0.1:1"', f'127.0.0.1:{simulator.getsockname()[1]}"'))
        read, write = os.pipe()
        told = os.fstat(write)
        environ = {
            **os.environ,
            "NOTIFY_SOCKET": manager.address,
            "WATCHDOG_USEC": "600000",
            "JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}",
        }
        command = [sys.executable, "-m", "zonetag_gateway", "run", "--config", str(config), "--drain", "0"]
        lines: list[str] = []
        with subprocess.Popen(command, stderr=write, env=environ) as process:
            os.close(write)
            with os.fdopen(read) as errors:
                reader = threading.Thread(target=lambda: lines.extend(errors))
                reader.start()
                manager.until("READY=1")
                manager.until("WATCHDOG=1")
                process.terminate()
                manager.until("STOPPING=1")
                assert process.wait(LIMIT_S) == 0
                reader.join(LIMIT_S)
    assert lines
    assert all(line[:3] in ("<3>", "<4>", "<6>") for line in lines), lines


def test_a_terminal_is_no_journal() -> None:
    told = os.fstat(2)
    assert is_journal({"JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"}, 2)
    assert not is_journal({"JOURNAL_STREAM": "1:2", "INVOCATION_ID": "0" * 32}, 2)
    assert not is_journal({}, 2)
    assert [priority(level) for level in (50, 40, 30, 20, 10)] == [2, 3, 4, 6, 7]
