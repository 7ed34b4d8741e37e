"""The link over real BlueZ: firmware's tag, the kernel and bluetoothd, bleak, the gateway's carrier, the backend."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rig.bluez.link_bench import LinkBench
from rig.bluez.machine import EXPERIMENTAL, Machine
from rig.brokers import Mosquitto
from rig.link_room import FULL_S, LinkRoom
from rig.micropython import Micropython
from rig.tag_bench import compiled

from zonetag_backend.app import Backend

SECONDS = 1200  # of the air; all tags keep their identifiers till then
MOST_S = 900.0
BLUEZ_KEEPS = "/var/lib/bluetooth/"
TAGS = 2  # each hears the other: one record in each log
RECORDS_BEHIND, STATUS_BEHIND = 4, 2  # notifications: answer, status, done (of the time), records
FETCHED = "SELECT count(*) FROM tag_link WHERE fetched_ms > 0 AND through > 0"
COMMITTED = "SELECT count(*) FROM contact_log"
Script = Callable[[LinkRoom, LinkBench, Backend], Awaitable[None]]


@pytest.fixture(scope="module")
def firmware(micropython: Micropython, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware and the stand-ins, compiled."""
    return compiled(micropython, tmp_path_factory.mktemp("firmware"))


@pytest.fixture
def room(micropython: Micropython, firmware: Path, mosquitto: Mosquitto, tmp_path: Path) -> LinkRoom:
    return LinkRoom(micropython, firmware, mosquitto, tmp_path, TAGS)


def counts(backend: Backend) -> dict[str, int]:
    told = backend.counters()["link"]
    assert isinstance(told, dict)
    return told


def play(
    room: LinkRoom, machine: Machine, kind: str, connections: int, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script, with logs to fetch; says what the adapter was told of the crowd, by what else it did."""

    async def whole() -> Counter[tuple[str, bool]]:
        async with room.open(SECONDS, MOST_S):
            await room.air.until(FULL_S * 1000)
            async with LinkBench(room, machine, kind, connections) as bench, room.backend() as backend:
                await script(room, bench, backend)
                return bench.crowded

    before = on_disk(machine)  # of devices that the machine has seen in other tests
    shares = asyncio.run(whole())
    with capsys.disabled():
        said = ", ".join(f"{doing or 'idle'} {share(shares, doing)}" for doing in ("", "connecting", "connected"))
        print(f"\n{kind}, adverts of others past the adapter: {said}")
    assert {str(end["ended"]) for end in room.ends} == {"power cut"}
    assert {end["counts"]["crash"] for end in room.ends} == {0}
    assert room.number(COMMITTED) >= TAGS
    new = on_disk(machine) - before
    assert {path.rsplit("/", 1)[1] for path in new} <= {"settings", "attributes"}, "of the adapter; nothing of a tag"


def on_disk(machine: Machine) -> set[str]:
    """What bluetoothd keeps; between the lines the kernel has its say on the console."""
    return {line for line in machine.run("find /var/lib/bluetooth -type f") if line.startswith(BLUEZ_KEEPS)}


def share(shares: Counter[tuple[str, bool]], *doing: str) -> str:
    """Of how many adverts the host was told, in words."""
    told = sum(shares[each, True] for each in doing)
    sent = told + sum(shares[each, False] for each in doing)
    return f"{told} of {sent}"


def check_all_home(room: LinkRoom, backend: Backend) -> None:
    """Every record once, and nothing of it spoilt."""
    assert room.number("SELECT count(*) FROM contact_rejected") == 0
    assert counts(backend)["records"] == room.number(COMMITTED)
    assert not {"forged", "malformed", "lost", "ended-no-link"} & set(counts(backend))


def test_logs_come_home_beside_bleak(machine: Machine, room: LinkRoom, capsys: pytest.CaptureFixture[str]) -> None:
    async def script(room: LinkRoom, bench: LinkBench, backend: Backend) -> None:
        await bench.until(lambda: room.number(FETCHED) == TAGS, "logs")
        assert counts(backend)["fetched"] == TAGS
        check_all_home(room, backend)

    play(room, machine, "bleak", TAGS, script, capsys)


def test_a_tag_walks_away_and_bluetoothd_is_killed_in_mid_transfer(
    machine: Machine, room: LinkRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the management socket, one tag after the other; what was committed is not fetched again."""

    async def script(room: LinkRoom, bench: LinkBench, backend: Backend) -> None:
        link = room.air.link
        link.parts = RECORDS_BEHIND
        await bench.until(lambda: link.lost.is_set() and room.number(COMMITTED) > 0, "a record, not acknowledged")
        link.time_out()
        await bench.until(lambda: counts(backend).get("ended-gone", 0) == 1, "the carrier says so")
        assert room.number(FETCHED) == 0

        link.carry_again(STATUS_BEHIND)
        await bench.until(link.lost.is_set, "another connection")
        await asyncio.to_thread(machine.kill_bluetoothd)
        await bench.until(lambda: counts(backend).get("ended-gone", 0) == 2, "the carrier says so")
        machine.bluetoothd(EXPERIMENTAL)
        link.carry_again()

        await bench.until(lambda: room.number(FETCHED) == TAGS, "logs")
        check_all_home(room, backend)

    play(room, machine, "mgmt", 1, script, capsys)
