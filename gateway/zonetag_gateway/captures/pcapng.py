"""pcapng files: what Wireshark, nRF Sniffer and Sniffle write (IETF draft-ietf-opsawg-pcapng).

A file is a row of blocks; each section chooses its byte order, and numbers its interfaces from 0.

| offset | bytes | every block |
|---|---|---|
| 0 | 4 | type |
| 4 | 4 | total length, of the whole block, a multiple of 4 |
| 8 | | body |
| length - 4 | 4 | total length again |

| block | type | body |
|---|---|---|
| section header | 0A0D0D0A | byte order 1A2B3C4D (4), major (2), minor (2), section length (8), options |
| interface | 1 | link type (2), reserved (2), snap length (4), options |
| packet (old) | 2 | interface (2), drops (2), time high (4), low (4), captured (4), original (4), data, options |
| simple packet | 3 | original (4), data; no time, so nothing can be made of it here |
| enhanced packet | 6 | interface (4), time high (4), low (4), captured (4), original (4), data, options |

| option of an interface | code | value |
|---|---|---|
| if_tsresol | 9 | 1 byte: a unit is 10^-n s, or with the top bit set 2^-n s; 6 when absent |
| if_tsoffset | 14 | 8 bytes, signed: seconds to add |

An option is code (2), length (2), value, padded to 4; code 0 ends the row.  Every other block is skipped.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from zonetag_gateway.captures.records import NO_ADVERTS, NotACapture, Packet, Stream

MAGIC = b"\x0a\x0d\x0d\x0a"
MAX_INTERFACES = 4096  # per section; a sniffer has one, so more is malice
UNTIMED = -1  # `utc_us` of a simple packet: nobody says when it was

_ORDER = 0x1A2B3C4D
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_READ = (_INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED)
_MIN_BLOCK = 12
_END_OF_OPTIONS, _TSRESOL, _TSOFFSET = 0, 9, 14
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class _Interface:
    link: int
    # link type
    units: int
    # of its time stamps, in a second
    offset_s: int
    # seconds to add to its time stamps


def read(stream: Stream) -> Iterator[Packet]:
    """Every packet of a file whose first four bytes have been read already; NotACapture, BrokenCapture."""
    interfaces: list[_Interface] = []
    order = "<"
    kind = _SECTION
    while True:
        if kind == _SECTION:
            order, body = _section(stream)
            interfaces = []
        else:
            body = _body(stream, order, stream.take(4, "a block's length"), skip=kind not in _READ)
            if kind == _INTERFACE:
                if len(interfaces) == MAX_INTERFACES:
                    raise stream.broken(f"more than {MAX_INTERFACES} interfaces in one section")
                interfaces.append(_interface(stream, order, body))
            elif kind in (_ENHANCED, _OLD_PACKET):
                yield _packet(stream, order, kind, body, interfaces)
            elif kind == _SIMPLE:
                yield Packet(UNTIMED, NO_ADVERTS, b"")
        word = stream.take_or_end(4, "a block's type")
        if not word:
            return
        kind = _SECTION if word == MAGIC else struct.unpack(order + "I", word)[0]


def _section(stream: Stream) -> tuple[str, bytes]:
    """The byte order of a section ("<" or ">") and the rest of its header."""
    length = stream.take(4, "a section's length")
    mark = stream.take(4, "a section's byte order")
    for order in "<>":
        if struct.unpack(order + "I", mark)[0] == _ORDER:
            body = _body(stream, order, length, already=4)
            if len(body) < 12:
                raise stream.broken("a section header too short")
            major = struct.unpack_from(order + "H", body)[0]
            if major != 1:
                raise NotACapture(
                    f"{stream.name} is pcapng of version {major}", "Only version 1 is read: save it with Wireshark"
                )
            return order, body
    raise stream.broken("a section without a byte order")


def _body(stream: Stream, order: str, length: bytes, already: int = 0, skip: bool = False) -> bytes:
    """The rest of a block, `already` bytes of whose body were read; its trailing length is checked.

    b"" when it is to be skipped: such a block may be longer than one may hold.
    """
    total = struct.unpack(order + "I", length)[0]
    if total < _MIN_BLOCK + already or total % 4:
        raise stream.broken(f"a block of length {total}")
    size = total - _MIN_BLOCK - already
    body = b""
    if skip:
        stream.skip(size, "a block")
    else:
        body = stream.take(size, "a block")
    if stream.take(4, "a block's end") != length:
        raise stream.broken("a block whose two lengths differ")
    return body


def _interface(stream: Stream, order: str, body: bytes) -> _Interface:
    if len(body) < 8:
        raise stream.broken("an interface block too short")
    units, offset_s = _MICRO, 0
    at = 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + size]
        if code == _END_OF_OPTIONS:
            break
        if len(value) < size:
            raise stream.broken("an option longer than its block")
        if code == _TSRESOL and size == 1:
            units = 1 << (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
        elif code == _TSOFFSET and size == 8:
            offset_s = struct.unpack(order + "q", value)[0]
        at += 4 + (size + 3 & ~3)
    return _Interface(struct.unpack_from(order + "H", body)[0], units, offset_s)


def _packet(stream: Stream, order: str, kind: int, body: bytes, interfaces: list[_Interface]) -> Packet:
    if len(body) < 20:
        raise stream.broken("a packet block too short")
    index, high, low, captured, _ = struct.unpack_from(order + "IIIII", body)
    if kind == _OLD_PACKET:
        index = struct.unpack_from(order + "H", body)[0]
    if index >= len(interfaces):
        raise stream.broken(f"a packet of interface {index}, which no block describes,")
    if captured > len(body) - 20:
        raise stream.broken("a packet longer than its block")
    interface = interfaces[index]
    utc_us = (high << 32 | low) * _MICRO // interface.units + interface.offset_s * _MICRO
    return Packet(utc_us, interface.link, body[20 : 20 + captured])
