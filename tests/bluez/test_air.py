"""The project's gateway with real bleak on real BlueZ hears what is in the air, as it was sent."""

import asyncio
from collections import Counter

import pytest
from rig.bluez.bench import Bench
from rig.bluez.devices import Advert, Device, Steady, Tag, badge, bluezone, exposure, others
from rig.bluez.machine import EXPERIMENTAL, Machine

from zonetag_gateway.window import ClosedWindow
from zonetag_protocol.report import KIND_BADGE, KIND_ZONETAG

SLOTS = 3  # that are waited for
SLOT_S = 2.0  # half the real one, so that the tests are shorter
OTHERS = 300
WHOLE = ("mgmt",)  # ways of hearing that show an advert that never changes again and again; see test_at_rest.py too


def windows_of(bench: Bench, index: int) -> list[ClosedWindow]:
    names = set(bench.names(index))
    return [window for window in bench.windows if (window.eid, window.auth) in names]


def phone_identifiers(phones: list[Steady]) -> list[bytes]:
    """The longest piece of each advert that no other phone's has."""
    return [phone.what.data[7:19] if phone.what.data[3] == 0x0F else phone.what.data[11:] for phone in phones]


def test_an_office(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Tags at rest, moving and rotating, badges, phones, and hundreds of others, in the best mode there is."""
    resting = [Tag(number, -50 - number, slot_s=SLOT_S) for number in range(10)]
    moving = [Tag(20 + number, lambda n: -40 - n % 50, slot_s=SLOT_S) for number in range(2)]
    rotating = [Tag(30 + number, -72, slot_s=SLOT_S, rotates_at=3.0 + number) for number in range(4)]
    tags = [*resting, *moving, *rotating]
    badges = [badge(number) for number in range(5)]
    phones = [*(bluezone(number) for number in range(5)), *(exposure(number) for number in range(6))]
    devices: list[Device] = [*tags, *badges, *phones, *others(OTHERS)]
    of_tags, of_badges = range(len(tags)), range(len(tags), len(tags) + len(badges))

    async def go() -> Bench:
        async with Bench(machine, devices) as bench:
            await bench.until(
                lambda: all(len(bench.heard_names(i)) > SLOTS for i in of_tags), "every tag, slot by slot"
            )
            await bench.until(
                lambda: all(len(windows_of(bench, i)) >= SLOTS for i in of_badges), "every badge goes on being heard"
            )
            await bench.quiet()
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    for index in of_tags:
        assert {window.kind for window in windows_of(bench, index)} == {KIND_ZONETAG}
    for index in range(len(tags) - len(rotating), len(tags)):
        assert len({eid for eid, _ in bench.heard_names(index)}) == 2, "both identifiers of a tag that rotated"
        assert len({sent.address for sent in bench.air.sent[index]}) == 2
    for index in of_badges:
        assert {window.kind for window in windows_of(bench, index)} == {KIND_BADGE}
    tallies = Counter(bench.folder.take_tallies())
    assert tallies["phones.bluezone"] == 5
    assert tallies["phones.exposure-notification"] == 6
    assert tallies["malformed"] == 0
    told = b"".join(window.eid + window.auth for window in bench.windows)
    assert not any(piece in told for piece in phone_identifiers(phones)), "no identifier of a phone leaves the folder"
    slots = sum(len(bench.names(i)) for i in of_tags), sum(len(bench.heard_names(i)) for i in of_tags)
    with capsys.disabled():
        print(f"\n  {machine.accelerator}, {len(devices)} devices: tags {bench.share(of_tags)}")
        print(f"    slots  {slots[0]} sent, {slots[1]} at the gateway (each half as long as a tag's)")


@pytest.mark.parametrize("mode", ["mgmt", "passive", "active"])
def test_modes(machine: Machine, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In each mode a tag that does not move is heard slot after slot; a badge, always the same, in the best alone."""
    tags = [Tag(number, slot_s=SLOT_S) for number in range(10)]
    badges = [badge(number) for number in range(5)]
    of_tags, of_badges = range(len(tags)), range(len(tags), len(tags) + len(badges))

    async def go() -> Bench:
        kind = "mgmt" if mode == "mgmt" else "bleak"
        async with Bench(machine, [*tags, *badges, *others(100)], mode, kind=kind) as bench:
            await bench.until(
                lambda: all(len(bench.heard_names(i)) > SLOTS for i in of_tags), "every tag, slot by slot"
            )
            scans = bench.dongles[0].chip.scans
            if mode in WHOLE:
                await bench.until(
                    lambda: all(heard(bench, i) > scans + 5 for i in of_badges), "badges go on being heard"
                )
            await bench.until(lambda: all(len(bench.air.sent[i]) > 24 for i in of_badges), "badges go on sending")
            chip = bench.dongles[0].chip.mode
            await bench.quiet()
        with capsys.disabled():
            print(f"\n  {machine.accelerator}, {mode}: chip {chip}")
            print(f"    tags   {bench.share(of_tags)}\n    badges {bench.share(of_badges)}")
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    if mode not in WHOLE:
        # Controls: without both scanners a badge is told once, and again whenever the scan starts anew (10 s).
        assert all(heard(bench, i) <= bench.dongles[0].chip.scans + 1 for i in of_badges)
    assert source_told(bench)


def heard(bench: Bench, index: int) -> int:
    """How many adverts of a device the source has passed on."""
    return sum(bench.adverts[name] for name in bench.names(index))


def source_told(bench: Bench) -> bool:
    """The source's own counters agree with what it has passed on."""
    counts = bench.source.counts
    return counts["adverts"] == sum(bench.adverts.values()) and not counts["lost"] and not counts["malformed"]


def test_equal_interval_and_window_in_main_conf_give_all_the_air(machine: Machine) -> None:
    """Without them the kernel listens half of the time while it scans passively."""
    modes = []

    async def go() -> str:
        async with Bench(machine, [Tag(1, slot_s=SLOT_S)], "passive") as bench:
            await bench.until(lambda: len(bench.heard_names(0)) > 1, "the tag")
            return bench.dongles[0].chip.mode

    modes.append(asyncio.run(go()))
    machine.kill_bluetoothd()
    lines = r"s/^\[LE\]/[LE]\nScanIntervalAdvMonitor=96\nScanWindowAdvMonitor=96/"
    machine.run(f"cd /etc/bluetooth; cp main.conf main.conf.before; sed -i '{lines}' main.conf")
    machine.bluetoothd(EXPERIMENTAL)
    try:
        modes.append(asyncio.run(go()))
    finally:
        machine.run("cd /etc/bluetooth; mv main.conf.before main.conf")
    assert [mode.split(" of ")[0] for mode in modes] == ["passive, 50%", "passive, 100%"]


def test_two_adapters(machine: Machine) -> None:
    """Both are listened to, each with its own strength."""
    tags = [Tag(number, -60, slot_s=SLOT_S) for number in range(5)]

    async def go() -> Bench:
        async with Bench(machine, [*tags, *others(20)], wanted=("hci0", "hci1"), dongles=2) as bench:
            bench.dongles[1].chip.loss_db = 7
            await bench.until(
                lambda: {-60, -67} <= {w.rssi_max for w in bench.windows} | {w.rssi_min for w in bench.windows}, "both"
            )
            await bench.until(lambda: all(len(bench.heard_names(i)) > 1 for i in range(len(tags))), "every tag")
        return bench

    asyncio.run(go()).check_windows()


def test_what_is_not_eddystone_makes_no_window(machine: Machine) -> None:
    """An advert of our company without Eddystone, an Eddystone URL, half a frame: counted, and nothing else."""
    strange = [
        Advert(b"\xc1\0\0\0\0\1", bytes.fromhex("02010609ffffff") + b"aabbbb"),
        Advert(b"\xc1\0\0\0\0\2", bytes.fromhex("0201060303aafe0a16aafe10eb") + b"\3zone"),
        Advert(b"\xc1\0\0\0\0\3", bytes.fromhex("0201060303aafe0916aafe30eb") + b"1234"),
    ]
    good = Tag(1, slot_s=SLOT_S)

    async def go() -> Bench:
        async with Bench(machine, [good, *(Steady(advert, 0.2) for advert in strange)]) as bench:
            await bench.until(lambda: all(len(sent) > 5 for sent in bench.air.sent), "all were sent")
            await bench.until(lambda: len(bench.heard_names(0)) > 1, "the tag")
            await bench.quiet()
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    assert {window.kind for window in bench.windows} == {KIND_ZONETAG}
    tallies = bench.folder.take_tallies()
    assert tallies["malformed"] > 0
    assert tallies["adverts.unknown"] > 0
