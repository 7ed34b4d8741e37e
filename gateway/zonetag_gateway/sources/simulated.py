"""What a simulator sends over the loopback, as a source: `zonetag demo` gives each of its gateways such an air.

The gateway connects to `source.air`, sends its name and a newline, and gets records, little endian:

| bytes | record |
|---|---|
| 01, f64 at, i8 rssi, u8 n, n bytes | an advert: seconds on the simulator's line, dBm, AD bytes |
| 02, f64 at, u64 utc_ms | a mark: the line has come to `at`, which is `utc_ms` in UTC |
| 03 | the end |

Reading waits for the reader: a gateway that is slow slows the simulation down and loses nothing.
"""

import asyncio
import math
import struct

from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Clock, Hear, Moment

_ADVERT = struct.Struct("<dbB")  # behind the type
_MARK = struct.Struct("<dQ")
ADVERT, MARK, END = 1, 2, 3
_CHUNK = 1 << 16  # bytes asked for at once
_MAX_UTC_MS = 1 << 48  # what a report can say
_AGAIN = "Start `zonetag demo` again, or set source.air to where a simulator listens"


def make(config: Config, clock: Clock) -> "Simulated":
    """The air of `source.air`, under this gateway's name."""
    return Simulated(config.name, *config.source.air, clock)


class Simulated:
    """A finite source: it ends when the simulation does."""

    def __init__(self, name: str, host: str, port: int, clock: Clock) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._clock = clock
        self._mark: tuple[float, int] | None = None  # seconds on the line, UTC ms

    def now(self) -> float:
        """The last mark; 0 before the first."""
        return self._mark[0] if self._mark else 0.0

    def moment(self, at: float) -> Moment:
        """UTC by the last mark; before the first one the system's own, called not synchronised."""
        if self._mark is None:
            here = self._clock.now()
            return Moment(here.utc_ms, here.monotonic_ms, False)
        mark, utc_ms = self._mark
        return Moment(utc_ms + round((at - mark) * 1000), max(0, round(at * 1000)), True)

    async def run(self, hear: Hear) -> None:
        """Hear until the simulation ends; SourceError when it cannot be reached or breaks off."""
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError as error:
            what = f"No simulator answers at {self._host}:{self._port} ({error.strerror or error})"
            raise SourceError(what, _AGAIN) from error
        try:
            writer.write(self._name.encode() + b"\n")
            rest = b""
            while (taken := self._take(rest, hear)) is not None:
                chunk = await reader.read(_CHUNK)
                if not chunk:
                    raise SourceError("The simulator has hung up before the end of its day", _AGAIN)
                rest = rest[taken:] + chunk
        except ConnectionError as error:
            raise SourceError(f"The connection to the simulator broke ({error.strerror or error})", _AGAIN) from error
        finally:
            writer.close()

    def _take(self, data: bytes, hear: Hear) -> int | None:
        """Act on the whole records in `data`; how many bytes they took, or None when the end was among them."""
        at = 0
        while at < len(data):
            kind = data[at]
            if kind == END:
                return None
            if kind == ADVERT:
                body = at + 1 + _ADVERT.size
                if body > len(data) or body + data[body - 1] > len(data):
                    break
                when, rssi, length = _ADVERT.unpack_from(data, at + 1)
                self._check(when)
                hear(data[body : body + length], rssi, when)
                at = body + length
            elif kind == MARK:
                if at + 1 + _MARK.size > len(data):
                    break
                when, utc_ms = _MARK.unpack_from(data, at + 1)
                self._check(when)
                if utc_ms >= _MAX_UTC_MS or (self._mark and when < self._mark[0]):
                    raise SourceError("The simulator's time runs backwards or out of all bounds", _AGAIN)
                self._mark = when, utc_ms
                at += 1 + _MARK.size
            else:
                raise SourceError(f"The simulator sent a record of unknown type {kind}", _AGAIN)
        return at

    def _check(self, when: float) -> None:
        if not math.isfinite(when) or abs(when) > 1e9:
            raise SourceError("The simulator's time runs out of all bounds", _AGAIN)
