"""Attacks on the air, from real gateways over a real broker to the pages: each under its own name, none in the book.

One run holds all of them, every attack on a tag of its own, beside honest ones that must be in the book: the control.
What is a relay within the slot is not told apart at one site, as the tests below say; at two sites it is.
"""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from rig import attacked
from rig.brokers import Mosquitto
from rig.registry import Office, make_office
from rig.reports import NOW_MS, Tag

from zonetag_backend.app import Backend
from zonetag_backend.config import load
from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.attackers import attackers
from zonetag_backend.simulate.tag import Tag as SimulatedTag
from zonetag_protocol import advert, frame

START_MS = NOW_MS // 4000 * 4000  # slots of the rig's tags begin there
LENGTH_S = 400.0
HONEST_S = 120
SLOT_S = 4
SLOTS = (0, 1, 2, 10)
REPLAYED = 8  # frames of each victim
BITS_S = 150.0  # from here on flipped bits, one advert each
BIT_S = 1.0  # apart: one identifier may hold 8 windows at once, what is more is dropped and counted
SPEED = 100.0


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    office: Office
    tags: dict[str, int]
    # what was done with it -> its id
    rejected: dict[str, Any]
    # pages, as JSON
    gateways: dict[str, Any]
    tallies: dict[str, Counter[str]]
    # what each gateway counted
    sent: dict[str, int]
    flips: Counter[str]
    # what the flipped bits are by the book of formats

    def heard(self, name: str, gateway: str) -> int:
        """Windows of a tag that were believed at a gateway."""
        return self.office.number(
            f"SELECT count(*) FROM heard_20260921 WHERE tag = {self.tags[name]} AND gateway = '{gateway}'"
        )

    def places(self, name: str) -> set[object]:
        """Where a tag was present."""
        return {
            place
            for (place,) in self.office.rows(
                f"SELECT place.name FROM presence JOIN place ON place.id = presence.place WHERE tag = {self.tags[name]}"
            )
        }

    def apart(self, gateway: str) -> dict[str, int]:
        """What was kept apart there, by reason."""
        rows = self.office.rows(f"SELECT reason, windows FROM rejected_total WHERE gateway = '{gateway}'")
        return {str(reason): int(str(n)) for reason, n in rows}


class _Victim(SimulatedTag):
    """A registered tag as the simulator's attackers look at it: they ask for its advert alone."""

    def __init__(self, tag: Tag) -> None:
        self._tag = tag

    def advert(self, t: float) -> bytes:
        return self._tag.advert(START_MS + round(t * 1000))


def _write(script: attacked.Script, office: Office, tags: dict[str, int]) -> Counter[str]:
    def new(name: str) -> Callable[[float], bytes]:
        tags[name] = office.add_tag(f"T-{name}", at_ms=START_MS - 3_600_000)
        tag = office.tag(tags[name])
        return lambda at: tag.advert(START_MS + round(at * 1000))

    def live(advert_of: Callable[[float], bytes], gateway: str) -> None:
        for second in range(HONEST_S):
            script.put(gateway, second + 0.3, advert_of(second + 0.3))

    live(new("honest"), "gw1")
    live(new("gate"), "gw4")
    for slots in SLOTS:
        for name, where in ((f"here-{slots}", ("gw1", "gw3")), (f"far-{slots}", ("gw4",))):
            victim = new(name)
            live(victim, "gw1")
            for n in range(REPLAYED):
                recorded = 40.0 + n * SLOT_S
                for gateway in where:
                    script.put(gateway, recorded + slots * SLOT_S + 1.9, victim(recorded + 0.3))
    live(new("street"), "gw1")
    for stranger in attackers(7, [_Victim(office.tag(tags["street"]))], LENGTH_S):
        for at in stranger.times.tolist():
            script.put("gw3", at, stranger.advert(at))
    flips: Counter[str] = Counter()
    flipped = new("flipped")
    live(flipped, "gw1")
    for bit in range(frame.LENGTH * 8):
        at = BITS_S + bit * BIT_S
        whole = flipped(at)
        wrong = bytearray(whole)
        wrong[bit // 8] ^= 1 << bit % 8
        script.put("gw1", at, bytes(wrong))
        flips[_sort(whole, bytes(wrong))] += 1
    return flips


def _sort(whole: bytes, wrong: bytes) -> str:
    """What becomes of a frame with one wrong bit, by the decoder of formats."""
    told = advert.explain(wrong)
    if told.kind not in (advert.ZONETAG, advert.EDDYSTONE_EID):
        return str(told.kind)
    if told.fields["eid"] != whole[13:21]:
        return "unknown identifier"
    if told.kind == advert.EDDYSTONE_EID or told.fields["sealed"] + told.fields["mac"] != whole[25:31]:
        return "forged"
    return "the same"


async def _run(folder: Path, port: int, office: Office) -> Outcome:
    script = attacked.Script(LENGTH_S, *attacked.SITES)
    tags: dict[str, int] = {}
    flips = _write(script, office, tags)
    given = {
        "data": str(office.folder),
        "broker.url": f"mqtt://127.0.0.1:{port}",
        "http.port": 0,
        "ingest.unsigned": "allow",
        "retention.days": 400,
    }
    async with (
        AirServer(script.office(), START_MS, SPEED, monotonic) as air,
        Backend(load(None, given), air.now_ms, demo=True) as backend,
    ):
        paths = [attacked.config(folder / name, name, air, port) for name in attacked.SITES]
        processes = [await attacked.start(path) for path in paths]
        try:
            await asyncio.wait_for(air.run(), attacked.LIMIT_S)
            await asyncio.gather(*map(attacked.ended, processes))
        finally:
            for process in processes:
                if process.returncode is None:
                    process.kill()
        rejected, gateways = [await _page(backend.url, name) for name in ("rejected", "gateways")]
    tallies = {
        str(name): Counter(json.loads(str(health))["tallies"])
        for name, health in office.rows("SELECT gateway, health FROM gateway_status")
    }
    sent = {name: len(heard) for name, heard in script.sent.items()}
    return Outcome(office, tags, rejected, gateways, tallies, sent, flips)


async def _page(url: str, name: str) -> Any:
    def fetch() -> Any:
        with urllib.request.urlopen(f"{url.rstrip('/')}/{name}.json") as answer:
            return json.load(answer)

    return await asyncio.to_thread(fetch)


@pytest.fixture(scope="module")
def outcome(require: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("attacked")
    broker = Mosquitto(require("mosquitto", "apt-get install mosquitto"), folder)
    broker.start()
    office = make_office(folder / "office")
    try:
        yield asyncio.run(_run(folder, broker.port, office))
    finally:
        broker.stop()
        office.database.dispose()


def test_the_control_honest_adverts_are_presence(outcome: Outcome) -> None:
    assert outcome.places("honest") == {"Door"}
    assert outcome.places("gate") == {"Gate"}
    # A window a slot, or two where a report cut it.
    assert outcome.heard("honest", "gw1") >= HONEST_S // SLOT_S
    for slots in SLOTS:
        assert "Door" in outcome.places(f"here-{slots}")


def test_every_advert_is_counted_at_its_gateway(outcome: Outcome) -> None:
    assert {name: tallies["adverts"] for name, tallies in outcome.tallies.items()} == outcome.sent
    assert not any(name.startswith("dropped") for tallies in outcome.tallies.values() for name in tallies)


@pytest.mark.parametrize("slots", [1, 2, 10])
def test_a_replay_is_stale_at_another_gateway_and_at_another_site(outcome: Outcome, slots: int) -> None:
    assert outcome.places(f"here-{slots}") == {"Door"}
    assert outcome.heard(f"here-{slots}", "gw3") == 0
    assert outcome.places(f"far-{slots}") == {"Door"}
    assert outcome.apart("gw3")["stale"] >= 3 * REPLAYED
    assert outcome.apart("gw4")["stale"] == 3 * REPLAYED


@pytest.mark.parametrize("slots", [1, 2, 10])
def test_a_replay_at_the_gateway_that_heard_it_adds_nothing(outcome: Outcome, slots: int) -> None:
    assert outcome.apart("gw1")["stale"] == 3 * REPLAYED
    assert outcome.heard(f"here-{slots}", "gw1") == outcome.heard("here-0", "gw1")


def test_a_relay_within_the_slot_is_believed_at_the_same_site(outcome: Outcome) -> None:
    """What is not stopped: carried within 4 s to another room of the site, a frame is as good as the tag's own."""
    assert outcome.heard("here-0", "gw3") == REPLAYED
    assert outcome.places("here-0") == {"Door", "Room"}


def test_a_relay_within_the_slot_to_another_site_is_believed_at_neither(outcome: Outcome) -> None:
    assert outcome.places("far-0") == {"Door"}, "before and after it"
    assert outcome.heard("far-0", "gw4") == 0
    assert outcome.heard("far-0", "gw1") < outcome.heard("honest", "gw1")
    assert outcome.apart("gw4")["relayed"] == REPLAYED
    assert set(outcome.gateways["relayed"]) == {"gw1", "gw4"}, "the alarm on the page of gateways"


def test_somebody_in_the_street_is_in_no_room(outcome: Outcome) -> None:
    """The simulator's own attackers: a recorded frame a minute and more later, and invented authenticators."""
    assert outcome.places("street") == {"Door"}
    assert outcome.apart("gw3")["forged"] > 0
    assert outcome.apart("gw3")["stale"] > 3 * REPLAYED


def test_every_flipped_bit_is_counted_under_its_name(outcome: Outcome) -> None:
    """248 of them.  Flags, power and the like are not sealed, nothing is drawn from them: the frame is whole there."""
    flips, at_door, tallies = outcome.flips, outcome.apart("gw1"), outcome.tallies["gw1"]
    assert sum(flips.values()) == frame.LENGTH * 8
    after = START_MS + round(BITS_S * 1000)
    assert flips["the same"] == outcome.office.number(
        f"SELECT count(*) FROM heard_20260921 WHERE tag = {outcome.tags['flipped']} AND start_ms >= {after}"
    )
    assert outcome.places("flipped") == {"Door"}
    assert flips["the same"] < 64
    assert at_door["unknown"] == flips["unknown identifier"]
    assert at_door["forged"] == flips["forged"]
    assert flips["unknown identifier"] >= 64
    assert flips["forged"] >= 48
    for kind, n in flips.items():
        if kind in advert.KINDS:
            assert tallies["malformed" if kind == advert.MALFORMED else f"adverts.{kind}"] == n


def test_the_pages_show_each_name(outcome: Outcome) -> None:
    totals = outcome.rejected["totals"]
    assert set(totals) == {"unknown", "forged", "stale", "relayed"}
    assert {each["reason"] for each in outcome.rejected["latest"]} <= set(totals)
    of_gateways = {each["gateway"]: each["rejected"] for each in outcome.gateways["gateways"]}
    for name in attacked.SITES:
        assert of_gateways[name] == outcome.apart(name)
