"""The air and the backend of a soak: hours of adverts that are let go one by one, and somebody who acknowledges."""

import asyncio
import random
import struct
from collections.abc import Iterator

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from zonetag_protocol import acknowledgement, envelope, frame, report, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.rotation import EPOCH_S, SLOT_S

HOUR_S = 3600
OFFICE_H = range(8, 18)
TAGS, OTHERS = 40, 60
OTHERS_EVERY_S = 20.0  # one advert of a device in so many seconds
OTHERS_ROTATE_S = 900.0
START_MS = 1_790_000_000_000
ADVERT, MARK, END = 1, 2, 3


def adverts(hour: int, begin: float, dice: random.Random) -> Iterator[tuple[float, int, bytes]]:
    """An hour of air from second `begin` on: seconds, dBm, AD bytes."""
    epochs: dict[tuple[int, int], bytes] = {}
    other_slots = int(OTHERS_EVERY_S / SLOT_S)
    for slot in range(HOUR_S // SLOT_S):
        at = begin + slot * SLOT_S
        if hour % 24 in OFFICE_H:
            for tag in range(TAGS):
                epoch = tag, int(at + tag * 25.0) // EPOCH_S
                eid = epochs.setdefault(epoch, dice.randbytes(8))
                # A frame as the gateway sees it: to it, sealed bytes are random ones.
                data = frame.HEAD + b"\xeb" + eid + b"\x09\xff\xff\xff" + dice.randbytes(6)
                yield at + tag / 50, -50 - dice.randrange(40), data
        for number in range(slot % other_slots, OTHERS, other_slots):
            name = number + OTHERS, int((at + number * 15.0) // OTHERS_ROTATE_S)
            body = epochs.setdefault(name, dice.randbytes(20))
            head = bytes.fromhex("02011a03036ffd17166ffd" if number % 2 else "02011a17ff4c001006")
            yield at + 1 + number / 100, -60 - dice.randrange(30), head + body[: 31 - len(head)]


class Air:
    """What the gateway's source `simulated` connects to: adverts of hours that are let go."""

    def __init__(self) -> None:
        self.sent = 0
        self._at = 0.0  # seconds, to where time has come
        self._dice = random.Random(1)
        self._writer: asyncio.StreamWriter | None = None
        self.here = asyncio.Event()
        self.port = 0

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        self._writer = writer
        self.here.set()

    async def hour(self, hour: int) -> None:
        """Send one; returns when it has been taken."""
        assert self._writer is not None
        for count, (at, rssi, data) in enumerate(adverts(hour, self._at, self._dice)):
            self._writer.write(struct.pack("<BdbB", ADVERT, at, rssi, len(data)) + data)
            self.sent += 1
            if count % 500 == 0:
                await self._writer.drain()
        await self.pass_(HOUR_S)

    async def pass_(self, seconds: float) -> None:
        """Time goes on."""
        assert self._writer is not None
        self._at += seconds
        self._writer.write(struct.pack("<BdQ", MARK, self._at, START_MS + round(self._at * 1000)))
        await self._writer.drain()

    async def end(self) -> None:
        """The gateway ends by itself."""
        assert self._writer is not None
        self._writer.write(bytes([END]))
        await self._writer.drain()
        self._writer.close()
        self._server.close()


class Acknowledger:
    """A backend that acknowledges, and keeps nothing but how far it is; or, as a control, does not acknowledge."""

    def __init__(self, port: int, *, answers: bool) -> None:
        self.through = 0
        self._answers = answers
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "backend")
        self._client.on_connect = lambda client, *_: client.subscribe(topics.every(topics.REPORT), qos=1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        got = report.decode(envelope.unwrap(bytes(message.payload), "report"))
        if got.seq == self.through + 1:
            self.through = got.seq
        if self._answers:
            told = acknowledgement.encode(Acknowledgement(got.gateway, got.boot, self.through, ()))
            client.publish(topics.topic("hq", got.gateway, topics.ACK), envelope.wrap(told, "ack"), qos=1)

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()
