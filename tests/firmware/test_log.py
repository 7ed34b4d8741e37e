"""The contact log on real littlefs, on 32-bit MicroPython: power cuts at every write, torn files, wear, no room."""

import json
from pathlib import Path
from typing import Any

import pytest
from rig.micropython import Micropython

BLOCKS = 240  # of 4 KB: what our own builds have for files
ENDURANCE = 100_000


def played(micropython: Micropython, firmware: Path, folder: Path, *args: str) -> dict[str, Any]:
    done = micropython.run("-m", "log_life", *args, heap="4M", path=[firmware], cwd=folder)
    assert done.returncode == 0, done.stdout
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(args, told)
    return told


def test_the_power_may_go_at_any_write(micropython: Micropython, firmware: Path, tmp_path: Path) -> None:
    told = played(micropython, firmware, tmp_path, "cuts")
    assert told["flash"] > 50
    assert told["nvs"] >= 2


def test_a_torn_or_changed_file_costs_what_is_torn_and_no_number_twice(
    micropython: Micropython, firmware: Path, tmp_path: Path
) -> None:
    assert played(micropython, firmware, tmp_path, "torn")["tried"] > 120


@pytest.mark.parametrize("acknowledging", [True, False])
def test_three_weeks_wear_little(micropython: Micropython, firmware: Path, tmp_path: Path, acknowledging: bool) -> None:
    told = played(
        micropython, firmware, tmp_path, "days", "24", "yes" if acknowledging else "no", "1" if acknowledging else "2"
    )
    assert told["same"], "the next start finds the same"
    assert told["next"] == 24 * 84 * 7 + 1
    assert told["erases"] < 4000 * 24 // 21
    assert told["erases"] / BLOCKS < ENDURANCE / 1000, "not a thousandth of a block's life"
    assert told["files"] < 40
    if acknowledging:
        assert told["held"] == 0
        assert told["nvs"] == 1 + 24 * 84 // 28
    else:
        assert 21 * 84 - 4 <= told["age"] <= 22 * 85 + 2, "what is older than three weeks (and its segment) is gone"


def test_a_full_chip_gives_up_the_oldest(micropython: Micropython, firmware: Path, tmp_path: Path) -> None:
    told = played(micropython, firmware, tmp_path, "full")
    assert told["took"]
    assert told["next"] == 200 * 16 + 1
    assert told["last"] == 200 * 16
    assert 1 < told["first"] < 2900
    assert told["held"] == told["next"] - told["first"]
