"""Presence and visits: the same in whatever order things become known."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.presence import CUT_MS, GAP_MS, Span, cut, merged, presence, reach
from zonetag_backend.visits import Visit, visits

ABSENCE_MS = 900_000
HOUR = 1_790_001_000_000 // CUT_MS * CUT_MS

moments = st.integers(-2 * CUT_MS, 3 * CUT_MS).map(lambda ms: HOUR + ms)
# Round numbers too, so that edges meet.
edges = st.sampled_from([HOUR, HOUR - GAP_MS, HOUR + GAP_MS, HOUR + CUT_MS, HOUR - 1, HOUR + 1, HOUR + ABSENCE_MS])
spans = st.tuples(moments | edges, st.sampled_from([0, 1, 3000, 60_000, 650_000])).map(lambda s: (s[0], s[0] + s[1]))


def add_presence(table: set[Span], new: list[Span]) -> None:
    """As the store does it: look at what is near, put what follows in its place."""
    low, high = reach(new)
    near = {span for span in table if low <= span[0] <= high}
    table -= near
    table |= set(presence(near, new))


def add_visit(table: set[Span], new: list[Span], now_ms: int = HOUR) -> list[Visit]:
    low, high = min(s for s, _ in new) - ABSENCE_MS, max(e for _, e in new) + ABSENCE_MS
    near = [Visit(*span, None) for span in sorted(table) if span[1] >= low and span[0] <= high]
    change = visits(near, new, ABSENCE_MS, now_ms)
    for gone in change.gone:
        table.remove(gone[:2])
    for there in change.there:
        assert there[:2] not in table
        table.add(there[:2])
    return change.corrections


@given(st.lists(st.lists(spans, min_size=1, max_size=4), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_presence_does_not_depend_on_order_or_repetition(reports: list[list[Span]], rng: random.Random) -> None:
    expected = set(cut(merged([span for report in reports for span in report], GAP_MS)))
    shuffled = [*reports, *rng.sample(reports, len(reports) // 2)]
    rng.shuffle(shuffled)
    table: set[Span] = set()
    for report in shuffled:
        add_presence(table, report)
    assert table == expected
    assert all(end - start <= CUT_MS for start, end in table)


@given(st.lists(st.lists(spans, min_size=1, max_size=4), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_visits_do_not_depend_on_order_or_repetition(reports: list[list[Span]], rng: random.Random) -> None:
    expected = set(merged([span for report in reports for span in report], ABSENCE_MS))
    shuffled = [*reports, *rng.sample(reports, len(reports) // 2)]
    rng.shuffle(shuffled)
    table: set[Span] = set()
    for report in shuffled:
        add_visit(table, report)
    assert table == expected


@given(st.lists(spans, max_size=20))
def test_merging_covers_the_same_moments_and_keeps_gaps(heard: list[Span]) -> None:
    out = merged(heard, GAP_MS)
    assert all(b[0] - a[1] > GAP_MS for a, b in pairwise(out))
    assert all(any(s <= start and end <= e for s, e in out) for start, end in heard)
    assert {s for s, _ in out} <= {s for s, _ in heard}
    assert {e for _, e in out} <= {e for _, e in heard}


@given(st.lists(spans, max_size=20))
def test_cutting_loses_nothing(heard: list[Span]) -> None:
    whole = merged(heard, 0)
    pieces = cut(whole)
    assert merged(pieces, 0) == whole
    assert all(start // CUT_MS == max(start, end - 1) // CUT_MS for start, end in pieces)


def test_a_gap_of_a_minute_is_closed_and_one_of_more_is_not() -> None:
    assert merged([(0, 10), (GAP_MS + 10, GAP_MS + 20)], GAP_MS) == [(0, GAP_MS + 20)]
    assert merged([(0, 10), (GAP_MS + 11, GAP_MS + 20)], GAP_MS) == [(0, 10), (GAP_MS + 11, GAP_MS + 20)]


def test_the_end_of_a_visit_in_time_is_no_correction() -> None:
    change = visits([Visit(0, 1000, None)], [(60_000, 61_000)], ABSENCE_MS, 62_000)
    assert change.there == [Visit(0, 61_000, None)]
    assert change.corrections == []


def test_a_report_that_changes_nothing_changes_nothing() -> None:
    change = visits([Visit(0, 61_000, None)], [(1000, 2000)], ABSENCE_MS, 10**9)
    assert change == ([], [], [])


def test_a_late_report_that_lengthens_an_ended_visit_corrects_it() -> None:
    now = 10**9
    change = visits([Visit(0, 1000, None)], [(60_000, 61_000)], ABSENCE_MS, now)
    assert change.there == [Visit(0, 61_000, now)]
    assert change.corrections == [Visit(0, 1000, None)]


def test_a_late_report_that_joins_two_ended_visits_corrects_both() -> None:
    now, gap = 10**9, ABSENCE_MS
    old = [Visit(0, 1000, None), Visit(2 * gap, 2 * gap + 5, None)]
    change = visits(old, [(gap, gap + 10)], ABSENCE_MS, now)
    assert change.there == [Visit(0, 2 * gap + 5, now)]
    assert change.gone == old
    assert change.corrections == old


def test_a_spool_that_is_emptied_is_one_correction() -> None:
    now = 10**9
    change = visits([Visit(0, 1000, None)], [(60_000, 61_000)], ABSENCE_MS, now)
    corrections = len(change.corrections)
    for step in range(2, 100):
        change = visits(change.there, [(step * 60_000, step * 60_000 + 1000)], ABSENCE_MS, now + step * 100)
        corrections += len(change.corrections)
    assert corrections == 1
    assert change.there[0].corrected_ms == now + 9900


def test_a_late_report_after_a_correction_had_stood_is_another() -> None:
    old = [Visit(0, 1000, 10**9)]
    assert visits(old, [(2000, 3000)], ABSENCE_MS, 10**9 + ABSENCE_MS).corrections == old
    assert visits(old, [(2000, 3000)], ABSENCE_MS, 10**9 + ABSENCE_MS - 1).corrections == []


def test_a_visit_that_becomes_known_late_says_so() -> None:
    assert visits([], [(0, 1000)], ABSENCE_MS, 10**9).there == [Visit(0, 1000, 10**9)]
    assert visits([], [(0, 1000)], ABSENCE_MS, 5000).there == [Visit(0, 1000, None)]
