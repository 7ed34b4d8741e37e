"""A tag and a badge that do not move for an hour: present all the time, one visit, no leave.

What real BlueZ delivers of them is recorded while some slots of a tag go by, at real speed.  Then that is repeated up
to an hour, each advert as its device would send it at that later moment, through the gateway's folder and reports and
the server's ingest, presence and visits.  The whole hour in the machine itself, by hand:

ZONETAG_AT_REST_S=3600 make test ARGS=tests/bluez/test_at_rest.py
"""

import asyncio
import functools
import itertools
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rig.bluez.bench import Bench, name_of
from rig.bluez.devices import EPOCH, TAG_INTERVAL_S, Advert, Device, Tag, ad, address, others
from rig.bluez.machine import Machine
from rig.registry import Office, make_office

from zonetag_backend.presence import merged
from zonetag_backend.store import tags
from zonetag_backend.store.came import ReportCame
from zonetag_backend.store.engine import writing
from zonetag_gateway.batch import Batcher, Chain, seal
from zonetag_gateway.sightings import Folder
from zonetag_gateway.source import Moment
from zonetag_protocol import advert, envelope, report
from zonetag_protocol.rotation import EPOCH_S, SLOT_S, eid_of

RECORD_S = SLOT_S * max(1, round(float(os.environ.get("ZONETAG_AT_REST_S", "32")) / SLOT_S))
HOUR_S = 3600.0
HOLE_S = 1000.0  # of the control: longer than a site's absence time
EDGE_MS = 15_000  # within which an hour at rest begins and ends in the book: a slot, a window, a report
START_MS = 1_790_000_000_000
REPORT_S = 5.0
MASTERS = (bytes(range(16)), bytes(range(16, 32)))
BADGE_SECOND = EPOCH * EPOCH_S  # its clock's, when it begins


@dataclass(frozen=True, slots=True)
class Badge:
    """A plain Eddystone-EID badge whose advert changes when its identifier does, each 1024 s."""

    interval_s: float = TAG_INTERVAL_S

    def advert(self, number: int, t: float) -> Advert:
        eid = eid_of(MASTERS[1], BADGE_SECOND + int(t))
        return Advert(address("badge"), ad((1, b"\x06"), (3, b"\xaa\xfe"), (0x16, b"\xaa\xfe\x30\xeb" + eid)))

    def rssi(self, number: int) -> int:
        return -65


TAG = Tag(7, -60, master=MASTERS[0])
AT_REST: tuple[Device, ...] = (TAG, Badge())


@dataclass(frozen=True, slots=True)
class Heard:
    """One advert that BlueZ delivered."""

    at: float
    # seconds since the recording began
    device: int
    # of AT_REST
    sent_at: float
    # seconds on its own time, when what it says was sent first
    rssi: int


class Recording(Bench):
    """Remembers what the source passes on."""

    heard: list[tuple[bytes, int, float]]

    def _hear(self, data: bytes, rssi: int, at: float) -> None:
        if name_of(data):
            self.heard.append((data, rssi, at))
        super()._hear(data, rssi, at)

    def recorded(self, begin: float, end: float) -> list[Heard]:
        """What came between two moments of the loop's clock."""
        said: dict[bytes, tuple[int, float]] = {}
        for device in range(len(AT_REST)):
            for sent in self.air.sent[device]:
                said.setdefault(sent.data, (device, sent.at - self.air.begin))
        return [Heard(at - begin, *said[data], rssi) for data, rssi, at in self.heard if begin <= at < end]


def hour_of(recorded: list[Heard], *, hole: bool) -> Iterator[tuple[bytes, int, float]]:
    """The recording again and again; with a hole in the middle, as the control."""
    for turn in range(math.ceil(HOUR_S / RECORD_S)):
        for one in recorded:
            at = turn * RECORD_S + one.at
            if not (hole and abs(at - HOUR_S / 2) < HOLE_S / 2):
                yield _said(one.device, int(one.sent_at + turn * RECORD_S)), one.rssi, at


@functools.cache
def _said(device: int, second: int) -> bytes:
    """What a device of AT_REST says in a second of its own time."""
    return AT_REST[device].advert(0, second).data


def reports(heard: Iterable[tuple[bytes, int, float]]) -> Iterator[tuple[bytes, float]]:
    """As the gateway makes them, and when."""
    folder, batcher, chain, now = Folder(), Batcher(REPORT_S, 5000), Chain(1 << 32), 0.0

    def moment(at: float) -> Moment:
        return Moment(START_MS + round(at * 1000), round(at * 1000), True)

    def due(*, final: bool) -> Iterator[tuple[bytes, float]]:
        nonlocal chain
        windows = folder.flush() if final else folder.close(now)
        for draft in batcher.collect(windows, now, folder.take_tallies, moment, final=final):
            sealed, chain = seal(draft, "gw1", chain)
            yield sealed, now

    for data, rssi, at in heard:
        while at >= now + 1.0:
            now += 1.0
            yield from due(final=False)
        folder.hear(data, rssi, at)
    yield from due(final=True)


def deliver(office: Office, heard: Iterable[tuple[bytes, int, float]]) -> None:
    """A transaction for each minute's reports."""
    writer = office.writer()
    for _, minute in itertools.groupby(reports(heard), lambda made: made[1] // 60):
        group, now = [], 0.0
        for sealed, now in minute:  # noqa: B007  # the last one's time is the transaction's
            opened = envelope.take_apart(sealed)
            made = report.decode(opened.payload)
            group.append(ReportCame("hq", made, report.hash_of(opened.payload), opened))
        writer.write(group, START_MS + round(now * 1000))


def an_office(folder: Path) -> tuple[Office, dict[int, str]]:
    """With both, whose clocks stand at START_MS as in the recording; their numbers."""
    office = make_office(folder)
    kinds = ((advert.ZONETAG, TAG.clock(0)), (advert.EDDYSTONE_EID, BADGE_SECOND))
    known = {}
    with writing(office.database) as connection:
        for master, (kind, t0) in zip(MASTERS, kinds, strict=True):
            new = tags.add_tag(
                connection, office.keyring, kind, START_MS, kind=kind, master=master, t0=t0, issued_ms=START_MS
            )
            known[new.id] = kind
    return office, known


def spans(office: Office, table: str, first: str, last: str, tag: int) -> list[tuple[int, int]]:
    rows = office.rows(f"SELECT {first}, {last} FROM {table} WHERE tag = {tag}")
    return merged([(int(str(a)), int(str(b))) for a, b in rows], 0)


async def record(machine: Machine, mode: str) -> tuple[list[Heard], str]:
    kind = "mgmt" if mode == "mgmt" else "bleak"
    bench = Recording(machine, [*AT_REST, *others(60)], mode, kind=kind)
    bench.heard = []
    async with bench:
        await bench.until(lambda: all(bench.heard_names(index) for index in (0, 1)), "both")
        begin = end = asyncio.get_running_loop().time()
        while end < begin + RECORD_S:
            end = min(begin + RECORD_S, end + 60.0)
            await bench.until(lambda: bench.air.sent[0][-1].at >= end, "the tag has sent so long")  # noqa: B023  # called within this turn of the loop only
        await bench.quiet()
        bench.windows += bench.folder.flush()
        bench.check_windows()
        return bench.recorded(begin, begin + RECORD_S), bench.share((0, 1))


@pytest.mark.parametrize("mode", ["passive+active"])
def test_an_hour_at_rest(machine: Machine, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded, share = asyncio.run(record(machine, mode))
    with capsys.disabled():
        print(f"\n  {machine.accelerator}, {mode}, at rest for {RECORD_S:.0f} s: {share}")
    for hole, parts in ((False, 1), (True, 2)):
        office, known = an_office(tmp_path / f"{parts}")
        deliver(office, hour_of(recorded, hole=hole))
        for tag, kind in known.items():
            stays = spans(office, "presence", "start_ms", "end_ms", tag)
            visits = spans(office, "visit", "came_ms", "last_ms", tag)
            assert (len(stays), len(visits)) == (parts, parts), (kind, stays, visits)
            assert visits[0][0] < START_MS + EDGE_MS
            assert visits[-1][1] > START_MS + HOUR_S * 1000 - EDGE_MS
        assert office.number("SELECT count(*) FROM visit_correction") == 0, "the book never showed anybody as gone"
        office.database.dispose()
