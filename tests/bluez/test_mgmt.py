"""The management socket of a real kernel, beside a real bluetoothd: who may use it, and what it survives."""

import asyncio
import itertools

import pytest
from rig.bluez.air import Air
from rig.bluez.bench import ADDRESSES, Bench, powered
from rig.bluez.controller import Dongle
from rig.bluez.devices import Tag, badge, others
from rig.bluez.machine import EXPERIMENTAL, Machine

from zonetag_gateway.sources.live import Live

SLOT_S = 2.0


def test_inside_with_nothing_between_and_without_permission(machine: Machine) -> None:
    """The gateway's own code on the kernel's own socket; as an ordinary user it says what it lacks."""

    async def go() -> list[list[str]]:
        async with Dongle(machine.hci_ports[0], ADDRESSES[0]) as dongle:
            await powered()
            sending = asyncio.create_task(Air([Tag(1), *others(10)], [dongle.chip]).run())
            said = [await asyncio.to_thread(machine.run, f"python3 /ear.py {user}") for user in ("", "65534")]
            sending.cancel()
            await asyncio.wait((sending,))
            return said

    root, nobody = asyncio.run(go())
    assert root[-1].startswith("heard 2")
    assert root[-1].endswith(" mgmt")
    assert "CAP_NET_ADMIN" in nobody[-1]


def adapters(source: Live) -> dict[str, dict[str, object]]:
    told: dict[str, dict[str, object]] = source.tell()["adapters"]
    return told


def test_auto_takes_it_and_a_bluetoothd_that_dies_makes_it_deaf_for_no_time(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    tags = [Tag(number, slot_s=SLOT_S, rotates_at=4.0 + number) for number in range(5)]

    async def go() -> Bench:
        async with Bench(machine, [*tags, badge(1), *others(20)], kind="auto") as bench:
            assert adapters(bench.source)["hci0"]["backend"] == "mgmt"
            await bench.until(lambda: all(bench.heard_names(i) for i in range(5)), "every tag")
            await asyncio.to_thread(machine.kill_bluetoothd)
            # The kernel's discovery ends after 10 s and is begun again, with nobody but the gateway to do so.
            scans = bench.dongles[0].chip.scans
            await bench.until(lambda: bench.dongles[0].chip.scans > scans + 1, "the discovery is begun again")
            known = [len(bench.heard_names(i)) for i in range(5)]
            await bench.until(lambda: all(len(bench.heard_names(i)) > known[i] + 1 for i in range(5)), "still heard")
            await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)
            await bench.quiet()
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    for index in range(5):
        assert len({eid for eid, _ in bench.heard_names(index)}) == 2, "both identifiers of a tag that rotated"
    edges = sorted(at for window in bench.windows for at in (window.first, window.last))
    deaf_s = max(later - earlier for earlier, later in itertools.pairwise(edges))
    with capsys.disabled():
        print(
            f"\n  {machine.accelerator}, mgmt, bluetoothd dies: deaf for {deaf_s:.1f} s; tags {bench.share(range(5))}"
        )


def test_two_adapters_are_judged_each_by_itself(machine: Machine) -> None:
    """One hangs, then is pulled out and put back; the other goes on, and nothing is done to it.  Then both are."""
    tags = [Tag(number, slot_s=SLOT_S) for number in range(3)]

    async def go() -> None:
        bench = Bench(machine, [*tags, *others(10)], wanted=("hci0", "hci1"), dongles=2, kind="auto", silence_s=5.0)
        async with bench:
            one, other = bench.source.owners
            await bench.until(lambda: one.counts["adverts"] > 20 < other.counts["adverts"], "both hear")
            bench.dongles[1].chip.mute = True
            await bench.until(lambda: other.counts["silences"] == 1, "one is silent")
            heard = one.counts["adverts"]
            await bench.dongles[1].pull()
            await bench.until(lambda: one.counts["adverts"] > heard + 20, "the other goes on")
            await bench.dongles[1].plug()
            bench.air.chips = [dongle.chip for dongle in bench.dongles]
            heard = other.counts["adverts"]
            await bench.until(lambda: other.counts["adverts"] > heard + 20, "it hears again")
            assert (one.counts["starts"], one.counts["silences"], one.counts["lost"]) == (1, 0, 0)
            told = adapters(bench.source)
            assert (told["hci0"]["backend"], set(told["hci0"]["recovery"].values())) == ("mgmt", {0})  # type: ignore[attr-defined]  # what JSON holds is only known here
            for dongle in bench.dongles:
                await dongle.pull()
            await bench.until(lambda: bool(one.counts["lost"] and other.counts["lost"]), "both are gone")
            for dongle in bench.dongles:
                await dongle.plug()
            bench.air.chips = [dongle.chip for dongle in bench.dongles]
            before = one.counts["adverts"], other.counts["adverts"]
            await bench.until(
                lambda: one.counts["adverts"] > before[0] + 20 and other.counts["adverts"] > before[1] + 20,
                "both again",
            )

    asyncio.run(go())
