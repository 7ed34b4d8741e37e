"""The clock over reboots: never before the last known time, never waiting, repaired once it is synchronised."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from zonetag_gateway.clock import KEEP_S, SystemClock
from zonetag_gateway.lasttime import LATEST_MS, LastTime

NS = 1_000_000  # of a millisecond
OLD, NOW = 0, 1_800_000_000_000  # 1970, and 2027, in ms


@dataclass
class Machine:
    """A machine's clocks, in the test's hands."""

    utc_ms: int = OLD
    monotonic_ms: int = 5_000
    synchronised: bool = False

    def boot(self, kept: LastTime | None) -> SystemClock:
        return SystemClock(
            kept,
            utc_ns=lambda: self.utc_ms * NS,
            monotonic_ns=lambda: self.monotonic_ms * NS,
            synchronised=lambda: self.synchronised,
        )

    def passes(self, seconds: int) -> None:
        self.utc_ms += seconds * 1000
        self.monotonic_ms += seconds * 1000


@pytest.fixture
def kept(tmp_path: Path) -> LastTime:
    return LastTime(tmp_path / "spool.db.time")


def test_without_anything_kept_it_is_the_systems_clock(kept: LastTime) -> None:
    for where in (None, kept):
        now = Machine(utc_ms=1234).boot(where).now()
        assert (now.utc_ms, now.monotonic_ms, now.synchronised) == (1234, 5_000, False)


def test_a_boot_without_ntp_goes_on_from_the_last_known_time(kept: LastTime) -> None:
    first = Machine(NOW, synchronised=True)
    clock = first.boot(kept)
    first.passes(KEEP_S)
    assert clock.keep()
    again = Machine(OLD, monotonic_ms=100)
    clock = again.boot(kept)
    seen = [clock.now().utc_ms]
    for _ in range(3):
        again.passes(60)
        seen.append(clock.now().utc_ms)
    assert seen == [NOW + KEEP_S * 1000 + 60_000 * n for n in range(4)]  # it runs on, it does not stand
    assert not clock.now().synchronised


def test_ntp_repairs_it_forwards_and_backwards(kept: LastTime) -> None:
    kept.write(NOW)
    machine = Machine(OLD)
    clock = machine.boot(kept)
    for truth in (NOW + 7 * 86_400_000, NOW - 86_400_000):
        machine.utc_ms, machine.synchronised = truth, True
        assert clock.now().utc_ms == truth
        assert clock.now().synchronised
    machine.passes(KEEP_S)
    assert clock.keep()
    assert kept.read() == machine.utc_ms  # a kept time that was too late does not stay


def test_a_step_back_after_keeping_is_not_followed(kept: LastTime) -> None:
    machine = Machine(NOW)
    clock = machine.boot(kept)
    machine.passes(KEEP_S)
    assert clock.keep()
    machine.utc_ms = OLD
    assert clock.now().utc_ms == NOW + KEEP_S * 1000


def test_it_is_written_once_in_some_minutes(kept: LastTime) -> None:
    machine, written = Machine(NOW), 0
    clock = machine.boot(kept)
    for _ in range(3600):
        machine.passes(1)
        written += clock.keep()
    assert written == 3600 // KEEP_S


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"soon", b"-5", b"9" * 40, b"%d" % (LATEST_MS + 1), b"\xff"])
def test_a_file_that_holds_no_time_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "time"
    path.write_bytes(content)
    assert LastTime(path).read() == 0
    assert Machine(1234).boot(LastTime(path)).now().utc_ms == 1234


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    machine = Machine(NOW)
    clock = machine.boot(LastTime(tmp_path / "file" / "below"))
    machine.passes(KEEP_S)
    assert not clock.keep()
    assert clock.now().utc_ms == machine.utc_ms


def test_the_write_replaces_and_leaves_nothing_beside(tmp_path: Path, kept: LastTime) -> None:
    for utc_ms in (NOW, NOW + 1):
        assert kept.write(utc_ms)
    assert kept.read() == NOW + 1
    assert [path.name for path in tmp_path.iterdir()] == ["spool.db.time"]
