"""Where the file system of a MicroPython image lies: read from the partition table inside the image.

Images up to 1.25, and our own, name a partition `vfs`.  Later ones do not: at its start the port puts the file system
behind the last partition of the table, and it reaches to the end of the flash that is fitted (`boardctrl_startup` in
its main.c).  littlefs refuses a file system of another size than its partition, so both have to be right.

The table stands at flash address 0x8000, 32 bytes an entry, little endian (ESP-IDF, "Partition Tables"):
AA 50 | type[1] | subtype[1] | offset[4] | size[4] | label[16] | flags[4].
"""

import struct
from dataclasses import dataclass

from zonetag_flash.errors import FlashError

TABLE = 0x8000
_ENTRY = struct.Struct("<2sBBII16sI")
_MAGIC = b"\xaa\x50"
_MAX_ENTRIES = 95
_FLASH_END = 64 << 20  # no board has more; anything beyond is no partition table


@dataclass(frozen=True, slots=True)
class Partition:
    """One stretch of flash."""

    label: str
    offset: int
    # bytes from the start of flash
    size: int
    # bytes


# MicroPython's layout for 4 MB without OTA, for an image that carries no table: hardly one of MicroPython.
STOCK_VFS = Partition("vfs", 0x200000, 0x200000)


def partitions_of(image: bytes, image_offset: int) -> list[Partition]:
    """All partitions named in a combined image that begins at `image_offset` of flash; empty if it has no table."""
    found = []
    at = TABLE - image_offset
    for _ in range(_MAX_ENTRIES):
        entry = image[at : at + _ENTRY.size]
        if len(entry) < _ENTRY.size or not entry.startswith(_MAGIC):
            break
        _, _, _, offset, size, label, _ = _ENTRY.unpack(entry)
        if offset + size > _FLASH_END:
            break
        found.append(Partition(label.rstrip(b"\0").decode("ascii", "replace"), offset, size))
        at += _ENTRY.size
    return found


def vfs_of(image: bytes, image_offset: int, flash_bytes: int) -> Partition:
    """The partition of the file system on a chip with `flash_bytes` of flash; FlashError if there is no room for it."""
    table = partitions_of(image, image_offset)
    named = next((p for p in table if p.label == "vfs"), None if table else STOCK_VFS)
    if named is None:
        end = max(p.offset + p.size for p in table)
        named = Partition("vfs", end, flash_bytes - end)
    if named.size <= 0 or named.offset + named.size > flash_bytes:
        raise FlashError(
            "too-large",
            f"The image is laid out for more flash than the {flash_bytes >> 20} MB of this board.",
            "Use an image for this size of flash.",
        )
    return named
