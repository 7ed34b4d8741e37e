"""The kernel's Bluetooth management protocol: commands packed, events taken apart.  Pure.

As in BlueZ's doc/mgmt-api.txt; all little endian.  A packet is a head of 6 bytes (code u16, index of the adapter u16,
length u16) and as many bytes of parameters.  What the kernel passes on comes from the air: every length is checked, and
a packet that does not keep to its form is Malformed.
"""

import struct
from dataclasses import dataclass

from zonetag_protocol.errors import Malformed

HEAD = struct.Struct("<HHH")  # code, index, length of what follows
NO_INDEX = 0xFFFF  # in the place of an adapter's index: the command is about none
MAX_PACKET = 4096  # a Device Found event of the longest extended advert (1650 bytes) and of its answer fits

# Commands
READ_INDEX_LIST = 0x0003
READ_INFO = 0x0004
START_DISCOVERY = 0x0023
STOP_DISCOVERY = 0x0024
READ_MONITORS = 0x0051
ADD_MONITOR = 0x0052
REMOVE_MONITOR = 0x0053

# Events
COMMAND_COMPLETE = 0x0001
COMMAND_STATUS = 0x0002
INDEX_REMOVED = 0x0005
NEW_SETTINGS = 0x0006
DEVICE_FOUND = 0x0012
DISCOVERING = 0x0013
MONITOR_ADDED = 0x002B
MONITOR_REMOVED = 0x002C
MONITOR_DEVICE_FOUND = 0x002F

# Statuses
SUCCESS = 0x00
BUSY = 0x0A
REJECTED = 0x0B
NOT_SUPPORTED = 0x0C
NOT_POWERED = 0x0F
INVALID_INDEX = 0x11
PERMISSION_DENIED = 0x14
STATUSES = {
    SUCCESS: "success",
    0x01: "unknown command",
    0x03: "failed",
    0x07: "no resources",
    BUSY: "busy",
    REJECTED: "rejected",
    NOT_SUPPORTED: "not supported",
    0x0D: "invalid parameters",
    NOT_POWERED: "not powered",
    INVALID_INDEX: "no such adapter",
    PERMISSION_DENIED: "permission denied",
}

POWERED = 1 << 0  # of the settings in READ_INFO and NEW_SETTINGS
LOW_ENERGY = 1 << 9
LE_BOTH = b"\x06"  # kinds of addresses of a discovery: LE public (bit 1) and LE random (bit 2)

NO_RSSI = 127
BR_EDR = 0  # type of an address that is no LE address
NOT_CONNECTABLE = 1 << 2  # flag of a found device: it answers no scan request, or was not asked

_FOUND = struct.Struct("<6xBbIH")  # address, its type, RSSI, flags, length of the AD structures behind
_MATCHED = struct.Struct("<2x6xBbIH")  # the same behind a monitor's handle
_MAX_PATTERN = 31
_SETTINGS_AT = 6 + 1 + 2 + 4  # in READ_INFO: behind address, version, manufacturer, what is supported
_MONITORS = struct.Struct("<IIHBH")  # supported, enabled, most handles, most patterns, number of handles behind


@dataclass(frozen=True, slots=True)
class Packet:
    """One event, its parameters not yet looked into."""

    code: int
    # of the event
    index: int
    # of the adapter, NO_INDEX if it is about none
    body: bytes
    # parameters


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a command."""

    command: int
    # its code
    status: int
    # SUCCESS or why not
    body: bytes
    # what it returns


@dataclass(frozen=True, slots=True)
class Found:
    """An advert that was heard."""

    data: bytes
    # AD structures; of a connectable device those of its scan response behind them
    rssi: int
    # dBm
    connectable: bool
    # a scan response may stand behind the advert


def command(code: int, index: int = NO_INDEX, body: bytes = b"") -> bytes:
    """The packet of a command."""
    return HEAD.pack(code, index, len(body)) + body


def packet(raw: bytes) -> Packet:
    """One datagram of the socket.  Malformed if its length is not what its head says."""
    if len(raw) < HEAD.size:
        raise Malformed("a management packet is 6 bytes at least")
    code, index, length = HEAD.unpack_from(raw)
    if len(raw) != HEAD.size + length:
        raise Malformed("a management packet of another length than it says")
    return Packet(code, index, raw[HEAD.size :])


def reply(event: Packet) -> Reply:
    """Of COMMAND_COMPLETE and COMMAND_STATUS."""
    if len(event.body) < 3:
        raise Malformed("a command's reply is 3 bytes at least")
    return Reply(event.body[0] | event.body[1] << 8, event.body[2], event.body[3:])


def found(event: Packet) -> Found | None:
    """Of DEVICE_FOUND and MONITOR_DEVICE_FOUND; None if it is of no LE device, or without RSSI."""
    form = _FOUND if event.code == DEVICE_FOUND else _MATCHED
    body = event.body
    if len(body) < form.size:
        raise Malformed("a found device breaks off")
    kind, rssi, flags, length = form.unpack_from(body)
    if len(body) != form.size + length:
        raise Malformed("a found device of another length than it says")
    if kind == BR_EDR or rssi == NO_RSSI:
        return None
    return Found(body[form.size :], rssi, not flags & NOT_CONNECTABLE)


def discovering(event: Packet) -> bool:
    """Of DISCOVERING."""
    if len(event.body) != 2:
        raise Malformed("an event of discovery is 2 bytes")
    return bool(event.body[1])


def handle(body: bytes) -> int:
    """Of MONITOR_ADDED, MONITOR_REMOVED and the reply to ADD_MONITOR."""
    if len(body) != 2:
        raise Malformed("a monitor's handle is 2 bytes")
    return body[0] | body[1] << 8


def new_settings(body: bytes) -> int:
    """Of NEW_SETTINGS: the adapter's settings, a bit each."""
    if len(body) != 4:
        raise Malformed("settings are 4 bytes")
    return int.from_bytes(body, "little")


def indices(body: bytes) -> list[int]:
    """Of the reply to READ_INDEX_LIST: the adapters there are."""
    if len(body) < 2 or len(body) != 2 + 2 * (body[0] | body[1] << 8):
        raise Malformed("a list of adapters of another length than it says")
    return sorted(body[at] | body[at + 1] << 8 for at in range(2, len(body), 2))


def settings(body: bytes) -> int:
    """Of the reply to READ_INFO: the adapter's settings as they are, a bit each."""
    if len(body) < _SETTINGS_AT + 4:
        raise Malformed("what is told of an adapter breaks off")
    return int.from_bytes(body[_SETTINGS_AT : _SETTINGS_AT + 4], "little")


def monitors(body: bytes) -> list[int]:
    """Of the reply to READ_MONITORS: the handles of those there are."""
    if len(body) < _MONITORS.size:
        raise Malformed("what is told of monitors breaks off")
    count = _MONITORS.unpack_from(body)[4]
    if len(body) != _MONITORS.size + 2 * count:
        raise Malformed("a list of monitors of another length than it says")
    return [body[at] | body[at + 1] << 8 for at in range(_MONITORS.size, len(body), 2)]


def pattern(ad_type: int, offset: int, value: bytes) -> bytes:
    """The parameters of ADD_MONITOR: one pattern."""
    if not 1 <= len(value) <= _MAX_PATTERN - offset:
        raise ValueError(f"a pattern ends within the {_MAX_PATTERN} bytes of an advert")
    return struct.pack("<BBBB31s", 1, ad_type, offset, len(value), value)
