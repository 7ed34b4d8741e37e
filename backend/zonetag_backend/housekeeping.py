"""What a running server does by itself, every hour or oftener: what is too old goes, backups are made and end.

The work is done in a thread; what fails is logged and tried again the next time, and stops nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

EVERY_S = 3600.0
Chore = Callable[[int], object]
"""One piece of work, given UTC ms; what it returns is not looked at."""


async def keep_house(chores: Sequence[tuple[str, Chore]], clock: Callable[[], int], every_s: float = EVERY_S) -> None:
    """Until cancelled: each chore at once, then every `every_s` seconds."""
    while True:
        for name, chore in chores:
            try:
                await asyncio.to_thread(chore, clock())
            except Exception:  # a full disk, say: the next time may be better, and the writer must go on
                log.exception("%s failed; it is tried again in %.0f s", name, every_s)
        await asyncio.sleep(every_s)
