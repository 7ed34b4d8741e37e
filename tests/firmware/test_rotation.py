"""A new identifier and a new address always come together, or nothing is sent at all."""

import itertools

import pytest
from rig.tag_bench import Life, TagBench, linked

EPOCH_S = 1024
SLOT_S = 4
HOURS = 3600


def epochs_of(life: Life) -> set[int]:
    return {sent.epoch for sent in life.frames}


def test_a_frame_in_each_slot_an_identifier_and_an_address_in_each_epoch(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=4 * HOURS)
    slots = [(sent.epoch, sent.slot) for sent in life.frames]
    assert len(slots) == len(set(slots)) == 4 * HOURS // SLOT_S
    whole = [(t // EPOCH_S, t % EPOCH_S // SLOT_S) for t in range(tag_bench.t0, tag_bench.t0 + 4 * HOURS, SLOT_S)]
    assert slots == whole
    pairs = {(sent.epoch, sent.address) for sent in life.frames}
    addresses = {sent.address for sent in life.frames}
    assert len(pairs) == len(addresses) == len(epochs_of(life)) == 15
    assert {address[0] for address in addresses} == {1}, "random addresses"
    assert all(address[1] < 0x40 for address in addresses), "non-resolvable: the two highest bits are clear"
    assert len({sent.payload for sent in life.frames}) == len(slots)


def test_a_silence_of_random_length_comes_before_each_new_identifier(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=12 * HOURS)
    firsts: dict[int, int] = {}
    for sent in life.frames:
        firsts.setdefault(sent.epoch, (tag_bench.t0 + sent.second) - sent.epoch * EPOCH_S)
    late = list(firsts.values())[1:]
    # 250 to 1500 ms, seen here in whole seconds.
    assert set(late) == {0, 1}


def test_the_interval_is_jittered_around_the_cards(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=HOURS)
    intervals = {sent.interval_us for sent in life.frames}
    assert min(intervals) >= 175_000
    assert max(intervals) <= 225_000
    assert len(intervals) > 30


@pytest.mark.parametrize("refusals", [1, 3, 9])
def test_an_address_that_does_not_change_silences_the_tag_until_it_does(tag_bench: TagBench, refusals: int) -> None:
    life = tag_bench.live(seconds=HOURS, events=[[600, "refuse", refusals]])
    assert linked(life.frames) == []
    assert life.end["counts"]["address"] == refusals
    assert len(epochs_of(life)) == 5, "it went on"
    assert [line["zonetag-fault"] for line in life.said if "zonetag" not in line] == ["address"]
    assert any(" address " in line for line in life.end["log"])
    silent = [b.second - a.second for a, b in itertools.pairwise(life.frames)]
    assert max(silent) <= SLOT_S + 2 + refusals // 2


def test_a_radio_that_never_takes_an_address_ends_in_a_reset(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=HOURS, events=[[600, "refuse", 1000]])
    assert life.end["ended"] == "Stuck"
    assert len(epochs_of(life)) == 2, "nothing after the refusals began"
    assert life.end["counts"]["address"] == 32
    assert life.end["counts"]["crash"] == 1
    after = tag_bench.live(seconds=60)
    assert after.frames


def test_refusals_are_counted_anew_after_each_success(tag_bench: TagBench) -> None:
    events = [[second, "refuse", 10] for second in (300, 1350, 2400, 3450)]
    life = tag_bench.live(seconds=5000, events=events)
    assert life.end["ended"] == "time"
    assert life.end["counts"]["address"] == 40


def test_control_without_the_check_the_tag_can_be_followed(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=HOURS, events=[[600, "refuse", 1]], control="unchecked")
    assert len(linked(life.frames)) == 1


def test_control_advertising_left_on_is_refused_and_counted(tag_bench: TagBench) -> None:
    """The stand-in refuses as the controller does; the check sees it, and nothing more is sent."""
    life = tag_bench.live(seconds=HOURS, control="hasty")
    assert linked(life.frames) == []
    assert life.end["counts"]["address"] > 0


def test_an_error_of_the_stack_restarts_it_under_a_new_address(tag_bench: TagBench) -> None:
    life = tag_bench.live(seconds=120, events=[[60, "advertise_fails", 1]])
    assert linked(life.frames) == []
    assert life.end["counts"]["radio"] == 1
    assert life.frames[-1].second >= 114
    assert len({sent.address for sent in life.frames}) == 2
