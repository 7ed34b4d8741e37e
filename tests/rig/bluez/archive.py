"""An initramfs as the kernel takes it: cpio in its "newc" form, uncompressed, everything owned by root."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

END = "TRAILER!!!"
BLOCK = 512  # archives may follow one another when each is filled up so far
CONSOLE = (5, 1)  # device number; without /dev/console the first program has no output


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, folder, link or device."""

    name: str
    # path without a leading slash
    mode: int
    # type and permissions, as in stat(2)
    data: bytes = b""
    # content, or where a link leads
    device: tuple[int, int] = (0, 0)


def entries(root: Path) -> Iterator[Entry]:
    """All that is below `root`, and /dev/console; not what else is in its /dev."""
    yield Entry("dev", stat.S_IFDIR | 0o755)
    yield Entry("dev/console", stat.S_IFCHR | 0o600, device=CONSOLE)
    for base, folders, files in os.walk(root):
        folders.sort()
        name = os.path.relpath(base, root)
        if name not in (".", "dev"):
            yield Entry(name, stat.S_IFDIR | 0o755)
        for file in sorted(files + [folder for folder in folders if Path(base, folder).is_symlink()]):
            path = Path(base, file)
            mode = path.lstat().st_mode
            name = os.path.relpath(path, root)
            if stat.S_ISLNK(mode):
                yield Entry(name, mode, os.readlink(path).encode())
            elif stat.S_ISREG(mode):
                yield Entry(name, mode, path.read_bytes())


def pack(what: Iterator[Entry], number: int = 1) -> bytes:
    """The archive of `what`; inode numbers begin at `number`."""
    out = bytearray()
    for entry in [*what, Entry(END, 0)]:
        name = entry.name.encode() + b"\0"
        fields = (number, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        out += bytes(-len(out) % 4) + entry.data
        out += bytes(-len(out) % 4)
        number += 1
    return bytes(out + bytes(-len(out) % BLOCK))
