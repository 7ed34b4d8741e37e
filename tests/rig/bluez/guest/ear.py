#!/usr/bin/python3
"""Inside the virtual machine: the gateway's own source on the kernel's own management socket, nothing between.

ear.py [UID]: as that user; says "heard N" once N adverts came, or what the source's error says.
"""

# ruff: noqa: E402  # what is imported last needs the path and the empty modules above it

import asyncio
import os
import sys
import types

sys.path.insert(0, "/zonetag")
# The wire format imports ciphers, of which hearing calls none; the machine has none.
PARTS = ("", ".hazmat", ".hazmat.primitives")
NEEDED = (".ciphers", ".cmac", ".hashes", ".kdf", ".kdf.hkdf")
for part in (*PARTS, *(PARTS[-1] + name for name in NEEDED)):
    empty = types.ModuleType("cryptography" + part)
    for name in ("Cipher", "algorithms", "modes", "CMAC", "SHA256", "HKDF"):
        setattr(empty, name, None)
    sys.modules[empty.__name__] = empty

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.sources.mgmt import Mgmt

ENOUGH = 20


async def main() -> None:
    """Hear a little."""
    enough = asyncio.Event()
    source = Mgmt((), 0xFFFF, SystemClock())

    def hear(_data: bytes, _rssi: int, _at: float) -> None:
        if source.counts["adverts"] >= ENOUGH:
            enough.set()

    running = asyncio.create_task(source.run(hear))
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    print("heard", source.counts["adverts"], source.tell()["adapters"]["hci0"]["backend"])
    running.cancel()
    await asyncio.wait((running,))


if len(sys.argv) > 1:
    os.setuid(int(sys.argv[1]))
try:
    asyncio.run(main())
except SourceError as error:
    print(error)
