"""The rule by which the demo compares the book with the truth; each kind of fault planted must be seen."""

import pytest

from zonetag_backend.simulate.judge import FoundVisit, Verdict, judge
from zonetag_backend.simulate.truth import TrueVisit

END_S, ABSENCE_S = 1800.0, 180.0
TRUE = [TrueVisit(0, 100.0, 500.0), TrueVisit(0, 900.0, None), TrueVisit(1, 120.0, None)]
BOOK = [FoundVisit(0, 80.0, 515.0), FoundVisit(0, 870.0, 1799.0), FoundVisit(1, 100.0, 1798.0)]


def verdict(book: list[FoundVisit]) -> Verdict:
    return judge(TRUE, book, END_S, ABSENCE_S)


def test_a_right_book() -> None:
    assert verdict(BOOK) == Verdict(true=3, found=3, missed=0, invented=0)
    assert verdict(BOOK[::-1]) == Verdict(3, 3, 0, 0)


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        pytest.param(BOOK[1:], Verdict(3, 2, 1, 0), id="one missed"),
        pytest.param([*BOOK, FoundVisit(7, 300.0, 400.0)], Verdict(3, 3, 0, 1), id="one of somebody else invented"),
        pytest.param([*BOOK, BOOK[0]], Verdict(3, 3, 0, 1), id="one twice"),
        pytest.param([BOOK[0], BOOK[2], FoundVisit(0, 961.0, 1799.0)], Verdict(3, 2, 1, 1), id="came too late"),
        pytest.param([*BOOK[1:], FoundVisit(0, 80.0, 561.0)], Verdict(3, 2, 1, 1), id="left too late"),
        pytest.param([*BOOK[:2], FoundVisit(1, 100.0, 1600.0)], Verdict(3, 2, 1, 1), id="left, though she is there"),
        pytest.param([FoundVisit(0, 80.0, 1799.0), BOOK[2]], Verdict(3, 1, 2, 1), id="two visits run together"),
        pytest.param(
            [FoundVisit(0, 80.0, 300.0), FoundVisit(0, 480.0, 515.0), *BOOK[1:]], Verdict(3, 2, 1, 2), id="one torn"
        ),
        pytest.param([], Verdict(3, 0, 3, 0), id="nothing"),
    ],
)
def test_each_fault_is_seen(book: list[FoundVisit], expected: Verdict) -> None:
    assert verdict(book) == expected


def test_at_an_early_end_the_open_visit_counts_as_inside_and_the_one_about_to_begin_on_neither_side() -> None:
    book = [FoundVisit(0, 80.0, 399.0), FoundVisit(1, 100.0, 398.0), FoundVisit(2, 395.0, 399.0)]
    true = [TrueVisit(0, 100.0, 420.0), TrueVisit(1, 120.0, None), TrueVisit(2, 410.0, None)]
    assert judge(true, book, 400.0, ABSENCE_S) == Verdict(true=2, found=2, missed=0, invented=0)
    assert judge(true[:2], book, 400.0, ABSENCE_S) == Verdict(true=2, found=2, missed=0, invented=1)
