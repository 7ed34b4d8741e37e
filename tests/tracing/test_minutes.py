"""Minutes and their spread, against all 2^n ways in which pieces can be close."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.tracing.encounter import overlaid
from zonetag_backend.tracing.minutes import BANDS, MINUTE_MS, PIECE_MS, Piece, minutes, minutes_of, pieces

lengths = st.integers(1, 20).map(lambda n: n * MINUTE_MS)
chances = st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.7, 0.99, 1.0])
some = st.lists(st.tuples(lengths, chances), max_size=8)


def in_a_row(of: list[tuple[int, float]]) -> list[Piece]:
    at, out = 0, []
    for length, chance in of:
        out.append(Piece(at, at + length, chance))
        at += length
    return out


@given(some, st.integers(1, 60))
def test_the_probability_is_that_of_all_ways(of: list[tuple[int, float]], wanted: int) -> None:
    reached = expected = 0.0
    for close in product([False, True], repeat=len(of)):
        chance, total = 1.0, 0.0
        for (length, p), is_close in zip(of, close, strict=True):
            chance *= p if is_close else 1 - p
            total += length / MINUTE_MS * is_close
        expected += chance * total
        reached += chance * (total >= wanted)
    told = minutes(in_a_row(of), wanted)
    assert told.reached == pytest.approx(reached, abs=1e-9)
    assert told.expected == pytest.approx(expected)
    assert told.low <= told.expected + 1e-9
    assert told.expected <= told.high + 1e-9
    assert sum(told.bands) == pytest.approx(sum(length for length, _ in of) / MINUTE_MS)


@given(st.lists(st.tuples(lengths, st.tuples(chances, chances, chances)), min_size=1, max_size=8), st.integers(1, 60))
def test_one_of_several_worlds_is_true(of: list[tuple[int, tuple[float, ...]]], wanted: int) -> None:
    pieces_of = in_a_row([(length, sum(each) / 3) for length, each in of])
    worlds = [piece._replace(worlds=each) for piece, (_, each) in zip(pieces_of, of, strict=True)]
    told = minutes(worlds, wanted)
    each_by_itself = [minutes(in_a_row([(length, each[n]) for length, each in of]), wanted) for n in range(3)]
    assert told.reached == pytest.approx(sum(each.reached for each in each_by_itself) / 3, abs=1e-9)
    assert told.expected == pytest.approx(sum(each.expected for each in each_by_itself) / 3)
    assert told.bands == minutes(pieces_of, wanted).bands
    assert min(each.low for each in each_by_itself) - 1e-9 <= told.low <= told.expected <= told.high


def test_days_are_told_the_same_together_and_alone() -> None:
    days = [in_a_row([(4 * MINUTE_MS, 0.3 + 0.1 * (n % 5))] * n) for n in (1, 3, 3, 7, 9, 7, 2)]
    days[1] = [piece._replace(worlds=(0.0, 2 * piece.probability)) for piece in days[1]]
    assert minutes_of(days, 10) == [minutes(day, 10) for day in days]
    assert days[1][0].probability == days[2][0].probability
    assert minutes(days[1], 10).reached > minutes(days[2], 10).reached  # the control: worlds change what is said


@given(some)
def test_more_minutes_are_never_more_probable(of: list[tuple[int, float]]) -> None:
    told = [minutes(in_a_row(of), wanted).reached for wanted in range(1, 60)]
    assert all(a >= b - 1e-12 for a, b in pairwise(told))


@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 700_000), chances), max_size=20))
def test_laid_over_each_other_nothing_counts_twice_and_nothing_is_lost(of: list[tuple[int, int, float]]) -> None:
    read = [Piece(start, start + length, chance) for start, length, chance in of]
    flat = overlaid(sorted(read))
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(flat))
    for piece in flat:
        covering = [each for each in read if each.start_ms <= piece.start_ms and piece.end_ms <= each.end_ms]
        assert covering
        mean = sum(each.probability for each in covering) / len(covering)
        assert piece.probability == pytest.approx(mean)
    for moment in {each.start_ms for each in read} | {each.end_ms - 1 for each in read}:
        assert any(piece.start_ms <= moment < piece.end_ms for piece in flat)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 700_000), chances), max_size=20))
def test_pieces_keep_all_time_and_are_never_too_long(of: list[tuple[int, int, float]]) -> None:
    at, flat = 0, []
    for gap, length, chance in of:
        flat.append(Piece(at + gap, at + gap + length, chance))
        at += gap + length
    made = pieces(flat, 60_000)
    assert all(0 < piece.end_ms - piece.start_ms <= PIECE_MS for piece in made)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(made))
    covered = sum(piece.end_ms - piece.start_ms for piece in made)
    assert covered >= sum(length for _, length, _ in of)


def test_the_bands_are_by_probability() -> None:
    of = in_a_row([(10 * MINUTE_MS, 0.1), (20 * MINUTE_MS, 0.5), (5 * MINUTE_MS, 0.9)])
    assert minutes(of, 15).bands == (10.0, 0.0, 20.0, 5.0)
    assert len(BANDS) == 4
