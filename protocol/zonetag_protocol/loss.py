"""A gateway's word that it no longer has reports it was asked for (SPEC.md section 7.4).  Servers only.

loss = {
  1: 1,        ; version
  2: tstr,     ; gateway
  3: uint,     ; boot
  4: [+ uint]  ; seqs, ascending
}
"""

from dataclasses import dataclass
from itertools import pairwise

import cbor2

from zonetag_protocol.acknowledgement import MAX_MISSING
from zonetag_protocol.envelope import VERSION, is_uint, record
from zonetag_protocol.errors import Malformed
from zonetag_protocol.topics import is_name


@dataclass(frozen=True, slots=True)
class Loss:
    """Reports of one boot that nobody will ever see."""

    gateway: str
    boot: int
    seqs: tuple[int, ...]
    # ascending, 1 to 256


def encode(loss: Loss) -> bytes:
    """The payload (unsealed: see `zonetag_protocol.envelope`)."""
    return cbor2.dumps({1: VERSION, 2: loss.gateway, 3: loss.boot, 4: list(loss.seqs)})


def decode(payload: bytes) -> Loss:
    """Read one; Malformed for anything that section 7.4 does not allow, whatever the bytes."""
    item = record(payload, 4)
    gateway, boot, seqs = item[2], item[3], item[4]
    if not isinstance(gateway, str) or not is_name(gateway):
        raise Malformed("a gateway's name breaks the rule of names")
    if not isinstance(seqs, list) or not 0 < len(seqs) <= MAX_MISSING:
        raise Malformed("seqs are a list of 1 to 256 numbers")
    if not all(is_uint(number, 63) for number in (boot, *seqs)):
        raise Malformed("a number is out of range")
    if seqs[0] == 0 or any(after <= before for before, after in pairwise(seqs)):
        raise Malformed("seqs must ascend from 1")
    return Loss(gateway, boot, tuple(seqs))
