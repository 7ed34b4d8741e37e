"""The provisioning card: what a tag is given when it is flashed (SPEC.md section 9).  64 bytes, little endian.

| offset | bytes | field |
|---|---|---|
| 0 | 5A 54 43 31 | "ZTC1" |
| 4 | number[16] | the tag's printed number, UTF-8, zero padded |
| 20 | master[16] | master key |
| 36 | t0[4] | first second of the tag's clock |
| 40 | moving_ms[2] | advertising interval while moving, 100 to 10240 ms |
| 42 | rest_ms[2] | advertising interval at rest, 100 to 10240 ms |
| 44 | company[2] | company identifier of the fleet |
| 46 | tx[1] | transmit power of the fleet, dBm, signed |
| 47 | reserved[13] | zero |
| 60 | check[4] | SHA-256 of bytes 0 to 59, first 4 bytes |

Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol.crypto import KEY, same, sha256
from zonetag_protocol.errors import Malformed, NotOurs
from zonetag_protocol.rotation import T_END

LENGTH = 64
MAGIC = b"ZTC1"
NUMBER = 16  # bytes
INTERVALS_MS = (100, 10240)  # 10240 ms is the longest interval of legacy advertising

Card = namedtuple("Card", ("number", "master", "t0", "moving_ms", "rest_ms", "company", "tx"))
"""number text, master 16 bytes, t0 s, moving_ms and rest_ms ms, company 16 bits, tx dBm."""


def pack(card: Card) -> bytes:
    """The 64 bytes of a card; ValueError for a field outside its range."""
    number = card.number.encode()
    if not 0 < len(number) <= NUMBER or b"\0" in number:
        raise ValueError("a tag's number is 1 to 16 bytes")
    if len(card.master) != KEY:
        raise ValueError("master key of 16 bytes wanted")
    if not 0 <= card.t0 < T_END:
        raise ValueError("t0 is 32 bits")
    for interval in (card.moving_ms, card.rest_ms):
        if not INTERVALS_MS[0] <= interval <= INTERVALS_MS[1]:
            raise ValueError("advertising interval is 100 to 10240 ms")
    if not 0 <= card.company <= 0xFFFF or not -128 <= card.tx <= 127:
        raise ValueError("company is 16 bits, power -128 to 127 dBm")
    body: bytes = (
        MAGIC
        + number
        + bytes(NUMBER - len(number))
        + card.master
        + card.t0.to_bytes(4, "little")
        + card.moving_ms.to_bytes(2, "little")
        + card.rest_ms.to_bytes(2, "little")
        + card.company.to_bytes(2, "little")
        + bytes([card.tx & 0xFF])
        + bytes(13)
    )
    return body + sha256(body)[:4]


def unpack(data: bytes) -> Card:
    """Read a card; NotOurs without the magic, Malformed when damaged or outside its ranges."""
    if data[:4] != MAGIC:
        raise NotOurs("not a provisioning card")
    if len(data) != LENGTH or not same(sha256(data[:60])[:4], data[60:]):
        raise Malformed("the provisioning card is damaged: flash the tag again")
    number = data[4:20].rstrip(b"\0")
    moving_ms = int.from_bytes(data[40:42], "little")
    rest_ms = int.from_bytes(data[42:44], "little")
    low, high = INTERVALS_MS
    if not number or b"\0" in number or not low <= moving_ms <= high or not low <= rest_ms <= high or any(data[47:60]):
        raise Malformed("the provisioning card has a field outside its range")
    try:
        text = number.decode()
    except UnicodeError:
        raise Malformed("the tag's number is not UTF-8")
    return Card(
        text,
        data[20:36],
        int.from_bytes(data[36:40], "little"),
        moving_ms,
        rest_ms,
        int.from_bytes(data[44:46], "little"),
        data[46] - 256 if data[46] > 127 else data[46],
    )
