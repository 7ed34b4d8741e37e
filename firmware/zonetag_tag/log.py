"""The contact log: records in flash, numbered, kept until they are acknowledged (SPEC.md sections 12.6 and 12.7).

Folder `contacts`, a file a segment, named `<log>-<number of its first record>` in hexadecimal; a record there has 40
bytes:

| offset | bytes | field |
|---|---|---|
| 0 | 36 | record |
| 36 | 4 | SHA-256(owner, log, number, record)[0:4] |

Laws:
1. A number is used once.  What a cut of the power leaves at the end of a segment counts as used; the next record
   begins a new segment.
2. One write an epoch (17 minutes) and one for each acknowledgement: on littlefs 21 days cost less than 4000 erases of
   4 KB blocks (test_log.py), which it spreads over all it has: some 20 of a block's 100,000.
3. The oldest segment goes when there are over MOST records, when the file system has no room, or when all of it is
   acknowledged or older than 21 days.  The newest stays, so that the log keeps its name, until it is too old itself.
"""

import os

from zonetag_protocol import contact
from zonetag_protocol.crypto import same, sha256
from zonetag_protocol.rotation import EPOCH_S
from zonetag_tag import records
from zonetag_tag.board import Board

FOLDER = "contacts"
NAME = "contacts"  # of the record in NVS: log[4], number[4] acknowledged
CHECK = 4
STORED = contact.LENGTH + CHECK
SEGMENT = 512  # records: 20 KB
MOST = 16384  # records: 640 KB, 780 a day
DAY_EPOCHS = 86400 // EPOCH_S + 1
KEPT_EPOCHS = 21 * 86400 // EPOCH_S
ROOM = 16 * 4096  # bytes of the file system that the log leaves to others
ENOENT = 2


class Segment:
    """A file: number of its `first` record, and `count` of those in it, readable or not."""

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count


class Log:
    """The log of the tag whose card has the check `owner`, in folder `root`."""

    def __init__(self, board: Board, root: str, owner: bytes) -> None:
        self._board = board
        self._folder = root + FOLDER
        self._owner = owner
        self._segments: list[Segment] = []
        self._whole = True  # the newest segment may be appended to
        self._newest_epoch = 0  # in which the newest segment was begun
        self.failed = False  # the flash did not take the last batch
        self.log = b""
        self.acknowledged = 0
        self._load()

    @property
    def next(self) -> int:
        """The number that the next record will get."""
        if not self._segments:
            return self.acknowledged + 1
        return self._segments[-1].first + self._segments[-1].count

    @property
    def first(self) -> int:
        """The number of the oldest record that is not acknowledged (`next` if there is none)."""
        oldest = self._segments[0].first if self._segments else self.next
        return max(oldest, self.acknowledged + 1)

    def waiting(self) -> bool:
        """Whether there are records to be fetched."""
        return self.first < self.next

    def append(self, batch: list[bytes]) -> bool:
        """Write records of one epoch in one go; False, and none of them is in the log, if the flash takes nothing."""
        if not batch:
            return True
        epoch = int.from_bytes(batch[0][:3], "big")
        self.expire(epoch)
        while self._segments and self.next - self._segments[0].first + len(batch) > MOST:
            self._drop_oldest()
        for _ in range(2 + len(self._segments)):
            if self._room() and self._write(batch, epoch):
                self.failed = False
                return True
            if len(self._segments) < 2:
                break
            self._drop_oldest()
        self.failed = True
        return False

    def read(self, number: int, most: int) -> tuple[int, list[bytes]]:
        """Up to `most` consecutive records from `number` on: (number of the first, records).

        Numbers of records that cannot be read are passed over.
        """
        number = max(number, self.first)
        for segment in self._segments:
            if number < segment.first + segment.count:
                number = max(number, segment.first)
                number, found = self._read(segment, number, most)
                if found:
                    return number, found
        return self.next, []

    def acknowledge(self, through: int) -> bool:
        """Forget the records up to number `through`; False if that could not be written down."""
        through = min(through, self.next - 1)
        if through <= self.acknowledged:
            return True
        if not self._save(through):
            return False
        self.acknowledged = through
        while len(self._segments) > 1 and self._segments[1].first <= through + 1:
            self._drop_oldest()
        return True

    def _load(self) -> None:
        saved = records.unpack(self._owner, NAME, self._board.nvs_get(NAME))
        if saved is not None and len(saved) == 8:
            self.log = saved[:4]
            self.acknowledged = int.from_bytes(saved[4:], "big")
        names = self._names()
        if not self.log and names:
            self.log = bytes.fromhex(names[-1][:8])
        for name in names:
            count = self._size(name) if name[:8] == self.log.hex() else 0
            if count:
                self._segments.append(Segment(int(name[9:], 16), count))
            else:  # of a card that this tag had before, or begun when the power went
                _remove(self._folder + "/" + name)
        if not any(self._read(segment, segment.first, 1)[1] for segment in self._segments):
            # Of another card, or all of it damaged: nothing is lost by starting anew.
            while self._segments:
                self._drop_oldest()
        if self._segments:
            newest = self._segments[-1]
            begun = self._read(newest, newest.first, 1)[1]
            self._whole = bool(begun) and self._readable(newest)
            self._newest_epoch = int.from_bytes(begun[0][:3], "big") if begun else 0
            return
        # A name of its own for each log that starts with nothing: numbers begin at 1 again.
        self.log = self._board.random_bytes(4)
        self.acknowledged = 0
        self._save(0)

    def _names(self) -> list[str]:
        try:
            names = os.listdir(self._folder)
        except OSError as error:
            if error.args[0] == ENOENT:
                try:
                    os.mkdir(self._folder)
                except OSError:
                    self.failed = True
            return []
        return sorted([name for name in names if _is_segment(name)], key=lambda name: name[9:])

    def _size(self, name: str) -> int:
        size: int = os.stat(self._folder + "/" + name)[6]
        if size % STORED:
            self._whole = False
        return (size + STORED - 1) // STORED

    def _readable(self, segment: Segment) -> bool:
        """Whether each record of it can be read, so that more may be appended."""
        number, end = segment.first, segment.first + segment.count
        while number < end:
            at, found = self._read(segment, number, 64)
            if at != number or not found:
                return False
            number += len(found)
        return self._whole

    def _read(self, segment: Segment, number: int, most: int) -> tuple[int, list[bytes]]:
        found: list[bytes] = []
        try:
            with open(self._path(segment), "rb") as file:
                file.seek((number - segment.first) * STORED)
                while number + len(found) < segment.first + segment.count and len(found) < most:
                    stored = file.read(STORED)
                    record = stored[: contact.LENGTH]
                    if len(stored) == STORED and same(
                        self._check(number + len(found), record), stored[contact.LENGTH :]
                    ):
                        found.append(record)
                    elif found:
                        break
                    else:
                        number += 1
        except OSError:
            return number, []
        return number, found

    def _write(self, batch: list[bytes], epoch: int) -> bool:
        newest = self._segments[-1] if self._segments else None
        fresh = (
            newest is None
            or not self._whole
            or newest.count + len(batch) > SEGMENT
            or epoch - self._newest_epoch >= DAY_EPOCHS
        )
        number = self.next
        target = Segment(number, 0) if fresh or newest is None else newest
        data = b"".join([batch[i] + self._check(number + i, batch[i]) for i in range(len(batch))])
        try:
            with open(self._path(target), "wb" if fresh else "ab") as file:
                file.write(data)
        except OSError:
            if not fresh:
                self._whole = False  # who knows what is at its end
            return False
        target.count += len(batch)
        if fresh:
            self._segments.append(target)
            self._whole = True
            self._newest_epoch = epoch
        return True

    def expire(self, epoch: int) -> None:
        """Forget what is older than 21 days; to be called each epoch, as a tag that hears nobody appends nothing."""
        while self._segments and self._over(epoch):
            if len(self._segments) == 1 and not self.acknowledge(self.next - 1):
                return
            self._drop_oldest()

    def _over(self, epoch: int) -> bool:
        """Whether all of the oldest segment is too old."""
        oldest = self._segments[0]
        last = self._read(oldest, oldest.first + oldest.count - 1, 1)[1]
        if not last and len(self._segments) > 1:  # torn: what came next is as good a bound
            last = self._read(self._segments[1], self._segments[1].first, 1)[1]
        newest = int.from_bytes(last[0][:3], "big") if last else 0
        return epoch - (newest or self._newest_epoch) > KEPT_EPOCHS

    def _drop_oldest(self) -> None:
        _remove(self._path(self._segments[0]))
        self._segments = self._segments[1:]

    def _room(self) -> bool:
        try:
            about = os.statvfs(self._folder)
        except OSError:
            return False
        return bool(about[0] * about[3] >= ROOM)

    def _save(self, acknowledged: int) -> bool:
        value = self.log + acknowledged.to_bytes(4, "big")
        return self._board.nvs_set(NAME, records.pack(self._owner, NAME, value))

    def _path(self, segment: Segment) -> str:
        return self._folder + "/" + self.log.hex() + "-" + "%08x" % segment.first

    def _check(self, number: int, record: bytes) -> bytes:
        return sha256(self._owner + self.log + number.to_bytes(4, "big") + record)[:CHECK]


def _is_segment(name: str) -> bool:
    if len(name) != 17 or name[8] != "-":
        return False
    try:
        int(name[:8], 16)
        int(name[9:], 16)
    except ValueError:
        return False
    return True


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:  # it stays, and is tried again at the next start
        return
