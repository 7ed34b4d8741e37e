"""The program itself, as a process: signals, exit codes, what it prints, and kill -9."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.captures import btsnoop, le_report
from rig.simulator import T0, Simulator
from rig.tags import Tag

LIMIT_S = 60.0
SUMMARY = {"adverts", "windows", "reports", "sent", "acknowledged", "spooled", "dropped"}


@pytest.fixture
def config(tmp_path: Path, broker: Mosquitto) -> Callable[..., Path]:
    def write(air: int = 1) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(
            f'site = "hq"\nname = "entrance"\n[source]\nair = "127.0.0.1:{air}"\n'
            f'[spool]\npath = "spool.db"\n[broker]\nurl = "{broker.url}"\nresend_s = 1\n'
        )
        return path

    return write


async def start(*words: str | Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "zonetag_gateway", *map(str, words), stdout=PIPE, stderr=PIPE
    )


async def end(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    return process.returncode, out.decode(), err.decode()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not done():  # noqa: ASYNC110  # what is waited for happens in other programs
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(config: Callable[..., Path], broker: Mosquitto, number: signal.Signals) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub, Simulator() as air:
            process = await start("run", "--config", config(air.port), "--source", "simulated", "--json")
            await until(lambda: len(stub.reports) >= 2)
            process.send_signal(number)
            code, out, err = await end(process)
            assert code == 0, err
            summary = json.loads(out)
            assert set(summary) == SUMMARY
            assert summary["spooled"] == 0
            assert summary["acknowledged"] == summary["reports"] == len(set(stub.names()))
            assert summary["windows"] == len(stub.windows())
            assert summary["adverts"] == sum(window.count for window in stub.windows())
            assert air.names == ["entrance"]
            assert all(line.split(" ", 1)[0] in ("INFO", "WARNING", "ERROR") for line in err.splitlines()), err

    asyncio.run(scenario())


def test_kill_9_and_start_again(config: Callable[..., Path], broker: Mosquitto) -> None:
    """What had reached the disk and nobody had acknowledged is delivered by the next run."""

    async def scenario() -> None:
        deaf = BackendStub(broker.port, answer=lambda report, stub: [])
        async with Simulator() as air:
            path = config(air.port)
            async with deaf:
                process = await start("run", "--config", path, "--source", "simulated")
                await until(lambda: len(set(deaf.names())) >= 3)
                process.kill()
                await end(process)
            before = set(deaf.names())
            async with BackendStub(broker.port) as stub:
                process = await start("run", "--config", path, "--source", "simulated", "--json")
                await until(lambda: len({boot for boot, _ in stub.names()}) == 2)
                process.terminate()
                code, out, err = await end(process)
                assert code == 0, err
                assert json.loads(out)["spooled"] == 0
                assert before <= set(stub.names())
                first_boot, second_boot = sorted({boot for boot, _ in stub.names()})
                assert (first_boot >> 32, second_boot >> 32) == (1, 2)
                for boot in (first_boot, second_boot):
                    seqs = sorted({seq for b, seq in stub.names() if b == boot})
                    assert seqs == list(range(1, len(seqs) + 1))

    asyncio.run(scenario())


def test_all_faults_of_the_configuration_and_exit_1(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('site = "HQ"\n[broker]\nurl = "broker"\n')

    async def scenario() -> None:
        code, out, err = await end(await start("run", "--config", path, "--json"))
        assert code == 1
        assert out == ""
        for fault in ("site: ", "name: ", "broker.url: "):
            assert fault in err
        assert "Traceback" not in err

    asyncio.run(scenario())


def test_wrong_usage_is_exit_2() -> None:
    async def scenario() -> None:
        code, _, err = await end(await start("run", "--sauce", "x"))
        assert code == 2
        assert "usage:" in err

    asyncio.run(scenario())


def capture(path: Path, seconds: int = 120) -> int:
    """A capture of ten tags, twice a second each; how many adverts that is."""
    tags = [Tag(n) for n in range(10)]
    records = [
        ((T0 * 2 + half) * 500_000, 3, b"\x04" + le_report(tag.advert(T0 + half // 2), -60))
        for half in range(seconds * 2)
        for tag in tags
    ]
    path.write_bytes(btsnoop(1002, records))
    return len(records)


def test_replay_delivers_a_capture_as_fast_as_possible(
    config: Callable[..., Path], broker: Mosquitto, tmp_path: Path
) -> None:
    adverts = capture(tmp_path / "office.btsnoop")

    async def scenario() -> None:
        async with BackendStub(broker.port) as stub:
            words = ("replay", "--config", config(), "--speed", "max", "--json", tmp_path / "office.btsnoop")
            code, out, err = await end(await start(*words))
            assert code == 0, err
            summary = json.loads(out)
            assert summary["adverts"] == adverts == sum(window.count for window in stub.windows())
            assert summary["spooled"] == summary["dropped"] == 0
            times = [r.base.utc_ms for r in stub.reports]
            assert times == sorted(times)
            assert (times[0], len(times) >= 20) == (T0 * 1000, True)

    asyncio.run(scenario())


def test_replay_without_a_broker(config: Callable[..., Path], tmp_path: Path) -> None:
    adverts = capture(tmp_path / "office.btsnoop")

    async def scenario() -> None:
        words = ("replay", "--config", config(), "--speed", "max", "--no-broker", "--json", tmp_path / "office.btsnoop")
        code, out, err = await end(await start(*words))
        assert code == 0, err
        summary = json.loads(out)
        assert summary["adverts"] == summary["tallies"]["adverts"] == adverts
        assert summary["sent"] == 0
        assert not (tmp_path / "spool.db").exists()

    asyncio.run(scenario())


def test_replay_of_a_file_that_is_no_capture(config: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(bytes(100))

    async def scenario() -> None:
        code, out, err = await end(await start("replay", "--config", config(), "--json", tmp_path / "noise"))
        assert (code, out) == (1, "")
        assert "Traceback" not in err

    asyncio.run(scenario())


def test_replay_without_a_broker_needs_no_configuration(tmp_path: Path) -> None:
    capture = tmp_path / "capture"
    capture.write_bytes(btsnoop(1002, [(i, 3, b"\x04" + le_report(Tag(1).advert(T0), -60)) for i in range(7)]))

    async def scenario() -> None:
        code, out, err = await end(await start("replay", capture, "--no-broker", "--speed", "max", "--json"))
        assert code == 0, err
        assert json.loads(out)["adverts"] == 7

    asyncio.run(scenario())


def test_a_reader_that_has_had_enough(tmp_path: Path) -> None:
    """As in `zonetag-gateway doctor | head -1`: no traceback."""
    command = f"{sys.executable} -m zonetag_gateway doctor --json --config {tmp_path}/none; echo $? >&2"

    async def scenario() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        process = await asyncio.create_subprocess_shell(command, stdout=writing, stderr=PIPE)
        os.close(writing)
        _, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
        assert err == f"{128 + signal.SIGPIPE}\n".encode()

    asyncio.run(scenario())


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "soon"])
def test_drain_is_a_number_of_seconds(seconds: str) -> None:
    async def scenario() -> None:
        code, _, err = await end(await start("run", "--drain", seconds))
        assert code == 2
        assert "--drain" in err

    asyncio.run(scenario())
