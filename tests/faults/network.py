"""The network: 72 hours without it, lost and reordered packets, connections that only one side believes in."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from faults import kills, wire
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import Stack, stack
from faults.waiting import pause
from faults.wire import Weather, Wire

HOURS_72_S = 72 * 3600.0
CUT_STEP_S = 120.0  # of the line: how far one step of the air goes while the network is cut


def needs() -> str:
    """What it needs of the machine."""
    return kills.needs() or wire.why_not()


@contextmanager
def _joined(run: Run, **settings: Any) -> Iterator[tuple[Stack, Wire]]:
    with stack(run.folder, joined=False, **settings) as made:
        laid = Wire(made.networks, random.Random(run.dice.random()))
        try:
            yield made, laid
        finally:
            made.close()
            laid.close()


def _cut(run: Run, gateway: str = "real") -> Count:
    """72 hours of the air's line pass while no frame gets through; the broker is new when the network comes back."""
    total = Count(0, 0, 0, 0)
    for n in range(run.times):
        one = Run(run.folder / str(n), 1, run.dice, run.progress)
        with _joined(one, tags=2, step_s=CUT_STEP_S, pause_s=0.003) as (made, laid):
            made.start(gateway=gateway)
            made.progress()
            laid.weather = Weather(passes=wire.NEITHER)
            made.broker.kill()
            made.hear_on(HOURS_72_S)
            made.start_broker()
            laid.weather = Weather()
            made.progress()
            made.finish()
            total += made.count()
        run.progress(n + 1)
    return total


def _loss(run: Run) -> Count:
    """30 % of all frames are lost, a fifth come late and out of order."""
    with _joined(run) as (made, laid):
        made.start()
        laid.weather = Weather(loss=0.3, reorder=0.2, late_s=0.05)
        for n in range(run.times):
            made.progress(1)
            run.progress(n + 1)
        assert laid.lost > 0
        laid.weather = Weather(loss=0.05, reorder=0.2)
        made.finish()
        return made.count()


def _half_open(run: Run, gateway: str = "real") -> Count:
    """Frames pass in one direction only; the broker is killed meanwhile, so that one side still believes in it."""
    with _joined(run) as (made, laid):
        made.start(gateway=gateway)
        for n in range(run.times):
            made.progress(1)
            laid.weather = Weather(passes=wire.ONLY_TO_SERVER if n % 2 else wire.ONLY_TO_OFFICE)
            made.hear_on(60)
            made.broker.kill()
            laid.weather = Weather()
            pause(run.dice.uniform(0, 0.2))
            made.start_broker()
            run.progress(n + 1)
        made.progress()
        made.finish()
        return made.count()


def _trusting_control(run: Run) -> bool:
    """The server is away; a broker that has said that it has the reports is killed while the wire is cut."""
    with _joined(run) as (made, laid):
        made.start(gateway="trusting")
        made.progress()
        made.server.stop()
        made.hear_on(200)
        laid.weather = Weather(passes=wire.NEITHER)
        made.broker.kill()
        made.start_broker()
        laid.weather = Weather()
        made.start_server()
        made.server_ready()
        made.progress()
        made.finish()
        return made.count().lost > 0


CUT = Fault(
    "network-cut",
    "72 hours of the air without network, a new broker behind them",
    1,
    10,
    _cut,
    _trusting_control,
    "the gateway deletes on PUBACK",
    needs,
)
LOSS = Fault(
    "network-loss",
    "30 % of the frames lost, a fifth reordered; times: reports that got through meanwhile",
    5,
    500,
    _loss,
    _trusting_control,
    "the gateway deletes on PUBACK",
    needs,
)
HALF_OPEN = Fault(
    "network-half-open",
    "frames pass one way only, then the broker has forgotten the connection",
    2,
    100,
    _half_open,
    _trusting_control,
    "the gateway deletes on PUBACK",
    needs,
)
