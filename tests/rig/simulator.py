"""A stand-in for the simulator's air, which a gateway as a process hears through its simulated source."""

import asyncio
import struct

from rig.tags import Tag

T0 = 1_790_000_000


class Simulator:
    """What a simulated source connects to: ten tags, ten times a second, on a line 20 times as fast as ours."""

    def __init__(self) -> None:
        self.port = 0
        self.names: list[str] = []
        self.at = 0.0
        self.silent = False  # no tag sends
        self._tags = [Tag(n) for n in range(10)]

    async def __aenter__(self) -> "Simulator":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.names.append((await reader.readline()).decode().strip())
        try:
            while True:
                self.at += 2.0
                writer.write(struct.pack("<BdQ", 2, self.at, (T0 + int(self.at)) * 1000))
                for tag in () if self.silent else self._tags:
                    data = tag.advert(T0 + int(self.at))
                    writer.write(struct.pack("<BdbB", 1, self.at, -60, len(data)) + data)
                await writer.drain()
                await asyncio.sleep(0.1)
        except ConnectionError:
            pass
        finally:
            writer.close()
