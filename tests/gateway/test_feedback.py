"""The sign at the door: learnt strengths, and a light that goes on and off again."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig.running import until
from rig.tags import Tag

from zonetag_gateway.feedback import Feedback
from zonetag_gateway.led import Led
from zonetag_gateway.nearness import HIGHEST_DBM, LOWEST_DBM, MARGIN_DB, PAUSE_S, Nearness

ONE, OTHER = b"11111111", b"22222222"
T = 1_790_000_000


def taught(mean_dbm: float, spread_db: float = 4.0, readings: int = 40_000, seed: int = 7) -> Nearness:
    """A door at which so strong tags have passed by, four adverts a second."""
    dice, nearness = random.Random(seed), Nearness()
    for n in range(readings):
        nearness.hear(ONE, round(dice.gauss(mean_dbm, spread_db)), n / 4)
    return nearness


@pytest.mark.parametrize("mean_dbm", [-60.0, -65.0])
def test_the_threshold_is_learnt_from_the_door(mean_dbm: float) -> None:
    usual = mean_dbm + 2.05 * 4  # the 98th percentile of a normal distribution
    assert abs(taught(mean_dbm).threshold_dbm - (usual + MARGIN_DB)) < 2


def test_it_stays_within_bounds() -> None:
    assert taught(-95.0, readings=60_000).threshold_dbm == LOWEST_DBM
    assert taught(-20.0).threshold_dbm == HIGHEST_DBM


@given(st.lists(st.tuples(st.sampled_from([ONE, OTHER]), st.integers(-127, 20), st.floats(0, 1000))))
def test_bounds_and_pauses_hold_whatever_comes(readings: list[tuple[bytes, int, float]]) -> None:
    nearness = Nearness()
    last = float("-inf")
    for identifier, rssi, at in sorted(readings, key=lambda reading: reading[2]):
        if nearness.hear(identifier, rssi, at):
            assert rssi >= LOWEST_DBM
            assert at - last >= PAUSE_S
            last = at
        assert LOWEST_DBM <= nearness.threshold_dbm <= HIGHEST_DBM


def test_close_is_twice_in_a_row_for_one_tag() -> None:
    def signs(*readings: tuple[bytes, int, float]) -> list[bool]:
        nearness = taught(-70.0)
        return [nearness.hear(identifier, rssi, 20_000 + at) for identifier, rssi, at in readings]

    assert signs((ONE, -35, 0.0), (ONE, -35, 1.0)) == [False, True]
    assert signs((ONE, -35, 0.0), (OTHER, -35, 1.0)) == [False, False]
    assert signs((ONE, -35, 0.0), (ONE, -35, 2.0)) == [False, False]
    assert signs((ONE, -75, 0.0), (ONE, -75, 1.0)) == [False, False]
    assert signs(*((ONE, -35, n / 2) for n in range(9))) == [False, True, *[False] * 5, True, False]


def test_a_tag_that_stays_close_for_ever_becomes_usual() -> None:
    nearness = taught(-70.0)
    assert sum(nearness.hear(ONE, -50, 20_000 + n / 4) for n in range(40_000)) < 60  # some, and then no more
    assert not any(nearness.hear(ONE, -50, 40_000 + n / 4) for n in range(400))


def test_the_light_goes_on_for_a_close_tag_and_off_again(tmp_path: Path) -> None:
    brightness = tmp_path / "brightness"
    brightness.write_text("0")
    (tmp_path / "max_brightness").write_text("255\n")
    heard: list[bytes] = []

    async def go() -> None:
        feedback = Feedback(Led(brightness), 0xFFFF)
        hear = feedback.over(lambda data, _rssi, _at: heard.append(data))
        hear(b"\x02\x01\x06", -20, 0.0)
        for at in (1.0, 2.0):
            hear(Tag(1).advert(T), -90, at)  # far away
        assert feedback.signs == 0
        hear(Tag(1).advert(T), -30, 3.0)
        hear(Tag(1).advert(T), -30, 3.5)
        assert feedback.signs == 1
        await until(lambda: brightness.read_text() == "255")
        await until(lambda: brightness.read_text() == "0")

    asyncio.run(go())
    assert len(heard) == 5  # what is heard is passed on, whatever it is


def test_a_light_that_is_not_there_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    led = Led(tmp_path / "none" / "brightness")
    for on in (True, False, True):
        led.set(on)
    assert len(caplog.records) == 1
    assert "feedback.led" in caplog.text
