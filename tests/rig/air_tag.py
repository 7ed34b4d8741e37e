"""A tag on a virtual air: the firmware's process, with its radio and its time on a seat of that air."""

import asyncio
import json
from pathlib import Path
from typing import Any

from rig.micropython import Micropython
from rig.tag_bench import DEVICE_AIR
from rig.virtual_air import Seat, VirtualAir

from zonetag_protocol.card import Card, pack

HEAP = "136K"  # about what a stock ESP32 has free; the stand-ins are in it too
FOR_EVER_S = 1 << 28  # the air ends its life, not the tag's own count


async def start_tag(
    micropython: Micropython,
    firmware: Path,
    folder: Path,
    air: VirtualAir,
    seat: Seat,
    card: Card,
    **settings: Any,
) -> asyncio.subprocess.Process:
    """Begin a life; `firmware` from `tag_bench.compiled`, the tag's files in `folder`, `settings` as in `tag_bench`."""
    told = _provisioned(folder, card, {"air": {"time": air.time}, "seconds": FOR_EVER_S, **settings})
    environment = micropython.environment([DEVICE_AIR, firmware])
    return await asyncio.create_subprocess_exec(
        *micropython.argv("-m", "life", told, heap=HEAP),
        env={**environment, "ZONETAG_HCI": seat.hci},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def ended(tag: asyncio.subprocess.Process) -> dict[str, Any]:
    """What became of it, as `life.py` tells it; AssertionError with the interpreter's words if it broke."""
    output = (await tag.communicate())[0].decode()
    assert tag.returncode == 0, output
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    return told


def _provisioned(folder: Path, card: Card, settings: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "card.bin").write_bytes(pack(card))
    told = folder / "life.json"
    told.write_text(json.dumps(settings))
    return told
