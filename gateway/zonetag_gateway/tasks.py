"""Tasks of the event loop: every so often, until, and to their end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger(__name__)


async def until(event: asyncio.Event) -> None:
    """Return when it is set."""
    await event.wait()


async def every(seconds: float, do: Callable[[], Awaitable[None]]) -> None:
    """For ever, first after so long."""
    while True:
        await asyncio.sleep(seconds)
        await do()


async def cancel(task: "asyncio.Task[Any]") -> None:
    """End a task and wait for it; its own error is told where it was awaited."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled() and task.exception() is not None:
        log.debug("ended with %r", task.exception())


async def drain(drained: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Wait for what is to be delivered, for so long."""
    try:
        async with asyncio.timeout(seconds):
            await drained()
    except TimeoutError:
        log.warning("not everything is delivered; the spool keeps it for the next start")
