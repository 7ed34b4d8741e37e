"""btsnoop files: what `btmon -w`, Android and this program's `record` write.

Everything is big endian (RFC 1761 as changed for Bluetooth; BlueZ doc/btsnoop-protocol; Wireshark wiretap/btsnoop.c).

| offset | bytes | file header |
|---|---|---|
| 0 | 8 | "btsnoop" and a zero |
| 8 | 4 | version, 1 |
| 12 | 4 | datalink: 1001 HCI without a type byte, 1002 H4 (with one), 2001 Linux monitor |

| offset | bytes | each record |
|---|---|---|
| 0 | 4 | original length |
| 4 | 4 | included length |
| 8 | 4 | flags; 1001, 1002: bit 0 received, bit 1 command or event; 2001: adapter (16) and opcode (16), 3 = HCI event |
| 12 | 4 | drops so far |
| 16 | 8 | microseconds since the year 0 (see EPOCH_US) |
| 24 | | the bytes |
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from zonetag_gateway.captures.records import HCI_EVENT, NO_ADVERTS, NotACapture, Packet, Stream

MAGIC = b"btsnoop\0"
HCI = 1001
H4 = 1002
MONITOR = 2001
EPOCH_US = 0x00DCDDB30F2F8000  # 1970-01-01 on btsnoop's scale, microseconds
LINK_H4 = 187  # as pcap's BLUETOOTH_HCI_H4: type byte, then the packet

_HEADER = struct.Struct(">8sII")
_RECORD = struct.Struct(">IIIIq")
_RECEIVED_EVENT = 0b11
_MONITOR_EVENT = 3


def read(stream: Stream) -> Iterator[Packet]:
    """Every record of a file whose magic has been read already; NotACapture, BrokenCapture."""
    version, datalink = struct.unpack(">II", stream.take(8, "the header"))
    if version != 1 or datalink not in (HCI, H4, MONITOR):
        raise NotACapture(
            f"{stream.name} is btsnoop of version {version} with datalink {datalink}",
            "Only version 1 with HCI (1001), H4 (1002) or Linux monitor (2001) is read: record with `btmon -w`",
        )
    while header := stream.take_or_end(_RECORD.size, "a record's header"):
        _, included, flags, _, stamp = _RECORD.unpack(header)
        data = stream.take(included, "a record")
        yield Packet(stamp - EPOCH_US, _link(datalink, flags), data)


def _link(datalink: int, flags: int) -> int:
    if datalink == H4:
        return LINK_H4
    event = flags & 0b11 == _RECEIVED_EVENT if datalink == HCI else flags & 0xFFFF == _MONITOR_EVENT
    return HCI_EVENT if event else NO_ADVERTS


class Writer:
    """Writes H4 records; each is whole in the file when `write` returns to the operating system."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is open for writing bytes, at its beginning."""
        self._file = file
        file.write(_HEADER.pack(MAGIC, 1, H4))

    def write(self, utc_us: int, packet: bytes) -> None:
        """Append an HCI event with its H4 type byte (04), received at `utc_us` (microseconds since 1970)."""
        size = len(packet)
        self._file.write(_RECORD.pack(size, size, _RECEIVED_EVENT, 0, utc_us + EPOCH_US) + packet)
