"""The last time that was known, kept over reboots: a Raspberry Pi has no clock that runs while it is off.

One small file, replaced whole, so that a pulled plug leaves the old one or the new one.  It holds nothing but a number.
"""

import contextlib
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

LATEST_MS = 4_102_444_800_000  # the year 2100: what claims to be later was written by a broken clock


class LastTime:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = False

    def read(self) -> int:
        """UTC in ms, or 0 when nothing (or nothing sensible) is kept."""
        try:
            utc_ms = int(self._path.read_bytes()[:32])
        except (OSError, ValueError):
            return 0
        return utc_ms if 0 < utc_ms <= LATEST_MS else 0

    def write(self, utc_ms: int) -> bool:
        """Keep it; whether the disk took it.  Never raises: a gateway works without."""
        new = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                file.write(b"%d\n" % utc_ms)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            if not self._told:
                log.warning(
                    "the time cannot be kept in %s (%s): free the disk, or allow it", self._path, error.strerror
                )
            self._told = True
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            return False
        self._told = False
        return True
