"""A week at accelerated time, and a day in the heap that a tag has."""

from pathlib import Path

from rig.micropython import Micropython
from rig.tag_bench import TagBench, linked, repeated

DAY_S = 86_400
TICKS_PERIOD = 1 << 30


def test_a_week(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=7 * DAY_S, ticks=TICKS_PERIOD - 3 * DAY_S * 1000, chip=True, blocks=64)
    assert len(life.frames) == 7 * DAY_S // 4, "a frame in each slot, over the wrap of the millisecond counter too"
    assert linked(life.frames) == []
    assert repeated([life]) == []
    assert life.end["t"] - tag_bench.t0 in range(7 * DAY_S - 4, 7 * DAY_S + 5)
    assert life.end["code"] == "dark"
    # Two records an epoch at most in the files: what an erase costs, and 64 blocks to spread it over.
    assert life.end["erases"] < 600


def test_a_day_in_64_kb_with_no_growth(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=DAY_S, memory=True, record="", heap="64K")
    hours = life.end["memory"]
    print("bytes in use at each hour:", hours)
    assert len(hours) == 24
    # The first hour settles (the first reading of each sense, the dictionary of the fault log).
    assert max(hours[1:]) - min(hours[1:]) <= 256
    assert hours[-1] <= hours[1] + 64


def test_main_itself_starts_in_64_kb_and_says_who_it_is(
    micropython: Micropython, firmware: Path, tag_bench: TagBench
) -> None:
    """`main.py` as it is, in real time, until its first frame is out and the watchdog was fed."""
    files = tag_bench.folder / "files"
    (files / "board.txt").write_text("esp32-devkit\n")
    root = Path(__file__).resolve().parents[2]
    watcher = files / "machine_watch.py"
    watcher.write_text(
        "import bluetooth\n"
        "def heard(on_air):\n"
        "    print('on air', len(on_air[1]))\n"
        "    raise SystemExit(7)\n"
        "bluetooth.hear = heard\n"
        f"exec(open({str(root / 'firmware/main.py')!r}).read())\n"
    )
    done = micropython.run(watcher, heap="64K", path=[firmware], cwd=files)
    assert done.returncode == 7, done.stdout
    assert '"number": "017"' in done.stdout
    assert '"board": "esp32-devkit"' in done.stdout
    assert "on air 31" in done.stdout
