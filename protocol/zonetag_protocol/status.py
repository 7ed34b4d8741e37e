"""The status byte of a frame (SPEC.md section 5.3).

| bits | meaning |
|---|---|
| 0-2 | battery, eighths of its capacity: 0 nearly flat, 7 full |
| 3 | button pressed within the last 30 s |
| 4 | clock not synchronised since the last reset |
| 5 | contact log waiting to be fetched |
| 6-7 | format version, 0 |

Runs on CPython and MicroPython.
"""

from collections import namedtuple

VERSION = 0

Status = namedtuple("Status", ("battery", "button", "unsynchronised", "log_waiting", "version"))
"""battery 0-7 (eighths), button, unsynchronised and log_waiting booleans, version 0-3."""


def pack(battery: int, button: bool = False, unsynchronised: bool = False, log_waiting: bool = False) -> int:
    """The byte of a status of this version; battery outside 0-7 raises ValueError."""
    if not 0 <= battery <= 7:
        raise ValueError("battery level is 0 to 7")
    return battery | button << 3 | unsynchronised << 4 | log_waiting << 5 | VERSION << 6


def unpack(byte: int) -> Status:
    """Read a status byte; every byte has a meaning, so nothing is refused here."""
    return Status(byte & 7, bool(byte & 8), bool(byte & 16), bool(byte & 32), byte >> 6)
