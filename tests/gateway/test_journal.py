"""Drafts into the spool: chained without gaps, whatever the disk does in between."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from zonetag_gateway.batch import Draft
from zonetag_gateway.errors import SpoolFull, SpoolUnusable
from zonetag_gateway.journal import DROPPED_DISK, DROPPED_REPORTS, MAX_HELD_WINDOWS, Journal, check_owner
from zonetag_gateway.spool import Record, Spool
from zonetag_gateway.window import ClosedWindow
from zonetag_protocol import envelope, report
from zonetag_protocol.acknowledgement import Acknowledgement

BOOT = 1 << 32


class Moody(Spool):
    """A real spool whose disk refuses at will."""

    refuses = False

    def append(self, records: Sequence[Record]) -> int:
        if self.refuses:
            raise SpoolFull("the disk is full", "Free space on it")
        return super().append(records)


@pytest.fixture
def spool(tmp_path: Path) -> Moody:
    return Moody(tmp_path / "spool.db", 1_000_000)


def draft(windows: int = 1) -> Draft:
    one = ClosedWindow(1, b"12345678", b"123456", 0.0, 1.0, 2, -40, -50, -60, -70)
    return Draft(report.Base(1, 1, False), 0.0, (one,) * windows, {"adverts": 2 * windows})


def reports(spool: Spool) -> list[report.Report]:
    found = [report.decode(envelope.unwrap(record.sealed, "report")) for record in spool.oldest(100_000)]
    for before, after in pairwise(found):
        assert after.seq == before.seq + 1
        assert after.previous == report.hash_of(report.encode(before))
    return found


def test_chained_without_gaps_over_a_refusal(spool: Moody, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(spool, "entrance", BOOT)
    assert journal.store([draft(), draft()]) == 2
    spool.refuses = True
    for _ in range(5):
        assert journal.store([draft()]) == 0
    assert journal.held == 5
    spool.refuses = False
    assert journal.store([]) == 5
    found = reports(spool)
    assert [r.seq for r in found] == list(range(1, 8))
    assert sum(r.tallies["adverts"] for r in found) == 14
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1  # told once, not five times
    spool.close()


def test_memory_is_bounded_while_the_disk_refuses(spool: Moody) -> None:
    journal = Journal(spool, "entrance", BOOT)
    spool.refuses = True
    given = 0
    for _ in range(50):
        journal.store([draft(1000)])
        given += 2000
    assert journal.held <= MAX_HELD_WINDOWS / 1000
    spool.refuses = False
    journal.store([])
    found = reports(spool)
    in_windows = sum(window.count for r in found for window in r.columns.windows())
    dropped = sum(r.tallies.get(DROPPED_DISK, 0) for r in found)
    assert in_windows + dropped == given == sum(r.tallies["adverts"] for r in found)
    assert dropped == journal.dropped[DROPPED_DISK] > 0
    spool.close()


def test_what_the_cap_drops_is_told_in_the_next_report(spool: Moody) -> None:
    journal = Journal(spool, "entrance", BOOT)
    for _ in range(40):
        journal.store([draft(1500)])
    journal.store([draft()])
    assert spool.fill().dropped == journal.dropped[DROPPED_REPORTS] > 0
    assert sum(r.tallies.get(DROPPED_REPORTS, 0) for r in reports(spool)) > 0
    spool.close()


def test_a_spool_with_reports_of_another_name_is_refused(spool: Moody) -> None:
    check_owner(spool, "entrance")  # empty: anybody's
    Journal(spool, "entrance", BOOT).store([draft()])
    check_owner(spool, "entrance")
    with pytest.raises(SpoolUnusable) as refused:
        check_owner(spool, "back-door")
    assert "entrance" in str(refused.value)
    spool.acknowledged(Acknowledgement("entrance", BOOT, 1))
    check_owner(spool, "back-door")


def test_a_damaged_report_keeps_nobody_from_starting(spool: Moody) -> None:
    spool.append([Record(BOOT, 1, b"rubbish")])
    check_owner(spool, "entrance")
