"""The backend's acknowledgement of reports that it has committed (SPEC.md section 7.3).  Servers only.

acknowledgement = {
  1: 1,        ; version
  2: tstr,     ; gateway
  3: uint,     ; boot
  4: uint,     ; through: every seq up to here is committed; 0 for none
  5: [* uint], ; beyond: committed ones above `through`, ascending
  6: [* uint]  ; missing: wanted again, ascending, none of them named above
}
"""

from dataclasses import dataclass

import cbor2

from zonetag_protocol.envelope import VERSION, is_uint, record
from zonetag_protocol.errors import Malformed
from zonetag_protocol.topics import is_name

MAX_BEYOND = 1024
MAX_MISSING = 256  # what is asked for at a time; the rest is asked for when these are settled


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Which reports of one boot of one gateway are safe with the backend."""

    gateway: str
    boot: int
    through: int
    # every seq from 1 to here
    beyond: tuple[int, ...] = ()
    # and these above it, ascending, at most 1024 (the rest is told once the holes are filled)
    missing: tuple[int, ...] = ()
    # to be sent again, ascending, at most 256: later ones have come, these have not


def encode(acknowledgement: Acknowledgement) -> bytes:
    """The payload (unsealed: see `zonetag_protocol.envelope`)."""
    a = acknowledgement
    beyond, missing = list(a.beyond[:MAX_BEYOND]), list(a.missing[:MAX_MISSING])
    return cbor2.dumps({1: VERSION, 2: a.gateway, 3: a.boot, 4: a.through, 5: beyond, 6: missing})


def decode(payload: bytes) -> Acknowledgement:
    """Read an acknowledgement; Malformed for anything that section 7.3 does not allow, whatever the bytes."""
    item = record(payload, 6)
    gateway, boot, through, beyond, missing = (item[i] for i in range(2, 7))
    if not isinstance(gateway, str) or not is_name(gateway):
        raise Malformed("a gateway's name breaks the rule of names")
    if not isinstance(beyond, list) or len(beyond) > MAX_BEYOND:
        raise Malformed("beyond is a list of at most 1024 numbers")
    if not isinstance(missing, list) or len(missing) > MAX_MISSING:
        raise Malformed("missing is a list of at most 256 numbers")
    for number in (boot, through, *beyond, *missing):
        if not is_uint(number, 63):
            raise Malformed("a number is out of range")
    for numbers, what in ((beyond, "beyond"), (missing, "missing")):
        last = through
        for number in numbers:
            if number <= last:
                raise Malformed(f"{what} must ascend from through")
            last = number
    if not set(missing).isdisjoint(beyond):
        raise Malformed("a report is committed and missing at once")
    return Acknowledgement(gateway, boot, through, tuple(beyond), tuple(missing))
