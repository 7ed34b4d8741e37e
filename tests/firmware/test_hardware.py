"""Button, LED, battery, motion, watchdog, counters and the fault log, on each board."""

import pytest
from rig.tag_bench import TagBench

BOARDS = ("esp32-devkit", "esp32-c3-supermini", "esp32-s3-devkit", "m5stickc-plus2")
BUTTON = {"esp32-devkit": 0, "esp32-c3-supermini": 9, "esp32-s3-devkit": 0, "m5stickc-plus2": 37}


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_sends_and_its_button_calls_for_half_a_minute(tag_bench: TagBench, board: str) -> None:
    life = tag_bench.live(seconds=120, board=board, events=[[40, "press", BUTTON[board]]])
    assert len(life.frames) == 30
    calling = [sent.second for sent in life.frames if sent.status.button]
    assert 40 <= min(calling) <= 44
    assert 66 <= max(calling) <= 74
    assert life.said[0]["board"] == board
    assert life.end["mhz"] == 80
    assert life.end["confirmed"] == 1
    assert life.end["watchdog_ms"] == 30_000
    assert life.end["fed"] == life.end["steps"]


def test_an_unknown_board_sends_too(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=60, board="no such board")
    assert len(life.frames) == 15
    assert life.said[0]["board"] == "unknown"
    assert life.end["levels"] == [], "no pin was touched"


def test_the_clock_is_unsynchronised_until_confirmed(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=120, events=[[60, "confirm", 200_000]])
    told = [(sent.epoch, sent.status.unsynchronised) for sent in life.frames]
    assert all(flag for _, flag in told[:14])
    assert not any(flag for _, flag in told[-14:])
    assert told[-1][0] == 200_060 // 1024


@pytest.mark.parametrize(("microvolts", "level", "code"), [(2_100_000, 7, "dark"), (1_830_000, 0, "low-battery")])
def test_battery_level_and_low_battery(tag_bench: TagBench, microvolts: int, level: int, code: str) -> None:
    life = tag_bench.live(seconds=60, battery_uv=microvolts)
    assert {sent.status.battery for sent in life.frames} == {level}
    assert life.end["code"] == code
    shortest = min(sent.interval_us for sent in life.frames)
    assert shortest >= (350_000 if level == 0 else 175_000), "a tag that saves sends half as often"


def test_a_cell_that_empties_is_noticed_within_a_minute(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=240, events=[[60, "battery_uv", 1_830_000], [150, "battery_uv", 2_100_000]])
    levels = [sent.status.battery for sent in life.frames]
    assert (levels[0], levels[32], levels[-1]) == (6, 0, 7)
    assert life.end["code"] == "dark"


def test_motion_shortens_the_interval(tag_bench: TagBench) -> None:
    events = [[second, "acceleration", [0, 0, 1000 + 80 * (second % 2)]] for second in range(60, 90)]
    life = tag_bench.live(seconds=180, board="m5stickc-plus2", events=events)
    still = [sent.interval_us for sent in life.frames if 34 < sent.second < 58 or sent.second > 126]
    moved = [sent.interval_us for sent in life.frames if 64 < sent.second < 110]
    assert min(still) >= 875_000
    assert max(moved) <= 225_000


def test_a_dead_accelerometer_counts_as_motion(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=120, board="m5stickc-plus2", acceleration_fails=True)
    assert max(sent.interval_us for sent in life.frames) <= 225_000
    assert life.end["counts"]["sensor"] == 1


def test_the_led_is_dark_when_all_is_well(tag_bench: TagBench) -> None:
    """One long flash at the start (this LED is lit by a low level), and nothing in the hour after."""
    life = tag_bench.live(seconds=3600)
    assert life.end["levels"] == [[8, 1], [8, 0], [8, 1]]
    assert life.end["code"] == "dark"


@pytest.mark.parametrize("content", [b"", b"ZTC1", b"\0" * 64, None])
def test_a_missing_or_damaged_card_is_told_and_nothing_is_sent(tag_bench: TagBench, content: bytes | None) -> None:
    if content is None:
        tag_bench.card_file.unlink()
    else:
        tag_bench.card_file.write_bytes(content)
    life = tag_bench.live(seconds=60)
    assert life.frames == []
    assert life.end["code"] == "card"
    assert life.said[0]["zonetag-fault"] == "card"
    assert life.end["counts"]["card"] == 1
    assert life.end["fed"] > 5, "it stays up, for whoever comes to flash it"


def test_a_card_with_one_bit_turned_is_refused(tag_bench: TagBench) -> None:
    card = bytearray(tag_bench.card_file.read_bytes())
    card[25] ^= 1
    tag_bench.card_file.write_bytes(card)
    assert tag_bench.live(seconds=60).frames == []


def test_resets_and_crashes_are_counted_over_lives(tag_bench: TagBench) -> None:
    tag_bench.live(seconds=20)  # switched on
    tag_bench.live(seconds=20, reset_cause=3)  # watchdog
    tag_bench.live(seconds=20, reset_cause=3)
    tag_bench.live(seconds=20, power={"reset_reason": 9})  # a dip of the supply, as our own builds tell it
    last = tag_bench.live(seconds=20, power={"reset_reason": 4})  # a panic
    assert {code: n for code, n in last.end["counts"].items() if n} == {
        "power": 1,
        "watchdog": 2,
        "brown-out": 1,
        "crash": 1,
    }
    codes = [line.split()[1] for line in last.end["log"]]
    assert codes == ["watchdog", "watchdog", "brown-out", "crash"]


def test_the_fault_log_is_bounded(tag_bench: TagBench) -> None:
    """Earlier lives have filled both files; in this one the new one reaches its bound and becomes the old one."""
    old, new = (tag_bench.folder / "files" / name for name in ("faults.old", "faults.log"))
    old.write_text("1 address the oldest\n" * 90)
    new.write_text("2 address of long ago\n" * 87)
    tag_bench.live(seconds=20_000, record="", events=[[second, "refuse", 1] for second in range(500, 20_000, 1100)])
    assert all(0 < file.stat().st_size <= 2048 for file in (old, new))
    lines = tag_bench.live(seconds=10).end["log"]
    assert len(lines) > 87
    assert lines[-1].split()[1] == "address"
    assert lines[0] == "2 address of long ago"
    assert all(len(line.split(" ", 2)) == 3 for line in lines)
    seconds = [int(line.split()[0]) for line in lines]
    assert seconds == sorted(seconds)


def test_a_damaged_fault_log_does_no_harm(tag_bench: TagBench) -> None:
    (tag_bench.folder / "files" / "faults.log").write_bytes(b"\xff\xfe\x00" * 100)
    life = tag_bench.live(seconds=60, reset_cause=3)
    assert len(life.frames) == 15


def test_light_sleep_is_allowed_on_our_own_builds(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=20, power={"reset_reason": 1})
    assert life.end["light_sleep"] == 80
    assert tag_bench.live(seconds=20).end["light_sleep"] == 0


def test_a_tag_says_who_it_is_a_few_times_and_then_no_more(tag_bench: TagBench) -> None:
    said = [line for line in tag_bench.live(seconds=3600).said if "zonetag" in line]
    assert len(said) == 4
    assert said.count(said[0]) == 4
