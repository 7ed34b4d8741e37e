"""Watches over settings on trial: kept once the gateway hears and delivers, undone when it does not."""

import asyncio
import logging
from collections.abc import Callable

from zonetag_gateway.commands import OK, ROLLED_BACK, Answer
from zonetag_gateway.overlay import Overlay, OverlayFile

log = logging.getLogger(__name__)

LIMIT_S = 300.0  # a start, a connection (its back-off has 60 s at most), a report, its acknowledgement; with room
LOOK_S = 0.5


async def watch(
    file: OverlayFile | None,
    *,
    works: Callable[[], bool],
    answer: Callable[[Answer], None],
    restart: Callable[[], None],
    limit_s: float = LIMIT_S,
) -> None:
    """Decide on the trial that has begun, if there is one; then wait until cancelled."""
    if file is not None and file.overlay.begun:
        identifier = file.overlay.trial_id
        try:
            async with asyncio.timeout(limit_s):
                while not works():  # noqa: ASYNC110  # counters of others
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            log.error("settings on trial: nothing heard or nothing delivered with them, back to those before")
            await _store(file, file.overlay.undone())
            answer(Answer(identifier, ROLLED_BACK, f"Nothing was heard or delivered for {limit_s:.0f} s: undone."))
            restart()
        else:
            await _store(file, file.overlay.proved())
            log.info("settings on trial: kept")
            answer(Answer(identifier, OK, "The gateway hears and delivers with these settings: kept."))
    await asyncio.Event().wait()


async def _store(file: OverlayFile, overlay: Overlay) -> None:
    try:
        await asyncio.to_thread(file.write, overlay)
    except OSError as error:
        log.error(
            "what became of the settings on trial cannot be stored (%s): undone at the next start", error.strerror
        )
