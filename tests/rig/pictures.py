"""Pictures made by hand, byte by byte."""

import struct
import zlib


def png(width: int, height: int) -> bytes:
    """A white picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    lines = (b"\x00" + b"\xff" * width) * min(height, 1000)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """The head of one: nothing behind it is ever read."""
    application = b"\xff\xe0\x00\x10JFIF" + bytes(10)
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(10)
    return b"\xff\xd8" + application + frame + b"\xff\xda\x00\x02\xff\xd9"
