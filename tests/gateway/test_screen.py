"""What `scan` shows: the state of the air, and its picture at every width."""

import asyncio
import io
import random

import pytest

from zonetag_gateway.air import FORGET_S, MAX_TAGS, Air, View
from zonetag_gateway.scan import as_json, scan, summary
from zonetag_gateway.screen import bar, render
from zonetag_gateway.source import Hear, Moment
from zonetag_protocol.frame import TEST_COMPANY

PHONE = bytes.fromhex("02011a03036ffd17166ffd")
HEAD = bytes.fromhex("0201060303aafe0d16aafe30eb")


def tag(n: int, slot: int = 0) -> bytes:
    return HEAD + n.to_bytes(8, "big") + bytes.fromhex("09ffffff") + bytes([slot, 0, 1, 2, 3, 4])


def badge(n: int) -> bytes:
    return HEAD + n.to_bytes(8, "big")


def office() -> Air:
    """Ten seconds of two tags, a badge, three phones, a stranger, and something broken."""
    air = Air()
    for i in range(40):
        at = 100 + i * 0.25
        air.hear(tag(1, i // 16), -50, at)
        if i < 4:
            air.hear(tag(2), -70, at)
        if i % 4 == 0:
            air.hear(badge(3), -90, at)
        air.hear(PHONE + bytes([i % 3]) * 20, -80, at)
    air.hear(bytes.fromhex("020106"), -80, 110.0)
    air.hear(b"\x05\xff", -80, 110.0)
    return air


def test_view() -> None:
    view = office().view(110.0)
    assert [(row.identifier[-1], row.kind, row.rssi, row.count) for row in view.rows] == [
        ("1", "zonetag", -50, 40),
        ("2", "zonetag", -70, 4),
        ("3", "eddystone-eid", -90, 10),
    ]
    assert view.phones == {"exposure-notification": 3}
    assert view.adverts == {
        "zonetag": 44,
        "eddystone-eid": 10,
        "exposure-notification": 40,
        "unknown": 1,
        "malformed": 1,
    }
    assert view.rows[0].per_second == pytest.approx(4, rel=0.15)
    assert view.rows[1].silent_s == pytest.approx(9.25)
    assert view.elapsed_s == 10


def test_what_has_left_is_forgotten() -> None:
    air = office()
    assert len(air.view(110 + FORGET_S - 5).rows) == 2
    view = air.view(111 + FORGET_S)
    assert (view.rows, view.phones) == ((), {})
    assert view.adverts["zonetag"] == 44


def test_an_unmeasured_strength_is_no_strength() -> None:
    air = Air()
    air.hear(tag(1), 127, 0.0)
    [row] = air.view(0.0).rows
    assert (row.rssi, row.best) == (None, None)
    assert "?" in render(air.view(0.0), "test", 80)[3]


def test_memory_is_bounded() -> None:
    rng = random.Random(3)
    air = Air()
    for n in range(10_000):
        air.hear(tag(n), -60, n / 1000)
        air.hear(PHONE + rng.randbytes(20), -60, n / 1000)
        air.hear(rng.randbytes(20), -60, n / 1000)
    view = air.view(10.0)
    assert len(view.rows) == MAX_TAGS
    assert sum(view.phones.values()) <= 4096


def test_picture() -> None:
    assert render(office().view(110.0), "office.btsnoop", 76) == [
        "2 tags, 1 badge, 3 phones · 9.3 adverts/s · 0:10 · office.btsnoop",
        "",
        "id        kind                              dBm  best     /s  adverts   last",
        "00000000  tag    █████████████████▏         -50   -50    3.9       40    now",
        "00000000  tag    ██████████▎                -70   -70    0.1        4    -9s",
        "00000000  badge  ███▍                       -90   -90    0.9       10    -1s",
        "",
        "exposure notification: 3 in the last minute, 40 adverts",
        "other adverts: 1 unknown, 1 malformed",
    ]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [1, 10, 20, 33, 48, 60, 79, 80, 132, 300])
@pytest.mark.parametrize("height", [None, 1, 5, 9, 24])
def test_no_line_is_too_long_and_none_too_many(unicode: bool, width: int, height: int | None) -> None:
    for view in (office().view(110.0), Air().view(0.0), crowd()):
        lines = render(view, "somewhere", width, height, unicode=unicode)
        assert all(len(line) <= width for line in lines)
        assert height is None or len(lines) <= height
        assert unicode or all(line.isascii() for line in lines)


def crowd() -> View:
    air = Air()
    for n in range(200):
        air.hear(tag(n), -30 - n % 70, 0.0)
    return air.view(0.0)


def test_a_screen_that_is_too_small_says_how_many_are_missing() -> None:
    lines = render(crowd(), "somewhere", 80, 20)
    shown = sum(" tag " in line for line in lines)
    assert f"... and {200 - shown} more" in lines


def test_columns_are_given_up_in_turn() -> None:
    titles = {width: render(crowd(), "x", width)[2].split() for width in (24, 40, 80)}
    assert titles[24] == ["id", "dBm"]
    assert set(titles[24]) < set(titles[40]) < set(titles[80])
    assert titles[80] == ["id", "kind", "dBm", "best", "/s", "adverts", "last"]


def test_an_empty_air() -> None:
    assert "no tag heard yet" in render(Air().view(0.0), "bleak", 80)


@pytest.mark.parametrize(
    ("rssi", "drawn"), [(-30, "█" * 7), (-20, "█" * 7), (-100, ""), (-120, ""), (-65, "███▌"), (None, "")]
)
def test_bars(rssi: int | None, drawn: str) -> None:
    assert bar(rssi, 7) == drawn


def test_a_bar_in_ascii() -> None:
    assert bar(-65, 8, unicode=False) == "####"


class Office:
    """A source of ten seconds."""

    def __init__(self) -> None:
        self.last = 0.0

    def now(self) -> float:
        return self.last

    def moment(self, at: float) -> Moment:
        return Moment(round(at * 1000), round(at * 1000), True)

    async def run(self, hear: Hear) -> None:
        for i in range(100):
            self.last = i / 10
            hear(tag(i % 2), -60, self.last)
            await asyncio.sleep(0)


def run(out: io.StringIO, seconds: float | None = None, live: bool = False) -> View:
    async def go() -> View:
        return await scan(
            Office(), "office", out, company=TEST_COMPANY, stop=asyncio.Event(), seconds=seconds, live=live
        )

    return asyncio.run(go())


def test_a_source_that_ends_ends_the_scan() -> None:
    view = run(io.StringIO())
    assert view.adverts == {"zonetag": 100}
    assert view.elapsed_s == pytest.approx(9.9)


def test_a_part_of_a_source() -> None:
    view = run(io.StringIO(), seconds=5)
    assert view.adverts == {"zonetag": 50}
    assert view.elapsed_s <= 5


def test_a_terminal_is_given_back() -> None:
    out = io.StringIO()
    run(out, live=True)
    assert out.getvalue().startswith("\x1b[?1049h\x1b[?25l")
    assert out.getvalue().endswith("\x1b[?25h\x1b[?1049l")


def test_summary_and_json() -> None:
    out = io.StringIO()
    view = office().view(110.0)
    summary(view, "office", out)
    assert out.getvalue().splitlines()[0].startswith("2 tags, 1 badge, 3 phones")
    said = as_json(view)
    assert list(said) == ["elapsed_s", "per_second", "adverts", "phones", "tags"]
    assert said["tags"][0]["id"] == "0000000000000001"
    assert set(said["tags"][0]) == {"id", "kind", "rssi", "best", "per_second", "count", "silent_s"}
