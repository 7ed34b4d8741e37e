"""An office day with the firmware's tags: they hear each other, their logs come home, a case is entered on the page,
and there it stands who was near whom, when, by which evidence and how certainly.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from rig.brokers import Mosquitto
from rig.link_room import START_MS, T0, LinkRoom
from rig.micropython import Micropython
from rig.tag_bench import compiled

from zonetag_backend.passwords import hashed
from zonetag_backend.roles import HEALTH
from zonetag_backend.store import accounts
from zonetag_backend.store.engine import writing
from zonetag_backend.tracing.profile import PROFILES
from zonetag_protocol.rotation import EPOCH_S

PEOPLE = 4
NEAR_DBM = -45  # side by side at one desk
FIRST_END_S = -T0 % EPOCH_S  # of the first identifiers, for the first tag
MOVE_S = FIRST_END_S + EPOCH_S  # then the second person goes from the first to the third
END_S = MOVE_S + EPOCH_S
LENGTH_S = END_S + 900
MINUTE_MS = 60_000
PROFILE = PROFILES["covid-19"]
LIMIT_S = 60.0
PASSWORD = "một câu dài dễ nhớ"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{32})"')
SECRET = re.compile(r'class="secret">([A-Z2-7 ]+)<')


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


class Officer:
    """A health officer at the pages of a running server: one connection, cookies, forms."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=LIMIT_S, headers={"Origin": url.rstrip("/")})
        self.page: httpx.Response

    def __enter__(self) -> "Officer":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(self, path: str) -> httpx.Response:
        self.page = self._client.get(path, follow_redirects=True)
        assert self.page.status_code == 200, (path, self.page.text)
        return self.page

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form of the page that is open; its token is taken from there."""
        token = CSRF.search(self.page.text)
        assert token is not None
        self.page = self._client.post(path, data={"csrf": token[1], **fields}, follow_redirects=True)
        assert self.page.status_code == 200, (path, self.page.text)
        return self.page

    def sign_in(self, name: str, now_ms: Callable[[], int]) -> None:
        """With a password, and a telephone that is set up on the way."""
        self.open("/login")
        self.send("/login", name=name, password=PASSWORD)
        secret = SECRET.search(self.open("/account/totp").text)
        assert secret is not None
        telephone = pyotp.TOTP(secret[1].replace(" ", ""))
        self.send("/account/totp", code=telephone.at(now_ms() // 1000))


def health_officer(room: LinkRoom) -> None:
    with writing(room.database) as connection:
        new = accounts.add(connection, "officer", HEALTH, room.now_ms(), "system")
        accounts.set_password(connection, accounts.with_id(connection, new), hashed(PASSWORD), room.now_ms(), "system")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_a_case_is_entered_and_its_contacts_of_both_generations_stand_on_the_page(room: LinkRoom) -> None:
    told: list[dict[str, Any]] = []

    def enter(url: str) -> None:
        """Sign in, find who fell ill, enter the case with the reason, and read the list."""
        with Officer(url) as officer:
            officer.sign_in("officer", room.now_ms)
            assert "Person 0" in officer.open("/cases?q=NV0&lang=en").text
            entered_ms = room.now_ms()
            about = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "positive test"}
            page = officer.send("/cases", person=str(room.people[0]), **about)
            answered_ms = room.now_ms()
            case = page.url.path
            assert case.startswith("/cases/")
            twin = officer.open(f"{case}.json").json()
        # By the server's own clock, at which the air's time goes on meanwhile: entry, trace and list.
        assert ms(twin["traced"]) - ms(twin["opened"]) < MINUTE_MS
        assert answered_ms - entered_ms < MINUTE_MS
        told.append({"text": page.text, **twin})

    async def script() -> None:
        room.air.between = plan(room)
        health_officer(room)
        async with room.open(LENGTH_S):
            await room.air.until((END_S + 30) * 1000)
            # A chain within one day, which the profile leaves no time for.
            async with room.backend(**{"profile.covid-19.latent_h": 0}) as backend:
                await room.gateway("door", 1, connections=4)
                home = "SELECT count(*) FROM tag_link WHERE through > 0 AND fetched_ms > 0"
                await room.until(lambda: room.number(home) == PEOPLE - 1, "the logs of the three who met")
                room.air.paced = 1.0  # a person is at work
                await asyncio.to_thread(enter, backend.url)

    asyncio.run(script())
    [page] = told
    found = {(each["generation"], each["person"]): each for each in page["contacts"]}
    one, two = (str(room.people[number]) for number in (1, 2))
    assert set(found) == {(1, one), (2, two)}, "and nobody else"
    assert found[2, two]["through"] == one
    truth = {one: (0, MOVE_S), two: (MOVE_S, END_S)}
    for (_, who), each in found.items():
        [day] = [day for day in each["days"] if day["evidence"] == "direct"]
        first_s, last_s = truth[who]
        # A tag looks once in each cell of 32 s, so each end is known to a cell and a slot.
        assert abs(ms(day["from"]) - START_MS - first_s * 1000) <= 40_000
        assert abs(ms(day["to"]) - START_MS - last_s * 1000) <= 72_000
        assert day["low"] <= day["minutes"] <= day["high"]
        assert PROFILE.probability <= each["probability"] <= 1
        for shown in (day["from"][11:16], day["to"][11:16], f"{round(each['probability'] * 100)}%"):
            assert shown in page["text"], "what a program reads stands on the page too"
    for name in ("Person 1", "Person 2"):
        assert name in page["text"]
    listed, places = page["text"].split('id="zones"')
    assert "Person 3" not in listed, "who was in the building stands under places and hours only"
    assert "Person 3" in places
