"""The provisioning card."""

from both.expect import refused, same

from zonetag_protocol import card
from zonetag_protocol.crypto import sha256
from zonetag_protocol.errors import Malformed, NotOurs, ZonetagError

# The worked example of SPEC.md section 9.1.
EXAMPLE = card.Card("A-0042", bytes(range(16)), 1790000000, 250, 1000, 0xFFFF, -21)
BYTES = bytes.fromhex(
    "5a544331412d3030343200000000000000000000000102030405060708090a0b0c0d0e0f803bb16afa00e803ffffeb00"
    "000000000000000000000000eb52bf62"
)


def _with(at: int, new: bytes) -> bytes:
    """The example with bytes replaced and its check made to fit again."""
    body = BYTES[:at] + new + BYTES[at + len(new) : 60]
    return body + sha256(body)[:4]


def check_example() -> None:
    same(card.pack(EXAMPLE), BYTES)
    same(card.unpack(BYTES), EXAMPLE)


def check_edges() -> None:
    for edge in (
        card.Card("1", bytes(16), 0, 100, 100, 0, -128),
        card.Card("Số thẻ 0001", b"\xff" * 16, 4294967295, 10240, 10240, 65535, 127),
        card.Card("0123456789abcdef", bytes(16), 2147483648, 100, 10240, 89, 0),
    ):
        same(card.unpack(card.pack(edge)), edge)


def check_truncated_and_trailing() -> None:
    for length in range(64):
        refused(NotOurs if length < 4 else Malformed, card.unpack, BYTES[:length])
    refused(Malformed, card.unpack, BYTES + b"\0")
    refused(Malformed, card.unpack, BYTES + BYTES)


def check_each_flipped_bit() -> None:
    for bit in range(512):
        damaged = bytearray(BYTES)
        damaged[bit // 8] ^= 1 << bit % 8
        refused(ZonetagError, card.unpack, bytes(damaged))


def check_fields_outside_their_range() -> None:
    for at, new in (
        (4, bytes(16)),  # no number
        (4, b"A\0B"),  # a zero within it
        (4, b"\xff\xfe\xfd"),  # not UTF-8
        (40, b"\x63\0"),  # 99 ms
        (40, b"\x01\x28"),  # 10241 ms
        (42, b"\x63\0"),
        (42, b"\xff\xff"),
        (47, b"\x01"),  # reserved
        (59, b"\x80"),
    ):
        refused(Malformed, card.unpack, _with(at, new))
    same(card.unpack(_with(4, b"B")).number, "B-0042")  # the way of these lines works


def check_pack_refuses() -> None:
    for wrong in (
        card.Card("", bytes(16), 0, 100, 100, 0, 0),
        card.Card("0123456789abcdefg", bytes(16), 0, 100, 100, 0, 0),
        card.Card("số thẻ của tôi", bytes(16), 0, 100, 100, 0, 0),  # 14 characters, 19 bytes
        card.Card("A\0", bytes(16), 0, 100, 100, 0, 0),
        card.Card("A", bytes(15), 0, 100, 100, 0, 0),
        card.Card("A", bytes(16), -1, 100, 100, 0, 0),
        card.Card("A", bytes(16), 1 << 32, 100, 100, 0, 0),
        card.Card("A", bytes(16), 0, 99, 100, 0, 0),
        card.Card("A", bytes(16), 0, 100, 10241, 0, 0),
        card.Card("A", bytes(16), 0, 100, 100, 65536, 0),
        card.Card("A", bytes(16), 0, 100, 100, 0, 128),
        card.Card("A", bytes(16), 0, 100, 100, 0, -129),
    ):
        refused(ValueError, card.pack, wrong)
