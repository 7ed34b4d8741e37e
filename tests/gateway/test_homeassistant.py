"""Home Assistant finds the gateway's own health, through a real broker, and finds nothing any more once it is off."""

import asyncio
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.running import running, until

from zonetag_gateway.announced import Announced
from zonetag_gateway.config import Config
from zonetag_gateway.errors import ConfigFaults
from zonetag_gateway.homeassistant import announcements

Configure = Callable[..., Config]
LIMIT_S = 120.0
ON = {"discovery": True}
OFTEN = {"every_s": 1}
TOPICS = set(announcements("hq", "entrance", "homeassistant", "0.0"))


class House:
    """What a Home Assistant would hear, and what is retained for the next one."""

    def __init__(self, port: int) -> None:
        self._port = port

    def retained(self) -> dict[str, Any]:
        """Every discovery message that the broker keeps, to a subscriber who comes now."""
        found: dict[str, Any] = {}
        done = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "house")

        def heard(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
            if message.topic == "end":
                done.set()
            elif message.retain:
                found[message.topic] = json.loads(message.payload)

        client.on_message = heard
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", self._port)
        client.subscribe([("+/+/+/+/config", 1), ("ha/#", 1), ("end", 1)])
        client.loop_start()
        assert subscribed.wait(LIMIT_S)
        client.publish("end", b"", 1)  # retained messages come before it
        assert done.wait(LIMIT_S)
        client.disconnect()
        client.loop_stop()
        return found


@pytest.fixture
def house(broker: Mosquitto) -> House:
    return House(broker.port)


async def run_until(config: Config, broker: Mosquitto, done: Callable[[], bool]) -> None:
    async with BackendStub(broker.port) as stub, running(config) as gateway:
        await until(lambda: bool(stub.reports))
        async with asyncio.timeout(LIMIT_S):
            while not await asyncio.to_thread(done):
                pass
        await gateway.end()


def test_it_is_found_and_reads_what_is_there(broker: Mosquitto, configure: Configure, house: House) -> None:
    asyncio.run(run_until(configure(broker.url, homeassistant=ON), broker, lambda: set(house.retained()) == TOPICS))
    assert house.retained().keys() == TOPICS
    for topic, message in house.retained().items():
        assert re.fullmatch(r"homeassistant/(binary_sensor|sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
        assert message["state_topic"] in ("zonetag/v1/hq/entrance/state", "zonetag/v1/hq/entrance/health")
        assert message["device"]["identifiers"] == ["zonetag_hq_entrance"]
        assert message["entity_category"] == "diagnostic"
    assert len({message["unique_id"] for message in house.retained().values()}) == len(TOPICS)


def test_every_template_reads_something_that_is_published(broker: Mosquitto, configure: Configure) -> None:
    """Each path of a template stands in the message of its topic (or has a default)."""

    async def scenario() -> dict[str, Any]:
        async with BackendStub(broker.port) as stub:
            async with running(configure(broker.url, health=OFTEN)) as gateway:
                await until(lambda: stub.last("health") is not None)
                await gateway.end()
            return {leaf: json.loads(stub.last(leaf) or b"{}") for leaf in ("state", "health")}

    told = asyncio.run(scenario())
    for message in announcements("hq", "entrance", "homeassistant", "0.0").values():
        entity = json.loads(message)
        template = entity["value_template"]
        paths = re.findall(r"value_json((?:\.\w+)+)", template)
        assert paths, template
        for path in paths:
            found: Any = told[entity["state_topic"].rsplit("/", 1)[1]]
            for key in path.split(".")[1:]:
                assert key in found, template
                found = found[key]


def test_switched_off_it_is_gone_and_forgotten(
    broker: Mosquitto, configure: Configure, house: House, tmp_path: Path
) -> None:
    memory = tmp_path / "spool.db.announced"
    on = configure(broker.url, homeassistant=ON, health=OFTEN)
    asyncio.run(run_until(on, broker, lambda: set(house.retained()) == TOPICS))
    assert memory.exists()
    elsewhere = configure(broker.url, homeassistant={**ON, "prefix": "ha"}, health=OFTEN)  # moved, not doubled
    moved = {topic.replace("homeassistant/", "ha/") for topic in TOPICS}
    asyncio.run(run_until(elsewhere, broker, lambda: set(house.retained()) == moved))
    off = configure(broker.url, health=OFTEN)
    asyncio.run(run_until(off, broker, lambda: not house.retained() and not memory.exists()))
    assert house.retained() == {}


def test_never_switched_on_it_publishes_nothing_there(broker: Mosquitto, configure: Configure) -> None:
    asyncio.run(run_until(configure(broker.url, health=OFTEN), broker, lambda: True))
    assert not any("/config" in line for line in broker.log)


def test_a_broker_that_was_away_at_the_removal(tmp_path: Path) -> None:
    """Nothing is forgotten before the broker has taken it."""
    path = tmp_path / "announced"
    wanted = {"homeassistant/sensor/a/b/config": b"{}"}
    assert Announced(path, wanted).prepare() == wanted
    for _ in range(2):
        off = Announced(path, {})
        assert off.prepare() == {"homeassistant/sensor/a/b/config": b""}
    off.settle(1)
    off.settle(0)
    off.settle(2)
    assert path.exists()
    off.settle(2)
    assert Announced(path, {}).prepare() == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{}", b"7", b"[7, null]", b'["zonetag/v1/hq/entrance/state", "#/config", "a/+/config"]', b"\xff"],
)
def test_a_damaged_memory_empties_nothing_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "announced"
    path.write_bytes(content)
    assert Announced(path, {}).prepare() == {}


def test_a_disk_that_refuses_means_nothing_is_announced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Announced(tmp_path / "file" / "below", {"a/config": b"{}"}).prepare() == {}


@pytest.mark.parametrize("prefix", ["", "/a", "a/", "a//b", "a/#", "+", "$SYS"])
def test_a_prefix_that_cannot_begin_a_topic(configure: Configure, prefix: str) -> None:
    with pytest.raises(ConfigFaults):
        configure("mqtt://127.0.0.1", homeassistant={"prefix": prefix})
