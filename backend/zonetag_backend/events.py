"""What has just changed, told to whoever shows it.  Nothing is kept: a listener that comes later asks the store."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

BOOK = "book"  # a presence or a visit of the site
GATEWAYS = "gateways"  # the state or health of a gateway, or what was kept apart

# A listener that has not taken this many changes is told only that everything changed.
MAX_WAITING = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that pages may have to show anew."""

    site: str
    # name of the site; empty for every site
    what: str
    # BOOK or GATEWAYS; empty for everything


EVERYTHING = Change("", "")


class Events:
    """A fan-out of changes.  `publish` may be called from any thread; listeners live in event loops."""

    def __init__(self) -> None:
        self._queues: dict[asyncio.Queue[Change | None], asyncio.AbstractEventLoop] = {}
        self._closed = False

    def publish(self, change: Change) -> None:
        """Tell every listener; never waits, and a loop that has already gone is forgotten."""
        for queue, loop in list(self._queues.items()):
            try:
                loop.call_soon_threadsafe(_put, queue, change)
            except RuntimeError:  # that loop is closed
                self._queues.pop(queue, None)

    async def subscribe(self) -> AsyncIterator[Change]:
        """Changes from now on, until `close`."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        if self._closed:
            return
        self._queues[queue] = asyncio.get_running_loop()
        try:
            while (change := await queue.get()) is not None:
                yield change
        finally:
            self._queues.pop(queue, None)

    def close(self) -> None:
        """End every subscription, so that a server can stop although pages are still open."""
        self._closed = True
        for queue, loop in list(self._queues.items()):
            try:
                loop.call_soon_threadsafe(queue.put_nowait, None)
            except RuntimeError:  # that loop is closed, and its listeners with it
                self._queues.pop(queue, None)


def _put(queue: asyncio.Queue[Change | None], change: Change) -> None:
    if queue.qsize() >= MAX_WAITING:
        while not queue.empty():
            if queue.get_nowait() is None:  # closed: say that again, and nothing else
                queue.put_nowait(None)
                return
        change = EVERYTHING
    queue.put_nowait(change)
