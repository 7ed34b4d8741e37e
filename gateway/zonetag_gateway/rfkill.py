"""Blocks and unblocks one Bluetooth adapter: the kernel's switch, below bluetoothd.  The one file that speaks rfkill.

Written to /dev/rfkill (struct rfkill_event of <linux/rfkill.h>, 8 bytes): u32 idx, u8 type, u8 op, u8 soft, u8 hard.
"""

import struct
from pathlib import Path

from zonetag_gateway.errors import SourceError

DEVICE = Path("/dev/rfkill")
FOLDER = Path("/sys/class/rfkill")
_EVENT = struct.Struct("=IBBBB")
_TYPE_BLUETOOTH = 2
_OP_CHANGE = 2


def block(adapter: str, blocked: bool, device: Path = DEVICE, folder: Path = FOLDER) -> None:
    """Block or unblock `adapter` (hci0).  May take seconds.  SourceError when there is no switch, or no permission."""
    event = _EVENT.pack(_index(adapter, folder), _TYPE_BLUETOOTH, _OP_CHANGE, blocked, 0)
    try:
        with device.open("r+b", buffering=0) as file:
            file.write(event)
    except OSError as error:
        raise SourceError(
            f"{device} cannot be written ({error.strerror})",
            "Let the gateway's user do it: sudo usermod -aG netdev USER, then start the gateway again",
        ) from error


def _index(adapter: str, folder: Path) -> int:
    """The number of the switch that the kernel calls by the adapter's name."""
    try:
        for switch in sorted(folder.iterdir()):
            if (switch / "name").read_text(encoding="ascii").strip() == adapter:
                return int((switch / "index").read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{folder} cannot be read ({error})", "See what there is: rfkill list") from error
    raise SourceError(f"{adapter} has no switch in {folder}", "See what there is: rfkill list")
