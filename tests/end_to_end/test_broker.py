"""The embedded broker: what a 3.1.1 client and a v5 client get, and that nothing stays behind."""

import asyncio
import socket

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from zonetag_backend.broker import REFUSE_V3, REFUSE_V5, EmbeddedBroker, refusal_of

LIMIT_S = 60.0


class Peer:
    """A paho client whose callbacks fill asyncio queues."""

    def __init__(self, protocol: int, loop: asyncio.AbstractEventLoop) -> None:
        self.connected: asyncio.Queue[int] = asyncio.Queue()
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        version = MQTTProtocolVersion(protocol)
        self.mqtt = Client(CallbackAPIVersion.VERSION2, client_id="x", protocol=version)
        self.mqtt.will_set("zonetag/v1/a/b/state", b"gone", 1, True)

        def connected(_client: Client, _data: object, _flags: object, code: ReasonCode, _properties: object) -> None:
            loop.call_soon_threadsafe(self.connected.put_nowait, code.value)

        def message(_client: Client, _data: object, heard: MQTTMessage) -> None:
            loop.call_soon_threadsafe(self.messages.put_nowait, bytes(heard.payload))

        self.mqtt.on_connect = connected
        self.mqtt.on_message = message

    async def __aenter__(self) -> "Peer":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.mqtt.disconnect()
        await asyncio.to_thread(self.mqtt.loop_stop)

    async def connect(self, port: int) -> int:
        await asyncio.to_thread(self.mqtt.connect, "127.0.0.1", port)
        self.mqtt.loop_start()
        return await asyncio.wait_for(self.connected.get(), LIMIT_S)


def test_v5_is_refused_with_its_own_reason_and_311_is_served() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        async with EmbeddedBroker() as broker:
            async with Peer(5, loop) as client:
                assert await client.connect(broker.port) == 0x84
            async with Peer(4, loop) as client:
                assert await client.connect(broker.port) == 0
                client.mqtt.subscribe("zonetag/v1/+/+/report", 1)
                client.mqtt.publish("zonetag/v1/hq/g1/report", b"x" * 100_000, 1)
                assert await asyncio.wait_for(client.messages.get(), LIMIT_S) == b"x" * 100_000
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", broker.port))

    asyncio.run(scene())


def test_it_closes_with_clients_still_connected_and_with_one_that_says_nothing() -> None:
    async def scene() -> None:
        async with EmbeddedBroker() as broker:
            client = Peer(4, asyncio.get_running_loop())
            assert await client.connect(broker.port) == 0
            _, mute = await asyncio.open_connection("127.0.0.1", broker.port)
        mute.close()
        await client.__aexit__()

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


@pytest.mark.parametrize(
    ("head", "refusal"),
    [
        ("102300044d51545405", REFUSE_V5),
        ("10a30100044d51545404", None),
        ("102300064d514973647003", REFUSE_V3),
        ("302300044d51545405", None),
    ],
)
def test_refusals(head: str, refusal: bytes | None) -> None:
    assert refusal_of(bytes.fromhex(head)) == refusal
