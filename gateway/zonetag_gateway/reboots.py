"""How often this machine was rebooted by its gateway, kept over the reboots: a budget for each day.

The file holds a JSON list of UTC times in ms.  A time in the future counts as recent (the clock of a Pi may be wrong
after a reboot), and a file that cannot be understood as a budget that has just been spent.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

DAY_MS = 24 * 3600 * 1000
KEPT = 100  # times in the file at most


def within_budget(past: Sequence[int], now_ms: int, per_day: int) -> bool:
    """Whether one more reboot is allowed."""
    return sum(now_ms - at < DAY_MS for at in past) < per_day


class Reboots:
    """The budget in its file."""

    def __init__(self, path: Path, per_day: int) -> None:
        self._path = path
        self._per_day = per_day

    def take(self, now_ms: int) -> bool:
        """Take one reboot out of the budget, on disk before this returns; False when it is spent.  OSError."""
        past = self._read(now_ms)
        allowed = within_budget(past, now_ms, self._per_day)
        self._write([*past, now_ms] if allowed else past)
        return allowed

    def _read(self, now_ms: int) -> list[int]:
        try:
            past = json.loads(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return []
        except (ValueError, RecursionError):
            past = None
        if not isinstance(past, list) or not all(type(at) is int for at in past):
            return [now_ms] * self._per_day
        return past

    def _write(self, past: Sequence[int]) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump(past[-KEPT:], file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
