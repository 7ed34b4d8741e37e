"""Running a source for a while: what `scan` and `record` have in common."""

import asyncio
import contextlib

from zonetag_gateway.source import Hear, Source

TURN_S = 0.2  # how often the source's line is looked at


async def listen(source: Source, hear: Hear, seconds: float | None, stop: asyncio.Event) -> None:
    """Run `source` to its end, until `seconds` of its line have passed since its first advert, or until `stop`.

    While nothing at all is heard, `seconds` of waiting count too.  Errors of the source are passed on.
    """
    begin: float | None = None
    limit = float("inf") if seconds is None else seconds

    def within(data: bytes, rssi: int, at: float, /) -> None:
        nonlocal begin
        if begin is None:
            begin = at
        if at - begin < limit:
            hear(data, rssi, at)
        else:
            stop.set()

    running = asyncio.create_task(source.run(within))
    stopping = asyncio.create_task(stop.wait())
    waited = 0.0
    try:
        while not (running.done() or stop.is_set()):
            await asyncio.wait({running, stopping}, timeout=TURN_S, return_when=asyncio.FIRST_COMPLETED)
            waited += TURN_S
            passed = waited if begin is None else source.now() - begin
            if passed >= limit:
                break
        if running.done():
            running.result()
    finally:
        for task in (running, stopping):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if running.done() and not running.cancelled():
            running.exception()  # retrieved; when it matters it has been raised above
