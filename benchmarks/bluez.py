"""What each way of hearing Bluetooth costs and how much of the air it gets, on Debian's BlueZ in a virtual machine.

The gateway's own source and folder run as a process of their own, the air in this one; kernel, bluetoothd (with the
settings of our package) and D-Bus in the machine of the tests (tests/rig/bluez).  Processor time of bluetoothd and
dbus-daemon is the machine's own count, under emulation ten to twenty times a real one's: compare ways, not programs.
Of the gateway only the thread counts that hears; the relay that carries the management socket out of the machine is a
matter of this bench alone.

The reference is bleak, passive and active: the best way without a capability.  Passive alone shows each tag once a
slot.  In the doorway people come one after the other, while two adapters hear the same air: one with the gateway's
source, one 5 s on and 5 s off with active bleak, which is Theengs Gateway's way of scanning by default (the loop here
is our own).
"""

import argparse
import asyncio
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure import show
from rig.bluez import image, relay
from rig.bluez.air import Air
from rig.bluez.bench import ADDRESSES, powered
from rig.bluez.controller import Dongle, Sent
from rig.bluez.devices import Device, Tag, badge, others
from rig.bluez.machine import BootFailed, Machine
from rig.debian import Unobtainable

from zonetag_gateway import mgmt
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.sightings import Folder
from zonetag_gateway.sources.bleak import Bleak
from zonetag_gateway.sources.live import Live
from zonetag_gateway.sources.mgmt import Managed, Mgmt
from zonetag_gateway.sources.picture import Album
from zonetag_protocol.frame import HEAD, TEST_COMPANY

WAYS = ("mgmt", "passive+active", "passive")
REFERENCE = "passive+active"
SECONDS = 20.0
TAGS, BADGES, OTHERS = 40, 5, 100
ON_S = OFF_S = 5.0
ARRIVALS, BETWEEN_S, STAY_S, IN_TIME_S = 60, 0.7, 3.0, 2.0
ADDRESSES_OWN, ADDRESSES_DAEMON, PER_S = 1_000_000, 12_000, 200
CLOSE_EVERY_S = 0.25
TICK_S = 1 / 100  # of /proc/PID/stat
OURS = Path(__file__).parents[1] / "deploy/systemd/bluetooth.conf"
PAGE = resource.getpagesize()
DAEMONS = ("bluetoothd", "dbus-daemon")


# The ear: a process of its own


async def ear(way: str, adapter: str, port: int) -> None:
    """Hear until a line comes on standard input; then say what it came to."""
    folder = Folder()
    first: dict[str, float] = {}
    heard = 0
    loop = asyncio.get_running_loop()

    def close(*, final: bool = False) -> None:
        nonlocal heard
        for window in folder.flush() if final else folder.close(time.monotonic()):
            heard += window.count
            first.setdefault(window.eid.hex(), window.first)

    if way == "on and off":
        hearing = asyncio.create_task(on_and_off(adapter, folder))
    else:
        source = _source(way, adapter, port)
        hearing = asyncio.create_task(source.run(folder.hear))
        while not source.counts["starts"] and not hearing.done():  # noqa: ASYNC110  # a counter tells it
            await asyncio.sleep(0.05)
    print("hears", flush=True)
    asked = loop.run_in_executor(None, sys.stdin.readline)
    begin = time.thread_time()
    while not asked.done() and not hearing.done():
        await asyncio.wait((asked, hearing), timeout=CLOSE_EVERY_S)
        close()
    spent = time.thread_time() - begin
    close(final=True)
    if hearing.done():
        hearing.result()
    hearing.cancel()
    await asyncio.wait((hearing,))
    print(json.dumps({"heard": heard, "cpu_s": spent, "first": first}), flush=True)


def _source(way: str, adapter: str, port: int) -> Live:
    if way == "mgmt":
        return Mgmt((adapter,), TEST_COMPANY, SystemClock(), connect=relay.connector_to(port))
    return Bleak((adapter,), way, TEST_COMPANY, SystemClock())


async def on_and_off(adapter: str, folder: Folder) -> None:
    """Scan actively for ON_S, rest for OFF_S, for ever."""
    from bleak import BleakScanner  # noqa: PLC0415  # for this comparison only

    album = Album(TEST_COMPANY)

    def listen(_: Any, data: Any) -> None:
        name = str(data.platform_data[0])
        made = album.advert(name, data.service_data, data.manufacturer_data, data.service_uuids)
        folder.hear(made, data.rssi, time.monotonic())

    while True:
        async with BleakScanner(listen, scanning_mode="active", bluez={"adapter": adapter}):
            await asyncio.sleep(ON_S)
        await asyncio.sleep(OFF_S)


class Ear:
    """The process of `ear`."""

    def __init__(self, machine: Machine, way: str, adapter: str = "hci0") -> None:
        command = [sys.executable, __file__, "--ear", way, adapter, str(machine.mgmt_port)]
        environment = {**os.environ, **machine.environment}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    async def begun(self) -> None:
        """Wait until it hears."""
        assert self._process.stdout is not None
        said = await asyncio.to_thread(self._process.stdout.readline)
        if said != "hears\n":
            sys.exit("the ear does not begin")

    async def end(self) -> dict[str, Any]:
        """What it came to."""
        out, _ = await asyncio.to_thread(self._process.communicate, "end\n")
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told


# The machine


def stat(machine: Machine, name: str) -> tuple[float, int]:
    """Processor seconds and resident bytes of a program inside."""
    [line] = machine.run(f"cat /proc/$(pidof {name})/stat")
    fields = line.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S, int(fields[21]) * PAGE


async def stats(machine: Machine) -> dict[str, tuple[float, int]]:
    return {name: await asyncio.to_thread(stat, machine, name) for name in DAEMONS}


async def cost(machine: Machine, way: str) -> dict[str, float]:
    """Share of the adverts of tags and badges, and seconds for 1,000 adverts on the air, by program."""
    async with Dongle(machine.hci_ports[0], ADDRESSES[0]) as dongle:
        await powered()
        hearing = Ear(machine, way)
        await hearing.begun()
        tags: list[Device] = [Tag(number) for number in range(TAGS)]
        air = Air([*tags, *(badge(number) for number in range(BADGES)), *others(OTHERS)], [dongle.chip])
        before = await stats(machine)
        await for_a_while(air, SECONDS)
        after = await stats(machine)
        told = await hearing.end()
    sent = sum(map(len, air.sent))
    ours = sum(map(len, air.sent[: TAGS + BADGES]))
    spent = {name: (after[name][0] - before[name][0]) * 1000 / sent for name in DAEMONS}
    return {"share": told["heard"] / ours, "gateway": told["cpu_s"] * 1000 / sent, **spent}


async def for_a_while(air: Air, seconds: float) -> None:
    sending = asyncio.create_task(air.run())
    await asyncio.wait((sending,), timeout=seconds)
    sending.cancel()
    await asyncio.wait((sending,))
    await asyncio.sleep(1.0)  # what is on its way arrives


async def doorway(machine: Machine) -> dict[str, float]:
    """Share of the tags that are heard within IN_TIME_S of their first advert at the door, by way."""
    dongles = [Dongle(port, where) for port, where in zip(machine.hci_ports, ADDRESSES, strict=True)]
    for dongle in dongles:
        await dongle.plug()
    await powered(len(dongles))
    ears = {REFERENCE: Ear(machine, REFERENCE, "hci0"), "on and off": Ear(machine, "on and off", "hci1")}
    for hearing in ears.values():
        await hearing.begun()
    chips = [dongle.chip for dongle in dongles]
    background = asyncio.create_task(Air(others(30), chips).run())
    came: list[tuple[Air, asyncio.Task[None]]] = []
    chance = random.Random(1)
    for number in range(ARRIVALS):
        air = Air([Tag(1000 + number)], chips)
        came.append((air, asyncio.create_task(for_a_while(air, STAY_S))))
        await asyncio.sleep(BETWEEN_S * (0.5 + chance.random()))
    await asyncio.gather(*(task for _, task in came))
    background.cancel()
    shares = {}
    for way, hearing in ears.items():
        first = (await hearing.end())["first"]
        in_time = sum(_delay(first, air.sent[0]) <= IN_TIME_S for air, _ in came)
        shares[way] = in_time / ARRIVALS
    for dongle in dongles:
        await dongle.pull()
    return shares


def _delay(first: dict[str, float], sent: Sequence[Sent]) -> float:
    """Seconds from the first advert to the first that was heard."""
    heard = [first[eid] for one in sent if (eid := one.data[13:21].hex()) in first]
    return min(heard) - sent[0].at if heard else float("inf")


async def daemon_memory(machine: Machine, way: str) -> tuple[float, float]:
    """Megabytes that bluetoothd has grown by after half and all of ADDRESSES_DAEMON new addresses."""
    async with Dongle(machine.hci_ports[0], ADDRESSES[0]) as dongle:
        await powered()
        hearing = Ear(machine, way)
        await hearing.begun()
        chance = random.Random(2)
        sizes = [(await stats(machine))["bluetoothd"][1]]
        loop = asyncio.get_running_loop()
        for number in range(ADDRESSES_DAEMON):
            address = bytes([0xC0 | chance.randrange(64)]) + chance.randbytes(5)
            dongle.chip.hear(Sent(loop.time(), address, frame(chance), -60))
            if number % (PER_S // 20) == 0:
                await asyncio.sleep(1 / 20)
            if number + 1 in (ADDRESSES_DAEMON // 2, ADDRESSES_DAEMON):
                sizes.append((await stats(machine))["bluetoothd"][1])
        await hearing.end()
    return (sizes[1] - sizes[0]) / 1e6, (sizes[2] - sizes[0]) / 1e6


# The gateway alone


def frame(chance: random.Random) -> bytes:
    """An advert in our form, of a tag that was never there before."""
    return HEAD + b"\xeb" + chance.randbytes(8) + b"\x09\xff\xff\xff" + chance.randbytes(6)


def own_memory() -> tuple[float, float]:
    """Resident megabytes after a tenth and after all of ADDRESSES_OWN adverts, each from an address of its own."""
    chance = random.Random(3)
    folder = Folder()
    clock = SystemClock()
    source = Live((), lambda: (Managed(TEST_COMPANY),), clock)
    owner = source.owners[0]
    album = Album(TEST_COMPANY)
    sizes = []
    for number in range(ADDRESSES_OWN):
        data = frame(chance)
        raw = mgmt.HEAD.pack(mgmt.DEVICE_FOUND, 0, 14 + len(data))
        raw += chance.randbytes(6) + b"\x02\xc4\x04\0\0\0" + len(data).to_bytes(2, "little") + data
        found = mgmt.found(mgmt.packet(raw))
        assert found is not None
        owner.advert(found.data, found.rssi)
        folder.hear(found.data, found.rssi, number / 100)  # a hundred a second, for almost three hours
        album.advert(f"/org/bluez/hci0/dev_{number}", {FEAA: data[11:21]}, {TEST_COMPANY: data[25:31]}, [FEAA])
        if number % 100 == 0:
            folder.close(number / 100)
            folder.take_tallies()
        if number + 1 in (ADDRESSES_OWN // 10, ADDRESSES_OWN):
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6)
    return sizes[0], sizes[1]


FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ear", nargs=3, metavar=("WAY", "ADAPTER", "PORT"), help="for this program itself")
    args = parser.parse_args()
    if args.ear:
        asyncio.run(ear(args.ear[0], args.ear[1], int(args.ear[2])))
        return
    early, late = own_memory()
    show("gateway: memory after 100,000 new addresses", early * 1000, "kB")
    show("gateway: memory after 1,000,000 new addresses", late * 1000, "kB", "the same after 100,000", early * 1000)
    qemu = shutil.which("qemu-system-x86_64")
    try:
        machine = Machine(image.obtain(), qemu or "")
        if qemu:
            machine.boot()
    except (Unobtainable, BootFailed) as error:
        print(f"the rest needs the virtual machine of the tests: {error}")
        return
    if not qemu:
        print("the rest needs a virtual machine: apt-get install qemu-system-x86")
        return
    os.environ.update(machine.environment)
    try:
        for line in (*OURS.read_text().splitlines(), *machine.run("cat /etc/bluetooth/main.conf")):
            if line.strip() and not line.startswith("#"):
                machine.run(f"echo '{line}' >>/tmp/main.conf")
        machine.bluetoothd("--configfile=/tmp/main.conf")
        relay.start(machine)
        asyncio.run(inside(machine))
    finally:
        machine.kill()


async def inside(machine: Machine) -> None:
    """All that is measured in the machine."""
    costs = {way: await cost(machine, way) for way in WAYS}
    against = costs[REFERENCE]
    for way, spent in costs.items():
        other = "" if way == REFERENCE else REFERENCE
        show(f"{way}: adverts of tags and badges received", spent["share"] * 100, "%", other, against["share"] * 100)
        for name in ("gateway", *DAEMONS):
            where = "" if name == "gateway" else f" ({machine.accelerator})"
            show(
                f"{way}: {name}{where}, 1,000 adverts on the air",
                spent[name] * 1e6,
                "us",
                other,
                against[name] * 1e6,
            )
    shares = await doorway(machine)
    mine, theirs = shares[REFERENCE] * 100, shares["on and off"] * 100
    show("door: tags heard within 2 s", mine, "%", "5 s on, 5 s off", theirs)
    show("door: tags heard within 2 s, 5 s on, 5 s off", theirs, "%")
    for way in ("mgmt", REFERENCE):
        half, whole = await daemon_memory(machine, way)
        name = f"bluetoothd: grown by {ADDRESSES_DAEMON:,} new addresses, {way}"
        show(name, whole * 1000, "kB", "half as many", half * 1000)


if __name__ == "__main__":
    main()
