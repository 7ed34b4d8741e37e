"""Capture files written independently of the package: every number here is a literal of the formats' own pages."""

import struct

SIGNED8 = 256


def btsnoop(datalink: int, records: list[tuple[int, int, bytes]]) -> bytes:
    """`records`: (microseconds since 1970, flags, bytes)."""
    out = b"btsnoop\x00" + struct.pack(">LL", 1, datalink)
    for utc_us, flags, data in records:
        out += struct.pack(">LLLLQ", len(data), len(data), flags, 0, utc_us + 62_168_256_000_000_000) + data
    return out


def pcap(order: str, link: int, records: list[tuple[int, bytes]], nanoseconds: bool = False) -> bytes:
    """`order` is "<" or ">"; `records`: (microseconds since 1970, bytes)."""
    out = struct.pack(order + "LHHlLLL", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    for utc_us, data in records:
        fraction = utc_us % 1_000_000 * (1000 if nanoseconds else 1)
        out += struct.pack(order + "LLLL", utc_us // 1_000_000, fraction, len(data), len(data)) + data
    return out


def block(order: str, kind: int, body: bytes) -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    return struct.pack(order + "LL", kind, 12 + len(body)) + body + struct.pack(order + "L", 12 + len(body))


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "LHHq", 0x1A2B3C4D, 1, 0, -1) + b"\0\0\0\0")


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(order: str, link: int, options: bytes = b"") -> bytes:
    return block(order, 1, struct.pack(order + "HHL", link, 0, 0) + options + (b"\0\0\0\0" if options else b""))


def enhanced(order: str, index: int, ticks: int, data: bytes, options: bytes = b"") -> bytes:
    head = struct.pack(order + "LLLLL", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
    return block(order, 6, head + data + bytes(-len(data) % 4) + options)


def le_report(data: bytes, rssi: int, kind: int = 3) -> bytes:
    """HCI event: LE meta with one legacy advertising report from 06:05:04:03:02:01."""
    inner = bytes([0x02, 1, kind, 1]) + bytes([1, 2, 3, 4, 5, 6]) + bytes([len(data)]) + data
    inner += bytes([rssi % SIGNED8])
    return bytes([0x3E, len(inner)]) + inner


def le_extended_report(data: bytes, rssi: int, kind: int = 0x0010) -> bytes:
    inner = bytes([0x0D, 1]) + struct.pack("<HB", kind, 1) + bytes([1, 2, 3, 4, 5, 6]) + bytes([1, 0, 0xFF, 0x7F])
    inner += bytes([rssi % SIGNED8]) + bytes(2) + bytes(7) + bytes([len(data)]) + data
    return bytes([0x3E, len(inner)]) + inner


def crc_by_shifting(pdu: bytes) -> bytes:
    """The CRC of a PDU as the specification draws it: a register of 24 bits, shifted once for each bit on air.

    Vol 6 Part B 3.1.1: bits least significant first; the register's position 23 is sent first.
    """
    register = [(0x555555 >> i) & 1 for i in range(24)]  # index = position
    for byte in pdu:
        for i in range(8):
            feedback = register[23] ^ ((byte >> i) & 1)
            register = [feedback, *register[:23]]
            for tap in (1, 3, 4, 6, 9, 10):
                register[tap] ^= feedback
    bits = register[::-1]  # in the order of sending
    return bytes(sum(bits[8 * n + i] << i for i in range(8)) for n in range(3))


def ll_packet(data: bytes, kind: int = 2, crc: bytes | None = None) -> bytes:
    """A packet on an advertising channel, from its access address to its CRC."""
    pdu = bytes([0x40 | kind, 6 + len(data)]) + bytes([1, 2, 3, 4, 5, 6]) + data
    return bytes.fromhex("d6be898e") + pdu + (crc_by_shifting(pdu) if crc is None else crc)


def phdr(packet: bytes, rssi: int, flags: int = 0x0C03) -> bytes:
    return struct.pack("<BbbBLH", 37, rssi, -128, 0, 0x8E89BED6, flags) + packet


def nordic(packet: bytes, rssi: int, version: int = 3, flags: int = 1, kind: int = 2) -> bytes:
    """nRF Sniffer: board, header (payload length, version, counter, id), then its own 10 bytes."""
    payload = struct.pack("<BBBBHL", 10, flags, 37, -rssi, 0, 12345) + packet
    lengths = struct.pack("<H", len(payload)) if version > 1 else bytes([6, len(payload)])
    return bytes([1]) + lengths + bytes([version]) + struct.pack("<H", 7) + bytes([kind]) + payload
