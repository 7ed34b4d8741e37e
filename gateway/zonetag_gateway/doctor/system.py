"""Checks of the machine: the clock, and the disk under the spool.  Pure."""

from dataclasses import dataclass
from pathlib import Path

from zonetag_gateway.doctor.findings import Finding, fail, ok, warn
from zonetag_gateway.source import Moment

MB = 1_000_000
LEAST_FREE_MB = 50  # under that the next apt upgrade fills the disk, whatever the spool does
# A report of some hundred windows takes about 3 kB; below this date a clock has certainly not been set.
EARLIEST_UTC_MS = 1_735_689_600_000  # 2025-01-01


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system under a path."""

    free: int
    # bytes for this user
    writable: bool
    # whether this user may make files in the folder
    exists: bool
    # whether the folder is there


def clock(now: Moment) -> Finding:
    """Whether reports would bear the right time."""
    to_do = "sudo timedatectl set-ntp true; timedatectl timesync-status"
    if now.utc_ms < EARLIEST_UTC_MS:
        return fail("clock", "the clock has never been set", to_do)
    if not now.synchronised:
        return warn("clock", "the system does not call its clock synchronised", to_do)
    return ok("clock", "synchronised")


def disk(path: Path, seen: Disk, max_mb: int, spooled: int) -> Finding:
    """Room for the spool at `path`, which may grow to `max_mb` and has `spooled` bytes now."""
    folder = path.parent
    if not seen.exists:
        return fail("spool", f"the folder {folder} does not exist", f"sudo install -d -o $USER {folder}")
    if not seen.writable:
        return fail("spool", f"this user may not write in {folder}", f"sudo chown $USER {folder}")
    free_mb = seen.free // MB
    needed = max_mb - spooled // MB
    if free_mb < LEAST_FREE_MB:
        return fail("spool", f"{free_mb} MB free under {folder}", f"Make room: sudo du -xh {folder} / | sort -h | tail")
    if free_mb < needed:
        return warn(
            "spool",
            f"{free_mb} MB free under {folder}, and the spool may take {needed} MB more",
            f"Set spool.max_mb to {max(1, free_mb // 2)} or make room",
        )
    return ok("spool", f"{free_mb} MB free under {folder}")
