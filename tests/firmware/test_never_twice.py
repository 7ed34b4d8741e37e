"""No identifier and slot is ever sent twice, whatever happens to the supply, the NVS and the file system."""

import itertools
import random

import pytest
from rig.tag_bench import Life, TagBench, linked, repeated

NVS_STEP_S = 64
FILE_STEP_S = 1024
SLOT_S = 4


def gap_s(before: Life, after: Life) -> int:
    """Seconds of the tag's clock between the last frame of one life and the first of the next."""
    last, first = before.frames[-1], after.frames[0]
    return (first.epoch - last.epoch) * 1024 + (first.slot - last.slot) * SLOT_S


def test_resets_at_any_second(tag_bench: TagBench) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    lives = [tag_bench.live(seconds=chance.randrange(1, 1500), reset_cause=chance.randrange(6)) for _ in range(12)]
    assert repeated(lives) == []
    assert all(linked(life.frames) == [] for life in lives)
    for before, after in itertools.pairwise(lives):
        if before.frames and after.frames:
            assert 0 < gap_s(before, after) <= NVS_STEP_S + 2 * SLOT_S


def test_a_tag_that_resets_again_and_again_keeps_its_clock(tag_bench: TagBench) -> None:
    """An empty cell lets the chip start and send once; the backend must still find the tag when it is charged."""
    lives = [tag_bench.live(seconds=3) for _ in range(40)]
    assert repeated(lives) == []
    assert all(life.frames for life in lives)
    gone = lives[-1].end["t"] - lives[0].end["t"]
    assert gone <= 40 * 2 * SLOT_S


def test_longer_lives_reserve_more_but_never_much_more_than_they_lived(tag_bench: TagBench) -> None:
    lives = [tag_bench.live(seconds=10) for _ in range(20)]
    assert repeated(lives) == []
    assert lives[-1].end["t"] - lives[0].end["t"] <= 20 * (10 + 8 + SLOT_S)


@pytest.mark.parametrize("write", range(1, 14))
def test_a_torn_nvs_write(tag_bench: TagBench, write: int) -> None:
    first = tag_bench.live(seconds=400)
    cut = tag_bench.live(seconds=600, nvs_torn_at=write)
    assert cut.end["ended"] == ("power cut" if write <= cut.end["nvs_writes"] else "time")
    after = tag_bench.live(seconds=600)
    assert repeated([first, cut, after]) == []
    assert after.frames


@pytest.mark.parametrize("write", range(1, 40, 3))
def test_a_torn_flash_write(tag_bench: TagBench, write: int) -> None:
    first = tag_bench.live(seconds=400, chip=True)
    cut = tag_bench.live(seconds=6000, chip=True, cut_at=write)
    # What the cut spared must not save the day: the file alone has to do.
    tag_bench.wipe_nvs()
    after = tag_bench.live(seconds=600, chip=True)
    assert repeated([first, cut, after]) == []
    assert after.frames


def test_a_lost_nvs(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=5000)
    tag_bench.wipe_nvs()
    second = tag_bench.live(seconds=5000)
    assert repeated([first, second]) == []
    assert 0 < gap_s(first, second) <= FILE_STEP_S + SLOT_S, "still near enough for the backend to find"


def test_a_lost_clock_file(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=5000)
    (tag_bench.folder / "files" / "clock.bin").unlink()
    second = tag_bench.live(seconds=5000)
    assert repeated([first, second]) == []


def test_both_records_unreadable_silence_the_tag(tag_bench: TagBench) -> None:
    tag_bench.live(seconds=100)
    tag_bench.wipe_nvs()
    (tag_bench.folder / "files" / "clock.bin").write_bytes(b"torn")
    after = tag_bench.live(seconds=100)
    assert after.frames == []
    assert after.end["code"] == "clock"
    assert after.end["counts"]["clock"] == 1
    assert after.said[0]["zonetag-fault"] == "clock"


def test_a_full_flash_says_so_and_goes_on(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=3000, chip=True)
    full = tag_bench.live(seconds=5000, chip=True, fill=True)
    assert len(full.frames) == 1250
    assert full.end["code"] == "flash"
    assert full.end["counts"]["flash"] > 0
    again = tag_bench.live(seconds=5000, chip=True)
    tag_bench.wipe_nvs()
    last = tag_bench.live(seconds=100, chip=True)
    assert repeated([first, full, again, last]) == []


def test_a_file_system_that_takes_nothing_says_so_and_goes_on(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=3000)
    stuck = tag_bench.live(seconds=3000, refusing=True)
    again = tag_bench.live(seconds=3000, refusing=True)
    assert stuck.end["code"] == "flash"
    assert len(stuck.frames) == len(again.frames) == 750
    assert repeated([first, stuck, again]) == []


def test_a_new_tag_sends_nothing_until_its_files_take_something(tag_bench: TagBench) -> None:
    """Else a lost NVS would make it a new tag once more."""
    life = tag_bench.live(seconds=100, refusing=True)
    assert life.frames == []
    assert life.end["code"] == "flash"


def test_an_nvs_that_takes_nothing_says_so_and_the_file_serves(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=3000)
    worn = tag_bench.live(seconds=3000, nvs_fails=True)
    assert worn.end["counts"]["nvs"] > 0
    assert worn.end["code"] == "flash"
    assert len(worn.frames) == 750
    # The old records in NVS are still there and in order; the file says not to believe them.
    again = tag_bench.live(seconds=3000)
    assert repeated([first, worn, again]) == []


def test_a_file_that_could_not_be_renewed_is_not_believed_later(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=3000)
    stuck = tag_bench.live(seconds=3000, refusing=True, truncates=True)
    assert len(stuck.frames) == 750
    tag_bench.wipe_nvs()
    after = tag_bench.live(seconds=3000)
    assert repeated([first, stuck, after]) == []
    assert after.frames == []
    assert after.end["code"] == "clock"


def test_both_fail_in_mid_life_and_the_last_frame_leaves_the_air(tag_bench: TagBench) -> None:
    tag_bench.live(seconds=100)
    # Within one epoch: a rotation would silence it too.
    life = tag_bench.live(seconds=200, refusing=True, events=[[20, "nvs_fails", True]])
    assert 20 <= life.frames[-1].second <= 20 + NVS_STEP_S
    assert not life.end["on_air"]


def test_nvs_and_files_fail_together_and_the_tag_falls_silent(tag_bench: TagBench) -> None:
    tag_bench.live(seconds=100)
    life = tag_bench.live(seconds=3000, nvs_fails=True, refusing=True)
    assert life.frames == []


def test_a_tag_flashed_again_begins_at_its_new_card(tag_bench: TagBench) -> None:
    """What the former life left in NVS is under another key."""
    tag_bench.live(seconds=5000)
    (tag_bench.folder / "files" / "clock.bin").unlink()
    tag_bench.give_card(master=bytes(range(16, 32)), t0=50_000)
    life = tag_bench.live(seconds=100)
    assert life.said[0]["t"] == 50_000


def test_control_a_clock_that_begins_anew_repeats_its_frames(tag_bench: TagBench) -> None:
    first = tag_bench.live(seconds=400)
    tag_bench.wipe_nvs()
    (tag_bench.folder / "files" / "clock.bin").unlink()
    second = tag_bench.live(seconds=400)
    assert repeated([first, second])
