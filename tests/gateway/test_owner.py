"""An adapter's owner: which way of hearing it takes, what it does about silence, and what it leaves to others."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.recovery import Rung, Watch
from zonetag_gateway.sources.backend import Backend, Ear, Scan
from zonetag_gateway.sources.live import Live
from zonetag_gateway.sources.owner import Owner

LIMIT_S = 60.0
SILENCE_S = 0.05
ADVERT = b"\x02\x01\x06"


class Way:
    """A way of hearing: begins or not, hears or not, as told."""

    def __init__(self, name: str, *, begins: bool = True, hears: bool = True) -> None:
        self.name = name
        self.begins = begins
        self.hears = hears
        self.lost = asyncio.Event()
        self.scans = 0

    @contextlib.asynccontextmanager
    async def scan(self, wanted: str, ear: Ear) -> AsyncIterator[Scan]:
        if not self.begins:
            raise SourceError(f"{self.name} does not begin", "Wait")
        self.scans += 1
        self.lost = asyncio.Event()
        speaking = asyncio.create_task(self._speak(ear))
        try:
            yield Scan(wanted or "hci0", self.name, whole=True, lost=self.lost)
        finally:
            speaking.cancel()

    async def _speak(self, ear: Ear) -> None:
        while True:
            if self.hears:
                ear.advert(ADVERT, -60)
            await asyncio.sleep(SILENCE_S / 10)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # the conditions are counters of the code under test
            await asyncio.sleep(0.002)


def owned(ways: Sequence[Way], test: Callable[[Owner], object], better_s: float = LIMIT_S) -> Owner:
    """Run an owner of these ways until `test` says true of it."""
    clock = SystemClock()
    watch = Watch(clock.monotonic(), Rung.POWER_CYCLE, SILENCE_S)
    owner = Owner("", list[Backend](ways), clock, watch, better_s=better_s)

    async def go() -> None:
        running = asyncio.create_task(owner.run(lambda *_: None))
        await until(lambda: bool(test(owner)) or running.done())
        running.cancel()
        await asyncio.wait((running,))

    asyncio.run(go())
    return owner


def test_the_best_way_that_begins_is_taken_and_it_says_why() -> None:
    ways = [Way("best", begins=False), Way("second"), Way("third")]
    told: list[dict[str, Any]] = []

    def heard(owner: Owner) -> bool:
        told.append(owner.tell())
        return owner.counts["adverts"] > 3

    owner = owned(ways, heard)
    assert (owner.adapter, [way.scans for way in ways]) == ("hci0", [0, 1, 0])
    assert (told[-1]["backend"], told[-1]["why"]) == ("second", {"best": "best does not begin"})


def test_a_way_that_hears_nothing_is_started_again_and_then_left() -> None:
    ways = [Way("deaf", hears=False), Way("second")]
    owner = owned(ways, lambda owner: owner.counts["adverts"] > 3)
    assert owner.counts["silences"] == 2
    assert [way.scans for way in ways] == [2, 1]


def test_after_a_while_the_best_is_tried_again() -> None:
    ways = [Way("best", begins=False), Way("second")]

    def cured(owner: Owner) -> bool:
        if ways[1].scans == 3:
            ways[0].begins = True
        return ways[0].scans == 1

    assert owned(ways, cured, better_s=0.02).counts["silences"] == 0


def test_what_went_away_is_counted_and_waited_for() -> None:
    way = Way("only")

    def back(_: Owner) -> bool:
        if way.scans == 1:
            way.lost.set()
        return way.scans == 2

    assert owned([way], back).counts["lost"] == 1


def test_adapters_are_judged_each_by_itself_and_what_hits_all_waits_until_none_hears() -> None:
    """hci1 is deaf beside hci0, which hears: its ladder stays below the steps that would hit hci0."""
    made: list[Way] = []
    steps: list[tuple[Rung, tuple[str, ...]]] = []

    async def repair(rung: Rung, adapters: Sequence[str]) -> None:
        steps.append((rung, tuple(adapters)))

    def ways() -> Sequence[Backend]:
        made.append(Way("only", hears=len(made) == 0))
        return made[-1:]

    source = Live(
        ("hci0", "hci1", "hci0"), ways, SystemClock(), silence_s=SILENCE_S, highest=Rung.REBOOT, repair=repair
    )

    async def go() -> None:
        running = asyncio.create_task(source.run(lambda *_: None))
        await until(lambda: len(steps) >= 3 or running.done())
        told = source.tell()
        assert set(told["adapters"]) == {"hci0", "hci1"}
        assert set(told["adapters"]["hci0"]["recovery"].values()) == {0}
        assert told["adapters"]["hci0"]["last_advert_age_s"] is not None
        assert told["recovery"] == told["adapters"]["hci1"]["recovery"]
        assert {adapters for _, adapters in steps} == {("hci1",)}
        assert [rung for rung, _ in steps] == [Rung.POWER_CYCLE, Rung.RFKILL, Rung.POWER_CYCLE][: len(steps)]
        made[0].hears = False  # the control: when nobody hears, all is taken
        await until(lambda: Rung.REBOOT in [rung for rung, _ in steps])
        running.cancel()
        await asyncio.wait((running,))

    asyncio.run(go())


def test_an_adapter_that_does_not_begin_keeps_no_other_from_it() -> None:
    numbers = itertools.count()
    source = Live(("hci0", "hci1"), lambda: (Way("only", begins=next(numbers) == 1),), SystemClock())

    async def go() -> None:
        running = asyncio.create_task(source.run(lambda *_: None))
        await until(lambda: source.counts["adverts"] > 3 or running.done())
        assert not running.done()
        assert source.tell()["adapters"]["hci0"]["why"] == {"only": "only does not begin"}
        running.cancel()
        await asyncio.wait((running,))

    asyncio.run(go())


def test_when_none_begins_that_is_an_error_at_once_and_the_next_run_tries_again() -> None:
    ways: list[Way] = []

    def make() -> Sequence[Backend]:
        ways.append(Way("only", begins=False))
        return ways[-1:]

    source = Live(("hci0", "hci1"), make, SystemClock())
    for _ in range(2):
        with pytest.raises(SourceError, match="does not begin"):
            asyncio.run(source.run(lambda *_: None))
