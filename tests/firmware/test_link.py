"""The link end to end: the real firmware on 32-bit MicroPython, a real central on the virtual air, and attackers.

Longer than usual because the good sessions and the attacks on them share one room and are read side by side.
"""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from rig.air_tag import ended, start_tag
from rig.link_caller import Caller, Gone
from rig.micropython import Micropython
from rig.virtual_air import Heard, VirtualAir

from zonetag_protocol import advert, contact, frame, link, rotation
from zonetag_protocol import linkmessage as say
from zonetag_protocol.card import Card

EPOCH_S = 1024
T0 = 100_000  # an epoch ends 352 s later
MASTERS = [bytes([number]) * 16 for number in range(1, 4)]
KEYS = [rotation.derive_keys(master) for master in MASTERS]
EIDS = {
    rotation.eid_of(keys.eid, epoch * EPOCH_S): (number, epoch)
    for number, keys in enumerate(KEYS)
    for epoch in range(T0 // EPOCH_S - 1, T0 // EPOCH_S + 12)
}
Script = Callable[["Room"], Coroutine[Any, Any, None]]


class Room:
    """Tags on an air, what was last heard of each, and a script that runs beside them."""

    def __init__(self, micropython: Micropython, firmware: Path, folder: Path) -> None:
        self._micropython = micropython
        self._firmware = firmware
        self._folder = folder
        self.air = VirtualAir()
        self.last: dict[int, tuple[bytes, int]] = {}  # tag -> address, epoch
        self.addresses: dict[bytes, set[tuple[int, int]]] = {}
        self.statuses: set[int] = set()  # of tag 0
        self.ends: list[dict[str, Any]] = []

    async def hold(self, seconds: int, script: Script, tags: int = 2, **settings: Any) -> None:
        async with self.air as air:
            seats = [await air.seat(f"tag {n}", rssi=-50 - 10 * n) for n in range(tags)]
            air.on_heard = self._hear
            started = []
            for number, seat in enumerate(seats):
                card = Card(f"{number:03}", MASTERS[number], T0 + 8 * number, 200, 1000, 0xFFFF, -21)
                folder = self._folder / f"tag{number}"
                args = (self._micropython, self._firmware, folder, air, seat, card)
                started.append(await start_tag(*args, **settings))
            running = asyncio.create_task(script(self))
            try:
                await air.run(seconds * 1000)
            finally:
                self.ends = [await ended(tag) for tag in started]
                if not running.done():
                    running.cancel()
            await running

    def _hear(self, one: Heard) -> None:
        sealed = advert.frame_of(advert.decode(one.data))
        number, epoch = EIDS[sealed.eid]
        self.last[number] = (one.address, epoch)
        self.addresses.setdefault(one.address, set()).add((number, epoch))
        if number == 0:
            self.statuses.add(frame.verify(KEYS[0], epoch, sealed.eid, sealed.sealed, sealed.mac).status)

    async def until(self, second: int) -> None:
        """Wait for a second of the air."""
        await self.air.until(second * 1000)


@pytest.fixture
def room(micropython: Micropython, firmware: Path, tmp_path: Path) -> Room:
    return Room(micropython, firmware, tmp_path)


def test_a_session_from_end_to_end(room: Room) -> None:
    done: list[str] = []

    async def script(room: Room) -> None:
        await room.until(500)
        caller = Caller(await room.air.central(), KEYS[0].link)
        status = await caller.call(*room.last[0])
        # Two other tags; their own epochs end a little earlier, so the last look may have met their next identifiers.
        count = status.next - 1
        assert (status.first, status.faults[0]) == (1, 1)
        assert 2 <= count <= 4
        assert not status.flags & say.CONFIRMED
        assert status.settings == say.settings_check({})
        assert abs(status.t - T0 - room.air.now_ms / 1000) < 2
        records = await caller.fetch(status.first, 100)
        assert list(records) == list(range(1, count + 1))
        whole = set()
        for record in records.values():
            heard = contact.unpack(record)
            number, epoch = EIDS[heard.eid]
            assert number in (1, 2)
            assert heard.epoch == T0 // EPOCH_S
            assert heard.max_dbm == -50 - 10 * number
            reading = frame.verify(KEYS[number], epoch, heard.eid, heard.auth[:2], heard.auth[2:])
            # The clocks are 8 s apart for each number between the tags.
            ahead = rotation.slot_start(epoch, reading.sub) - rotation.slot_start(heard.epoch, heard.at)
            assert abs(ahead - 8 * number) < 8
            cells = contact.levels(heard.cells)
            assert set(cells[: contact.cell_of(T0)]) == {0}, "before it was switched on"
            if epoch == T0 // EPOCH_S:
                whole.add(number)
                level = contact.level(heard.max_dbm)
                assert cells[contact.cell_of(T0) + 1 : -1] == [level] * 9, "heard in each look"
        assert whole == {1, 2}
        assert await caller.order(say.ACKNOWLEDGE, say.pack_acknowledge(b"none", count)) == (say.NOT_NOW, 1)
        assert await caller.order(say.ACKNOWLEDGE, say.pack_acknowledge(status.log, count + 1)) == (say.OUT_OF_RANGE, 1)
        assert await caller.order(say.ACKNOWLEDGE, say.pack_acknowledge(status.log, 1)) == (say.OK, 2)
        assert list(await caller.fetch(1, 100)) == list(range(2, count + 1))
        assert await caller.order(say.ACKNOWLEDGE, say.pack_acknowledge(status.log, count)) == (say.OK, count + 1)
        assert await caller.fetch(1, 100) == {}
        code, t = await caller.order(say.SET_TIME, say.pack_time(5, 1_790_000_000))
        assert code == say.OK
        assert t > T0 + 499, "never back"
        assert await caller.order(say.SET_TIME, say.pack_time(t + 8 * 86400, 1)) == (say.OUT_OF_RANGE, t)
        assert await caller.order(say.FIND_ME, say.pack_find_me(600)) == (say.OK, 0)
        assert await caller.order(say.FIND_ME, say.pack_find_me(601)) == (say.OUT_OF_RANGE, 0)
        assert await caller.order(say.SETTINGS, say.pack_settings({say.LOOK_EVERY: 2})) == (say.OK, 0)
        assert await caller.order(say.SETTINGS, say.pack_settings({say.LOOK_EVERY: 99})) == (say.OUT_OF_RANGE, 0)
        assert await caller.order(0x7F) == (say.UNKNOWN_COMMAND, 0)
        assert await caller.order(say.FIND_ME, b"123") == (say.UNKNOWN_COMMAND, 0)
        await caller.end()
        again = await caller.call(*room.last[0])
        assert (again.first, again.next) == (count + 1, count + 1)
        assert again.flags & say.CONFIRMED
        assert again.settings == say.settings_check({say.LOOK_EVERY: 2})
        assert abs(again.utc_s - 1_790_000_000) < 120
        await caller.end()
        done.append("all")

    asyncio.run(room.hold(700, script, tags=3))
    assert done == ["all"]
    assert all(len(pairs) == 1 for pairs in room.addresses.values()), "no address with two identifiers"
    assert {bool(status & 32) for status in room.statuses} == {True, False}, "the log waits, and then no more"
    assert room.ends[0]["code"] == "find-me"
    assert room.ends[0]["ended"] == room.ends[1]["ended"] == "power cut"


def run(room: Room, script: Script, seconds: int = 300) -> None:
    """Two tags with one script, which must come to its end."""
    done: list[bool] = []

    async def whole(room: Room) -> None:
        await script(room)
        done.append(True)

    asyncio.run(room.hold(seconds, whole))
    assert done, "the script came to its end"
    assert all(len(pairs) == 1 for pairs in room.addresses.values())
    assert {end["ended"] for end in room.ends} == {"power cut"}


async def opened(room: Room) -> Caller:
    caller = Caller(await room.air.central(), KEYS[0].link)
    await caller.call(*room.last[0])
    return caller


async def dropped(room: Room, caller: Caller) -> None:
    """At once, and not for its silence, as after 20 s."""
    began = room.air.now_ms
    await caller.gone()
    assert room.air.now_ms - began < 5_000


def spoiled(message: bytes) -> bytes:
    return message[:-1] + bytes([message[-1] ^ 1])


def test_what_was_sent_once_is_not_taken_again(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = await opened(room)
        assert (await caller.order(say.FIND_ME, say.pack_find_me(1)))[0] == say.OK
        await caller.write(caller.sent[-1])
        await dropped(room, caller)

    run(room, script)


def test_a_message_left_out_ends_the_session(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = await opened(room)
        assert caller.end_of_session is not None
        first = caller.end_of_session.seal(say.FIND_ME, say.pack_find_me(1))
        second = caller.end_of_session.seal(say.FIND_ME, say.pack_find_me(2))
        await caller.write(second)
        await caller.write(first)
        await dropped(room, caller)

    run(room, script)


def test_a_forged_message_ends_the_session(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = await opened(room)
        assert caller.end_of_session is not None
        await caller.write(spoiled(caller.end_of_session.seal(say.FIND_ME, say.pack_find_me(600))))
        await dropped(room, caller)

    run(room, script)
    assert room.ends[0]["code"] == "dark", "what was forged was not done"


def test_a_session_replayed_whole_proves_nothing(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        first = await opened(room)
        await first.order(say.FIND_ME, say.pack_find_me(1))
        await first.end()
        second = Caller(first.device, KEYS[0].link)
        await second.connect(room.last[0][0])
        second.heard.clear()
        await second.write(first.sent[0])
        await second.gone()
        assert second.heard == [], "a hello is taken once"

    run(room, script)


@pytest.mark.parametrize(
    "hello",
    [
        link.hello(KEYS[1].link, T0 // EPOCH_S, bytes(8)),
        link.hello(KEYS[0].link, T0 // EPOCH_S - 1, bytes(8)),
        spoiled(link.hello(KEYS[0].link, T0 // EPOCH_S, bytes(8))),
        b"\1\0" + link.hello(KEYS[0].link, T0 // EPOCH_S, bytes(8))[2:],
        b"\3" + bytes(40),
        b"\2\1" + bytes(8),
    ],
    ids=["another tag", "another epoch", "forged", "version 0", "sealed first", "answer"],
)
def test_a_bad_hello_is_answered_by_silence(room: Room, hello: bytes) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = Caller(await room.air.central(), KEYS[0].link)
        await caller.connect(room.last[0][0])
        await caller.write(hello)
        await caller.gone()
        assert caller.heard == []

    run(room, script)


def test_a_silent_stranger_is_dropped_and_soon_kept_out(room: Room) -> None:
    """And the adverts go on meanwhile, and afterwards the backend is let in again."""

    async def script(room: Room) -> None:
        await room.until(20)
        stranger = Caller(await room.air.central(1), bytes(16))
        spent = []
        waits = []
        for _ in range(4):
            asked = room.air.now_ms
            await stranger.connect(room.last[0][0])
            began = room.air.now_ms
            await stranger.gone()
            waits.append(began - asked)
            spent.append(room.air.now_ms - began)
        assert max(spent) < 9_000, "6 s, and the steps of a tag at rest"
        assert waits[3] > 16_000, "kept out for longer each time"
        await room.until(int(room.air.now_ms / 1000) + 40)
        caller = Caller(await room.air.central(2), KEYS[0].link)
        await caller.call(*room.last[0])
        await caller.end()

    run(room, script, seconds=340)


def test_a_hello_without_proof_is_dropped(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = await opened(room)
        began = room.air.now_ms
        await caller.gone()
        assert room.air.now_ms - began < 15_000

    run(room, script)


def test_a_flood_of_writes_harms_nothing(room: Room) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = Caller(await room.air.central(), KEYS[0].link)
        await caller.connect(room.last[0][0])
        try:
            for _ in range(300):
                await caller.write_part(b"\x80" + bytes(100))
        except Gone:
            pass
        await caller.gone()
        await room.until(int(room.air.now_ms / 1000) + 10)
        await caller.call(*room.last[0])
        await caller.end()

    run(room, script)
    assert room.ends[0]["counts"]["crash"] == 0


@pytest.mark.parametrize("mtu", [23, 247])
def test_any_mtu(room: Room, mtu: int) -> None:
    async def script(room: Room) -> None:
        await room.until(20)
        caller = Caller(await room.air.central(), KEYS[0].link, mtu)
        await caller.call(*room.last[0])
        assert max(len(part) for part in caller.heard) <= mtu - 3
        await caller.end()

    run(room, script)


def test_no_connection_outlives_its_epoch(room: Room) -> None:
    """A gateway that held one over the rotation could join two identifiers."""

    async def script(room: Room) -> None:
        await room.until(320)
        caller = await opened(room)
        epoch = room.last[0][1]
        try:
            while True:
                await caller.order(say.FIND_ME, say.pack_find_me(1))
        except Gone:
            pass
        assert room.last[0][1] == epoch
        assert room.air.now_ms < 352_000
        await room.until(380)
        assert room.last[0][1] == epoch + 1
        await caller.call(*room.last[0])
        await caller.end()

    run(room, script, seconds=420)


def test_an_update_that_goes_on_in_the_next_session(room: Room) -> None:
    archive = say.pack_archive({"zonetag_tag/app.mpy": bytes(3000)})

    async def script(room: Room) -> None:
        await room.until(20)
        caller = await opened(room)
        begin = say.pack_begin(len(archive), bytes(32), (0, 2, 0))
        assert await caller.order(say.UPDATE_BEGIN, begin) == (say.OK, 0)
        assert await caller.order(say.UPDATE_PART, say.pack_part(0, archive[: say.PART])) == (say.OK, say.PART)
        assert await caller.order(say.UPDATE_PART, say.pack_part(0, archive[: say.PART])) == (say.NOT_NOW, say.PART)
        await caller.end()
        status = await caller.call(*room.last[0])
        assert status.update == say.PART
        assert await caller.order(say.UPDATE_BEGIN, begin) == (say.OK, say.PART)
        for at in range(say.PART, len(archive), say.PART):
            code, _ = await caller.order(say.UPDATE_PART, say.pack_part(at, archive[at : at + say.PART]))
            assert code == say.OK
        assert await caller.order(say.UPDATE_END) == (say.WRONG_HASH, 0)
        assert await caller.order(say.UPDATE_KEEP) == (say.NOT_NOW, 0)
        await caller.end()

    run(room, script)
