"""A whole gateway in the test's own event loop, with a tag that chatters on its air."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from rig.backend_stub import BackendStub
from rig.tags import Air, Chatter

from zonetag_gateway import identity
from zonetag_gateway.app import Gateway
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import Config
from zonetag_gateway.source import Source
from zonetag_protocol.report import Report

LIMIT_S = 60.0


@dataclass
class Running:
    """A gateway at work, with a tag that chatters on its air."""

    air: Air
    chatter: Chatter
    stop: asyncio.Event
    task: "asyncio.Task[dict[str, int]]"

    def heard(self) -> int:
        """Adverts that the gateway has taken."""
        return self.air.given

    async def end(self) -> dict[str, int]:
        """Stop it; its summary."""
        self.stop.set()
        return await asyncio.wait_for(self.task, LIMIT_S)


@contextlib.asynccontextmanager
async def running(config: Config, drain_s: float = 10.0, per_s: float = 50) -> AsyncIterator[Running]:
    air, stop = Air(), asyncio.Event()
    source: Source = air
    task = asyncio.create_task(
        Gateway(config, source, SystemClock(), "0.0", identity=identity.of(config)).run(stop, drain_s)
    )
    chatter = Chatter(air, per_s)
    chattering = asyncio.create_task(chatter.run())
    try:
        yield Running(air, chatter, stop, task)
    finally:
        chattering.cancel()
        stop.set()
        await asyncio.wait((task,), timeout=LIMIT_S)
        assert task.done()
        task.result()


async def until(done: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    async with asyncio.timeout(limit_s):
        while not done():  # noqa: ASYNC110  # what is waited for happens in other threads and programs
            await asyncio.sleep(0.02)


def more_than(count: Callable[[], int], least: int) -> bool:
    return count() > least


def no_gap(reports: list[Report]) -> bool:
    """Whether every boot's reports are 1..n."""
    seqs: dict[int, set[int]] = {}
    for report in reports:
        seqs.setdefault(report.boot, set()).add(report.seq)
    return all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in seqs.values())


def check_all_arrived(stub: BackendStub, gateway: Running, summary: dict[str, int]) -> None:
    arrived = [window.auth for window in stub.windows()]
    # What the chatter put last may not have been heard before the stop.
    assert arrived == gateway.chatter.sent[: len(arrived)] or sorted(arrived) == sorted(
        gateway.chatter.sent[: len(arrived)]
    )
    assert len(arrived) == summary["windows"] == summary["adverts"] == gateway.air.given
    assert summary["spooled"] == 0
    assert summary["acknowledged"] == summary["sent"] == summary["reports"]
    assert no_gap(stub.reports)
