"""A chip on a serial port: find out what it is, write, verify, reset.  The only file that speaks to esptool."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import esptool
from esptool import cmds
from esptool.logger import TemplateLogger, log
from esptool.util import flash_size_bytes
from serial import SerialException

from zonetag_flash.errors import FlashError

Progress = Callable[[int, int], None]  # bytes done, bytes in all

ROM_BAUD = 115200
FAST_BAUD = 460800  # what every USB bridge of the usual boards carries
_CONNECT_ATTEMPTS = 3
_USUAL_FLASH = 4 << 20  # bytes


class _Quiet(TemplateLogger):  # type: ignore[misc]  # esptool has no types
    """Swallows what esptool would print (its errors come as exceptions), and hands on how far it has come."""

    progress: Progress | None = None

    def print(self, *args: Any, **_: Any) -> None:
        pass

    def note(self, message: str) -> None:
        pass

    def warning(self, message: str) -> None:
        pass

    def error(self, message: str) -> None:
        pass

    def stage(self, finish: bool = False) -> None:
        pass

    def set_verbosity(self, verbosity: str) -> None:
        pass

    def progress_bar(
        self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
    ) -> None:
        if self.progress:
            self.progress(cur_iter, total_iters)


# esptool has one logger for the whole process, and takes another one only once.
_LOG = _Quiet()
log.set_logger(_LOG)


def _scaled(progress: Progress, before: int, part: int, total: int) -> Progress:
    """Progress of the whole from esptool's count of one part, which may be in compressed bytes."""
    return lambda now, of: progress(before + (part * now // of if of else 0), total)


class Chip:
    """One connected chip; use as a context manager."""

    def __init__(self, port: str) -> None:
        """Connect; FlashError in plain words when there is no chip, no permission, or no answer."""
        self.port = port
        # A plain socket has no reset lines: whoever serves it has the chip in its loader already.
        self._has_lines = not port.startswith("socket://")
        mode = "default-reset" if self._has_lines else "no-reset"
        with _in_plain_words(port):
            self._esp = cmds.detect_chip(port, ROM_BAUD, mode, connect_attempts=_CONNECT_ATTEMPTS)
            self.name: str = self._esp.CHIP_NAME

    def __enter__(self) -> "Chip":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, SerialException):
            self._esp._port.close()

    def flash_bytes(self) -> int:
        """How much flash is fitted; 4 MB, as most boards have, where the chip does not tell."""
        with _in_plain_words(self.port):
            self._start_stub()
            return flash_size_bytes(cmds.detect_flash_size(self._esp)) or _USUAL_FLASH

    def write(self, parts: list[tuple[int, bytes]], progress: Progress) -> None:
        """Erase all, write every (address, bytes), and compare each with the chip's own MD5 of what it holds."""
        done = 0
        total = sum(len(data) for _, data in parts)
        with _in_plain_words(self.port):
            self._start_stub()
            for number, (address, data) in enumerate(parts):
                part, before = len(data), done
                _LOG.progress = _scaled(progress, before, part, total)
                cmds.write_flash(self._esp, [(address, data)], erase_all=number == 0)
                done += part
                progress(done, total)
            _LOG.progress = None
            for address, data in parts:
                self._compare(address, data)

    def _start_stub(self) -> None:
        if self._esp.IS_STUB:
            return
        self._esp = cmds.run_stub(self._esp)
        if self._has_lines and self._esp.IS_STUB:
            self._esp.change_baud(FAST_BAUD)
        cmds.attach_flash(self._esp)

    def _compare(self, address: int, data: bytes) -> None:
        if self._esp.flash_md5sum(address, len(data)) != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise FlashError(
                "verify",
                f"What the chip holds at {address:#x} is not what was written.",
                _WORN,
            )

    def reset(self) -> None:
        """Start the program that was written; without reset lines the chip is left where it is."""
        with _in_plain_words(self.port):
            cmds.reset_chip(self._esp, "hard-reset" if self._has_lines else "no-reset")


_WORN = "Try again with another cable; if it happens again, the board's flash is worn out."
_BY_WORDS = (
    # (part of esptool's or the system's own words, code, cure); the first that fits is told
    ("onnection refused", "no-port", "Nothing listens at this address: start it first."),
    ("ermission denied", "no-permission", "Join the port's group, log out and in: sudo usermod -aG dialout $USER"),
    ("o such file", "no-port", "Plug the board in; ./flash.sh --list shows the ports that are there."),
    ("nappropriate ioctl", "no-port", "This is no serial port: ./flash.sh --list shows those that are there."),
    ("not known", "no-port", "Name a port such as /dev/ttyUSB0, or socket://HOST:PORT."),
    ("could not open port", "no-port", "Plug the board in, and close what else uses the port (a terminal, an IDE)."),
    ("busy", "port-busy", "Close what else uses the port (a terminal, an IDE)."),
    ("MD5", "verify", _WORN),
    ("does not contain an", "wrong-image", "The image is for another chip: name the one for this chip with --image."),
    ("will not fit in", "too-large", "Use an image for this size of flash."),
    ("No serial data received", "no-answer", "Hold BOOT while plugging in. A cable may carry power only: try another."),
    (
        "Failed to connect",
        "no-answer",
        "Hold BOOT, press and let go RESET, let go BOOT, and try again; or another cable.",
    ),
    ("nvalid head of packet", "no-answer", "Something else is on this port, or the cable is bad: try another."),
)


@contextlib.contextmanager
def _in_plain_words(port: str) -> Iterator[None]:
    try:
        yield
    except (esptool.FatalError, SerialException, OSError, ValueError) as error:  # ValueError: a URL of no known kind
        words = " ".join(str(error).split())
        for part, code, cure in _BY_WORDS:
            if part in words:
                raise FlashError(code, f"{port}: {words}.", cure) from error
        raise FlashError(
            "lost",
            f"{port}: {words or type(error).__name__}.",
            "The board was lost on the way: check the cable and run it again.",
        ) from error
