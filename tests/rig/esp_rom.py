"""An ESP32 that answers on a TCP port as its ROM and stub loader do, so that the real esptool can erase, write, verify.

Serial protocol (Espressif, "Serial Protocol"): SLIP frames C0 ... C0; request 00 op size[2] check[4] data; answer
01 op size[2] value[4] data status.  After the stub is started answers end in two bytes of status, before in four.
Faults are planted by what the constructor is given: another chip, a cable pulled, a flash that forgets.
"""

import contextlib
import hashlib
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

MIB = 1 << 20
MAC = bytes.fromhex("a0a1a2a3a4a5")
SPI_READ_ID = 0x9F
AGAIN_S = 0.2  # between two introductions of a tag
WINBOND = 0x40EF  # and above it the logarithm of the size

# Registers that esptool reads to learn what it talks to (esptool's targets/*.py).
_ESP32 = {0x40001000: 0x00F01D83, 0x3FF5A004: 0xA2A3A4A5, 0x3FF5A008: 0x0000A0A1}
_ESP32_C3 = {0x60008844: 0xA2A3A4A5, 0x60008848: 0x0000A0A1}
_ESP8266 = {0x40001000: 0xFFF0C101, 0x3FF00050: 0xA5000000, 0x3FF00054: 0x0200A3A4, 0x3FF0005C: 0x00A0A1A2}


@dataclass(frozen=True)
class Kind:
    """One chip as its ROM shows it."""

    registers: dict[int, int]
    spi: int
    # base address of the SPI controller through which the flash's identity is read
    spi_w0: int
    # offset of its data register
    spi_usr2: int
    # offset of its command register
    chip_id: int | None = None
    # what GET_SECURITY_INFO says; none: the command is unknown


KINDS = {
    "ESP32": Kind(_ESP32, 0x3FF42000, 0x80, 0x24),
    "ESP32-C3": Kind(_ESP32_C3, 0x60002000, 0x58, 0x20, chip_id=5),
    "ESP8266": Kind(_ESP8266, 0x60000200, 0x40, 0x24),
}


@dataclass
class Board:
    """A board: a chip, its flash, and what goes wrong with it."""

    kind: Kind
    flash: bytearray = field(default_factory=lambda: bytearray(b"\xff" * (4 * MIB)))
    cut_after: int | None = None
    # the cable is pulled once so many bytes have been written
    forgets: bool = False
    # the last byte of whatever is written does not stay
    deaf: bool = False
    # held in reset: answers nothing
    erased: int = 0
    # whole-chip erasures
    written: int = 0
    # bytes
    spi_command: int = 0


Says = Callable[[Board], bytes]


class Unplugged(Exception):
    """The cable is out."""


class _Session:
    """One connection: the loader's state from plugging in to unplugging."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.stub = False
        self.at = 0
        self.unpack: zlib._Decompress | None = None

    def answer(self, op: int, data: bytes) -> list[bytes]:
        """The frames that answer one request."""
        if op == 0x08:  # SYNC is answered eight times
            return [self._frame(op, 0x20120707)] * 8
        handler = _HANDLERS.get(op)
        if handler is None or (op == 0x14 and self.board.kind.chip_id is None):
            return [self._frame(op, 0, b"", b"\x01\x05")]
        value, body = handler(self, data)
        frames = [self._frame(op, value, body)]
        if op == 0x06:  # MEM_END starts the stub, which greets
            self.stub = True
            frames.append(b"OHAI")
        return frames

    def _frame(self, op: int, value: int, body: bytes = b"", status: bytes = b"\0\0") -> bytes:
        status = status if self.stub else status + b"\0\0"
        return struct.pack("<BBHI", 1, op, len(body) + len(status), value) + body + status

    def nothing(self, _: bytes) -> tuple[int, bytes]:
        return 0, b""

    def read_register(self, data: bytes) -> tuple[int, bytes]:
        kind, address = self.board.kind, struct.unpack("<I", data[:4])[0]
        if address == kind.spi + kind.spi_w0:
            identity = WINBOND | (len(self.board.flash).bit_length() - 1) << 16
            return (identity if self.board.spi_command == SPI_READ_ID else 0), b""
        return kind.registers.get(address, 0), b""

    def write_register(self, data: bytes) -> tuple[int, bytes]:
        kind, (address, value) = self.board.kind, struct.unpack("<II", data[:8])
        if address == kind.spi + kind.spi_usr2:
            self.board.spi_command = value & 0xFF
        return 0, b""

    def security_info(self, _: bytes) -> tuple[int, bytes]:
        return 0, struct.pack("<IB7BII", 0, 0, *bytes(7), self.board.kind.chip_id or 0, 0)

    def erase(self, _: bytes) -> tuple[int, bytes]:
        self.board.flash[:] = b"\xff" * len(self.board.flash)
        self.board.erased += 1
        return 0, b""

    def begin(self, data: bytes) -> tuple[int, bytes]:
        size, _, _, self.at = struct.unpack("<IIII", data[:16])
        self.board.flash[self.at : self.at + size] = b"\xff" * size
        self.unpack = None
        return 0, b""

    def begin_packed(self, data: bytes) -> tuple[int, bytes]:
        result = self.begin(data)
        self.unpack = zlib.decompressobj()
        return result

    def data(self, data: bytes) -> tuple[int, bytes]:
        length = struct.unpack("<I", data[:4])[0]
        block = data[16 : 16 + length]
        if self.unpack:
            block = self.unpack.decompress(block)
        board = self.board
        board.written += len(block)
        if board.cut_after is not None and board.written > board.cut_after:
            raise Unplugged
        board.flash[self.at : self.at + len(block)] = block[:-1] + b"\0" if board.forgets else block
        self.at += len(block)
        return 0, b""

    def md5(self, data: bytes) -> tuple[int, bytes]:
        address, size = struct.unpack("<II", data[:8])
        digest = hashlib.md5(self.board.flash[address : address + size])
        return 0, digest.digest() if self.stub else digest.hexdigest().encode()


_HANDLERS = {
    0x02: _Session.begin,
    0x03: _Session.data,
    0x04: _Session.nothing,
    0x05: _Session.nothing,
    0x06: _Session.nothing,
    0x07: _Session.nothing,
    0x09: _Session.write_register,
    0x0A: _Session.read_register,
    0x0B: _Session.nothing,
    0x0D: _Session.nothing,
    0x0F: _Session.nothing,
    0x10: _Session.begin_packed,
    0x11: _Session.data,
    0x12: _Session.nothing,
    0x13: _Session.md5,
    0x14: _Session.security_info,
    0xD0: _Session.erase,
}


def slip(frame: bytes) -> bytes:
    """Wrap one frame."""
    return b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def unslip(frame: bytes) -> bytes:
    """Unwrap what stands between two C0."""
    return frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")


class FakeEsp:
    """A board on a TCP port of this machine, as a context manager; `url` is what to give as --port."""

    def __init__(self, chip: str = "ESP32", says: bytes | Says = b"", **faults: object) -> None:
        """`says` is what the tag prints on the connections that follow the first, or a function that makes it."""
        self.board = Board(KINDS[chip], **faults)  # type: ignore[arg-type]  # faults by the names of Board's fields
        self.says = says
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "FakeEsp":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        count = 0
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                count += 1
                first = None
                if count > 1 and self.says:
                    first = self._introduce(line, self.says(self.board) if callable(self.says) else self.says)
                self._talk(line, first)

    def _introduce(self, line: socket.socket, words: bytes) -> bytes | None:
        """Say it as the firmware does, more than once: who opens a port throws away what has come in by then."""
        try:
            line.settimeout(AGAIN_S)
            while True:
                line.sendall(words)
                with contextlib.suppress(TimeoutError):
                    return line.recv(65536)
        except OSError:
            return b""
        finally:
            line.settimeout(None)

    def _talk(self, line: socket.socket, first: bytes | None) -> None:
        """Answer the loader's requests; `first` is what has come already, empty if the line is closed."""
        session, waiting = _Session(self.board), b""
        while True:
            try:
                more, first = (line.recv(65536) if first is None else first), None
            except OSError:
                return
            if not more:
                return
            waiting += more
            *frames, waiting = waiting.split(b"\xc0")
            for frame in frames:
                request = unslip(frame)
                if len(request) < 8 or self.board.deaf:
                    continue
                try:
                    for answer in session.answer(request[1], request[8:]):
                        line.sendall(slip(answer))
                except Unplugged:
                    return
