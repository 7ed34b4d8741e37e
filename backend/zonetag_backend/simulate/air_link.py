"""The simulated tags' side of the link on the loopback: a gateway connects to one as it would over Bluetooth.

The gateway sends its name, a space, the identifier that it calls in hexadecimal, and a newline.  A byte 01 says that
the tag of that identifier has let it in; without one nobody did.  Then both send parts (SPEC.md section 12.2), each
behind a byte that says how long it is, until one hangs up.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence

from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.tag import Tag
from zonetag_backend.simulate.tagend import TagEnd
from zonetag_protocol import fragments, link
from zonetag_protocol.errors import ZonetagError

CONNECTED = b"\x01"
MTU = 185
_SILENT_S = 60.0  # of real time: whoever says nothing for so long is gone
_EID = slice(13, 21)  # of an advert


class TagLinks:
    """All tags of an office, and their logs."""

    def __init__(
        self, tags: Sequence[Tag], logs: Sequence[ContactLog], now_s: Callable[[], float], utc_ms: Callable[[], int]
    ) -> None:
        """`now_s`: the office's second; `utc_ms`: the same in UTC.  `logs[i]` is that of `tags[i]`."""
        self._tags = tags
        self._logs = logs
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._talking: set[int] = set()

    def called(self, eid: bytes) -> int | None:
        """Which tag has this identifier now; none if no tag with a log has it."""
        now_s = self._now_s()
        return next((i for i in range(len(self._logs)) if self._tags[i].advert(now_s)[_EID] == eid), None)

    def answer(self, index: int) -> TagEnd:
        """A tag's end of a new session."""
        return TagEnd(self._tags[index], self._logs[index], self._now_s, self._utc_ms, secrets.token_bytes(link.NONCE))

    async def serve(self, called: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        try:
            index = self.called(bytes.fromhex(called))
        except ValueError:
            index = None
        if index is None or index in self._talking:
            writer.close()
            return
        self._talking.add(index)
        try:
            writer.write(CONNECTED)
            await self._talk(self.answer(index), reader, writer)
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, ZonetagError):
            pass  # the gateway tells of it, and the log has still what was not acknowledged
        finally:
            self._talking.discard(index)
            writer.close()

    @staticmethod
    async def _talk(end: TagEnd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        joiner = fragments.Joiner()
        while not end.over:
            async with asyncio.timeout(_SILENT_S):
                part = await reader.readexactly((await reader.readexactly(1))[0])
            message = joiner.take(part)
            if message is not None:
                parts = [part for said in end.take(message) for part in fragments.split(said, MTU)]
                writer.write(b"".join([bytes([len(part)]) + part for part in parts]))
                await writer.drain()
