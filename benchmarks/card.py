"""What a gateway writes to its SD card in a day, and what it would write if nobody took its reports.

The gateway's own spool and journal, on this machine's disk: an hour of office (40 tags near one gateway) and an hour of
night (no tag, others' devices counted), a report each 5 s as by default, each acknowledged and deleted as it is when
the network is up.  Scaled to 10 hours of office and 14 of night.  `handed over` are the bytes of all write calls,
`to the disk` those that the kernel has counted for this process; what the file system adds of its own (its journal,
the card's erase blocks) is in neither.  The reference is what the reports hold.
"""

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import show

from zonetag_gateway.batch import Draft
from zonetag_gateway.clock import KEEP_S
from zonetag_gateway.journal import Journal
from zonetag_gateway.lasttime import LastTime
from zonetag_gateway.spool import Spool
from zonetag_gateway.window import ClosedWindow
from zonetag_protocol import report
from zonetag_protocol.acknowledgement import Acknowledgement

TAGS = 40
EVERY_S = 5.0  # report.every_s
SLOT_S = 4.0  # each tag makes a window a slot
PER_HOUR = round(3600 / EVERY_S)
OFFICE_H, NIGHT_H = 10, 14
BOOT = 1 << 32
START_MS = 1_790_000_000_000
CACHE = Path(__file__).parent.parent / ".cache"  # on the disk of the checkout: /tmp may be memory


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes so far."""

    handed: int
    disk: int


def written() -> Written:
    """What the kernel says of this process."""
    counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return Written(int(counts["wchar"]), int(counts["write_bytes"]))


def drafts(hour: int, tags: int, dice: random.Random) -> list[Draft]:
    """An hour of reports."""
    made = []
    for number in range(PER_HOUR):
        at = hour * 3600 + number * EVERY_S
        windows = tuple(
            ClosedWindow(report.KIND_ZONETAG, dice.randbytes(8), dice.randbytes(6), at, at + 3.9, 4, -60, -61, -64, -70)
            for _ in range(round(tags * EVERY_S / SLOT_S))
        )
        base = report.Base(START_MS + round(at * 1000), round(at * 1000), True)
        tallies = {"adverts": 500, "adverts.unknown": 300, "phones.exposure_notification": 12, "windows": len(windows)}
        made.append(Draft(base, at, windows, tallies))
    return made


def hour(folder: Path, tags: int, *, acknowledged: bool) -> tuple[Written, int]:
    """Bytes written within an hour, and bytes that its reports hold."""
    spool = Spool(folder / f"{tags}-{acknowledged}.db", 512_000_000)
    journal = Journal(spool, "entrance", BOOT)
    clock = LastTime(folder / f"{tags}-{acknowledged}.time")
    dice = random.Random(tags)
    held = 0
    before = written()
    for number, draft in enumerate(drafts(0, tags, dice), 1):
        journal.store([draft])
        held += sum(len(record.sealed) for record in spool.oldest(1, number - 1))
        if acknowledged:
            spool.acknowledged(Acknowledgement("entrance", BOOT, number, ()))
        if number * EVERY_S % KEEP_S == 0:
            clock.write(START_MS + number)
    after = written()
    spool.close()
    return Written(after.handed - before.handed, after.disk - before.disk), held


def main() -> None:
    if sys.platform != "linux":
        sys.exit("this benchmark reads /proc/self/io: run it on Linux")
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        for what, acknowledged in (("delivered as they come", True), ("nobody takes them", False)):
            office, office_held = hour(Path(name), TAGS, acknowledged=acknowledged)
            night, night_held = hour(Path(name), 0, acknowledged=acknowledged)
            held = (office_held * OFFICE_H + night_held * NIGHT_H) / 1e6
            handed = (office.handed * OFFICE_H + night.handed * NIGHT_H) / 1e6
            disk = (office.disk * OFFICE_H + night.disk * NIGHT_H) / 1e6
            show(f"held by a day's reports, {what}", held, "MB a day")
            show(f"handed over, {what}", handed, "MB a day", "what they hold", held)
            show(f"to the disk, {what}", disk, "MB a day", "what they hold", held)


if __name__ == "__main__":
    main()
