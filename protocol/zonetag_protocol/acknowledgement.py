"""The backend's acknowledgement of reports that it has committed (SPEC.md section 7.3).  Servers only.

acknowledgement = {
  1: 1,        ; version
  2: tstr,     ; gateway
  3: uint,     ; boot
  4: uint,     ; through: every seq up to here is committed; 0 for none
  5: [* uint]  ; beyond: committed ones above `through`, ascending
}
"""

from dataclasses import dataclass

import cbor2

from zonetag_protocol.envelope import VERSION, is_uint, record
from zonetag_protocol.errors import Malformed
from zonetag_protocol.topics import is_name

MAX_BEYOND = 1024


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Which reports of one boot of one gateway are safe with the backend."""

    gateway: str
    boot: int
    through: int
    # every seq from 1 to here
    beyond: tuple[int, ...] = ()
    # and these above it, ascending, at most 1024 (the rest is told once the holes are filled)


def encode(acknowledgement: Acknowledgement) -> bytes:
    """The payload (unsealed: see `zonetag_protocol.envelope`)."""
    a = acknowledgement
    return cbor2.dumps({1: VERSION, 2: a.gateway, 3: a.boot, 4: a.through, 5: list(a.beyond[:MAX_BEYOND])})


def decode(payload: bytes) -> Acknowledgement:
    """Read an acknowledgement; Malformed for anything that section 7.3 does not allow, whatever the bytes."""
    item = record(payload, 5)
    gateway, boot, through, beyond = (item[i] for i in range(2, 6))
    if not isinstance(gateway, str) or not is_name(gateway):
        raise Malformed("a gateway's name breaks the rule of names")
    if not isinstance(beyond, list) or len(beyond) > MAX_BEYOND:
        raise Malformed("beyond is a list of at most 1024 numbers")
    for number in (boot, through, *beyond):
        if not is_uint(number, 63):
            raise Malformed("a number is out of range")
    last = through
    for number in beyond:
        if number <= last:
            raise Malformed("beyond must ascend from through")
        last = number
    return Acknowledgement(gateway, boot, through, tuple(beyond))
