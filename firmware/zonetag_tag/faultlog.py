"""The fault log: a bounded text file, kept over resets.

One line a fault: `<second of the tag's clock> <code> <detail>`.  When the file reaches its bound it becomes the old one
and a new one begins, so the log holds between one and two bounds.  A log that cannot be written is told by
`write` and never stops the tag.
"""

import os

NAME = "faults.log"
OLD = "faults.old"
BOUND = 2048  # bytes of one of the two files: half a flash block
LINE = 96  # bytes of one line
ROOM = 2 * 4096  # bytes free that littlefs wants, to replace a file by a new one
EVERY_S = 1024  # the same code is written once in this time: a fault that stays would wear the flash


class FaultLog:
    """The log in folder `root` (ends in "/" or is empty)."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._written: dict[str, int] = {}  # code -> second it was last written

    def write(self, t: int, code: str, detail: str) -> bool:
        """Append a line; False if the file system did not take it."""
        last = self._written.get(code)
        if last is not None and last <= t < last + EVERY_S:
            return True
        self._written[code] = t
        line = (str(t) + " " + code + " " + detail.replace("\n", " "))[: LINE - 1] + "\n"
        try:
            if self._size() + len(line) > BOUND:
                os.rename(self._root + NAME, self._root + OLD)
            with open(self._root + NAME, "a") as file:
                file.write(line)
        except OSError:
            return False
        return True

    def lines(self) -> list[str]:
        """All lines, the oldest first; none where nothing can be read."""
        out = []
        for name in (OLD, NAME):
            try:
                with open(self._root + name) as file:
                    out += file.read().split("\n")[:-1]
            except (OSError, ValueError):  # ValueError: bytes that are no text, after a torn write
                continue
        return out

    def make_room(self) -> bool:
        """Whether the file system has room to write; if not, the log gives up its own first."""
        for name in (OLD, NAME, None):
            free = self._free()
            if free is None or free >= ROOM:
                return free is not None
            if name is not None:
                try:
                    os.remove(self._root + name)
                except OSError:
                    continue
        return False

    def _free(self) -> int | None:
        try:
            about = os.statvfs(self._root or "/")
        except OSError:
            return None
        return int(about[0] * about[3])

    def _size(self) -> int:
        try:
            return int(os.stat(self._root + NAME)[6])
        except OSError:
            return 0
