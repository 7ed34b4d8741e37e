"""Several tags on one air of virtual controllers, and a scanner beside them: what an adversary there would record."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rig.air_tag import ended, start_tag
from rig.micropython import Micropython
from rig.virtual_air import Heard, VirtualAir

from zonetag_protocol import advert, frame, rotation
from zonetag_protocol.card import Card

EPOCH_S = 1024
T0 = 100_000  # an epoch ends 352 s later
MASTERS = [bytes([number]) * 16 for number in range(1, 4)]


class Room:
    """Tags on an air, and all that was heard of them."""

    def __init__(self, micropython: Micropython, firmware: Path, folder: Path) -> None:
        self._micropython = micropython
        self._firmware = firmware
        self._folder = folder
        self.heard: list[Heard] = []
        self.ends: list[dict[str, Any]] = []

    async def hold(self, seconds: int, refuse_at: int | None = None, control: str = "") -> None:
        """Three tags for so long; at the next rotation after second `refuse_at` each controller refuses once."""
        async with VirtualAir() as air:
            seats = [await air.seat(f"tag {n}", rssi=-40 - 10 * n) for n in range(len(MASTERS))]

            def hear(one: Heard) -> None:
                self.heard.append(one)
                if refuse_at is not None and one.at_ms >= refuse_at * 1000 and not armed:
                    armed.append(True)
                    for seat in seats:
                        seat.controller.refuse = 1

            armed: list[bool] = []
            air.on_heard = hear
            tags = []
            for number, seat in enumerate(seats):
                card = Card(f"{number:03}", MASTERS[number], T0 + 8 * number, 200, 1000, 0xFFFF, -21)
                folder = self._folder / f"tag{number}"
                tags.append(
                    await start_tag(self._micropython, self._firmware, folder, air, seat, card, control=control)
                )
            try:
                await air.run(seconds * 1000)
            finally:
                self.ends = [await ended(tag) for tag in tags]

    def owners(self) -> list[tuple[int, int, int, Heard]]:
        """Each advert with its tag, epoch and slot, verified; an advert of nobody is a LookupError."""
        known = {}
        for number, master in enumerate(MASTERS):
            keys = rotation.derive_keys(master)
            for epoch in range(T0 // EPOCH_S - 1, T0 // EPOCH_S + 12):
                known[rotation.eid_of(keys.eid, epoch * EPOCH_S)] = (number, keys, epoch)
        out = []
        for one in self.heard:
            sealed = advert.frame_of(advert.decode(one.data))
            number, keys, epoch = known[sealed.eid]
            out.append((number, epoch, frame.verify(keys, epoch, sealed.eid, sealed.sealed, sealed.mac).sub, one))
        return out


@pytest.fixture
def room(micropython: Micropython, firmware: Path, tmp_path: Path) -> Room:
    return Room(micropython, firmware, tmp_path)


def identifiers_under(room: Room) -> dict[bytes, set[tuple[int, int]]]:
    """For each address heard, the (tag, epoch) pairs sent under it."""
    under: dict[bytes, set[tuple[int, int]]] = {}
    for number, epoch, _, one in room.owners():
        under.setdefault(one.address, set()).add((number, epoch))
    return under


def test_identifier_and_address_change_together_on_the_air(room: Room) -> None:
    asyncio.run(room.hold(seconds=2 * EPOCH_S + 600))
    under = identifiers_under(room)
    assert all(len(pairs) == 1 for pairs in under.values()), "an address has one identifier"
    assert len({pair for pairs in under.values() for pair in pairs}) == len(under), "and an identifier one address"
    assert {number for pairs in under.values() for number, _ in pairs} == {0, 1, 2}
    assert len(under) == 3 * 4, "three tags, four epochs each"
    slots = {(number, epoch, slot) for number, epoch, slot, _ in room.owners()}
    expected = 3 * (2 * EPOCH_S + 600) // 4
    assert expected - 3 <= len(slots) <= expected, "a frame in each slot was heard of each tag"
    assert {one.rssi for number, _, _, one in room.owners() if number == 2} == {-60}
    assert all(end["counts"]["address"] == 0 for end in room.ends)


def test_a_refusing_controller_silences_and_then_all_is_as_before(room: Room) -> None:
    asyncio.run(room.hold(seconds=EPOCH_S, refuse_at=300))
    under = identifiers_under(room)
    assert all(len(pairs) == 1 for pairs in under.values())
    assert len(under) == 6
    assert all(end["counts"]["address"] == 1 for end in room.ends)


def test_control_without_the_check_two_identifiers_share_an_address(room: Room) -> None:
    asyncio.run(room.hold(seconds=EPOCH_S, refuse_at=300, control="unchecked"))
    assert [len(pairs) for pairs in identifiers_under(room).values()] == [2, 2, 2]
