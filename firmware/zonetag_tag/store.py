"""What outlives a reset: the clock's reservation, twice, and the counters.

Law: no second is used before both records stand at or beyond it, or the one that does not has been made unbelievable.
So whichever record is lost, the other leads to a second that no frame has used.

| record | where | step ahead | why |
|---|---|---|---|
| "clock0", "clock1" | NVS, in turns | 4 s at first, then 8, 16, 32, 64 s | below; a torn write leaves the other |
| clock.bin | file, replaced by rename | 1024 s | NVS may be erased; one write an epoch is all that flash should bear |

A reset costs the clock what was reserved and not used: at most a minute, and a slot if the tag resets again and again
(an empty cell that cannot feed the radio), lest the clock runs away from where the backend looks for it.

Wear: 1350 writes a day of 3 NVS entries each (a blob's index, head and data), 126 to a page, 4 pages of which one is
kept free: 11 erases of a page a day at most (flash bears 100,000: 25 years).

Resuming:

| clock.bin | NVS | the clock resumes at |
|---|---|---|
| good, "NVS is good" | good | NVS's |
| good, "NVS failed" | good or not | the later of those there are |
| good | none | the file's (a lost NVS) |
| unreadable | good | NVS's |
| unreadable | none | nowhere: ClockLost |
| absent | good | NVS's |
| absent | none | the card's first second: a new tag |
"""

import os

from zonetag_protocol.rotation import EPOCH_S, SLOT_S
from zonetag_tag import records
from zonetag_tag.board import Board
from zonetag_tag.clock import reservation

NVS_FIRST_STEP_S = SLOT_S
NVS_STEP_S = 64
FILE_STEP_S = EPOCH_S
NVS_NAMES = ("clock0", "clock1")
COUNTERS = "counters"
FILE = "clock.bin"
FILE_NEW = "clock.new"
NVS_GOOD = 1
NVS_FAILED = 0


def load_counters(board: Board) -> bytes:
    """The counters as last saved, whatever card the tag had then; or nothing."""
    return records.unpack(b"", COUNTERS, board.nvs_get(COUNTERS)) or b""


def save_counters(board: Board, data: bytes) -> bool:
    """Save the counters; False if NVS did not take them."""
    return board.nvs_set(COUNTERS, records.pack(b"", COUNTERS, data))


class ClockLost(Exception):
    """Records were there and cannot be read: nobody knows which identifiers were sent.  Flash the tag again."""


class Store:
    """The records of the tag whose card has the check `owner`, on `board`'s NVS and in folder `root`."""

    def __init__(self, board: Board, root: str, owner: bytes) -> None:
        self._board = board
        self._root = root
        self._owner = owner
        self._turn = 0
        self._step = NVS_FIRST_STEP_S
        self._nvs = 0  # second reserved in NVS
        self._file = 0  # second reserved in the file
        self._nvs_good = True
        self._file_good = True
        self._new = False  # nothing was ever written
        self.usable = 0  # the first second that may not be used

    def resume(self, t0: int) -> int:
        """The second to begin at; `t0` for a tag that has never run.  ClockLost (see the table)."""
        nvs = self._read_nvs()
        present, file, nvs_good = self._read_file()
        if file is None:
            if nvs is None:
                if present:
                    raise ClockLost()
                self._new = True
                return t0
            return nvs
        if nvs is None:
            return file
        if not nvs_good:
            return max(nvs, file)
        self._file = file  # still good: a reset alone does not write the file anew
        return nvs

    def reserve(self, t: int) -> bool:
        """Make second `t` and some behind it usable; False if `t` cannot be used.  Ask `failures` what went wrong."""
        if t < self.usable:
            return True
        self._reserve_file(t)
        self._reserve_nvs(t)
        limits = [limit for limit, good in ((self._nvs, self._nvs_good), (self._file, self._file_good)) if good]
        if not limits or (self._new and not self._file_good):
            # A new tag on a file system that takes nothing: a lost NVS would then look like a new tag once more.
            return False
        self._new = False
        self.usable = min(limits)
        return t < self.usable

    def failures(self) -> tuple[bool, bool]:
        """Whether the last reservation failed in (NVS, file)."""
        return not self._nvs_good, not self._file_good

    def _reserve_nvs(self, t: int) -> None:
        until = reservation(t, self._step)
        name = NVS_NAMES[self._turn]
        good = self._board.nvs_set(name, records.pack(self._owner, name, until.to_bytes(5, "little")))
        if good:
            self._turn = 1 - self._turn
            self._nvs = until
            self._step = min(NVS_STEP_S, 2 * self._step)
        if good != self._nvs_good:
            # From here on the file alone counts (or no longer does); that must stand in the file before it is used.
            self._nvs_good = good
            self._file = 0
            self._reserve_file(t)

    def _reserve_file(self, t: int) -> None:
        if self._file_good and reservation(t, NVS_STEP_S) <= self._file:
            return
        until = reservation(t, FILE_STEP_S)
        value = until.to_bytes(5, "little") + bytes([NVS_GOOD if self._nvs_good else NVS_FAILED])
        self._file_good = self._write_file(records.pack(self._owner, FILE, value))
        if self._file_good:
            self._file = until
        else:
            self._discredit_file()

    def _write_file(self, data: bytes) -> bool:
        """Write beside and rename over: a cut of the power leaves the old or the new."""
        try:
            with open(self._root + FILE_NEW, "wb") as file:
                file.write(data)
            os.rename(self._root + FILE_NEW, self._root + FILE)
        except OSError:
            return False
        return True

    def _discredit_file(self) -> None:
        """An old reservation must not be believed later; emptied, the file still tells that the tag has run."""
        try:
            with open(self._root + FILE, "wb"):
                pass
        except OSError:
            # Not even that: a file system that takes nothing at all.  NVS goes on alone; only if it were lost too,
            # before somebody heeds the LED, would the stale file be believed.
            return

    def _read_nvs(self) -> int | None:
        best = None
        for turn in (0, 1):
            name = NVS_NAMES[turn]
            value = records.unpack(self._owner, name, self._board.nvs_get(name))
            if value is not None and len(value) == 5:
                second = int.from_bytes(value, "little")
                if best is None or second > best:
                    best = second
                    self._turn = 1 - turn  # the next write goes over the older
        return best

    def _read_file(self) -> tuple[bool, int | None, bool]:
        """(whether there is one, its second, whether NVS was good then)."""
        try:
            with open(self._root + FILE, "rb") as file:
                data = file.read(64)
        except OSError as error:
            return error.args[0] != 2, None, False  # 2 ENOENT; anything else is a file that cannot be read
        value = records.unpack(self._owner, FILE, data)
        if value is None or len(value) != 6:
            return True, None, False
        return True, int.from_bytes(value[:5], "little"), value[5] == NVS_GOOD
