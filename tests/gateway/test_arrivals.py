"""A tag that is held close is reported at once; one that is not, or that stays, waits like all others."""

import asyncio
from pathlib import Path

import pytest
from rig.running import until
from rig.tags import Air, Tag

from zonetag_gateway import config as configuration
from zonetag_gateway.app import Gateway
from zonetag_gateway.arrivals import MOST, REST_S, Arrivals
from zonetag_gateway.clock import SystemClock

T = 1_790_000_000
COMPANY = 0xFFFF


def told(*readings: tuple[int, int, float]) -> list[set[bytes]]:
    """Who has newly come close after each reading (tag, dBm, second)."""
    arrivals = Arrivals(COMPANY)
    hear = arrivals.over(lambda *_: None)
    out = []
    for tag, rssi, at in readings:
        hear(Tag(tag).advert(T), rssi, at)
        out.append(arrivals.take())
    return out


def test_twice_strong_in_a_row_is_an_arrival_once() -> None:
    one = {Tag(1).advert(T)[13:21]}
    assert told((1, -35, 0), (1, -35, 0.5), (1, -35, 1), (1, -35, 9)) == [set(), one, set(), set()]
    assert told((1, -80, 0), (1, -80, 0.5)) == [set(), set()]
    assert told((1, -35, 0), (1, -35, 3)) == [set(), set()], "one strong reading may be a reflection"
    away = 1 + 2 * REST_S
    assert told((1, -35, 0), (1, -35, 1), (1, -35, away), (1, -35, away + 1)) == [set(), one, set(), one]


def test_people_who_come_together_are_all_met() -> None:
    one, two = ({Tag(tag).advert(T)[13:21]} for tag in (1, 2))
    assert told((1, -35, 0), (2, -35, 0.1), (1, -35, 0.3), (2, -35, 0.4)) == [set(), set(), one, two]


def test_a_flood_of_strong_identifiers_is_bounded() -> None:
    arrivals = Arrivals(COMPANY)
    hear = arrivals.over(lambda *_: None)
    frame = Tag(1).advert(T)
    for n in range(10 * MOST):
        hear(frame[:13] + n.to_bytes(8, "big") + frame[21:], -30, n / 1000)
    assert len(arrivals._strong) <= MOST


EVERY_S = 300.0  # a report that does not wait for this was sent at once


@pytest.mark.parametrize(
    ("rssi", "at_once", "early"), [(-35, "true", True), (-80, "true", False), (-35, "false", False)]
)
def test_the_gateway_reports_at_once(tmp_path: Path, rssi: int, at_once: str, early: bool) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'site = "hq"\nname = "door"\n[source]\nkind = "simulated"\n[report]\nevery_s = {EVERY_S}\n'
        f'close_at_once = {at_once}\n[spool]\npath = "spool.db"\n[broker]\nurl = "mqtt://127.0.0.1:1"\n'
    )

    async def scene() -> int:
        air, stop = Air(), asyncio.Event()
        gateway = Gateway(configuration.load(file), air, SystemClock(), "0")
        folding = asyncio.create_task(gateway.fold_only(stop))
        frame = Tag(1).advert(T)
        for _ in range(3):
            air.put(frame, rssi)
        await until(lambda: air.given == 3)
        if early:
            await until(lambda: gateway._reports == 1)
        else:  # windows are closed and looked at several times meanwhile
            began = air.now()
            await until(lambda: air.now() - began > 1.0)
        reports = gateway._reports
        stop.set()
        counted = await folding
        assert counted["adverts"] == 3
        return reports

    assert asyncio.run(scene()) == (1 if early else 0)
