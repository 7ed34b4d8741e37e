"""The embedded MQTT broker of `zonetag demo`: amqtt, in this process, on a free port of the loopback.

The only file that imports amqtt.  Nothing is kept on disk and nobody is asked for a password, so it is for a
demonstration and for tests; an office runs mosquitto.

amqtt speaks MQTT 3.1.1 only, and takes a v5 CONNECT apart as if it were one: it then neither answers nor hangs up, and
the client waits for ever.  So the first packet is looked at here, and a CONNECT of another version is refused as MQTT
v5 section 4.13 asks (CONNACK 0x84, or return code 1 for version 3.1), upon which a client with `mqtt_version = "auto"`
comes again with 3.1.1.
"""

import asyncio
import logging
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter  # type: ignore[import-untyped]  # it ships no types
from amqtt.broker import Broker  # type: ignore[import-untyped]  # it ships no types
from amqtt.errors import ProtocolHandlerError  # type: ignore[import-untyped]  # it ships no types

_LISTENER = "default"
_CONNECT = 0x10  # fixed header of a CONNECT packet
_V311 = 4  # protocol level of MQTT 3.1.1
_V5 = 5
_FIRST_PACKET_S = 10.0  # a client that has said nothing by then is hung up on
_SPEECHLESS = (ConnectionError, asyncio.IncompleteReadError, TimeoutError)

REFUSE_V5 = bytes.fromhex("2003008400")  # CONNACK, no session, 0x84 unsupported protocol version, no properties
REFUSE_V3 = bytes.fromhex("20020001")  # CONNACK, no session, 1 unacceptable protocol version


class _Peeked(StreamReaderAdapter):  # type: ignore[misc]  # its base has no types
    """A reader that gives back first what was already read from it."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._head = head

    async def read(self, n: int = -1) -> bytes:
        """As StreamReader.read for n == -1, as readexactly otherwise."""
        if not self._head:
            return bytes(await super().read(n))
        if n == -1:
            head, self._head = self._head, b""
            return head
        head, self._head = self._head[:n], self._head[n:]
        return head if len(head) == n else head + bytes(await super().read(n - len(head)))


class EmbeddedBroker:
    """`async with EmbeddedBroker() as broker:` serves MQTT 3.1.1 at `broker.url` until the block is left."""

    def __init__(self, port: int = 0) -> None:
        """`port` 0 takes a free one."""
        self._wanted = port
        self._clients: set[asyncio.Task[None]] = set()
        self.port = 0
        # where it listens, once entered

    @property
    def url(self) -> str:
        """Where to connect to: mqtt://127.0.0.1:PORT."""
        return f"mqtt://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "EmbeddedBroker":
        # Its refusals and its state machine's steps are of no use to an operator; its errors are.
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        logging.getLogger("transitions").setLevel(logging.ERROR)
        asyncio.get_running_loop().set_exception_handler(_told)
        self._broker = Broker(
            {
                "listeners": {_LISTENER: {"type": "external"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        await self._broker.start()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._wanted)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        # It calls it an error, with a traceback, that what it did for a client is cancelled; from here on it is none.
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        self._server.close()
        await self._broker.shutdown()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._clients.add(task)
        task.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                head = await asyncio.wait_for(_first_bytes(reader), _FIRST_PACKET_S)
            except _SPEECHLESS:
                return
            refusal = refusal_of(head)
            if refusal is None:
                peeked = _Peeked(head, reader)
                await self._broker.external_connected(peeked, StreamWriterAdapter(writer), _LISTENER)
            else:
                writer.write(refusal)
                await writer.drain()
        except ConnectionError:
            pass  # the client is gone, which is its right
        finally:
            writer.close()


def _told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a task of amqtt was doing when its client left, nobody waits for; everything else is told as always."""
    if not isinstance(context.get("exception"), ProtocolHandlerError):
        loop.default_exception_handler(context)


async def _first_bytes(reader: asyncio.StreamReader) -> bytes:
    """The head of the first packet up to the protocol level: type, length (1 to 4 bytes), name (2 + n), level."""
    head = await reader.readexactly(2)
    while head[-1] & 0x80 and len(head) < 5:
        head += await reader.readexactly(1)
    name = await reader.readexactly(2)
    # "MQTT" or the "MQIsdp" of version 3.1; what claims to be longer is no MQTT and is left to the broker to refuse.
    length = min(int.from_bytes(name, "big"), 6)
    return head + name + await reader.readexactly(length + 1)


def refusal_of(head: bytes) -> bytes | None:
    """The CONNACK that refuses this head of a first packet, or None when the broker can take it."""
    if head[0] != _CONNECT or head[-1] == _V311:
        return None  # what is no CONNECT at all, the broker refuses by itself
    return REFUSE_V5 if head[-1] >= _V5 else REFUSE_V3
