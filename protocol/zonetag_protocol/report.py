"""A gateway's report: a batch of windows, column by column (SPEC.md section 7.2; RFC 8949, RFC 8746).  Servers only.

A window is what a gateway heard of one identifier and authenticator for a few seconds.  CDDL:

    report = {
      1: 1,                                ; version
      2: tstr,                             ; gateway
      3: uint,                             ; boot: count << 32 | 32 random bits, below 2^63
      4: uint,                             ; seq, from 1 in each boot
      5: bstr .size 32,                    ; SHA-256 of the report payload before in this boot; zeros in the first
      6: [int, uint, bool],                ; base: UTC ms, monotonic ms, clock synchronised
      7: uint,                             ; windows, n
      8: #6.64(bstr), 9: #6.64(bstr),      ; kind n * 1, eid n * 8
      10: #6.64(bstr),                     ; S | MAC, n * 6 (zeros where the kind has none)
      11: #6.69(bstr), 12: #6.69(bstr),    ; first and span, n * uint16 little endian, in 10 ms
      13: #6.69(bstr),                     ; count, n * uint16 little endian
      14: #6.72(bstr), 15: #6.72(bstr),    ; RSSI maximum and 90th percentile, n * sint8, dBm
      16: #6.72(bstr), 17: #6.72(bstr),    ; RSSI median and minimum, n * sint8, dBm
      18: {* tstr => uint}                 ; tallies since the report before: adverts, drops, phones
    }
"""

import re
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import cbor2

from zonetag_protocol.crypto import sha256
from zonetag_protocol.envelope import VERSION, is_uint, record
from zonetag_protocol.errors import Malformed
from zonetag_protocol.topics import is_name

MAX_WINDOWS = 4096
TICK_MS = 10  # unit of first and span
MAX_TICKS = 0xFFFF  # so a report covers 655 s at most
MAX_COUNT = 0xFFFF
MAX_TALLIES = 64
TALLY = re.compile(r"[a-z0-9._-]{1,32}")  # a tally's name: plain enough for any log or terminal
FIRST_PREVIOUS = bytes(32)

KIND_ZONETAG = 1  # window kinds on the wire
KIND_BADGE = 2  # plain Eddystone-EID: no authenticator
NO_AUTH = bytes(6)

_UINT8 = 64  # RFC 8746 tags
_UINT16_LE = 69
_SINT8 = 72


@dataclass(frozen=True, slots=True)
class Window:
    """One identifier with one authenticator, heard by one gateway for a few seconds."""

    kind: int
    # KIND_ZONETAG or KIND_BADGE
    eid: bytes
    # 8 bytes
    auth: bytes
    # S[2] | MAC[4]; six zeros for a badge
    first: int
    # first hearing, ticks of 10 ms after the report's base
    span: int
    # from first to last hearing, ticks of 10 ms
    count: int
    # adverts heard, 1 to 65535 (and stays there)
    rssi_max: int
    rssi_p90: int
    rssi_median: int
    rssi_min: int
    # dBm, nearest rank


@dataclass(frozen=True, slots=True)
class Base:
    """When a report begins; every window's times count from here."""

    utc_ms: int
    # milliseconds since 1970, UTC, as the gateway's clock had it
    monotonic_ms: int
    # milliseconds since some point in this boot
    synchronised: bool
    # whether the system called its clock synchronised


@dataclass(frozen=True, slots=True)
class Columns:
    """The windows of a report, a bytes column per field, n entries each, little endian."""

    n: int
    kind: bytes
    # uint8
    eid: bytes
    # 8 bytes each
    auth: bytes
    # 6 bytes each
    first: bytes
    span: bytes
    count: bytes
    # uint16
    rssi_max: bytes
    rssi_p90: bytes
    rssi_median: bytes
    rssi_min: bytes
    # int8

    def windows(self) -> list[Window]:
        """The same, row by row."""
        rows = zip(
            self.kind,
            [self.eid[i : i + 8] for i in range(0, len(self.eid), 8)],
            [self.auth[i : i + 6] for i in range(0, len(self.auth), 6)],
            *[_numbers("H", column) for column in (self.first, self.span, self.count)],
            *[_numbers("b", c) for c in (self.rssi_max, self.rssi_p90, self.rssi_median, self.rssi_min)],
            strict=True,
        )
        return [Window(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `(gateway, boot, seq)` names it for ever."""

    gateway: str
    boot: int
    # boots order by this number: count << 32 | 32 random bits, so that a new disk repeats no name
    seq: int
    # from 1 in each boot
    previous: bytes
    # SHA-256 of the payload before in this boot, 32 bytes; zeros in the first
    base: Base
    columns: Columns
    tallies: dict[str, int]
    # counts since the report before


def columns_of(windows: Sequence[Window]) -> Columns:
    """Stand windows up as columns; at most MAX_WINDOWS, every field within its range, ValueError otherwise."""
    if len(windows) > MAX_WINDOWS:
        raise ValueError(f"a report holds {MAX_WINDOWS} windows at most")
    if any(len(w.eid) != 8 or len(w.auth) != 6 for w in windows):
        raise ValueError("an identifier has 8 bytes and an authenticator 6")
    try:
        return Columns(
            len(windows),
            bytes([w.kind for w in windows]),
            b"".join([w.eid for w in windows]),
            b"".join([w.auth for w in windows]),
            *[_column("H", numbers) for numbers in zip(*[(w.first, w.span, w.count) for w in windows], strict=True)]
            or (b"", b"", b""),
            *[
                _column("b", numbers)
                for numbers in zip(*[(w.rssi_max, w.rssi_p90, w.rssi_median, w.rssi_min) for w in windows], strict=True)
            ]
            or (b"", b"", b"", b""),
        )
    except OverflowError as error:
        raise ValueError("a window's field is outside its range") from error


def encode(report: Report) -> bytes:
    """The payload of a report (unsealed: see `zonetag_protocol.envelope`)."""
    c = report.columns
    return cbor2.dumps(
        {
            1: VERSION,
            2: report.gateway,
            3: report.boot,
            4: report.seq,
            5: report.previous,
            6: [report.base.utc_ms, report.base.monotonic_ms, report.base.synchronised],
            7: c.n,
            **{8 + i: cbor2.CBORTag(_UINT8, column) for i, column in enumerate((c.kind, c.eid, c.auth))},
            **{11 + i: cbor2.CBORTag(_UINT16_LE, column) for i, column in enumerate((c.first, c.span, c.count))},
            **{
                14 + i: cbor2.CBORTag(_SINT8, column)
                for i, column in enumerate((c.rssi_max, c.rssi_p90, c.rssi_median, c.rssi_min))
            },
            18: report.tallies,
        }
    )


def decode(payload: bytes) -> Report:
    """Read a report's payload; Malformed for anything that section 7.2 does not allow, whatever the bytes."""
    item = record(payload, 18)
    gateway, boot, seq, previous, base, n = (item[i] for i in range(2, 8))
    if not isinstance(gateway, str) or not is_name(gateway):
        raise Malformed("a gateway's name breaks the rule of names")
    if not is_uint(boot, 63) or not is_uint(seq, 63) or seq == 0:
        raise Malformed("boot or seq out of range")
    if not isinstance(previous, bytes) or len(previous) != 32:
        raise Malformed("the hash before has 32 bytes")
    if (
        not isinstance(base, list)
        or len(base) != 3
        or not is_uint(base[0], 48)
        or not is_uint(base[1], 53)
        or not isinstance(base[2], bool)
    ):
        raise Malformed("base is [UTC ms, monotonic ms, synchronised]")
    if not is_uint(n, 16) or n > MAX_WINDOWS:
        raise Malformed("too many windows")
    columns = Columns(
        n,
        *[_typed(item[i], _UINT8, n * width) for i, width in ((8, 1), (9, 8), (10, 6))],
        *[_typed(item[i], _UINT16_LE, n * 2) for i in (11, 12, 13)],
        *[_typed(item[i], _SINT8, n) for i in (14, 15, 16, 17)],
    )
    if columns.kind.strip(bytes([KIND_ZONETAG, KIND_BADGE])):
        raise Malformed("a window of an unknown kind")
    if 0 in _numbers("H", columns.count):
        raise Malformed("a window in which nothing was heard")
    if KIND_BADGE in columns.kind and any(
        columns.auth[6 * i : 6 * i + 6] != NO_AUTH for i, kind in enumerate(columns.kind) if kind == KIND_BADGE
    ):
        raise Malformed("a badge with an authenticator")
    return Report(gateway, boot, seq, previous, Base(*base), columns, _tallies(item[18]))


def hash_of(payload: bytes) -> bytes:
    """What the next report of the same boot carries as `previous`: SHA-256, 32 bytes."""
    return sha256(payload)


def _typed(item: object, tag: int, length: int) -> bytes:
    if not isinstance(item, cbor2.CBORTag) or item.tag != tag or not isinstance(item.value, bytes):
        raise Malformed("a column is not a typed array of its type")
    if len(item.value) != length:
        raise Malformed("a column is not as long as the report says")
    return item.value


def _tallies(item: object) -> dict[str, int]:
    if not isinstance(item, dict) or len(item) > MAX_TALLIES:
        raise Malformed("tallies are a map of at most 64 counts")
    for name, count in item.items():
        if not isinstance(name, str) or TALLY.fullmatch(name) is None or not is_uint(count, 53):
            raise Malformed("a tally is a name and a count")
    return item


def _column(code: str, numbers: Sequence[int]) -> bytes:
    column = array(code, numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _numbers(code: str, column: bytes) -> "array[int]":
    numbers = array(code, column)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
