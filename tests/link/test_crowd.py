"""A hundred tags at gateways with one connection each: all are fetched, in turn, wherever they walk to meanwhile."""

import pytest
from rig.crowd import Crowd, morning, seated, session_s

from zonetag_backend.link import calls
from zonetag_gateway import linkpolicy


def test_a_hundred_that_pass_a_door_are_fetched_there_or_where_they_sit_down() -> None:
    wearers = morning()
    crowd = Crowd(wearers, connections=1)
    crowd.run(2400)
    assert all(each.fetched for each in wearers)
    waits = sorted(each.fetched[0] - each.stays[0].begin for each in wearers)
    assert waits[50] < 90
    assert waits[-1] < 240
    assert crowd.most == 1, "no more at once than was allowed"
    there = sum(each.at[0] == "door" for each in wearers)
    assert 30 < there < 70, "a door of 20 s is too short for some"
    assert any(each.at == ["door", f"room {number % 3}"] for number, each in enumerate(wearers)), "broken off, gone on"
    assert crowd.deaf("door", 1800) < 0.1, "Linux listens until the tag lets somebody in"
    assert crowd.deaf("room 0", 2400) < 0.2


def test_a_hundred_that_stay_are_fetched_in_turn() -> None:
    wearers = seated()
    crowd = Crowd(wearers, connections=2)
    crowd.run(3000, grow_s=64)
    assert {len(each.fetched) for each in wearers} <= {3, 4}, "nobody more often than others"
    gaps = [after - before for each in wearers for before, after in zip(each.fetched, each.fetched[1:], strict=False)]
    assert min(gaps) >= 900
    assert max(gaps) < 1200
    assert crowd.deaf("hall", 3000) > 0.2, "so the guide asks for an adapter of its own, or to fetch hourly"


@pytest.mark.parametrize("last", ["longest first", "anybody first"])
def test_control_who_waits_longest_comes_first(last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one connection at a gateway for a hundred the strongest would be fetched again and again."""
    if last == "anybody first":
        monkeypatch.setattr(calls.Calls, "waited_s", lambda *_: 1000)
        monkeypatch.setattr(linkpolicy, "choose", _strongest)
    wearers = seated(records=120)
    crowd = Crowd(wearers, connections=1, every_s=60)
    crowd.run(2000, grow_s=4)
    fetched = sum(bool(each.fetched) for each in wearers)
    assert fetched == 100 if last == "longest first" else fetched < 70


def _strongest(
    waiting: list[linkpolicy.Call], heard: dict[bytes, linkpolicy.Heard], now: float, free: int
) -> list[linkpolicy.Call]:
    able = [call for call in waiting if call.eid in heard and now >= call.not_before]
    return sorted(able, key=lambda call: heard[call.eid].rssi, reverse=True)[:free]


def test_a_session_takes_seconds() -> None:
    whole, first = session_s(240)
    assert session_s(16)[0] < 3
    assert first < whole < 10
