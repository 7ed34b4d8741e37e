"""Looks, contacts and the gate: the pure parts, on this Python (test_link.py runs them on the tag's)."""

import random

import pytest

from zonetag_protocol import contact, frame, rotation
from zonetag_tag import gate
from zonetag_tag.contacts import KEEP, SEATS, START, STOP, WAIT, Contacts, Ear, Plan, look_ms

T = 1_790_000_000 // 1024 * 1024


def advert(number: int, t: int = T, company: int = 0xFFFF) -> bytes:
    return frame.seal(rotation.derive_keys(number.to_bytes(16)), t, 7, company=company)


def ear_with(*heard: tuple[bytes, int]) -> Ear:
    ear = Ear(0xFFFF, -100)
    for data, rssi in heard:
        ear.hear(memoryview(data), rssi)
    return ear


def looks(every: int, length_ms: int, seed: int, seconds: int = 4096) -> list[tuple[int, int]]:
    """(begin, end) in ms of the looks of a tag that sleeps as it is told, but 4 s at most."""
    rng = random.Random(seed)
    plan, out, now, began = Plan(every, length_ms), [], 0, -1
    while now < seconds * 1000:
        action, wake = plan.step(T + now // 1000, now % 1000, rng.getrandbits(16))
        if action == START:
            assert began < 0
            began = now
        elif action == STOP:
            assert began >= 0
            out.append((began, now))
            began = -1
        assert wake > 0
        now += min(wake, 4000)
    return out


@pytest.mark.parametrize("every", [1, 2, 5])
def test_one_look_in_each_nth_cell_within_it_and_as_long_as_told(every: int) -> None:
    seen = looks(every, 300, 1)
    cells = [begin // 32000 for begin, _ in seen]
    first = T // 32
    assert cells == [cell for cell in range(4096 // 32) if (first + cell) % every == 0]
    assert all(begin // 32000 == end // 32000 for begin, end in seen)
    assert {end - begin for begin, end in seen} == {300}


def test_no_looks_at_all() -> None:
    assert looks(0, 300, 1) == []


def test_two_tags_in_step_do_not_look_at_the_same_moments() -> None:
    one, other = looks(1, 300, 1), looks(1, 300, 2)
    together = sum(abs(a[0] - b[0]) < 300 for a, b in zip(one, other, strict=True))
    assert together < 10, "of 128"
    assert max(begin % 32000 for begin, _ in one) - min(begin % 32000 for begin, _ in one) > 25000


def test_a_clock_that_goes_forward_ends_a_look() -> None:
    plan = Plan(1, 300)
    assert plan.step(T, 0, 500) == (WAIT, 500)
    assert plan.step(T, 500, 0)[0] == START
    assert plan.step(T + 100_000, 0, 0)[0] == STOP
    assert plan.step(T + 100_000, 1, 0)[0] in (WAIT, START)


def test_a_look_hears_each_tag_that_moves() -> None:
    assert [look_ms(ms) for ms in (100, 200, 250, 1000)] == [132, 245, 301, 600]
    for interval in (200, 250):
        assert look_ms(interval) >= interval + interval // 8 + 10


def test_only_our_own_frames_are_taken() -> None:
    good = advert(1)
    hostile = [b"", good[:-1], good + b"\0", bytes(31), b"\xff" * 31, advert(1, company=0x1234)]
    hostile += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in (*range(12), 21, 22, 23, 24)]
    ear = ear_with(*[(data, -50) for data in hostile], (good, -101), (good, 127))
    assert ear.used == 0
    rng = random.Random(5)
    for _ in range(2000):
        ear.hear(memoryview(rng.randbytes(rng.randrange(40))), rng.randrange(-128, 128))
    assert ear.used == 0


def test_the_strongest_frame_of_a_look_is_kept() -> None:
    first, second = advert(1, T), advert(1, T + 4)
    ear = ear_with((first, -70), (second, -60), (first, -65))
    assert ear.used == 1
    assert ear.heard(0) == (first[13:21], second[25:31], -60, 3)


def test_a_crowd_leaves_the_strongest() -> None:
    ear = ear_with(*[(advert(number), -90 + number) for number in range(2 * SEATS)])
    assert ear.used == SEATS
    assert {ear.heard(number)[2] for number in range(SEATS)} == set(range(-90 + SEATS, -90 + 2 * SEATS))
    contacts = Contacts()
    assert contacts.add(T, ear) == []
    kept = contacts.close(T + 1024)
    assert len(kept) == KEEP
    assert min(contact.unpack(record).max_dbm for record in kept) == -90 + 2 * SEATS - KEEP


def test_an_epoch_becomes_records() -> None:
    contacts = Contacts()
    near, far = advert(1), advert(2)
    assert contacts.add(T + 10, ear_with((near, -50), (far, -95))) == []
    assert contacts.add(T + 45, ear_with((near, -62), (near, -61))) == []
    assert contacts.add(T + 1000, ear_with((advert(1, T + 1000), -40))) == []
    assert contacts.add(T + 1010, ear_with((advert(1, T + 1008), -70))) == [], "weaker, and later"
    assert contacts.close(T + 1023) == []
    over = [contact.unpack(record) for record in contacts.add(T + 1030, ear_with((advert(3, T + 1024), -50)))]
    assert [(one.eid, one.max_dbm, one.count) for one in over] == [(near[13:21], -40, 5), (far[13:21], -95, 1)]
    assert over[0].at == 250
    assert over[0].auth == advert(1, T + 1000)[25:31]
    levels = contact.levels(over[0].cells)
    assert {cell: level for cell, level in enumerate(levels) if level} == {0: 12, 1: 9, 31: 15}
    assert [contact.unpack(record).epoch for record in contacts.close(T + 2048)] == [(T >> 10) + 1]
    assert contacts.close(T + 4096) == []


def test_the_gates_budget_for_strangers() -> None:
    """A stranger who connects whenever he can and says nothing, for three hours."""
    door = gate.Gate()
    spent: list[int] = []
    now = busy = 0
    while now < 3 * 3600_000:
        if not door.open():
            door.passed(1000, False)
            now += 1000
            continue
        door.passed(gate.HELLO_MS, True)
        door.ended(False)
        now += gate.HELLO_MS
        busy += gate.HELLO_MS
        if now // 3600_000 > len(spent):
            spent.append(busy)
            busy = 0
    last = gate.HELLO_MS  # a connection that begins in an hour may end behind it
    assert spent[0] <= 100_000 + last
    assert all(0 < hour <= 60_000 + last for hour in spent[1:])


def test_a_proof_ends_the_back_off() -> None:
    door = gate.Gate()
    for _ in range(9):
        door.ended(False)
    door.passed(255_000, False)
    assert not door.open()
    door.ended(True)
    assert door.open()
    door.ended(False)
    door.passed(3999, False)
    assert not door.open()
    door.passed(1, False)
    assert door.open()


@pytest.mark.parametrize(
    ("proved", "greeted", "age", "silent", "over"),
    [
        (False, False, 5999, 0, False),
        (False, False, 6000, 0, True),
        (False, True, 9999, 0, False),
        (False, True, 10_000, 0, True),
        (True, True, 299_999, 19_999, False),
        (True, True, 300_000, 0, True),
        (True, True, 30_000, 20_000, True),
    ],
)
def test_deadlines(proved: bool, greeted: bool, age: int, silent: int, over: bool) -> None:
    assert gate.overdue(proved, greeted, age, silent) == over
