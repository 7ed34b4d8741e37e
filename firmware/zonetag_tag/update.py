"""New firmware over the link: received in parts, checked whole, tried, and given up if it does not do (SPEC.md 12.7).

Firmware is a folder of modules that goes before the built-in ones (`lib/`, or what is frozen into the image):
`slots/a` or `slots/b`.  `main.py`, which is never replaced, decides which one it is by `slot.txt`:

| slot.txt | meaning | what main.py does |
|---|---|---|
| none, or unreadable | built-in | starts it |
| `S keep` | S (a, b, or `-` for built-in) stays | starts S |
| `S back` | S, because the trial of another one failed | starts S |
| `S trial N OLD UNTIL` | on trial, N starts are left, until second UNTIL | N > 0: writes N - 1; else `OLD back` |

The file is replaced by rename, so a cut of the power leaves one of these.  MicroPython itself is not replaced so.
"""

import hashlib
import os

from zonetag_protocol import linkmessage as say

SLOT_FILE = "slot.txt"
FOLDER = "slots"
PART_FILE = "next.bin"  # in FOLDER: size[4], SHA-256[32], version[3], then the bytes received
HEAD = 39
BUILT_IN = "-"
SLOTS = ("a", "b")
PACKAGES = ("zonetag_tag", "zonetag_protocol")
TRIAL_S = 86400
STARTS = 3
ROOM = 16 * 4096  # bytes of the file system that are left to others
PIECE = 1024  # bytes read at a time
RESTART_S = 3  # after `update end`, so that its answer goes out
MOST = 512 * 1024


class Update:
    """Updates of the tag whose files are in folder `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.received = 0  # bytes of the update that is under way
        self.restart_at: int | None = None  # second of the tag's clock
        words = self._words()
        self._slot = words[0]
        self.on_trial = words[1] == "trial"
        self.rolled_back = words[1] == "back"
        self._old = words[3] if self.on_trial else BUILT_IN
        self._until = int(words[4]) if self.on_trial else 0
        self._head = self._read_head()

    def look(self, t: int) -> bool:
        """Whether the tag must start again now: into a new firmware, or back to the old one."""
        over = self.on_trial and t >= self._until and self.restart_at is None
        if over and self._write_words(self._old + " back"):
            self.restart_at = t
        return self.restart_at is not None and t >= self.restart_at

    def begin(self, size: int, digest: bytes, version: bytes) -> int:
        """Make ready for an update, or go on with the same."""
        head = size.to_bytes(4, "big") + digest + version
        if self.on_trial:
            return say.NOT_NOW
        if not 0 < size <= MOST:
            return say.OUT_OF_RANGE
        if head == self._head:
            return say.OK
        self._forget()
        try:
            _make(self._root + FOLDER)
            about = os.statvfs(self._root + FOLDER)
            if about[0] * about[3] < 2 * size + ROOM:
                return say.FLASH
            with open(self._path(PART_FILE), "wb") as file:
                file.write(head)
        except OSError:
            return say.FLASH
        self._head = head
        return say.OK

    def part(self, offset: int, data: bytes) -> int:
        """Append bytes."""
        if not self._head or offset != self.received:
            return say.NOT_NOW
        if offset + len(data) > self._size():
            return say.OUT_OF_RANGE
        try:
            with open(self._path(PART_FILE), "ab") as file:
                file.write(data)
        except OSError:
            self._head = self._read_head()
            return say.FLASH
        self.received += len(data)
        return say.OK

    def end(self, t: int) -> int:
        """Check it, put its files into the slot that is not in use, and ask for a start on trial."""
        if not self._head or self.received != self._size() or self.restart_at is not None:
            return say.NOT_NOW
        slot = SLOTS[1] if self._slot == SLOTS[0] else SLOTS[0]
        try:
            good = self._hash_fits() and self._unpack(slot)
        except OSError:
            return say.FLASH
        self._forget()
        if not good:
            return say.WRONG_HASH
        words = slot + " trial " + str(STARTS) + " " + self._slot + " " + str(t + TRIAL_S)
        if not self._write_words(words):
            return say.FLASH
        self.restart_at = t + RESTART_S
        return say.OK

    def keep(self) -> int:
        """The firmware on trial stays."""
        if not self.on_trial:
            return say.NOT_NOW
        if not self._write_words(self._slot + " keep"):
            return say.FLASH
        self.on_trial = False
        return say.OK

    def _size(self) -> int:
        return int.from_bytes(self._head[:4], "big")

    def _path(self, name: str) -> str:
        return self._root + FOLDER + "/" + name

    def _read_head(self) -> bytes:
        try:
            with open(self._path(PART_FILE), "rb") as file:
                head = file.read(HEAD)
            self.received = os.stat(self._path(PART_FILE))[6] - HEAD
        except OSError:
            head = b""
        if len(head) != HEAD:
            self.received = 0
            return b""
        return head

    def _forget(self) -> None:
        self._head = b""
        self.received = 0
        _remove(self._path(PART_FILE))

    def _hash_fits(self) -> bool:
        whole = hashlib.sha256()
        with open(self._path(PART_FILE), "rb") as file:
            file.seek(HEAD)
            while True:
                piece = file.read(PIECE)
                if not piece:
                    return whole.digest() == self._head[4:36]
                whole.update(piece)

    def _unpack(self, slot: str) -> bool:
        """Write the files of the archive; False if it is none."""
        place = self._path(slot)
        for package in PACKAGES:
            for name in _names(place + "/" + package):
                _remove(place + "/" + package + "/" + name)
        _make(place)
        with open(self._path(PART_FILE), "rb") as file:
            file.seek(HEAD)
            while True:
                length = file.read(1)
                if not length:
                    return True
                name = file.read(length[0]).decode()
                words = name.split("/")
                if len(words) != 2 or words[0] not in PACKAGES or not words[1].endswith(".mpy"):
                    return False
                _make(place + "/" + words[0])
                left = int.from_bytes(file.read(4), "big")
                with open(place + "/" + name, "wb") as out:
                    while left > 0:
                        piece = file.read(min(left, PIECE))
                        if not piece:
                            return False
                        out.write(piece)
                        left -= len(piece)

    def _words(self) -> list[str]:
        try:
            with open(self._root + SLOT_FILE) as file:
                words = file.read().split()
        except (OSError, ValueError):
            return [BUILT_IN, "keep"]
        if len(words) == 5 and words[1] == "trial" and words[2].isdigit() and words[4].isdigit():
            return words
        return words if len(words) == 2 and words[1] in ("keep", "back") else [BUILT_IN, "keep"]

    def _write_words(self, words: str) -> bool:
        try:
            with open(self._root + "slot.new", "w") as file:
                file.write(words)
            os.rename(self._root + "slot.new", self._root + SLOT_FILE)
        except OSError:
            return False
        return True


def _make(folder: str) -> None:
    try:
        os.mkdir(folder)
    except OSError as error:
        if error.args[0] != 17:  # EEXIST
            raise


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:  # it was not there
        return
