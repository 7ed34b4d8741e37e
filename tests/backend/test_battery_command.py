"""`zonetag battery`: the model's arithmetic, its bounds, and that it says what it is worth."""

import json

import pytest

from zonetag_backend.batterylife import CHIPS, OWN, STOCK, Life, life, look_ms_of
from zonetag_backend.cli import main
from zonetag_tag import contacts


def of(board: str, build: str = OWN, crystal: bool = False, interval_ms: int = 1000, capacity_mah: int = 500) -> Life:
    return life(CHIPS[board], build=build, crystal=crystal, interval_ms=interval_ms, capacity_mah=capacity_mah)


def test_the_sum_by_hand() -> None:
    told = of("c3")
    # 2.3 chip + 1.0 board + 300 uC / 1 s + 600 uC / 4 s + 85 mA * 0.6 s / 32 s + 20 mA * 3 min / 1 day
    current = 2.3 + 1.0 + 0.3 + 0.15 + 85 * 0.6 / 32 + 20 * 3 / 1440
    assert told.current_ma.likely == pytest.approx(current)
    assert told.hours.likely == pytest.approx(500 * 0.85 / current)
    assert told.hours.low < told.hours.likely < told.hours.high


def test_a_stock_image_lasts_about_a_day_and_our_build_for_days() -> None:
    assert 12 < of("c3", STOCK).hours.likely < 36
    assert of("c3").hours.likely > 3 * 24
    assert of("c3", crystal=True).hours.likely > of("c3").hours.likely


@pytest.mark.parametrize("board", sorted(CHIPS))
def test_longer_intervals_and_larger_cells_last_longer(board: str) -> None:
    assert of(board, interval_ms=2000).hours.likely > of(board, interval_ms=200).hours.likely
    assert of(board, capacity_mah=1000).hours.likely == pytest.approx(2 * of(board).hours.likely)


def test_looks_cost_what_their_share_of_the_time_costs() -> None:
    chip = CHIPS["c3"]
    given: dict[str, int] = {"interval_ms": 250, "capacity_mah": 500}
    never = life(chip, build=OWN, crystal=False, look_every=0, **given)
    default = life(chip, build=OWN, crystal=False, **given)
    rare = life(chip, build=OWN, crystal=False, look_every=4, look_ms=301, **given)
    assert never.parts["looks"].high == 0
    assert default.parts["looks"].likely == pytest.approx(85 * 301 / 32000)
    assert rare.parts["looks"].likely == pytest.approx(default.parts["looks"].likely / 4)
    assert never.hours.likely > rare.hours.likely > default.hours.likely


def test_a_look_is_as_long_as_the_firmwares() -> None:
    for interval_ms in (100, 200, 250, 1000, 10240):
        assert look_ms_of(interval_ms) == contacts.look_ms(interval_ms)


def test_the_command_says_what_was_not_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["battery", "--board", "c3", "--interval", "1000", "--capacity", "500"]) == 0
    out = capsys.readouterr().out
    assert "500 mAh last about 3 days (between" in out
    assert "Nothing of this was measured on hardware" in out
    for number in range(1, 9):
        assert out.count(f"[{number}]") >= 2, "each source is named and used"


def test_the_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["battery", "--board", "devkit", "--build", "stock", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["measured"] is False
    assert told["hours"]["low"] < told["hours"]["likely"] < told["hours"]["high"]
    assert set(told["parts"]) == {"chip", "board", "adverts", "frames", "looks", "link"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--board", "c3", "--interval", "99"], "100 to 10240 ms"),
        (["--board", "c3", "--interval", "10241"], "100 to 10240 ms"),
        (["--board", "c3", "--capacity", "0"], "10 to 20000 mAh"),
        (["--board", "c6"], "invalid choice"),
        (["--board", "c3", "--look-every", "33"], "0th to 32th cell"),
        (["--board", "c3", "--look-ms", "49"], "50 to 2000 ms"),
        (["--board", "c3", "--build", "stock", "--crystal"], "belongs to --build own"),
        ([], "--board"),
    ],
)
def test_what_cannot_be_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["battery", *arguments])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
