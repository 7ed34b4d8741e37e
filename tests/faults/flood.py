"""A flood of invented adverts: 5,000 new identifiers in each second that the gateway hears, beside real tags.

Every slot of each real tag must come to the database, what is dropped must be counted, and the memory of the gateway's
process must not grow.  `times` is the length of the flood in seconds of the gateway's line, played ten times as fast.
"""

import json
import struct
from pathlib import Path
from random import Random

from faults import counting, kills
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import GATEWAY, Stack, stack

from zonetag_protocol import frame

A_SECOND = 5000
QUIET_S = 12.0  # before it: the real tags are there already
WARM_PART = 0.5  # of the flood, after which memory must not grow
GROWTH_KB = 24_000  # tables that fill by then, and what an allocator keeps; without bounds it were 300 MB a minute
SLOT_MS = 4000
SETTINGS = {"windows": {"max_open": 1024}}  # a quarter of the default: the flood is over it four times as soon
CONTROL_S = 40


class Flood:
    """Invents adverts; keeps count."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self.sent = 0
        self.on = False

    def __call__(self, at: float) -> bytes:
        """The records of one second."""
        if not self.on:
            return b""
        self.sent += A_SECOND
        tail = b"\x09\xff" + frame.TEST_COMPANY.to_bytes(2, "little")
        head = struct.pack("<BdbB", 1, at, -70, frame.LENGTH) + frame.HEAD + b"\xeb"
        bytes_of = self._dice.randbytes
        return b"".join([head + bytes_of(8) + tail + bytes_of(6) for _ in range(A_SECOND)])


def _rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def _flooded(s: Stack, run: Run, variant: str) -> Count:
    flood = s.air.beside = Flood(run.dice)
    s.start(gateway=variant)
    s.hear_on(QUIET_S)
    flood.on = True
    s.hear_on(run.times * WARM_PART)
    before = _rss_kb(s.gateway.pid)
    s.hear_on(run.times * (1 - WARM_PART))
    after = _rss_kb(s.gateway.pid)
    run.progress(run.times)
    s.finish()
    assert after - before < GROWTH_KB, f"the gateway has grown from {before} kB to {after} kB"
    with counting.open_database(s.database) as db:
        [(health,)] = db.execute("SELECT health FROM gateway_status WHERE gateway = ?", (GATEWAY,))
    tallies = json.loads(health)["tallies"]
    assert tallies["dropped.flood"] > 0
    assert tallies["adverts"] >= flood.sent, "every advert is counted"
    return _count(s)


def _count(s: Stack) -> Count:
    """Only the real tags' windows: what is invented is kept apart, and capped."""
    shadow, stored = counting.read_shadow(s.shadow), counting.read_database(s.database)
    real = {name for name, sent in shadow.windows(shadow.acknowledged).items() if sent in s.air.sent}
    unstored = real - stored.names
    silent = {
        (sent.tag, slot)
        for sent in s.air.sent.values()
        if (GATEWAY, sent.tag, slot := s.office.tags[sent.tag].t_ms(sent.utc_ms) // SLOT_MS) not in stored.content
    }
    double = sum(n - 1 for n in stored.observed.values())
    told = f"{len(silent)} slots of real tags never came" if silent else ""
    return Count(len(real), len(stored.names), len(unstored) + len(silent), double, told)


def _run(run: Run) -> Count:
    with stack(run.folder, settings=SETTINGS, step_s=1.0, pause_s=0.1) as s:
        return _flooded(s, run, "real")


def _control(run: Run) -> bool:
    with stack(run.folder, settings=SETTINGS, step_s=1.0, pause_s=0.1) as s:
        return _flooded(s, Run(run.folder, CONTROL_S, run.dice, run.progress), "first-come").lost > 0


FAULT = Fault(
    "advert-flood",
    "5,000 new identifiers a second, for so many seconds of the gateway's time",
    short=20,
    long=600,
    run=_run,
    control=_control,
    control_is="a table of windows without a part for who goes on",
    needs=kills.BROKER.needs,
)
