"""The order of slots at one gateway."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.slotorder import KEPT, MAX_BOOTS, Line, SlotOrder, admits, note


def take(line: Line, at_ms: int, slot: int) -> bool:
    if line and not admits(line, at_ms, slot):
        return False
    note(line, at_ms, slot)
    return True


def test_an_echo_of_an_earlier_slot_is_refused() -> None:
    line: Line = []
    assert take(line, 0, 10)
    assert take(line, 4000, 11)
    assert not take(line, 5000, 10)
    assert take(line, 5000, 11)
    assert take(line, 8000, 12)


def test_an_echo_is_refused_also_when_it_comes_first() -> None:
    """Reports out of order: the later slot is known, then what must have come before it."""
    line: Line = []
    assert take(line, 8000, 12)
    assert take(line, 0, 10)
    assert not take(line, 4000, 13)
    assert not take(line, 4000, 9)
    assert take(line, 4000, 11)


def test_any_order_of_honest_slots_is_taken() -> None:
    heard = [(0, 1), (100, 1), (4000, 2), (4100, 2), (8000, 3)]
    for order in permutations(heard):
        line: Line = []
        assert all(take(line, *each) for each in order), order


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_what_is_kept_is_bounded_and_in_order(times: list[int]) -> None:
    line: Line = []
    for at in times:
        assert take(line, at, at // 4000)
        assert line == sorted(line)
        assert len(line) <= KEPT


def test_boots_are_bounded_and_apart() -> None:
    order = SlotOrder()
    note(order.boot("gw1", 1).setdefault(0, []), 5, 5)
    assert order.boot("gw1", 2) == {}
    assert order.boot("gw2", 1) == {}
    assert order.boot("gw1", 1) == {0: [(5, 5)]}
    for boot in range(2, MAX_BOOTS + 2):
        order.boot("gw1", boot)
    assert order.boot("gw1", 1) == {}
