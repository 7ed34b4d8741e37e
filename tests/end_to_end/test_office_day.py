"""An office day with the firmware's tags: they hear each other, their logs come home, a case is entered, and it is
found who was near whom, when, by which evidence and how certainly.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rig.brokers import Mosquitto
from rig.link_room import START_MS, T0, LinkRoom
from rig.micropython import Micropython
from rig.tag_bench import compiled

from zonetag_backend.store import cases
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.outcome import Outcome
from zonetag_backend.tracing.profile import PROFILES
from zonetag_protocol.rotation import EPOCH_S

PEOPLE = 4
NEAR_DBM = -45  # side by side at one desk
FIRST_END_S = -T0 % EPOCH_S  # of the first identifiers, for the first tag
MOVE_S = FIRST_END_S + EPOCH_S  # then the second person goes from the first to the third
END_S = MOVE_S + EPOCH_S
LENGTH_S = END_S + 900
MINUTE_MS = 60_000
PROFILE = replace(PROFILES["covid-19"], latent_h=0)  # a chain within one day


@pytest.fixture
def mosquitto(require: Callable[..., str], tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def room(micropython: Micropython, mosquitto: Mosquitto, tmp_path: Path) -> LinkRoom:
    firmware = compiled(micropython, tmp_path / "firmware")
    return LinkRoom(micropython, firmware, mosquitto, tmp_path, tags_=PEOPLE)


def plan(room: LinkRoom) -> Callable[[str, str], int | None]:
    """The truth: 0 and 1 sit together, then 1 and 2; 3 is alone; a gateway's scanner and centrals hear all."""

    def between(sender: str, receiver: str) -> int | None:
        if not receiver.startswith("T-"):
            return -60
        together = {"T-0", "T-1"} if room.air.now_ms < MOVE_S * 1000 else {"T-1", "T-2"}
        return NEAR_DBM if {sender, receiver} == together else None

    return between


def test_a_case_is_entered_and_its_contacts_of_both_generations_are_found(room: LinkRoom) -> None:
    told: list[Outcome] = []

    def ask() -> Outcome:
        """As the page does, under a case that was opened."""
        now_ms = room.now_ms()
        with writing(room.database) as connection:
            which = cases.open_case(
                connection, room.people[0], "covid-19", START_MS, "onset", by="test", reason="F0", now_ms=now_ms
            )
            window = (START_MS - MINUTE_MS, now_ms)
            found = traced(connection, room.people[0], window, PROFILE, floor_ms=0, depth=2)
            cases.keep_exposures(connection, which, found, now_ms)
        with reading(room.database) as connection:
            assert set(cases.exposures_of(connection, which)) == {room.people[1]}
            assert room.people[2] in cases.exposures_of(connection, which, 2)
        return found

    async def script() -> None:
        room.air.between = plan(room)
        async with room.open(LENGTH_S):
            await room.air.until((END_S + 30) * 1000)
            async with room.backend():
                await room.gateway("door", 1)
                home = "SELECT count(*) FROM tag_link WHERE through > 0 AND fetched_ms > 0"
                await room.until(lambda: room.number(home) == PEOPLE - 1, "the logs of the three who met")
                told.append(await asyncio.to_thread(ask))

    asyncio.run(script())
    found = {(each.generation, each.who.id): each for each in told[0].found}
    certain = {key for key, each in found.items() if each.probability >= PROFILE.probability}
    assert certain == {(1, room.people[1]), (2, room.people[2])}, "and nobody else"
    assert found[2, room.people[2]].through.id == room.people[1]
    truth = {room.people[1]: (0, MOVE_S), room.people[2]: (MOVE_S, END_S)}
    for each in found.values():
        [day] = [day for day in each.days if day.evidence == "direct"]
        first_s, last_s = truth[each.who.id]
        # A tag looks once in each cell of 32 s, so each end is known to a cell and a slot.
        assert abs(day.first_ms - START_MS - first_s * 1000) <= 40_000
        assert abs(day.last_ms - START_MS - last_s * 1000) <= 72_000
        assert abs(day.together_minutes - (last_s - first_s) / 60) <= 3
        assert day.close_low <= day.close_minutes <= day.close_high
        assert PROFILE.probability <= each.probability <= 1
