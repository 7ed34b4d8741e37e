"""Days of two people: the whole day tells a neighbour from somebody met, and what is said comes true as often."""

import numpy as np
import pytest

from zonetag_backend.tracing.closeness import HEARD_PRIOR, SHARE_WORTH, Calibrated, Closeness
from zonetag_backend.tracing.minutes import Piece, minutes_of
from zonetag_backend.tracing.seam import Heard
from zonetag_backend.tracing.worlds import APART_DB, ODDS, WORLDS, Floats, Worlds

PIECE_MS = 288_000  # nine cells
CLOSE_DBM, POSTURE_DB, LOOK_DB = -60.0, 7.0, 6.0  # no piece so sure that MOST_LOG_ODDS holds it back
LOOKS = 6


def made() -> Worlds:
    return Worlds(CLOSE_DBM, POSTURE_DB, LOOK_DB, HEARD_PRIOR, SHARE_WORTH)


def reached(days: list[list[tuple[float, ...]]], wanted: int = 15) -> list[float]:
    """How probably there were so many close minutes, of days whose pieces have these probabilities in each world."""
    of = [
        [
            Piece(n * PIECE_MS, (n + 1) * PIECE_MS, sum(worlds) / len(worlds), tuple(worlds))
            for n, worlds in enumerate(day)
        ]
        for day in days
    ]
    return [each.reached for each in minutes_of(of, wanted)]


def heard(levels: list[int]) -> list[Heard]:
    return [Heard(PIECE_MS, [level] * LOOKS) for level in levels]


def test_the_whole_day_tells_a_neighbour_from_somebody_met() -> None:
    """Eight hours at two desks, heard as now and then somebody close is; and half an hour face to face, else far."""
    roll = np.random.default_rng(3)
    close_dbm = Closeness().middle_dbm + Closeness().apart_db / 2
    neighbour = [round(each) for each in roll.normal(close_dbm - 6, 4, 96)]
    met = [round(each) for each in roll.normal(close_dbm - 18, 4, 90)] + [round(close_dbm)] * 6
    model = Calibrated()
    whole = reached([list(model.direct(heard(each))) for each in (neighbour, met)])
    assert whole[0] < 0.3 < 0.8 < whole[1]
    # The control: piece by piece, as if each were a day by itself, the neighbour is the likelier of the two.
    alone = reached([[model.direct([piece])[0] for piece in heard(each)] for each in (neighbour, met)])
    assert alone[0] > 0.4
    assert alone[0] > alone[1]


def test_what_is_said_comes_true_as_often_as_it_is_said() -> None:
    """Days drawn as the model has them; the control is a model of tags that are 6 dB stronger."""
    roll = np.random.default_rng(5)
    share = 1 / (1 + np.exp(-ODDS))
    before = np.exp(SHARE_WORTH * (HEARD_PRIOR * np.log(share) + (1 - HEARD_PRIOR) * np.log(1 - share)))
    days, pieces = 6000, 6
    close = roll.random((days, pieces)) < roll.choice(share, days, p=before / before.sum())[:, None]
    apart = roll.choice(APART_DB, days)[:, None]
    spread = np.sqrt(POSTURE_DB**2 + LOOK_DB**2 / LOOKS)
    level = np.where(close, CLOSE_DBM, CLOSE_DBM - apart) + roll.normal(0, spread, (days, pieces))
    true = close.sum(axis=1) * PIECE_MS >= 15 * 60_000
    first, lengths = np.arange(days) * pieces, np.full(days * pieces, PIECE_MS)

    def brier(of: Worlds) -> tuple[float, Floats]:
        rows = [of.row(LOOKS, each) for each in np.round(level).ravel().tolist()]
        likely, chance = (np.stack(each) for each in zip(*rows, strict=True))
        told = of.of_days(first, lengths, likely, chance).reshape(days, pieces, WORLDS)
        said: Floats = np.array(reached([[tuple(piece) for piece in day] for day in told.tolist()]))
        return float(np.mean((said - true) ** 2)), said

    good, said = brier(made())
    for low, high in ((0.0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 1.1)):
        here = (said >= low) & (said < high)
        assert here.sum() > 50
        assert np.mean(true[here]) == pytest.approx(np.mean(said[here]), abs=0.1), low
    bad, _ = brier(Worlds(CLOSE_DBM - 6, POSTURE_DB, LOOK_DB, HEARD_PRIOR, SHARE_WORTH))
    assert good < 0.8 * bad


def test_the_mean_of_the_groups_is_the_mean_of_all_worlds() -> None:
    of = made()
    rows = [of.row(looks, level) for looks, level in ((6, -61.0), (2, -70.0), (9, -80.0), (0, 0.0), (7, -58.0))]
    likely, close = (np.stack(each) for each in zip(*rows, strict=True))
    lengths = np.array([300_000, 120_000, 288_000, 64_000, 300_000])
    share = 1 / (1 + np.exp(-ODDS))
    before = SHARE_WORTH * (HEARD_PRIOR * np.log(share) + (1 - HEARD_PRIOR) * np.log(1 - share))
    weight = np.exp(likely.sum(axis=0) + np.tile(before, len(APART_DB)))
    told = of.of_days(np.zeros(1, np.int64), lengths, likely, close)
    assert told.shape == (5, WORLDS)
    assert told.mean(axis=1) == pytest.approx(close @ weight / weight.sum())
    minutes = (told * lengths[:, None]).sum(axis=0)
    assert list(minutes) == sorted(minutes)
    assert likely[3] == pytest.approx(0)  # no look says nothing
