"""The spool: what it has taken survives kill -9; what it must drop it counts; a full disk drains again."""

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.disks import take_the_rest

from zonetag_gateway.errors import SpoolBusy, SpoolFull, SpoolUnusable
from zonetag_gateway.spool import PAGE, Record, Spool
from zonetag_protocol.acknowledgement import Acknowledgement

MB = 1_000_000
BOOT = 1 << 32


def records(first: int, n: int, size: int = 600, boot: int = BOOT) -> list[Record]:
    return [Record(boot, seq, seq.to_bytes(4, "big") * (size // 4)) for seq in range(first, first + n)]


def ack(through: int, *beyond: int, boot: int = BOOT) -> Acknowledgement:
    return Acknowledgement("entrance", boot, through, beyond)


def seqs(spool: Spool) -> list[int]:
    return [record.seq for record in spool.oldest(100_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path, 10 * MB)
    yield spool
    spool.close()


def test_in_order_and_by_name(spool: Spool) -> None:
    spool.append(records(1, 5))
    spool.append(records(1, 2, boot=BOOT * 2))
    assert [(r.boot, r.seq) for r in spool.oldest(100)] == [(BOOT, n) for n in range(1, 6)] + [
        (BOOT * 2, 1),
        (BOOT * 2, 2),
    ]
    first = spool.oldest(3)
    assert [r.sealed[:4] for r in first] == [b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3"]
    assert [r.seq for r in spool.oldest(2, after=first[-1].id)] == [4, 5]


def test_only_what_is_acknowledged_goes(spool: Spool) -> None:
    spool.append(records(1, 9))
    spool.append(records(1, 3, boot=BOOT * 2))
    assert spool.acknowledged(ack(2, 4, 7, 1 << 63, (1 << 64) - 1)) == 4
    assert spool.acknowledged(ack(2, 4)) == 0
    assert [r.seq for r in spool.oldest(100) if r.boot == BOOT] == [3, 5, 6, 8, 9]
    assert spool.acknowledged(ack((1 << 64) - 1, boot=BOOT * 2)) == 3
    assert spool.acknowledged(ack(5, boot=(1 << 63) - 1)) == 0
    assert spool.fill().reports == 5


def test_a_boot_counts_up_and_lasts(path: Path) -> None:
    for expected in (1, 2, 3):
        spool = Spool(path, MB)
        assert spool.next_boot() == expected
        spool.close()


def test_the_same_name_again_takes_the_newer_bytes(spool: Spool) -> None:
    spool.append(records(1, 1))
    spool.append([Record(BOOT, 1, b"newer")])
    assert [r.sealed for r in spool.oldest(9)] == [b"newer"]


def test_over_the_cap_the_oldest_go_counted(path: Path) -> None:
    spool = Spool(path, MB)
    dropped = sum(spool.append(records(1 + 10 * i, 10, size=2000)) for i in range(100))
    kept = seqs(spool)
    assert kept == list(range(1001 - len(kept), 1001))
    assert dropped == 1000 - len(kept) == spool.fill().dropped > 300
    assert spool.fill().bytes <= MB
    spool.close()
    assert path.stat().st_size < 1.3 * MB
    assert path.stat().st_mode & 0o077 == 0  # who was heard where is nobody else's business
    again = Spool(path, MB)
    assert again.fill().dropped == dropped
    assert seqs(again) == kept
    again.close()


def test_two_owners(path: Path, spool: Spool) -> None:
    with pytest.raises(SpoolBusy) as caught:
        Spool(path, MB)
    assert caught.value.to_do
    spool.append(records(1, 1))


@pytest.mark.parametrize("content", [b"not a database, though long enough to be one" * 10])
def test_a_file_that_is_no_spool(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(SpoolUnusable):
        Spool(path, MB)
    assert path.read_bytes() == content
    path.unlink()
    Spool(path, MB).close()  # and the lock has been let go


def test_a_spool_from_the_future(path: Path) -> None:
    Spool(path, MB).close()
    data = bytearray(path.read_bytes())
    data[60:64] = (99).to_bytes(4, "big")  # user_version in the file's header
    path.write_bytes(data)
    with pytest.raises(SpoolUnusable, match="newer"):
        Spool(path, MB)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolUnusable):
        Spool(tmp_path / "file" / "spool.db", MB)


APPENDER = """
import sys
from pathlib import Path
from zonetag_gateway.spool import Record, Spool
spool = Spool(Path(sys.argv[1]), 50_000_000)
boot = spool.next_boot() << 32
seq = 0
while True:
    batch = [Record(boot, seq + i, bytes(3000)) for i in (1, 2, 3)]
    spool.append(batch)
    seq += 3
    sys.stdout.write(f"{boot} {seq}\\n")
    sys.stdout.flush()
"""


def test_kill_9_in_the_middle_loses_nothing_that_was_taken(path: Path) -> None:
    """Thirty processes, each killed at some point of its appending."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    taken: dict[int, int] = {}
    for _ in range(30):
        process = subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(dice.randint(1, 25)):
            boot, seq = map(int, process.stdout.readline().split())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:  # what it had said before it died
            if line.endswith("\n"):
                boot, seq = map(int, line.split())
        process.wait()
        process.stdout.close()
        taken[boot] = seq
    spool = Spool(path, 50 * MB)
    kept: dict[int, list[int]] = {}
    for record in spool.oldest(1_000_000):
        kept.setdefault(record.boot, []).append(record.seq)
    spool.close()
    assert len(kept) == 30
    for boot, last in taken.items():
        # All that was said to be taken, at most one batch more, and never a part of a batch.
        assert kept[boot] == list(range(1, len(kept[boot]) + 1))
        assert len(kept[boot]) - last in (0, 3)


def test_control_what_was_never_taken_is_lost(path: Path) -> None:
    """The test above can fail: a transaction that is not committed leaves nothing."""
    spool = Spool(path, MB)
    spool.append(records(1, 1))
    spool._db.execute("BEGIN IMMEDIATE")
    spool._db.execute("INSERT INTO report (boot, seq, sealed) VALUES (1, 2, x'00')")
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    shutil.copy(path.with_name(path.name + "-wal"), copy.with_name(copy.name + "-wal"))
    spool._db.execute("ROLLBACK")
    spool.close()
    after = Spool(copy, MB)
    assert seqs(after) == [1]
    after.close()


def fill_up(spool: Spool) -> int:
    """Append until the disk refuses; how many reports it took."""
    for seq in range(1, 100_000, 4):
        try:
            spool.append(records(seq, 4, size=3000))
        except SpoolFull:
            return seq - 1
    raise AssertionError("this disk is never full")


def drain(spool: Spool, taken: int) -> int:
    """Acknowledge report by report; how many that deleted."""
    return sum(spool.acknowledged(ack(through)) for through in range(1, taken + 1))


def test_a_full_disk_refuses_keeps_and_drains(tiny_disk: Path) -> None:
    spool = Spool(tiny_disk / "spool.db", 100 * MB)
    taken = fill_up(spool)
    take_the_rest(tiny_disk)
    assert taken > 100
    assert seqs(spool) == list(range(1, taken + 1))
    with pytest.raises(SpoolFull):
        spool.append(records(taken + 1, 64, size=3000))
    assert shutil.disk_usage(tiny_disk).free < 2 * PAGE
    assert seqs(spool) == list(range(1, taken + 1))
    assert drain(spool, taken) == taken
    assert spool.fill().reports == 0
    # The disk is still full, but the spool's own pages are free again.  It takes what they hold, and drains once more.
    again = fill_up(spool)
    assert taken // 2 < again <= taken
    assert drain(spool, again) == again
    spool.close()


def test_control_without_ballast_a_full_disk_cannot_drain(tiny_disk: Path) -> None:
    """The ballast is what makes the test above pass."""
    spool = Spool(tiny_disk / "spool.db", 100 * MB, ballast=1)
    (tiny_disk / "spool.db.ballast").unlink(missing_ok=True)
    (tiny_disk / "neighbour").write_bytes(bytes(2 * MB))
    taken = fill_up(spool)
    take_the_rest(tiny_disk)
    with pytest.raises(SpoolFull):
        drain(spool, taken)
    (tiny_disk / "neighbour").unlink()
    spool.acknowledged(ack(taken))
    assert seqs(spool) == []
    spool.close()


def test_a_disk_full_at_the_start(tiny_disk: Path) -> None:
    take_the_rest(tiny_disk)
    with pytest.raises(SpoolUnusable) as caught:
        Spool(tiny_disk / "spool.db", MB)
    assert caught.value.to_do
