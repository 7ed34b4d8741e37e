"""Settings from afar: checked as the file is, on trial, kept or undone; and none can stop a gateway from starting."""

import asyncio
import itertools
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.running import until
from rig.simulator import Simulator

from zonetag_gateway import trial
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.commands import Answer
from zonetag_gateway.config import setting_names
from zonetag_gateway.overlay import ALLOWED, Overlay, OverlayFile, overrides
from zonetag_protocol import topics

LIMIT_S = 60.0
OLD, NEW = {"report.every_s": 4}, {"report.every_s": 1, "windows.change_db": 6}


def file_at(path: Path) -> OverlayFile:
    return OverlayFile(path, lambda settings: settings)


def test_the_allowed_settings_exist() -> None:
    assert set(ALLOWED) <= set(setting_names())
    assert not any(name.startswith(("broker.", "spool.", "remote.", "recovery.")) for name in ALLOWED)


def test_the_table_of_states() -> None:
    kept = Overlay(OLD)
    waiting = kept.proposed(NEW, "a-1")
    begun = waiting.started()
    assert (kept.settings, waiting.settings, begun.settings) == (OLD, OLD, NEW)
    assert kept.started() == kept
    assert begun.started() == kept  # cut short
    assert begun.proved() == Overlay(NEW)
    assert begun.undone() == kept
    assert begun.proposed({}, "a-2").started().settings == {}
    assert overrides(NEW) == {"report": {"every_s": 1}, "windows": {"change_db": 6}}


def test_every_step_is_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "overlay.json"
    file = file_at(path)
    assert file.start() == {}
    assert not path.exists()  # nothing to write down
    file.write(file.overlay.proposed(NEW, "a-1"))
    assert file_at(path).start() == NEW
    assert file_at(path).overlay.begun
    assert file_at(path).start() == {}  # whoever began it did not end it
    assert file_at(path).overlay == Overlay()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"kept": 1}',
        b'{"kept": {"spool.path": "/etc/passwd"}}',
        b'{"trial": {"broker.url": "mqtt://evil"}, "begun": false}',
        b'{"unknown": {}}',
        b"\xff\xfe",
        b"[" * 60_000,
    ],
)
def test_a_file_that_is_none_of_ours_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "overlay.json"
    path.write_bytes(content)
    assert file_at(path).start() == {}


def test_a_trial_that_cannot_be_written_down_is_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "overlay.json"
    file_at(path).write(Overlay(OLD).proposed(NEW, "a-1"))
    (tmp_path / "overlay.json.new").mkdir()  # where the file is written first
    assert file_at(path).start() == OLD


@pytest.mark.parametrize(("works", "code", "after"), [(True, "ok", NEW), (False, "rolled-back", OLD)])
def test_a_trial_is_decided(tmp_path: Path, works: bool, code: str, after: dict[str, Any]) -> None:
    path = tmp_path / "overlay.json"
    file = file_at(path)
    file.write(Overlay(OLD).proposed(NEW, "a-1").started())
    answers: list[Answer] = []
    restarts: list[None] = []

    async def go() -> None:
        watching = asyncio.create_task(
            trial.watch(
                file, works=lambda: works, answer=answers.append, restart=lambda: restarts.append(None), limit_s=0.1
            )
        )
        await until(lambda: bool(answers))
        assert not watching.done()
        watching.cancel()
        await asyncio.wait({watching})

    asyncio.run(go())
    assert [(answer.id, answer.code) for answer in answers] == [("a-1", code)]
    assert len(restarts) == (0 if works else 1)
    assert file_at(path).overlay == Overlay(after)


@pytest.fixture
def config(tmp_path: Path, broker: Mosquitto) -> Callable[[int], Path]:
    def write(air: int) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(
            f'site = "hq"\nname = "entrance"\n[source]\nkind = "simulated"\nair = "127.0.0.1:{air}"\n'
            f'[spool]\npath = "spool.db"\n[broker]\nurl = "{broker.url}"\nresend_s = 1\n[remote]\nenabled = true\n'
        )
        return path

    return write


async def start(config: Path) -> Process:
    words = ("-m", "zonetag_gateway", "run", "--config", str(config), "--drain", "1")
    return await asyncio.create_subprocess_exec(sys.executable, *words, stderr=PIPE)


class Operator:
    """Sends settings through a broker; the answers are the stub's to hear."""

    def __init__(self, broker: Mosquitto, stub: BackendStub) -> None:
        self._broker = broker
        self._stub = stub
        self._ids = itertools.count()

    def set(self, **settings: Any) -> str:
        identifier = f"c{next(self._ids)}"
        named = {name.replace("__", "."): value for name, value in settings.items()}
        at = SystemClock().now().utc_ms
        body = {"id": identifier, "at": at, "do": "config", "with": {"settings": named}}
        client = mqtt.Client(CallbackAPIVersion.VERSION2, f"operator-{identifier}", protocol=mqtt.MQTTv311)
        client.connect("127.0.0.1", self._broker.port)
        client.loop_start()
        client.publish(topics.topic("hq", "entrance", topics.CMD), json.dumps(body).encode(), 1).wait_for_publish(60)
        client.disconnect()
        client.loop_stop()
        return identifier

    def codes(self, identifier: str) -> list[str]:
        answers = [json.loads(payload) for topic, payload, _ in self._stub.others if topic.endswith("/done")]
        return [answer["code"] for answer in answers if answer["id"] == identifier]


def test_settings_are_taken_by_a_restart_of_the_pipeline_and_kept(
    broker: Mosquitto, config: Callable[[int], Path], tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Simulator() as air, BackendStub(broker.port) as stub:
            operator = Operator(broker, stub)
            process = await start(config(air.port))
            await until(lambda: bool(stub.reports))
            refused = [operator.set(report__every_s=0), operator.set(spool__path="/tmp/x")]
            await until(lambda: [operator.codes(one) for one in refused] == [["bad-argument"], ["bad-argument"]])
            assert not (tmp_path / "overlay.json").exists()
            identifier = operator.set(report__every_s=1)
            await until(lambda: operator.codes(identifier) == ["trial", "ok"])
            assert len(air.names) == 2  # it has connected anew
            assert len({report.boot for report in stub.reports}) == 2
            process.send_signal(signal.SIGTERM)  # to the same process
            await asyncio.wait_for(process.communicate(), LIMIT_S)
            assert process.returncode == 0
        assert json.loads((tmp_path / "overlay.json").read_text())["kept"] == {"report.every_s": 1}

    asyncio.run(scenario())


def test_a_trial_that_is_cut_short_is_undone(broker: Mosquitto, config: Callable[[int], Path], tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Simulator() as air, BackendStub(broker.port) as stub:
            operator = Operator(broker, stub)
            process = await start(config(air.port))
            await until(lambda: bool(stub.reports))
            air.silent = True  # so that the trial is not proved
            identifier = operator.set(report__every_s=1)
            await until(lambda: len(air.names) == 2)
            process.kill()
            await asyncio.wait_for(process.communicate(), LIMIT_S)
            assert operator.codes(identifier) == ["trial"]
            assert json.loads((tmp_path / "overlay.json").read_text())["begun"] is True
            air.silent = False
            known = {report.boot for report in stub.reports}
            process = await start(config(air.port))
            await until(lambda: {report.boot for report in stub.reports} > known)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), LIMIT_S)
            after = json.loads((tmp_path / "overlay.json").read_text())
            assert (after["kept"], after["trial"]) == ({}, None)

    asyncio.run(scenario())
