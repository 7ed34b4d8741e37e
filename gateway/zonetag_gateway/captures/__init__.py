"""Capture files of other tools, as adverts: btsnoop, pcapng and pcap.

capture = Capture(path)
for utc_us, data, rssi in capture.adverts(): ...
capture.tally.counts   # what was in it besides
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from zonetag_gateway.captures import btsnoop, pcap, pcapng
from zonetag_gateway.captures.hci import adverts_of_event, adverts_of_h4
from zonetag_gateway.captures.link_layer import adverts_of_ll, adverts_of_nordic, adverts_of_phdr
from zonetag_gateway.captures.records import HCI_EVENT, NO_ADVERTS, BrokenCapture, NotACapture, Packet, Stream
from zonetag_gateway.captures.tally import Heard, Tally

__all__ = ["LINKS", "BrokenCapture", "Capture", "NotACapture"]

MAX_UTC_US = 1_000_000 << 32  # the year 2106; a time beyond (or before 1970) is damage or malice

_H4_WITH_DIRECTION = 4  # link type 201: a direction (4 bytes), then H4
_MONITOR_HEADER = 4  # link type 254: adapter (2), opcode (2), both big endian
_MONITOR_EVENT = b"\x00\x03"


def _phdr(packet: bytes, tally: Tally) -> Iterator[Heard]:
    return adverts_of_h4(packet[_H4_WITH_DIRECTION:], tally)


def _monitor(packet: bytes, tally: Tally) -> Iterator[Heard]:
    event = packet[_MONITOR_HEADER:] if packet[2:_MONITOR_HEADER] == _MONITOR_EVENT else b""
    return adverts_of_event(event, tally)


# Link type -> what finds adverts in its packets (https://www.tcpdump.org/linktypes.html).
LINKS: dict[int, Callable[[bytes, Tally], Iterator[Heard]]] = {
    HCI_EVENT: adverts_of_event,
    187: adverts_of_h4,  # BLUETOOTH_HCI_H4
    201: _phdr,  # BLUETOOTH_HCI_H4_WITH_PHDR
    251: adverts_of_ll,  # BLUETOOTH_LE_LL
    254: _monitor,  # BLUETOOTH_LINUX_MONITOR
    256: adverts_of_phdr,  # BLUETOOTH_LE_LL_WITH_PHDR
    272: adverts_of_nordic,  # NORDIC_BLE
}


class Capture:
    """One capture file, read from its beginning each time `adverts` is called."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tally = Tally()
        # what has been met so far

    def adverts(self) -> Iterator[tuple[int, bytes, int]]:
        """(microseconds since 1970 UTC, AD bytes, RSSI dBm) of each advert, in the file's order.

        NotACapture when this is no capture; BrokenCapture after the last whole advert when the file breaks off.
        """
        for packet in self._packets():
            self.tally.add("packets")
            find = LINKS.get(packet.link)
            if not 0 <= packet.utc_us < MAX_UTC_US:
                self.tally.add("untimed")
            elif find is None:
                self.tally.add("other" if packet.link == NO_ADVERTS else "unread_link")
            else:
                for data, rssi in find(packet.data, self.tally):
                    yield packet.utc_us, data, rssi

    def _packets(self) -> Iterator[Packet]:
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise NotACapture(
                f"{self.path} cannot be read: {error.strerror}", "Check the path and that this user may read the file"
            ) from error
        with file:
            stream = Stream(file, self.path.name)
            magic = stream.take_or_end(4, "the header")
            if magic == pcapng.MAGIC:
                yield from pcapng.read(stream)
            elif magic in pcap.MAGICS:
                yield from pcap.read(stream, magic)
            elif magic == btsnoop.MAGIC[:4] and stream.take(4, "the header") == btsnoop.MAGIC[4:]:
                yield from btsnoop.read(stream)
            else:
                raise NotACapture(
                    f"{self.path} is not btsnoop, pcapng or pcap",
                    "Record one with `zonetag-gateway record FILE` or `btmon -w FILE`",
                )
