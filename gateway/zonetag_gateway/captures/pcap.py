"""Classic pcap files (IETF draft-ietf-opsawg-pcap), in either byte order, with micro- or nanoseconds.

| offset | bytes | file header |
|---|---|---|
| 0 | 4 | A1B2C3D4 (microseconds) or A1B23C4D (nanoseconds); backwards = the other byte order |
| 4 | 4 | major 2, minor 4 |
| 8 | 8 | reserved |
| 16 | 4 | snap length |
| 20 | 4 | link type in the low 16 bits |

Each record: seconds (4), fraction (4), captured length (4), original length (4), data.
"""

import struct
from collections.abc import Iterator

from zonetag_gateway.captures.records import Packet, Stream

# first four bytes -> byte order, units of the fraction in a microsecond
MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
}


def read(stream: Stream, magic: bytes) -> Iterator[Packet]:
    """Every packet of a file whose `magic` has been read already; BrokenCapture."""
    order, per_us = MAGICS[magic]
    link = struct.unpack_from(order + "I", stream.take(20, "the header"), 16)[0] & 0xFFFF
    while header := stream.take_or_end(16, "a record's header"):
        seconds, fraction, captured, _ = struct.unpack(order + "IIII", header)
        yield Packet(seconds * 1_000_000 + fraction // per_us, link, stream.take(captured, "a record"))
