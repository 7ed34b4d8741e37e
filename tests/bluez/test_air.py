"""The project's gateway with real bleak on real BlueZ hears what is in the air, as it was sent."""

import asyncio
from collections import Counter

import pytest
from rig.bluez.bench import Bench
from rig.bluez.devices import Advert, Device, Steady, Tag, badge, bluezone, exposure, others
from rig.bluez.machine import Machine

from zonetag_gateway.window import ClosedWindow
from zonetag_protocol.report import KIND_BADGE, KIND_ZONETAG

SLOTS = 3  # that are waited for
SLOT_S = 2.0  # half the real one, so that the tests are shorter
OTHERS = 300


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


@pytest.mark.parametrize("mode", ["passive+active", "passive", "active"])
def test_modes(machine: Machine, mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In each mode a tag that does not move is heard slot after slot; a badge, always the same, in the best alone."""
    tags = [Tag(number, slot_s=SLOT_S) for number in range(10)]
    badges = [badge(number) for number in range(5)]
    of_tags, of_badges = range(len(tags)), range(len(tags), len(tags) + len(badges))

    async def go() -> Bench:
        async with Bench(machine, [*tags, *badges, *others(100)], mode) as bench:
            await bench.until(
                lambda: all(len(bench.heard_names(i)) > SLOTS for i in of_tags), "every tag, slot by slot"
            )
            with capsys.disabled():
                print(f"\n  {machine.accelerator}, {mode}: chip {bench.dongles[0].chip.mode}")
            await bench.quiet()
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    with capsys.disabled():
        print(f"    tags   {bench.share(of_tags)}\n    badges {bench.share(of_badges)}")
    for index in of_badges:
        heard, sent = sum(bench.adverts[name] for name in bench.names(index)), len(bench.air.sent[index])
        assert sent > 20
        if mode == "passive+active":
            assert heard > 10, "a badge that lies still goes on being heard"
        else:
            # Controls: without both scanners it is told once, and again when BlueZ starts its scan anew.
            assert heard < 5
    assert source_told(bench)


def source_told(bench: Bench) -> bool:
    """The source's own counters agree with what it has passed on."""
    counts = bench.source.counts
    return counts["adverts"] == sum(bench.adverts.values()) and not counts["lost"] and not counts["malformed"]


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
