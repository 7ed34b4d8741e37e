"""Folding: exact counts, quantiles and times; every advert counted once; a flood bounded and survived."""

import random
import tracemalloc
from collections import Counter
from math import ceil

import pytest
from rig.tags import Tag

from zonetag_gateway.room import Room
from zonetag_gateway.sightings import Folder
from zonetag_gateway.window import ClosedWindow, departed, quantiles
from zonetag_protocol.frame import HEAD

T0 = 1_790_000_000
BADGE = bytes.fromhex("0201060303aafe0d16aafe30eb") + b"badge-no"
PHONE = bytes.fromhex("02011a03036ffd17166ffd") + bytes(range(20))
ETLM = bytes.fromhex("0201060303aafe1516aafe2001") + bytes(16)
CUT = HEAD + b"\xeb" + bytes(4)


def total(tallies: dict[str, int]) -> int:
    """What of `adverts` is not in windows."""
    return sum(n for name, n in tallies.items() if name == "malformed" or name.startswith(("adverts.", "dropped.")))


def test_one_window_with_literal_numbers() -> None:
    folder = Folder()
    data = Tag(1).advert(T0)
    for at, rssi in ((10.0, -60), (10.25, -70), (10.5, -65), (11.75, -61)):
        folder.hear(bytes(data), rssi, at)
    assert folder.close(12.0) == []
    (window,) = folder.close(14.8)
    assert window == ClosedWindow(1, data[13:21], data[25:31], 10.0, 11.75, 4, -60, -60, -65, -70)
    assert folder.take_tallies() == {"adverts": 4, "windows": 1}


def test_a_window_ends_at_its_length_to_the_advert() -> None:
    """Without any call of `close` in between: a fast replay makes none."""
    folder = Folder(window_s=4.0)
    data = Tag(1).advert(T0)
    for i in range(81):
        folder.hear(bytes(data), -60, i * 0.1)
    windows = folder.flush()
    assert [(w.first, w.last, w.count) for w in windows] == [
        (0.0, pytest.approx(3.9), 40),
        (4.0, pytest.approx(7.9), 40),
        (8.0, 8.0, 1),
    ]


def test_a_new_slot_is_a_new_window() -> None:
    folder = Folder()
    for at in (0.0, 1.0, 4.0, 5.0):
        folder.hear(Tag(1).advert(T0 + int(at)), -60, at)
    assert Counter(w.count for w in folder.flush()) == {2: 2}


def test_silence_closes_a_window() -> None:
    folder = Folder(window_s=60, silence_s=3.0)
    folder.hear(Tag(1).advert(T0), -60, 0.0)
    assert folder.close(2.9) == []
    assert len(folder.close(4.0)) == 1


def test_the_wearer_moved() -> None:
    """Six readings that fell by 15 dB close the window; one deep fade does not."""
    folder = Folder(window_s=60, change_db=12)
    for i, rssi in enumerate((-60, -61, -60, -95, -61, -60, -60)):
        folder.hear(Tag(1).advert(T0), rssi, i * 0.1)
    assert folder.close(0.7) == []
    for i, rssi in enumerate((-75, -75, -75)):
        folder.hear(Tag(1).advert(T0), rssi, 0.8 + i * 0.1)
    assert [w.count for w in folder.close(1.8)] == [10]
    still = Folder(window_s=60, change_db=0)
    for i, rssi in enumerate((-40, -40, -40, -90, -90, -90)):
        still.hear(Tag(1).advert(T0), rssi, i * 0.1)
    assert still.close(1.0) == []
    assert not departed([-40, -90, -90], 12)


def test_a_line_of_time_that_goes_back_leaves_nothing_open_for_ever() -> None:
    folder = Folder()
    folder.hear(Tag(1).advert(T0), -60, 1000.0)
    folder.hear(Tag(1).advert(T0), -60, 5.0)
    (window,) = folder.close(5.1)
    assert (window.first, window.last, window.count) == (1000.0, 1000.0, 2)


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11, 20, 101])
def test_quantiles_are_by_nearest_rank(n: int) -> None:
    dice = random.Random(n)
    readings = [dice.randint(-100, -30) for _ in range(n)]
    ranked = sorted(readings)
    expected = (ranked[-1], ranked[ceil(n * 9 / 10) - 1], ranked[ceil(n / 2) - 1], ranked[0])
    assert quantiles(readings) == expected


def test_readings_that_are_none() -> None:
    assert quantiles([127, -60, 127]) == (-60, -60, -60, -60)
    assert quantiles([127]) == (-128, -128, -128, -128)
    assert quantiles([-300, 200, -50]) == (-50, -50, -128, -128)


def test_every_kind_is_counted_once() -> None:
    folder = Folder()
    heard = [Tag(1).advert(T0)] * 5 + [BADGE] * 4 + [PHONE] * 3 + [ETLM] * 2 + [CUT] * 2 + [b""] * 6 + [b"\x02\x01\x1a"]
    for i, data in enumerate(heard):
        folder.hear(bytes(bytearray(data)), -70, i * 0.01)
    windows = folder.flush()
    assert sorted((w.kind, w.count, w.auth == bytes(6)) for w in windows) == [(1, 5, False), (2, 4, True)]
    assert folder.take_tallies() == {
        "adverts": len(heard),
        "windows": 2,
        "adverts.exposure-notification": 3,
        "phones.exposure-notification": 1,
        "adverts.eddystone-etlm": 2,
        "malformed": 2,
        "adverts.unknown": 7,
    }


def test_our_frame_in_another_order_is_ours_too() -> None:
    data = Tag(1).advert(T0)
    turned = data[:3] + data[21:31] + data[3:21]
    folder = Folder()
    folder.hear(turned, -60, 0.0)
    (window,) = folder.flush()
    assert (window.kind, window.eid, window.auth) == (1, data[13:21], data[25:31])


def test_another_company_is_a_badge() -> None:
    folder = Folder(company=0x1234)
    folder.hear(Tag(1).advert(T0), -60, 0.0)
    assert [w.kind for w in folder.flush()] == [2]


def test_phones_are_counted_anew_in_each_batch_and_forgotten() -> None:
    folder = Folder()
    for batch in range(3):
        for phone in range(5):
            for i in range(4):
                folder.hear(PHONE[:-1] + bytes([phone]), -60, batch * 5 + i)
        folder.close(batch * 5 + 5.0)
        assert folder.take_tallies() == {
            "adverts": 20,
            "adverts.exposure-notification": 20,
            "phones.exposure-notification": 5,
        }
    assert not any(
        PHONE[:-1] + bytes([phone]) in folder._open for phone in range(5)
    )  # nothing of a phone outlives its batch


def test_everything_adds_up_whatever_comes() -> None:
    """Random traffic in a small table: each advert in exactly one window or one tally."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    folder = Folder(max_open=32)
    windows: list[ClosedWindow] = []
    tallies: Counter[str] = Counter()
    shapes = [
        lambda: Tag(dice.randrange(60)).advert(T0 + dice.randrange(8)),
        lambda: BADGE[:-1] + bytes([dice.randrange(256)]),
        lambda: PHONE[:-1] + bytes([dice.randrange(256)]),
        lambda: dice.randbytes(dice.randrange(40)),
    ]
    for i in range(20_000):
        folder.hear(dice.choice(shapes)(), dice.randint(-127, 127), i * 0.01)
        if dice.random() < 0.02:
            windows += folder.close(i * 0.01)
        if dice.random() < 0.002:
            tallies.update(folder.take_tallies())
    windows += folder.flush()
    tallies.update(folder.take_tallies())
    tallies.update(folder.take_tallies())
    assert tallies["adverts"] == 20_000 == sum(w.count for w in windows) + total(dict(tallies))
    assert tallies["windows"] == len(windows)
    assert tallies["dropped.flood"] > 0
    assert all(w.first <= w.last < w.first + 4.0 for w in windows)
    assert len(folder._room) == 0


def test_more_readings_than_a_report_can_say() -> None:
    folder = Folder()
    for _ in range(70_000):
        folder.hear(BADGE, -60, 1.0)
    (window,) = folder.close(1.0)  # time stands still, as a broken capture's may
    assert window.count == 65_535
    assert folder.take_tallies() == {"adverts": 70_000, "windows": 1, "dropped.surplus": 70_000 - 65_535}


class Flood:
    """5,000 invented frames a second beside ten tags that were there before, each heard four times a second."""

    def __init__(self, room: Room) -> None:
        self.folder = Folder(room=room)
        self.tags = [Tag(n) for n in range(10)]
        self.reported: Counter[bytes] = Counter()
        self.second = 0
        self._dice = random.Random(1)

    def run(self, seconds: int, invented: int, tags: int = 10) -> None:
        for _ in range(seconds):
            self.second += 1
            frames = [tag.advert(T0 + self.second) for tag in self.tags[:tags]]
            for quarter in range(4):
                at = self.second + quarter / 4
                air = [
                    HEAD + b"\xeb" + self._dice.randbytes(8) + b"\x09\xff\xff\xff" + self._dice.randbytes(6)
                    for _ in range(invented // 4)
                ]
                for frame in frames:
                    air.insert(self._dice.randint(0, len(air)), bytes(bytearray(frame)))
                for advert in air:
                    self.folder.hear(advert, -60, at)
                for window in self.folder.close(at + 0.2):
                    self.reported[window.eid] += window.count
            if self.second % 5 == 0:
                self.folder.take_tallies()


def test_a_flood_leaves_memory_flat_and_the_tags_heard() -> None:
    flood = Flood(Room(1024))
    flood.run(10, invented=0)
    flood.run(20, invented=5000)
    before = dict(flood.reported)
    tracemalloc.start()
    flood.run(10, invented=5000)
    first = tracemalloc.get_traced_memory()[0]
    flood.run(20, invented=5000)
    second = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for tag in flood.tags:
        eid = tag.advert(T0)[13:21]
        # 30 s of 4 adverts, of which the last window may still be open
        assert flood.reported[eid] - before[eid] >= 30 * 4 - 17, "a tag heard before the flood was not reported"
    flood.reported.clear()
    assert second - first < 3_000_000  # the counter of this test grows by every identifier let in


class FirstCome(Room):
    """A table of the same size without a reserve."""

    def promote(self, eid: bytes, heard: float) -> bool:
        return False

    def goes_on(self, eid: bytes) -> bool:
        return False


def test_control_without_the_reserve_the_tags_are_lost() -> None:
    flood = Flood(FirstCome(1024))
    flood.run(10, invented=0)
    before = dict(flood.reported)
    flood.run(20, invented=5000)
    heard = [flood.reported[tag.advert(T0)[13:21]] - before[tag.advert(T0)[13:21]] for tag in flood.tags]
    assert min(heard) < 20 * 4 - 17


def test_a_stranger_heard_again_soon_gets_in_however_fast_others_take_what_comes_free() -> None:
    room = Room(16)
    while room.take(random.randbytes(8)) is not None:
        pass
    tag = bytes(8)
    assert room.take(tag) is None
    for _ in range(10_000):  # two seconds of a flood, always ahead of the tag
        assert room.take(random.randbytes(8)) is None
    assert room.take(tag) is True
    room.leave(tag, True, 5.0)
    assert room.take(tag) is True


def test_a_tag_that_comes_during_a_flood_gets_in() -> None:
    flood = Flood(Room(4096))
    flood.run(10, invented=0, tags=9)
    flood.run(20, invented=5000, tags=9)
    flood.run(30, invented=5000, tags=10)
    newcomer = flood.tags[9].advert(T0)[13:21]
    assert flood.reported[newcomer] >= 40
