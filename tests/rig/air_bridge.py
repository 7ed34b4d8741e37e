"""From a virtual air to a real gateway: what its scanner hears, as the stream that the simulated source reads."""

import asyncio
import struct

from rig.virtual_air import Heard

ADVERT = struct.Struct("<BdbB")
MARK = struct.Struct("<BdQ")
END = b"\x03"
MARK_EACH_MS = 1000


class AirBridge:
    """A server for one gateway; the air's millisecond 0 is `start_ms` in UTC."""

    def __init__(self, start_ms: int) -> None:
        self._start_ms = start_ms
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._marked_ms = -MARK_EACH_MS
        self.connected = asyncio.Event()
        self.port = 0
        self.adverts = 0

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def hear(self, heard: Heard) -> None:
        """Pass an advert on, behind a mark of the time now and then."""
        self._mark(heard.at_ms)
        self._write(ADVERT.pack(1, heard.at_ms / 1000, heard.rssi, len(heard.data)) + heard.data)
        self.adverts += 1

    def end(self, at_ms: float) -> None:
        """The end of the simulation; the gateway delivers what it has and ends too."""
        self._marked_ms = -MARK_EACH_MS
        self._mark(at_ms)
        self._write(END)

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    def _mark(self, at_ms: float) -> None:
        if at_ms - self._marked_ms >= MARK_EACH_MS:
            self._marked_ms = int(at_ms)
            self._write(MARK.pack(2, at_ms / 1000, self._start_ms + int(at_ms)))

    def _write(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        await reader.readline()  # the gateway's name
        self.connected.set()
