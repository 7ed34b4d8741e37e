"""What is said over the link: bodies of the sealed messages (SPEC.md sections 12.4, 12.5 and 12.7).

Each `pack_x` makes a body, each `unpack_x` reads one and raises Malformed if it cannot be.  Numbers are big endian.
Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol import contact
from zonetag_protocol.crypto import sha256
from zonetag_protocol.errors import Malformed

# Upwards.
STATUS = 0x01
CONTACTS = 0x02
DONE = 0x03
# Downwards.
FETCH = 0x10
ACKNOWLEDGE = 0x11
SET_TIME = 0x12
SETTINGS = 0x13
FIND_ME = 0x14
UPDATE_BEGIN = 0x15
UPDATE_PART = 0x16
UPDATE_END = 0x17
UPDATE_KEEP = 0x18
BYE = 0x1F

# Codes of `done`.
OK = 0
UNKNOWN_COMMAND = 1
OUT_OF_RANGE = 2
FLASH = 3
NOT_NOW = 4
WRONG_HASH = 5

# Flags of a status.
CONFIRMED = 1
TRIAL = 2
ROLLED_BACK = 4
LOG_FAILED = 8
LOW_BATTERY = 16

FORMAT = 1
STATUS_LENGTH = 40  # bytes before the fault counters
BATTERY_UNKNOWN = 0xFFFF
CHUNK = 12  # records of one `contacts` message: 445 bytes
PART = 480  # bytes of one `update part`
FIND_ME_S = 600

# Settings: id -> (least, most, default).  0 of LOOK_MS: by the card's interval.
LOOK_EVERY = 1
LOOK_MS = 2
WEAKEST = 3
CONNECTABLE = 4
SETTING_RANGES = {LOOK_EVERY: (0, 32, 1), LOOK_MS: (0, 2000, 0), WEAKEST: (40, 127, 100), CONNECTABLE: (0, 64, 4)}
LOOK_MS_LEAST = 50  # besides 0
CONNECTABLE_LEAST = 2  # besides 0

Status = namedtuple(
    "Status",
    (
        "t",
        "uptime_s",
        "battery",
        "version",
        "flags",
        "log",
        "first",
        "next",
        "utc_s",
        "settings",
        "update",
        "faults",
    ),
)
"""t s of the tag's clock; uptime_s; battery thousandths or BATTERY_UNKNOWN; version (major, minor, patch); flags; log 4
bytes; first and next record numbers; utc_s or 0; settings 4 bytes (`settings_check`); update bytes; faults counters."""


def pack_status(status: Status) -> bytes:
    """40 bytes and two for each counter."""
    packed: bytes = (
        bytes([FORMAT])
        + status.t.to_bytes(4, "big")
        + status.uptime_s.to_bytes(4, "big")
        + status.battery.to_bytes(2, "big")
        + bytes(status.version)
        + bytes([status.flags])
        + status.log
        + status.first.to_bytes(4, "big")
        + status.next.to_bytes(4, "big")
        + status.utc_s.to_bytes(5, "big")
        + status.settings
        + status.update.to_bytes(4, "big")
        + b"".join([count.to_bytes(2, "big") for count in status.faults])
    )
    return packed


def unpack_status(body: bytes) -> Status:
    """Read a status; half a counter at its end is ignored, as all that a later version appends."""
    if len(body) < STATUS_LENGTH or body[0] != FORMAT:
        raise Malformed("a status of another format, or cut short")
    faults = body[STATUS_LENGTH:]
    return Status(
        _number(body, 1, 4),
        _number(body, 5, 4),
        _number(body, 9, 2),
        tuple(body[11:14]),
        body[14],
        body[15:19],
        _number(body, 19, 4),
        _number(body, 23, 4),
        _number(body, 27, 5),
        body[32:36],
        _number(body, 36, 4),
        tuple([_number(faults, i, 2) for i in range(0, len(faults) - 1, 2)]),
    )


def pack_contacts(first: int, records: list[bytes]) -> bytes:
    """Records of 36 bytes numbered from `first` on, CHUNK at most."""
    if len(records) > CHUNK:
        raise ValueError("12 records at most")
    return first.to_bytes(4, "big") + b"".join(records)


def unpack_contacts(body: bytes) -> tuple[int, list[bytes]]:
    """(number of the first, records of 36 bytes each, for `contact.unpack`)."""
    count, rest = divmod(len(body) - 4, contact.LENGTH)
    if rest or not 0 <= count <= CHUNK:
        raise Malformed("a number and 0 to 12 whole records wanted")
    return _number(body, 0, 4), [body[4 + i * contact.LENGTH : 4 + (i + 1) * contact.LENGTH] for i in range(count)]


def pack_done(command: int, code: int, value: int = 0) -> bytes:
    """The answer to a command."""
    return bytes([command, code]) + value.to_bytes(4, "big")


def unpack_done(body: bytes) -> tuple[int, int, int]:
    """(command, code, value)."""
    if len(body) != 6:
        raise Malformed("an answer has 6 bytes")
    return body[0], body[1], _number(body, 2, 4)


def pack_fetch(first: int, most: int) -> bytes:
    """Fetch up to `most` records from number `first` on."""
    return first.to_bytes(4, "big") + most.to_bytes(2, "big")


def unpack_fetch(body: bytes) -> tuple[int, int]:
    """(first, most)."""
    _sized(body, 6)
    return _number(body, 0, 4), _number(body, 4, 2)


def pack_acknowledge(log: bytes, through: int) -> bytes:
    """Acknowledge the records of `log` up to number `through`."""
    return log + through.to_bytes(4, "big")


def unpack_acknowledge(body: bytes) -> tuple[bytes, int]:
    """(log, through)."""
    _sized(body, 8)
    return body[:4], _number(body, 4, 4)


def pack_time(t: int, utc_s: int) -> bytes:
    """Set time: the tag's second by the backend's reckoning, and UTC."""
    return t.to_bytes(4, "big") + utc_s.to_bytes(5, "big")


def unpack_time(body: bytes) -> tuple[int, int]:
    """(t, utc_s)."""
    _sized(body, 9)
    return _number(body, 0, 4), _number(body, 4, 5)


def pack_settings(values: dict[int, int]) -> bytes:
    """Settings by id, in ascending order."""
    return b"".join([bytes([name]) + values[name].to_bytes(2, "big") for name in sorted(values)])


def unpack_settings(body: bytes) -> dict[int, int] | None:
    """The values by id; None if one is unknown or out of its range (none may then be taken)."""
    if not body or len(body) % 3:
        raise Malformed("settings have 3 bytes each")
    values = {}
    for at in range(0, len(body), 3):
        name, value = body[at], _number(body, at + 1, 2)
        if name not in SETTING_RANGES or not allowed(name, value):
            return None
        values[name] = value
    return values


def allowed(name: int, value: int) -> bool:
    """Whether a setting may have that value."""
    least, most, _ = SETTING_RANGES[name]
    if not least <= value <= most:
        return False
    shortest = {LOOK_MS: LOOK_MS_LEAST, CONNECTABLE: CONNECTABLE_LEAST}.get(name, 0)
    return value == 0 or value >= shortest


def settings_check(values: dict[int, int]) -> bytes:
    """4 bytes that tell all settings in force, those at their default too."""
    whole = {name: SETTING_RANGES[name][2] for name in SETTING_RANGES}
    whole.update(values)
    return sha256(pack_settings(whole))[:4]


def pack_find_me(seconds: int) -> bytes:
    """Blink for so long."""
    return seconds.to_bytes(2, "big")


def unpack_find_me(body: bytes) -> int:
    """Seconds."""
    _sized(body, 2)
    return _number(body, 0, 2)


def pack_begin(size: int, digest: bytes, version: tuple[int, int, int]) -> bytes:
    """Begin an update of so many bytes with that SHA-256."""
    return size.to_bytes(4, "big") + digest + bytes(version)


def unpack_begin(body: bytes) -> tuple[int, bytes, bytes]:
    """(size, SHA-256, version as 3 bytes)."""
    _sized(body, 39)
    return _number(body, 0, 4), body[4:36], body[36:]


def pack_part(offset: int, data: bytes) -> bytes:
    """PART bytes of an update, or fewer at its end."""
    return offset.to_bytes(4, "big") + data


def unpack_part(body: bytes) -> tuple[int, bytes]:
    """(offset, bytes)."""
    if len(body) < 5:
        raise Malformed("a part of no bytes")
    return _number(body, 0, 4), body[4:]


def pack_archive(files: dict[str, bytes]) -> bytes:
    """The files of an update, by name ("zonetag_tag/app.mpy"), as one archive."""
    return b"".join(
        [
            bytes([len(name.encode())]) + name.encode() + len(files[name]).to_bytes(4, "big") + files[name]
            for name in sorted(files)
        ]
    )


def _number(body: bytes, at: int, size: int) -> int:
    return int.from_bytes(body[at : at + size], "big")


def _sized(body: bytes, size: int) -> None:
    if len(body) != size:
        raise Malformed("a command of the wrong length")
