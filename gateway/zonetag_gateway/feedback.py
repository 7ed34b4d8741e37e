"""A sign at the door: the light goes on when a tag that is held close was heard (nearness.py), or an operator asks."""

import asyncio

from zonetag_gateway.led import Led
from zonetag_gateway.nearness import Nearness
from zonetag_gateway.source import Hear
from zonetag_protocol.frame import HEAD, LENGTH

SIGN_S = 1.0  # long enough to be seen from the corner of an eye


class Feedback:
    """Listens along, and shows."""

    def __init__(self, led: Led, company: int) -> None:
        """`company`: under which the fleet's tags send."""
        self._led = led
        self._tail = b"\x09\xff" + company.to_bytes(2, "little")
        self._showing: asyncio.Task[None] | None = None
        self.nearness = Nearness()
        self.signs = 0
        # given to tags

    def over(self, hear: Hear) -> Hear:
        """`hear`, with this listening along.  Adverts that are no tag's cost it one comparison."""
        tail, nearness = self._tail, self.nearness

        def heard(data: bytes, rssi: int, at: float, /) -> None:
            hear(data, rssi, at)
            is_tag = len(data) == LENGTH and data[:12] == HEAD and data[21:25] == tail
            if is_tag and nearness.hear(data[13:21], rssi, at):
                self.signs += 1
                self.show(SIGN_S)

        return heard

    def show(self, seconds: float) -> None:
        """On for so long; a sign that is being given is not made longer."""
        if self._showing is None or self._showing.done():
            self._showing = asyncio.create_task(self._show(seconds))

    async def _show(self, seconds: float) -> None:
        # In a thread: a light behind a slow bus takes its time.
        await asyncio.to_thread(self._led.set, True)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.to_thread(self._led.set, False)
