"""The pure parts of the firmware, on this Python (the rest of this folder runs them on the tag's)."""

import ast
from pathlib import Path

import pytest

from zonetag_protocol.card import Card
from zonetag_tag import battery, beacon, boards, leds, records
from zonetag_tag.clock import Clock, reservation
from zonetag_tag.faults import COUNTED, Counters

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PERIOD = 1 << 30
CARD = Card("017", bytes(16), 0, 200, 1000, 0xFFFF, -21)


def test_the_clock_goes_on_over_the_wrap_of_the_counter() -> None:
    clock = Clock(1000, PERIOD - 1500)
    clock.advance(PERIOD - 1)
    assert (clock.t, clock.ms) == (1001, 499)
    clock.advance(500)
    assert (clock.t, clock.ms) == (1002, 0)


def test_the_clock_keeps_each_millisecond_over_uneven_steps() -> None:
    clock = Clock(0, 7)
    ticks = 7
    for step in (1, 999, 3, 1_000_003, 17, 4000) * 1000:
        ticks += step
        clock.advance(ticks % PERIOD)
    assert clock.t * 1000 + clock.ms == ticks - 7


def test_the_clock_never_goes_back() -> None:
    clock = Clock(1000, 0)
    clock.confirm(900)
    assert clock.t == 1000
    assert clock.synchronised
    clock.confirm(2000)
    assert clock.t == 2000


@pytest.mark.parametrize("t", [0, 1, 3, 4, 1023, 1024, (1 << 31) + 1])
def test_a_reservation_ends_between_two_slots(t: int) -> None:
    until = reservation(t, 64)
    assert until % 4 == 0
    assert t + 64 <= until < t + 68


def test_the_beacons_table() -> None:
    stale = beacon.START
    assert beacon.plan(5000, 1250, 4000, stale).action == beacon.ROTATE
    refused = beacon.rotated(stale, 4, False, 0)
    assert beacon.plan(5000, 1250, 4000, refused).action == beacon.ROTATE
    quiet = beacon.rotated(stale, 4, True, 0)
    assert beacon.plan(5000, 1250, 4000, quiet) == beacon.Plan(beacon.WAIT, 4, 1250, 250)
    heard = beacon.waited(quiet, 250)
    assert beacon.plan(5000, 1250, 3750, heard) == beacon.Plan(beacon.SEND, 4, 1250, 3750)
    on_air = beacon.sent(heard, 1250)
    assert beacon.plan(5001, 1250, 2000, on_air) == beacon.Plan(beacon.WAIT, 4, 1250, 2000)
    assert beacon.plan(5004, 1251, 4000, on_air).action == beacon.SEND
    assert beacon.plan(5120, 1280, 4000, on_air).action == beacon.ROTATE, "the next epoch"
    assert beacon.plan(5004, 1251, 4000, beacon.lost(on_air)).action == beacon.ROTATE


def test_the_silence_is_within_its_bounds_for_every_random() -> None:
    lengths = {beacon.rotated(beacon.START, 4, True, random).quiet_ms for random in range(1 << 16)}
    assert (min(lengths), max(lengths)) == (250, 1500)


@pytest.mark.parametrize("base", [100, 250, 1000, 10240])
@pytest.mark.parametrize("low", [False, True])
def test_every_interval_can_be_advertised(base: int, low: bool) -> None:
    card = CARD._replace(moving_ms=base)
    drawn = {beacon.interval_ms(card, True, low, random) for random in range(1 << 14)}
    assert min(drawn) >= 100
    assert max(drawn) <= 10240
    assert len(drawn) > 10


def test_low_battery_never_silences_a_slot() -> None:
    card = CARD._replace(rest_ms=2000)
    assert max(beacon.interval_ms(card, False, True, random) for random in range(1 << 16)) < 4000


@pytest.mark.parametrize(
    ("mv", "left"),
    [(5000, 1000), (4180, 1000), (4120, 950), (3820, 500), (3680, 100), (3565, 75), (3450, 50), (3000, 0), (0, 0)],
)
def test_the_battery_curve(mv: int, left: int) -> None:
    assert battery.thousandths(mv) == left


def test_the_battery_curve_falls_and_never_leaves_its_range() -> None:
    curve = [battery.thousandths(mv) for mv in range(2500, 4500)]
    assert curve == sorted(curve)
    assert (curve[0], curve[-1]) == (0, 1000)
    assert {battery.level(left) for left in range(1001)} == set(range(8))


def test_the_adc_is_scaled_by_the_boards_divider() -> None:
    assert battery.millivolts(2_060_000, boards.Divider(3, 2, 1, 0)) == 4120
    assert battery.millivolts(1_000_000, boards.Divider(3, 147, 47, -12)) == 3115


def test_low_battery_does_not_flutter() -> None:
    assert battery.is_low(99, False)
    assert battery.is_low(140, True)
    assert not battery.is_low(140, False)
    assert not battery.is_low(150, True)


def test_every_board_has_every_feature_named_and_its_own_pins() -> None:
    assert {board.name for board in boards.BOARDS} == {
        "esp32-devkit",
        "esp32-c3-supermini",
        "esp32-s3-devkit",
        "m5stickc-plus2",
    }
    for board in boards.BOARDS:
        assert board.led.kind in (boards.ACTIVE_HIGH, boards.ACTIVE_LOW, boards.RGB)
        assert board.battery.numerator > 0
        assert board.cpu_mhz in (80, 160, 240)
        pins = [board.led.pin, board.button.pin, board.battery.pin, board.hold]
        pins += [] if board.accelerometer is None else [board.accelerometer.scl, board.accelerometer.sda]
        used = [pin for pin in pins if pin is not None]
        assert len(used) == len(set(used))
        assert board.says
        assert boards.named(board.name) == board


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("Generic ESP32 module with ESP32", "esp32-devkit"),
        ("ESP32C3 module with ESP32C3", "esp32-c3-supermini"),
        ("Generic ESP32S3 module with ESP32S3", "esp32-s3-devkit"),
        ("Zonetag esp32-c3-supermini with ESP32C3", "esp32-c3-supermini"),
        ("Zonetag m5stickc-plus2 with ESP32", "m5stickc-plus2"),
        ("Zonetag esp32-devkit with ESP32", "esp32-devkit"),
        ("Zonetag esp32-s3-devkit with ESP32S3", "esp32-s3-devkit"),
        ("a machine of tomorrow", "unknown"),
    ],
)
def test_a_board_is_recognised_by_what_its_build_says(machine: str, name: str) -> None:
    assert boards.recognised(machine).name == name


def test_led_codes_can_be_told_apart_and_the_gravest_is_shown() -> None:
    rhythms = [(code.flashes, code.on_ms, code.off_ms) for code in leds.CODES]
    assert len(set(rhythms)) == len(rhythms)
    shown = leds.choose({leds.LOW, leds.CARD, leds.HELP})
    assert shown is not None
    assert shown.name == leds.CARD
    assert leds.choose(set()) is None


@pytest.mark.parametrize("code", leds.CODES)
def test_a_led_code_flashes_as_its_row_says(code: leds.Code) -> None:
    period = code.flashes * (code.on_ms + code.off_ms) + code.pause_ms
    ms, edges, was = 0, 0, False
    while ms < period:
        on, until = leds.lit(code, ms)
        edges += on and not was
        was = on
        assert until > 0
        ms += until
    assert ms == period
    assert edges == code.flashes


def test_counters_survive_their_own_bytes_and_stop_when_full() -> None:
    counters = Counters(b"\xff" * 2 * len(COUNTED))
    assert counters.add("crash") == 0xFFFF
    assert Counters(counters.pack()).counts == counters.counts
    assert Counters(b"\x05").counts["power"] == 5, "shorter, from an older firmware"


def test_a_record_is_refused_when_torn_or_anothers() -> None:
    data = records.pack(b"card", "clock0", b"12345")
    assert records.unpack(b"card", "clock0", data) == b"12345"
    assert records.unpack(b"other", "clock0", data) is None
    assert records.unpack(b"card", "clock1", data) is None
    assert records.unpack(b"card", "clock0", None) is None
    for length in range(len(data)):
        assert records.unpack(b"card", "clock0", data[:length]) is None
    for at in range(len(data)):
        torn = data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]
        assert records.unpack(b"card", "clock0", torn) is None


FORBIDDEN_TIME = {"time", "time_ns", "localtime", "gmtime", "mktime", "RTC"}


@pytest.mark.parametrize("path", sorted(FIRMWARE.rglob("*.py")), ids=lambda path: path.name)
def test_no_floating_point_and_no_wall_clock(path: Path) -> None:
    """Single-precision floats lose seconds, `time.time()` has whole ones since 2000 and forgets them at a reset."""
    for node in ast.walk(ast.parse(path.read_text())):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not (isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_TIME), node.lineno


def test_logic_knows_no_board_by_name() -> None:
    for path in (FIRMWARE / "zonetag_tag").glob("*.py"):
        if path.name != "boards.py":
            text = path.read_text().lower()
            assert not any(name in text for name in ("supermini", "devkit", "m5stick c")), path.name
