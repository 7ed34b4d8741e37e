"""A source ends, or the gateway is told to stop, while windows are on their way to the spool: none is lost."""

import asyncio
from collections.abc import Callable

import pytest
from rig.tags import Tag

from zonetag_gateway.app import TICK_S, Gateway
from zonetag_gateway.batch import Draft
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import Config
from zonetag_gateway.source import Hear, Moment

LIMIT_S = 120.0
WINDOWS = 12
SLOT_S = 4


class Played:
    """A finite source: a tag for twelve slots at once, then the end when it is told."""

    def __init__(self, end: asyncio.Event) -> None:
        self._end = end
        self._at = 0.0

    def now(self) -> float:
        return self._at

    def moment(self, at: float) -> Moment:
        return Moment(1_790_000_000_000 + round(at * 1000), round(at * 1000), True)

    async def run(self, hear: Hear) -> None:
        tag = Tag(1)
        for slot in range(WINDOWS):
            self._at = float(slot * SLOT_S)
            hear(tag.advert(1_790_000_000 + slot * SLOT_S), -60, self._at)
        await self._end.wait()


@pytest.mark.parametrize("ended_by", ["source", "signal"])
def test_what_is_on_its_way_to_the_spool_gets_there(configure: Callable[..., Config], ended_by: str) -> None:
    async def scene() -> None:
        end, stop = asyncio.Event(), asyncio.Event()
        gateway = Gateway(configure("mqtt://127.0.0.1:1"), Played(end), SystemClock(), "0.0")
        stored: list[Draft] = []
        on_the_way = asyncio.Event()

        async def slow_store(drafts: list[Draft]) -> None:
            if drafts:
                on_the_way.set()
                await asyncio.sleep(2 * TICK_S)  # a disk that takes its time; the end comes meanwhile
            stored.extend(drafts)

        running = asyncio.create_task(gateway._until_end(stop, slow_store))
        await on_the_way.wait()
        assert not stored
        (end if ended_by == "source" else stop).set()
        await running
        await slow_store(gateway._collect(final=True))
        assert sum(len(draft.windows) for draft in stored) == WINDOWS

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
