"""A contact record: what one tag heard of one identifier in one epoch of its own clock (SPEC.md section 12.6).

| offset | bytes | field |
|---|---|---|
| 0 | epoch[3] | of the tag that heard, big endian |
| 3 | at[1] | its slot in which the frame below was heard |
| 4 | EID[8] | the identifier heard |
| 12 | auth[6] | S[2] and MAC[4] of the strongest frame heard |
| 18 | max[1] | its RSSI, dBm, signed |
| 19 | count[1] | adverts heard; 255 stands for more |
| 20 | cells[16] | a half byte for each cell of 32 s, the high one first |

Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol.errors import Malformed
from zonetag_protocol.rotation import EPOCH_S

LENGTH = 36
CELL_S = 32
CELLS = EPOCH_S // CELL_S  # 32
NOTHING = 0  # a cell in which it was not heard
FLOOR_DBM = -100
STEP_DB = 4
MOST_LEVEL = 15
MOST_COUNT = 255

Contact = namedtuple("Contact", ("epoch", "at", "eid", "auth", "max_dbm", "count", "cells"))
"""epoch and slot `at` of the hearer's clock; eid 8 bytes; auth 6 bytes; max_dbm; count of adverts; cells 16 bytes."""


def level(rssi_dbm: int) -> int:
    """The half byte of an RSSI: 1 to 15, in steps of 4 dB."""
    return min(MOST_LEVEL, max(1, (rssi_dbm - FLOOR_DBM) >> 2))


def dbm(half: int) -> int | None:
    """The middle of what a half byte stands for, dBm; None for a cell without a hearing."""
    return None if half == NOTHING else FLOOR_DBM + STEP_DB * half + STEP_DB // 2


def cell_of(t: int) -> int:
    """Which cell of its epoch holds second `t`: 0 to 31."""
    return (t & (EPOCH_S - 1)) // CELL_S


def levels(cells: bytes) -> list[int]:
    """The 32 half bytes."""
    return [half for byte in cells for half in (byte >> 4, byte & 15)]


def pack(contact: Contact) -> bytes:
    """The 36 bytes; ValueError for a field of the wrong size."""
    if len(contact.eid) != 8 or len(contact.auth) != 6 or len(contact.cells) != CELLS // 2:
        raise ValueError("an identifier has 8 bytes, its authenticator 6, the cells 16")
    packed: bytes = (
        contact.epoch.to_bytes(3, "big")
        + bytes([contact.at])
        + contact.eid
        + contact.auth
        + bytes([contact.max_dbm & 0xFF, min(MOST_COUNT, contact.count)])
        + contact.cells
    )
    return packed


def unpack(data: bytes) -> Contact:
    """Read a record; Malformed if its size or its count cannot be."""
    if len(data) != LENGTH:
        raise Malformed("a contact record has 36 bytes")
    if data[19] == 0 or not any(data[20:]):
        raise Malformed("a contact record of nothing heard")
    return Contact(
        int.from_bytes(data[:3], "big"),
        data[3],
        data[4:12],
        data[12:18],
        data[18] - 256 if data[18] > 127 else data[18],
        data[19],
        data[20:],
    )
