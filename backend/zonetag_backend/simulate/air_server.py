"""The simulated air as a server on the loopback: each gateway connects, says its name, and hears what it would hear.

Wire format, little endian.  The gateway sends its name and a newline; then it gets records:

| bytes | record |
|---|---|
| 01, f64 at, i8 rssi, u8 n, n bytes | an advert: seconds from the office's start, dBm, AD bytes |
| 02, f64 at, u64 utc_ms | a mark: the line of time has come to `at`, which is `utc_ms` in UTC |
| 03 | the end of the simulation |

Behind its name a space and an identifier ask for that tag itself: what follows is in air_link.py.

The air runs `speed` times as fast as the clock.  Where a gateway cannot take it so fast, the writing waits and the
simulated time with it: no advert is dropped.  It also waits at the point up to which it is allowed to go (`allow`).
"""

import asyncio
import logging
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zonetag_backend.simulate.air_link import TagLinks
from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.emitter import Heard
from zonetag_backend.simulate.office import STEP_S, Office

_log = logging.getLogger(__name__)

_ADVERT = struct.Struct("<BdbB")
_MARK = struct.Struct("<BdQ")
ADVERT, MARK, END = 1, 2, 3
_MAX_NAME = 64  # bytes of the line that a gateway begins with: its name, and perhaps whom it calls
_SLICE_S = 0.25  # of real time: so often the gateways hear something, however slow the air runs
_MOST_SLICES = 400  # a step is told in so many parts at most, however slow the air runs
_BUFFER = 1 << 16  # bytes on their way to one gateway before the air waits for it


@dataclass(slots=True)
class _Line:
    """The connection of one gateway."""

    name: str
    writer: asyncio.StreamWriter
    # its last mark has been taken
    sent: int = 0
    # adverts written to it


class AirServer:
    """`async with AirServer(...) as air:` listens at `air.port`; `await air.run()` lets the office's day go by."""

    def __init__(
        self,
        office: Office,
        start_ms: int,
        speed: float,
        monotonic: Callable[[], float],
        logs: Sequence[ContactLog] = (),
    ) -> None:
        """`start_ms`: UTC of the office's second 0; `monotonic`: real seconds, by which the air is paced.

        `logs`: what the office's tags noted of each other, a log a tag; without them nobody can connect to a tag.
        """
        self._links = TagLinks(office.tags, logs, lambda: self.at_s, self.now_ms)
        self._office = office
        self._start_ms = start_ms
        self._speed = speed
        self._monotonic = monotonic
        self._wanted = {receiver.name for receiver in office.plan.receivers}
        self._lines: dict[str, _Line] = {}
        self._all_here = asyncio.Event()
        self._mark = (0.0, monotonic(), 0.0)  # office seconds, real seconds, how far it may run on from there
        self.told_s = 0.0
        # up to here every gateway has been sent what it hears
        self._allowed_s = math.inf
        self._allowed_more = asyncio.Event()
        self.port = 0
        # where it listens, once entered
        self.lost: list[str] = []
        # gateways that hung up before the end

    async def __aenter__(self) -> "AirServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_NAME)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines.values():
            line.writer.close()

    @property
    def adverts(self) -> int:
        """Adverts written to gateways so far."""
        return sum(line.sent for line in self._lines.values())

    @property
    def over(self) -> bool:
        """Whether the office's day has gone by."""
        return math.isinf(self._mark[2])

    @property
    def at_s(self) -> float:
        """The present of the office, seconds from its start; after its end it goes on at the clock's own pace."""
        at, since, room = self._mark
        gone = self._monotonic() - since
        return at + (gone if math.isinf(room) else min(gone * self._speed, room))

    def now_ms(self) -> int:
        """The same as UTC, ms."""
        return self._start_ms + round(self.at_s * 1000)

    def allow(self, until_s: float) -> None:
        """Let the air go on to `until_s` of the office's time, and no further until this is called again."""
        self._allowed_s = until_s
        self._allowed_more.set()

    async def connected(self) -> None:
        """Return when every gateway of the plan has come."""
        await self._all_here.wait()

    async def run(self) -> None:
        """From the first second to the last, once every gateway is there."""
        await self.connected()
        begin = self._monotonic()
        slices = max(1, min(_MOST_SLICES, round(STEP_S / self._speed / _SLICE_S)))
        for step in range(self._office.steps):
            heard = self._office.hear(step)
            for part in range(slices):
                low = step * STEP_S + part * STEP_S / slices
                high = min(low + STEP_S / slices, self._office.length_s)
                if low >= high:
                    break
                while low > self._allowed_s:
                    self._allowed_more.clear()
                    await self._allowed_more.wait()
                self._mark = low, self._monotonic(), high - low
                # What is heard until `high` is told at `high`.
                late = begin + high / self._speed - self._monotonic()
                if late < 0:
                    begin -= late  # the machine is too slow for the speed: simulated time gives way
                await asyncio.sleep(max(0.0, late))
                await self._tell(heard, low, high)
                self.told_s = high
        self._mark = self._office.length_s, self._monotonic(), math.inf
        await self._write_all({name: bytes([END]) for name in self._lines})

    async def _tell(self, heard: dict[str, list[Heard]], low: float, high: float) -> None:
        mark = _MARK.pack(MARK, high, self._start_ms + round(high * 1000))
        packets = {}
        for name, line in self._lines.items():
            adverts = [h for h in heard[name] if low <= h.at < high]
            line.sent += len(adverts)
            packets[name] = b"".join([_packed(advert) for advert in adverts]) + mark
        await self._write_all(packets)

    async def _write_all(self, packets: dict[str, bytes]) -> None:
        for name, packet in packets.items():
            self._lines[name].writer.write(packet)
        for name in packets:
            try:
                await self._lines[name].writer.drain()
            except ConnectionError:
                self._lines.pop(name).writer.close()
                self.lost.append(name)
                _log.warning("gateway %s has hung up; the air goes on without it", name)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name, _, called = (await reader.readuntil(b"\n")).decode().strip().partition(" ")
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            name = called = ""
        if called and name in self._wanted:
            await self._links.serve(called, reader, writer)
            return
        if name not in self._wanted or name in self._lines:
            _log.warning("no place in the air for a gateway called %r", name)
            writer.close()
            return
        writer.transport.set_write_buffer_limits(high=_BUFFER)
        writer.write(_MARK.pack(MARK, 0.0, self._start_ms))
        self._lines[name] = _Line(name, writer)
        if set(self._lines) == self._wanted:
            self._all_here.set()


def _packed(heard: Heard) -> bytes:
    return _ADVERT.pack(ADVERT, heard.at, heard.rssi, len(heard.data)) + heard.data
