"""Where the file system of a MicroPython image lies: read from the partition table inside the image.

The table stands at flash address 0x8000, 32 bytes an entry, little endian (ESP-IDF, "Partition Tables"):
AA 50 | type[1] | subtype[1] | offset[4] | size[4] | label[16] | flags[4].
"""

import struct
from dataclasses import dataclass

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


# MicroPython's layout for 4 MB without OTA, when an image carries no table of its own.
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


def vfs_of(image: bytes, image_offset: int) -> Partition:
    """The partition of the file system: the image's own `vfs`, else MicroPython's usual place."""
    return next((p for p in partitions_of(image, image_offset) if p.label == "vfs"), STOCK_VFS)
