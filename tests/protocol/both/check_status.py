"""The status byte."""

from both.expect import refused, same

from zonetag_protocol import status


def check_bits() -> None:
    same(status.pack(5), 0x05)
    same(status.pack(0, button=True), 0x08)
    same(status.pack(0, unsynchronised=True), 0x10)
    same(status.pack(7, log_waiting=True), 0x27)
    same(status.pack(7, True, True, True), 0x3F)


def check_every_byte_has_a_meaning() -> None:
    for byte in range(256):
        read = status.unpack(byte)
        same(read.version, byte // 64, byte)
        if read.version == status.VERSION:
            packed = status.pack(read.battery, read.button, read.unsynchronised, read.log_waiting)
            same(packed, byte)


def check_range() -> None:
    for battery in (-1, 8):
        refused(ValueError, status.pack, battery)
