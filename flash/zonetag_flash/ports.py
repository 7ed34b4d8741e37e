"""Serial ports that may have a tag on them."""

import grp
import os
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from zonetag_flash.errors import FlashError

# USB vendors of the bridges on ESP32 boards, and Espressif's own (usb-ids, linux-usb.org).
VENDORS = {
    0x10C4: "Silicon Labs CP210x",
    0x1A86: "WCH CH340",
    0x0403: "FTDI",
    0x303A: "Espressif",
}


@dataclass(frozen=True, slots=True)
class Port:
    """One port."""

    device: str
    # as /dev/ttyUSB0
    bridge: str
    # what carries it


def found() -> list[Port]:
    """Ports of bridges that ESP32 boards use, in the order of their names."""
    every = [Port(port.device, VENDORS[port.vid]) for port in list_ports.comports() if port.vid in VENDORS]
    return sorted(every, key=lambda port: port.device)


def is_board(device: str) -> bool:
    """Whether a port is a board's on USB (and no socket, nor a terminal that stands for one)."""
    return device in {port.device for port in found()}


def check(device: str) -> None:
    """FlashError if a local port is not there or may not be used; an address with :// is left to the connection."""
    if "://" in device:
        return
    if not Path(device).exists():
        raise FlashError("no-port", f"{device} is not there.", "Plug the board in; ./flash.sh --list shows what is.")
    if not os.access(device, os.R_OK | os.W_OK):
        group = _group(Path(device).stat().st_gid)
        raise FlashError(
            "no-permission",
            f"You may not use {device}.",
            f"Join its group, then log out and in: sudo usermod -aG {group} $USER",
        )


def the_one(ports: list[Port]) -> str:
    """The only port there is; FlashError when there is none or more than one."""
    if not ports:
        raise FlashError(
            "no-port",
            "No board found on any USB port.",
            "Plug one in with a cable that carries data (many carry power only), or name the port with --port.",
        )
    if len(ports) > 1:
        names = ", ".join(port.device for port in ports)
        raise FlashError(
            "many-ports", f"Several boards are plugged in: {names}.", "Name one with --port, or use --all."
        )
    return ports[0].device


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
