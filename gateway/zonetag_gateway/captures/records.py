"""What the readers of capture files have in common: the packet they give, their errors, reading without trust.

A capture is a file from anywhere: no length in it is believed before it is checked, no more than one record is ever
held, and only the two errors below leave the readers.
"""

from dataclasses import dataclass
from typing import BinaryIO

from zonetag_gateway.errors import SourceError

MAX_RECORD = 262_144  # bytes; the limit of libpcap and Wireshark too.  A longer record is damage or malice


class NotACapture(SourceError):
    """The file is none of the formats read here, or holds a kind of traffic without adverts."""

    code = "not-a-capture"


class BrokenCapture(SourceError):
    """A capture cannot be read past `offset` (bytes from its beginning); all before it was given."""

    code = "broken-capture"

    def __init__(self, name: str, offset: int, what: str) -> None:
        super().__init__(
            f"{name}: {what} at byte {offset}; what stands before it was read",
            "If the rest matters, make the capture again or repair it (Wireshark's editcap can)",
        )
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Packet:
    """One record of a capture, not yet looked into."""

    utc_us: int
    # microseconds since 1970, UTC, as the capture says
    link: int
    # what `data` is: a link type of pcap (https://www.tcpdump.org/linktypes.html), or one of those below
    data: bytes
    # the record's bytes, at most MAX_RECORD


# btsnoop marks the kind of packet outside its bytes, so its two other encapsulations get numbers of their own here,
# above the 16 bits that pcap has for link types.
HCI_EVENT = 0x1_0000  # a bare HCI event: event code, length, parameters
NO_ADVERTS = 0x1_0001  # a command, data, or a note of the monitor: nothing heard


class Stream:
    """Sequential reading that knows where it is."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name
        # for messages
        self.offset = 0
        # bytes read so far

    def take(self, size: int, what: str) -> bytes:
        """Exactly `size` bytes; BrokenCapture if the file ends before or the size is absurd."""
        if not 0 <= size <= MAX_RECORD:
            raise self.broken(f"{what} of {size} bytes")
        data = self._read(size)
        if len(data) < size:
            raise BrokenCapture(self.name, self.offset - len(data), f"the file ends inside {what}")
        return data

    def take_or_end(self, size: int, what: str) -> bytes:
        """As `take`, but b"" when the file ends cleanly before the first byte."""
        data = self._read(size)
        if 0 < len(data) < size:
            raise BrokenCapture(self.name, self.offset - len(data), f"the file ends inside {what}")
        return data

    def skip(self, size: int, what: str) -> None:
        """Pass over `size` bytes, however many; BrokenCapture if the file ends before."""
        while size > 0:
            piece = min(size, MAX_RECORD)
            self.take(piece, what)
            size -= piece

    def broken(self, what: str) -> BrokenCapture:
        """The error for damage found at the present place."""
        return BrokenCapture(self.name, self.offset, what)

    def _read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise self.broken(f"cannot be read ({error.strerror})") from error
        self.offset += len(data)
        return data
