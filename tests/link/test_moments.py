"""When a tag lets somebody in: one slot of four, not the last of an epoch, none if so set; on 32-bit MicroPython."""

import json
from pathlib import Path

import pytest
from rig.micropython import Micropython
from rig.tag_bench import TagBench

EPOCH_S, SLOT_S = 1024, 4
LIFE = """
import json
import bluetooth
import world
from zonetag_protocol import linkmessage as say
from zonetag_tag import app, boards
from zonetag_tag.board import Board
from zonetag_tag.radio import Radio

EVERY = %d
time = world.Time()
radio = Radio()
radio.start()
tag = app.Tag(Board(boards.named("esp32-c3-supermini"), time), radio)
tag.boot()
tag._link._orders._settings.told[say.CONNECTABLE] = EVERY
sent = {}


def heard(on_air):
    sent[tag.clock.slot()] = bluetooth.connectable


bluetooth.hear = heard
while time.now_ms < 3 * 1024000:
    time.sleep_ms(tag.step())
print(json.dumps(sorted(sent.items())))
"""


def moments(micropython: Micropython, firmware: Path, tag_bench: TagBench, every: int) -> dict[int, bool]:
    """By slot whether its advert was a connectable one."""
    files = tag_bench.card_file.parent
    done = micropython.run("-c", LIFE % every, heap="1M", path=[firmware], cwd=files)
    assert done.returncode == 0, done.stdout
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def tag_bench(micropython: Micropython, firmware: Path, tmp_path: Path) -> TagBench:
    bench = TagBench(micropython, firmware, tmp_path)
    bench.give_card()
    return bench


@pytest.mark.parametrize("every", [4, 16])
def test_one_slot_in_each_group_drawn_at_random(
    micropython: Micropython, firmware: Path, tag_bench: TagBench, every: int
) -> None:
    sent = moments(micropython, firmware, tag_bench, every)
    assert len(sent) > 3 * EPOCH_S // SLOT_S - 8, "each slot has its advert"
    open_ = [slot for slot, connectable in sent.items() if connectable]
    groups = [slot // every for slot in open_]
    assert len(groups) == len(set(groups)), "one in each group"
    whole = len(sent) // every
    assert whole - 8 <= len(groups) <= whole, "and nearly each has one"
    assert len({slot % every for slot in open_}) > 2, "not always the same"


def test_not_the_last_slot_of_an_epoch(micropython: Micropython, firmware: Path, tag_bench: TagBench) -> None:
    """Were every slot open (which no setting allows) all but these would be."""
    sent = moments(micropython, firmware, tag_bench, 1)
    shut = [slot for slot, connectable in sent.items() if not connectable]
    assert len(shut) == 3
    assert {slot % (EPOCH_S // SLOT_S) for slot in shut} == {EPOCH_S // SLOT_S - 1}


def test_none_when_it_is_told_so(micropython: Micropython, firmware: Path, tag_bench: TagBench) -> None:
    assert not any(moments(micropython, firmware, tag_bench, 0).values())
