"""Invented tags for tests: frames by the real code, and a source that holds whatever a test puts on the air."""

import asyncio
import time

from zonetag_gateway.source import Hear, Moment
from zonetag_protocol import frame, rotation


class Tag:
    """One tag: `advert(t)` is what it sends at second `t` of its clock."""

    def __init__(self, number: int) -> None:
        self.keys = rotation.derive_keys(number.to_bytes(16, "big"))

    def advert(self, t: int) -> bytes:
        return frame.seal(self.keys, t, status=7)


class Air:
    """A source for tests: live, on the real monotonic clock; hears what is put on it."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[tuple[bytes, int] | None] = asyncio.Queue()
        self.given = 0  # adverts that the gateway has taken

    def put(self, data: bytes, rssi: int = -60) -> None:
        self._heard.put_nowait((data, rssi))

    def end(self) -> None:
        self._heard.put_nowait(None)

    async def run(self, hear: Hear) -> None:
        while (heard := await self._heard.get()) is not None:
            hear(*heard, self.now())
            self.given += 1

    def now(self) -> float:
        return time.monotonic()

    def moment(self, at: float) -> Moment:
        return Moment(round((time.time() - time.monotonic() + at) * 1000), round(at * 1000), True)


class Chatter:
    """Tags that go on sending, each advert a new one, `per_s` a second; counts what it has put on the air."""

    def __init__(self, air: Air, per_s: float) -> None:
        self._air = air
        self._pause = 1 / per_s
        self._tag = Tag(1)
        self.sent: list[bytes] = []  # S | MAC of each

    async def run(self) -> None:
        t = 1_790_000_000
        while True:
            t += 4
            data = self._tag.advert(t)
            self.sent.append(data[25:31])
            self._air.put(data)
            await asyncio.sleep(self._pause)
