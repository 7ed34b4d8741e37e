"""Commands over a real broker: carried out, answered, and rubbish does no harm to hearing and delivering."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.running import check_all_arrived, more_than, running, until

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import Config
from zonetag_gateway.remote import Remote
from zonetag_gateway.source import Hear, Moment
from zonetag_protocol import topics

Configure = Callable[..., Config]
CMD = topics.topic("hq", "entrance", topics.CMD)
ON = {"remote": {"enabled": True}, "health": {"every_s": 3600}}


class Operator:
    """Sends commands, and keeps the answers by id."""

    def __init__(self, broker: Mosquitto) -> None:
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "operator", protocol=mqtt.MQTTv311)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", broker.port)
        self._client.subscribe(topics.topic("hq", "entrance", topics.DONE), 1)
        self._client.loop_start()

    def send(self, identifier: str, do: str, *, retain: bool = False, ago_ms: int = 0, **arguments: object) -> None:
        at = SystemClock().now().utc_ms - ago_ms
        self.raw(json.dumps({"id": identifier, "at": at, "do": do, "with": arguments}).encode(), retain=retain)

    def raw(self, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(CMD, payload, 1, retain)

    def code(self, identifier: str) -> str | None:
        answers = self.answers.get(identifier)
        return answers[-1]["code"] if answers else None

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        answer = json.loads(message.payload)
        assert not message.retain
        self.answers.setdefault(answer["id"], []).append(answer)


@pytest.fixture
def operator(broker: Mosquitto) -> Iterator[Operator]:
    operator = Operator(broker)
    yield operator
    operator.stop()


@pytest.fixture
def level() -> Iterator[None]:
    """The level of the program's log, put back at the end."""
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)


@pytest.mark.usefixtures("level")
def test_commands_are_carried_out_and_answered(
    broker: Mosquitto, configure: Configure, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub, running(configure(broker.url, **ON)):
            await until(lambda: len(stub.reports) >= 1)
            operator.send("1", "log-level", level="error")
            await until(lambda: operator.code("1") == "ok")
            assert logging.getLogger().level == logging.ERROR
            operator.send("2", "log-level", level="info")
            operator.send("3", "find-me", seconds=5)
            await until(lambda: operator.code("3") == "ok")
            await until(lambda: "find-me: it is this gateway" in caplog.text)
            assert stub.last("health") is None  # of its own accord only after an hour
            operator.send("4", "send-health")
            await until(lambda: operator.code("4") == "ok")
            await until(lambda: stub.last("health") is not None)
            assert json.loads(stub.last("health") or b"{}")["commands"]["taken"] == 4
            wrong: list[tuple[str, str, dict[str, Any], str]] = [
                ("5", "restart-scan", {}, "unsupported"),  # this source has none
                ("6", "update", {}, "unsupported"),
                ("7", "shut-down", {}, "unknown-command"),
                ("8", "log-level", {"level": "loud"}, "bad-argument"),
                ("9", "find-me", {"minutes": 1}, "bad-argument"),
                ("10", "find-me", {"seconds": True}, "bad-argument"),
            ]
            for identifier, do, arguments, expected in wrong:
                operator.send(identifier, do, **arguments)
                await until(partial(operator.answers.__contains__, identifier))
                assert operator.code(identifier) == expected
            assert not operator.answers["10"][0]["ok"]
            assert operator.answers["10"][0]["text"]

    asyncio.run(scenario())


def test_rubbish_harms_nothing(broker: Mosquitto, configure: Configure, operator: Operator) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)

    async def scenario() -> None:
        async with BackendStub(broker.port) as stub, running(configure(broker.url, **ON)) as gateway:
            await until(lambda: len(stub.reports) >= 1)
            whole = json.dumps({"id": "x", "at": 0, "do": "find-me"}).encode()
            for _ in range(300):
                cut = dice.randrange(len(whole))
                rubbish = b"\xff" + dice.randbytes(dice.randrange(40))  # the first byte is never UTF-8
                operator.raw(whole[:cut] + rubbish + whole[cut + dice.randrange(5) :])
            operator.raw(b"[" * 200_000)
            operator.raw(b"")
            known = len(stub.reports)
            await until(lambda: more_than(lambda: len(stub.reports), known + 3))
            summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)
            commands = json.loads(stub.last("health") or b"{}")["commands"]
            assert commands["taken"] == 0
            assert commands["unanswered"] > 100

    asyncio.run(scenario())


def test_repeated_old_and_retained_commands(broker: Mosquitto, configure: Configure, operator: Operator) -> None:
    async def scenario() -> None:
        operator.send("kept", "find-me", retain=True)
        async with BackendStub(broker.port) as stub, running(configure(broker.url, **ON)) as gateway:
            await until(lambda: operator.code("kept") == "retained")
            operator.send("old", "find-me", ago_ms=120_000)
            # Whether it is old can only be known where this machine's clock is synchronised.
            expected = "expired" if SystemClock().now().synchronised else "ok"
            await until(lambda: operator.code("old") == expected)
            for _ in range(3):
                operator.send("twice", "send-health")
                await until(lambda: operator.code("twice") == "ok")
            await until(lambda: len(operator.answers["twice"]) == 3)
            assert operator.answers["twice"][0]["text"] == operator.answers["twice"][2]["text"]
            await gateway.end()
            await until(lambda: json.loads(stub.last("state") or b'{"online":1}')["online"] is False)
            taken = json.loads(stub.last("health") or b"{}")["commands"]["taken"]
            assert taken == (1 if expected == "expired" else 2)

    asyncio.run(scenario())


def test_nobody_listens_unless_it_is_switched_on(broker: Mosquitto, configure: Configure, operator: Operator) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub, running(configure(broker.url)) as gateway:
            await until(lambda: len(stub.reports) >= 1)
            operator.send("1", "find-me")
            known = len(stub.reports)
            await until(lambda: more_than(lambda: len(stub.reports), known + 2))
            await gateway.end()
        assert operator.answers == {}
        assert not any(CMD in line for line in broker.log if "zonetag-hq-entrance" in line)

    asyncio.run(scenario())


class Scanner:
    """A source whose scan can be started again."""

    restarts = 0

    async def run(self, hear: Hear) -> None:
        """Nothing."""

    def now(self) -> float:
        return 0.0

    def moment(self, at: float) -> Moment:
        return Moment(0, 0, synchronised=False)

    def restart(self) -> None:
        self.restarts += 1


def test_the_scan_is_started_again() -> None:
    source = Scanner()
    said: list[bytes] = []

    async def nothing() -> None:
        """No health here."""

    async def go() -> None:
        remote = Remote(SystemClock(), source, say=said.append, tell_health=nothing)
        running = asyncio.create_task(remote.run())
        body = {"id": "1", "at": SystemClock().now().utc_ms, "do": "restart-scan"}
        remote.receive(json.dumps(body).encode(), retained=False)
        await until(lambda: bool(said))
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(go())
    assert source.restarts == 1
    assert json.loads(said[0])["code"] == "ok"
