"""A flash chip for MicroPython's own littlefs: a file of 4096-byte blocks, and a supply that may go in mid-write.

As on a chip, writing turns bits from 1 to 0 only, and an erase is a moment at which the power may go like any other.
"""

import os

import vfs
import world

BLOCK = 4096
PLACE = "/flash"


class Chip:
    """Extended block device; at the write or erase numbered `cut_at` the power goes: before, halfway, or behind it."""

    def __init__(self, path, blocks, cut_at=0):
        try:
            os.stat(path)
        except OSError:
            with open(path, "wb") as file:
                for _ in range(blocks):
                    file.write(b"\xff" * BLOCK)
        self._file = open(path, "r+b")
        self._blocks = blocks
        self._cut_at = cut_at
        self._dead = False
        self.writes = 0
        self.erases = 0

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        if self._dead:  # a file that is closed on the way out writes no more
            raise world.PowerCut()
        self._file.seek(block * BLOCK + offset)
        cut = self._is_cut()
        there = bytearray(len(buffer))
        self._file.readinto(there)
        done = len(buffer) * self._done() // 2 if cut else len(buffer)
        if bytes(there).strip(b"\xff"):
            for i in range(done):
                there[i] &= buffer[i]
        else:  # erased, as nearly always
            there[:done] = bytes(buffer)[:done]
        self._file.seek(block * BLOCK + offset)
        self._file.write(there)
        self._go_on(cut)

    def ioctl(self, operation, argument):
        if operation == 3:
            self._file.flush()
        if operation == 4:
            return self._blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            if self._dead:
                raise world.PowerCut()
            self.erases += 1
            cut = self._is_cut()
            self._file.seek(argument * BLOCK)
            self._file.write(b"\xff" * (BLOCK * self._done() // 2 if cut else BLOCK))
            self._go_on(cut)
            return 0
        return None

    def _is_cut(self):
        self.writes += 1
        return self.writes == self._cut_at

    def _done(self):
        """Halves of what was under way that are done when the power goes."""
        return self._cut_at % 3

    def _go_on(self, cut):
        if cut:
            self._dead = True
            self._file.flush()
            raise world.PowerCut()


def mount(path, blocks, cut_at=0):
    """The chip, mounted at PLACE as the ESP32 port does it, formatted if it is new."""
    chip = Chip(path, blocks, cut_at)
    try:
        system = vfs.VfsLfs2(chip, readsize=32, progsize=32, lookahead=32)
    except OSError:
        vfs.VfsLfs2.mkfs(chip, readsize=32, progsize=32, lookahead=32)
        system = vfs.VfsLfs2(chip, readsize=32, progsize=32, lookahead=32)
    vfs.mount(system, PLACE)
    return chip


def fill():
    """Fill the file system: a file that takes all blocks, then small ones into what room its folder has left."""
    for size in (BLOCK, 64, 1):
        try:
            with open(PLACE + "/fill", "ab") as file:
                while True:
                    file.write(b"\x55" * size)
        except OSError:
            continue
    try:
        for number in range(100):
            with open(PLACE + "/fill" + str(number), "wb") as file:
                file.write(b"\x55" * 500)
    except OSError:
        return


class Refusing:
    """A file system that reads and takes nothing: flash that is worn out, or a damaged littlefs mounted read-only.

    With `truncates` it still takes a file to be emptied, and nothing else.
    """

    def __init__(self, folder, truncates):
        self._system = vfs.VfsPosix(folder)
        self._truncates = truncates

    def mount(self, readonly, mkfs):
        self._system.mount(readonly, mkfs)

    def umount(self):
        self._system.umount()

    def open(self, path, mode):
        if self._truncates and mode == "wb" and not path.endswith(".new"):
            return self._system.open(path, mode)
        if mode[0] in "wa" or "+" in mode:
            raise OSError(28)
        return self._system.open(path, mode)

    def stat(self, path):
        return self._system.stat(path)

    def statvfs(self, path):
        return (BLOCK, BLOCK, 64, 0, 0, 0, 0, 0, 0, 255)

    def remove(self, path):
        raise OSError(30)

    def rename(self, old, new):
        raise OSError(30)

    def mkdir(self, path):
        raise OSError(30)

    def ilistdir(self, path):
        return self._system.ilistdir(path)


def mount_refusing(folder, truncates):
    vfs.mount(Refusing(folder, truncates), PLACE)
