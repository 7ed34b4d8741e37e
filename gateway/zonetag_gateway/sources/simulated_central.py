"""Connections to simulated tags, in place of Bluetooth: over the loopback, to where the simulated air comes from.

The gateway sends its name, a space, the identifier in hexadecimal and a newline.  The simulator answers with a byte 01
when that tag lets it in, and hangs up when it does not.  Then parts go both ways, each behind a byte with its length.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from zonetag_gateway.central import NoTalk
from zonetag_gateway.config import Config
from zonetag_protocol import carriage

CONNECTED = b"\x01"
MTU = 185


def make(config: Config) -> "SimulatedCentral":
    """The tags of the simulator at `source.air`, under this gateway's name."""
    return SimulatedCentral(config.name, *config.source.air)


class SimulatedTalk:
    """See `central.Talk`."""

    mtu = MTU

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def write(self, part: bytes) -> None:
        """See `central.Talk`."""
        self._writer.write(bytes([len(part)]) + part)
        await self._writer.drain()

    async def part(self) -> bytes:
        """See `central.Talk`."""
        try:
            return await self._reader.readexactly((await self._reader.readexactly(1))[0])
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("the simulated tag has hung up") from error


class SimulatedCentral:
    """See `central.Central`."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self._name = name
        self._host = host
        self._port = port

    @contextlib.asynccontextmanager
    async def talk(self, eid: bytes, limit_s: float) -> AsyncIterator[SimulatedTalk]:
        """See `central.Central`."""
        writer = None
        try:
            try:
                async with asyncio.timeout(limit_s):
                    reader, writer = await asyncio.open_connection(self._host, self._port)
                    writer.write(f"{self._name} {eid.hex()}\n".encode())
                    await reader.readexactly(len(CONNECTED))
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                raise NoTalk(carriage.UNREACHABLE) from error
            yield SimulatedTalk(reader, writer)
        finally:
            if writer is not None:
                writer.close()
