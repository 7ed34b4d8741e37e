"""How the tag fares: counts, writes down and shows what goes wrong, and what the LED says."""

import json

from zonetag_tag import faults, leds
from zonetag_tag.board import Board
from zonetag_tag.faultlog import FaultLog
from zonetag_tag.store import load_counters, save_counters

# The first faults of a kind are saved one by one, then every so many: one that stays must not wear the flash.
SAVED_EACH = 16


class Health:
    """Counters in NVS, log in folder `root`, LED and serial line of `board`."""

    def __init__(self, board: Board, root: str) -> None:
        self._board = board
        self._log = FaultLog(root)
        self.counters = faults.Counters(load_counters(board))
        self.problems: set[str] = {leds.BOOT}  # names of LED codes
        self._full = False  # the file system takes nothing
        self.code: leds.Code | None = None
        self._code_ms = 0
        self._up_ms = 0
        self._lit = False

    def started(self, t: int) -> None:
        """Count and write down why the tag started."""
        reason = self._board.reset_reason()
        if not reason:
            return
        self._count(reason)
        if reason != faults.POWER:
            self._log.write(t, reason, "")

    def fault(self, t: int, code: str, led: str, detail: str) -> None:
        """Something went wrong at second `t`; `led` is the LED code it shows from now on, or ""."""
        if self._count(code) == 1 or led not in self.problems:
            self.say({"zonetag-fault": code, "detail": detail})
        if led:
            self.mark(led, True)
        if not self._log.write(t, code, detail):
            self._full = True
            self.mark(leds.FLASH, True)

    def mark(self, led: str, holds: bool) -> None:
        """Whether the LED code `led` is to be shown from now on."""
        if holds or (led == leds.FLASH and self._full):
            self.problems.add(led)
        else:
            self.problems.discard(led)

    def check_room(self, t: int) -> None:
        """Is there room in the file system?  If not, the log gives up its own first."""
        self._full = not self._log.make_room()
        if self._full:
            self.fault(t, faults.FLASH, leds.FLASH, "the file system is full or damaged")

    def pressed(self) -> None:
        """The button's interrupt has lit the LED."""
        self._lit = True

    def show(self, passed: int) -> int:
        """Drive the LED `passed` ms after the last time; ms until it changes next."""
        self._up_ms = min(leds.BOOT_MS, self._up_ms + passed)
        self.mark(leds.BOOT, self._up_ms < leds.BOOT_MS)
        code = leds.choose(self.problems)
        self._code_ms = self._code_ms + passed if code == self.code else 0
        self.code = code
        on, until = leds.lit(code, self._code_ms)
        if on != self._lit:
            self._lit = on
            self._board.light(on)
        return until

    def log(self) -> list[str]:
        """The lines of the fault log."""
        return self._log.lines()

    def say(self, about: dict[str, object]) -> None:
        """One line of JSON on the serial line."""
        self._board.say(json.dumps(about))

    def _count(self, code: str) -> int:
        count = self.counters.add(code)
        if count < SAVED_EACH or count % SAVED_EACH == 0:
            save_counters(self._board, self.counters.pack())
        return count
