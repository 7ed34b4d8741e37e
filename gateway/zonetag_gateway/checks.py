"""Checks of single settings: each takes what TOML gave and the configuration's folder.  Wrong if it will not do."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zonetag_protocol.topics import NAME_RULE, is_name

Check = Callable[[object, Path], Any]


class Wrong(Exception):
    """A value that its setting refuses: a machine `code`, and a sentence that says what to write instead."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """Where the broker listens."""

    host: str
    # name or address
    port: int
    # TCP
    tls: bool
    # mqtts

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def text(value: object, folder: Path) -> str:
    if not isinstance(value, str):
        raise Wrong("wrong-type", 'must be a text in quotes, as "abc"')
    return value


def texts(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise Wrong("wrong-type", 'must be a list of texts, as ["hci0"]')
    return tuple(value)


def name(value: object, folder: Path) -> str:
    if not is_name(text(value, folder)):
        raise Wrong("not-a-name", f"must be {NAME_RULE}")
    return text(value, folder)


def one_of(*choices: str) -> Check:
    def check(value: object, folder: Path) -> str:
        if not isinstance(value, str) or value not in choices:
            raise Wrong("not-one-of", "must be one of " + ", ".join(f'"{choice}"' for choice in choices))
        return value

    return check


def whole(low: int, high: int) -> Check:
    def check(value: object, folder: Path) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Wrong("wrong-type", "must be a whole number without quotes")
        if not low <= value <= high:
            raise Wrong("out-of-range", f"must be from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Check:
    def check(value: object, folder: Path) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Wrong("wrong-type", "must be a number without quotes")
        if not low <= value <= high:  # refuses nan too
            raise Wrong("out-of-range", f"must be from {low:g} to {high:g}")
        return float(value)

    return check


def speed(value: object, folder: Path) -> float:
    """ "real" -> 1.0, "max" -> infinity, or a factor."""
    if isinstance(value, str):
        if value not in ("real", "max"):
            raise Wrong("not-one-of", 'must be "real", "max" or a number')
        return 1.0 if value == "real" else math.inf
    return float(number(0.01, 100_000)(value, folder))


def yes_or_no(value: object, folder: Path) -> bool:
    if not isinstance(value, bool):
        raise Wrong("wrong-type", "must be true or false, without quotes")
    return value


def identifier(*lengths: int) -> Check:
    """Bytes in hexadecimal, of one of these lengths; the empty text means none."""

    def check(value: object, folder: Path) -> bytes:
        digits = text(value, folder)
        if digits and (len(digits) not in {2 * n for n in lengths} or set(digits.lower()) - set("0123456789abcdef")):
            counts = " or ".join(str(2 * n) for n in lengths)
            raise Wrong("not-hex", f"must be {counts} hexadecimal digits, or empty")
        return bytes.fromhex(digits)

    return check


def path(value: object, folder: Path) -> Path:
    if not text(value, folder) or "\0" in text(value, folder):
        raise Wrong("wrong-type", "must be the path of a file")
    return folder / Path(text(value, folder)).expanduser()


def optional_path(value: object, folder: Path) -> Path | None:
    """A path, or nothing."""
    return None if value == "" else path(value, folder)


def readable_file(value: object, folder: Path) -> Path | None:
    """A file that is there and may be read; the empty text means none."""
    if value == "":
        return None
    where = path(value, folder)
    if not where.is_file():
        raise Wrong("no-file", f"names {where}, which is no file: put it there or correct the path")
    if not os.access(where, os.R_OK):
        raise Wrong("no-file", f"names {where}, which this user may not read: correct its owner or mode")
    return where


def paths(value: object, folder: Path) -> tuple[Path, ...]:
    """One path or a list of them; the empty text means none."""
    if value == "":
        return ()
    if isinstance(value, str):
        return (path(value, folder),)
    if not isinstance(value, list):
        raise Wrong("wrong-type", "must be the path of a file, or a list of them")
    return tuple(path(item, folder) for item in value)


def address(value: object, folder: Path) -> tuple[str, int]:
    """host:port."""
    host, colon, port = text(value, folder).rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise Wrong("bad-address", 'must be host:port, as "127.0.0.1:8766"')
    return host.strip("[]"), int(port)


def topic_prefix(value: object, folder: Path) -> str:
    """What MQTT topics may begin with."""
    prefix = text(value, folder)
    if not prefix or len(prefix) > 100 or any(part == "" for part in prefix.split("/")) or set(prefix) & set("#+$\0"):
        raise Wrong("not-a-name", 'must be the beginning of a topic, as "homeassistant", without + and #')
    return prefix


def optional_address(value: object, folder: Path) -> tuple[str, int] | None:
    """host:port, or nothing."""
    return None if value == "" else address(value, folder)


def broker_url(value: object, folder: Path) -> BrokerUrl:
    """mqtt://host[:port] or mqtts://host[:port]."""
    try:
        parts = urlsplit(text(value, folder))
        port = parts.port
    except ValueError as error:
        raise Wrong("bad-url", "must be as mqtt://host:1883 or mqtts://host:8883") from error
    if parts.username is not None or parts.password is not None:
        raise Wrong("bad-url", "must not hold a password: use username and password_file")
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise Wrong("bad-url", "must be as mqtt://host:1883 or mqtts://host:8883")
    tls = parts.scheme == "mqtts"
    return BrokerUrl(parts.hostname, port or (8883 if tls else 1883), tls)
