"""A day at accelerated time, and a day in the heap that a tag has."""

import json
from pathlib import Path

import pytest
from rig.micropython import Micropython
from rig.tag_bench import DEVICE_ESP32, DEVICE_POWER, TagBench, linked, repeated

DAY_S = 86_400
TICKS_PERIOD = 1 << 30
HEAP = "110K"  # what is left of an ESP32's 134 KB once its radio is up; our own builds, with frozen code, use far less


def test_a_day_over_the_wrap_of_the_counter(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=DAY_S, ticks=TICKS_PERIOD - DAY_S // 2 * 1000, chip=True, blocks=64)
    assert len(life.frames) == DAY_S // 4, "a frame in each slot, over the wrap of the millisecond counter too"
    assert linked(life.frames) == []
    assert repeated([life]) == []
    assert life.end["t"] - tag_bench.t0 in range(DAY_S - 4, DAY_S + 5)
    assert life.end["code"] == "dark"
    # Two records an epoch at most in the files: what an erase costs, and 64 blocks to spread it over.
    assert life.end["erases"] < 100


def test_a_day_in_110_kb_with_no_growth(micropython: Micropython, firmware: Path, tag_bench: TagBench) -> None:
    done = micropython.run("-m", "heap", "24", heap=HEAP, path=[firmware], cwd=tag_bench.folder / "files")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout.splitlines()[-1])
    print("bytes in use, of the firmware alone, at each hour:", [hour - told["before"] for hour in told["hours"]])
    assert len(told["hours"]) == 24
    assert told["whole"] <= 110 * 1024
    # A conservative collector may take a number on the stack for a pointer and keep a block: noise, not growth.
    assert max(told["hours"]) - min(told["hours"]) <= 128
    assert told["hours"][-1] <= told["hours"][0] + 64


def test_a_crowd_a_full_log_and_a_session_fit_too(
    micropython: Micropython, firmware: Path, tag_bench: TagBench
) -> None:
    """Beside the other end of the session; the stand-ins' own share comes on top of what a tag has."""
    done = micropython.run("-m", "heap_busy", heap="122K", path=[firmware], cwd=tag_bench.folder / "files")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout.splitlines()[-1])
    print(told)
    assert told["before"] >= 12 * 1024, "of the 122 KB"
    assert told["records"] == 20 * 16 + 2 * 16
    assert (told["refused"], told["crashes"]) == (0, 0)


@pytest.mark.parametrize("own_build", [False, True])
def test_main_itself_starts_in_110_kb_and_says_who_it_is(
    micropython: Micropython, firmware: Path, tag_bench: TagBench, own_build: bool
) -> None:
    """`main.py` as it is, in real time, until its first frame is out and the watchdog was fed."""
    files = tag_bench.folder / "files"
    (files / "board.txt").write_text("esp32-devkit\n")
    root = Path(__file__).resolve().parents[2]
    watcher = files / "machine_watch.py"
    watcher.write_text(
        "import bluetooth, time, world\n"
        "def heard(on_air):\n"
        "    print('on air', len(on_air[1]), 'slept', world.slept > 0, 'wall clock asked', time.asked)\n"
        "    raise SystemExit(7)\n"
        "bluetooth.hear = heard\n"
        f"exec(open({str(root / 'firmware/main.py')!r}).read())\n"
    )
    done = micropython.run(
        watcher, heap=HEAP, path=[DEVICE_ESP32, firmware, *([DEVICE_POWER] if own_build else [])], cwd=files
    )
    assert done.returncode == 7, done.stdout
    assert '"number": "017"' in done.stdout
    assert '"board": "esp32-devkit"' in done.stdout
    assert f"on air 31 slept {own_build} wall clock asked 0" in done.stdout
