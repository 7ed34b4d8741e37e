"""Closeness: calibrated on synthetic truth, surer with more looks within bounds, honest about base rates; controls."""

import numpy as np
import pytest

from zonetag_backend.tracing import closeness
from zonetag_backend.tracing.closeness import Closeness, Session
from zonetag_backend.tracing.seam import Both, Heard
from zonetag_backend.tracing.seam import Closeness as Question

MIDDLE, APART, LASTING, LOOK = -66.0, 10.0, 6.0, 5.0


def sessions(seed: int, count: int, looks: int = 8, fault_db: float = 0.0) -> list[Session]:
    roll = np.random.default_rng(seed)
    made = []
    for number in range(count):
        close = number % 2 == 0
        level = MIDDLE + (APART if close else -APART) / 2 + roll.normal(0, LASTING) + fault_db
        made.append(Session(tuple(float(each) for each in level + roll.normal(0, LOOK, looks)), close))
    return made


def brier(model: Closeness, test: list[Session]) -> float:
    said = [closeness.judge(model, s.levels, 0.5).probability - s.close for s in test]
    return float(np.mean(np.square(said)))


def test_calibrated_on_synthetic_truth() -> None:
    model = closeness.learn(sessions(1, 400))
    test = sessions(2, 4000)
    said = np.array([closeness.judge(model, s.levels, 0.5).probability for s in test])
    true = np.array([s.close for s in test])
    for low in np.arange(0, 1, 0.2):
        here = (said >= low) & (said < low + 0.2)
        assert here.sum() > 50
        assert np.mean(true[here]) == pytest.approx(np.mean(said[here]), abs=0.1), low
    assert brier(model, test) < 0.2
    assert brier(model, sessions(2, 4000, fault_db=15)) > 0.25  # the control: a model of another device


def test_more_looks_make_it_surer_up_to_what_lasts() -> None:
    model = Closeness()
    level = model.middle_dbm + 6
    odds = [closeness.log_odds(model, [level] * count) for count in (1, 2, 10, 1000)]
    assert odds == sorted(odds)
    assert odds[-1] <= model.apart_db * 6 / model.lasting_db**2 + 1e-9
    assert closeness.log_odds(model, []) == 0
    assert closeness.log_odds(model, [0.0] * 50) <= closeness.MOST_LOG_ODDS


def test_symmetry_and_monotony() -> None:
    model = Closeness()
    up, down = (closeness.log_odds(model, [model.middle_dbm + off]) for off in (4, -4))
    assert up == pytest.approx(-down)
    said = [closeness.judge(model, [level], 0.3).probability for level in range(-95, -40)]
    assert said == sorted(said)
    order = [-60.0, -75.0, -68.0]
    assert closeness.log_odds(model, order) == closeness.log_odds(model, order[::-1])


def test_the_prior_is_stated_and_the_doubt_too() -> None:
    model = Closeness()
    levels = [model.middle_dbm] * 5
    assert closeness.judge(model, levels, 0.5).probability == pytest.approx(0.5)
    assert closeness.judge(model, levels, closeness.BASE_RATE).probability == pytest.approx(closeness.BASE_RATE)
    told = closeness.judge(model, [model.middle_dbm + 3], 0.5)
    assert told.low < told.probability < told.high
    for wrong in (0.0, 1.0, -1.0):
        with pytest.raises(ValueError, match="prior"):
            closeness.judge(model, levels, wrong)


def test_precision_at_the_base_rate_is_what_the_prior_foretells() -> None:
    """Of those called 0.5 and more with the base rate as prior, half and more are true; without it, hardly any."""
    roll = np.random.default_rng(5)
    model = closeness.learn(sessions(1, 1000))
    many = [s for seed in range(20) for s in sessions(100 + seed, 1000)]
    far, close = [s for s in many if not s.close], [s for s in many if s.close]
    chosen = far + [close[i] for i in roll.choice(len(close), round(0.02 * len(far)), replace=False)]
    called = [s for s in chosen if closeness.judge(model, s.levels, 0.02).probability >= 0.5]
    assert np.mean([s.close for s in called]) > 0.5
    naive = [s for s in chosen if closeness.judge(model, s.levels, 0.5).probability >= 0.5]
    assert np.mean([s.close for s in naive]) < 0.2


def test_few_sessions_leave_the_physics_and_wearing_is_learnt() -> None:
    assert closeness.learn(sessions(3, 6)) == Closeness()
    worn = [
        Session(
            tuple(each + (-20 if number % 4 < 2 else 0) for each in s.levels),
            s.close,
            "bag" if number % 4 < 2 else "neck",
        )
        for number, s in enumerate(sessions(4, 80))
    ]
    model = closeness.learn(worn)
    assert model.worn["bag"] == pytest.approx(model.worn["neck"] - 20, abs=4)
    known = closeness.log_odds(model, [MIDDLE - 20 + APART / 2], "bag")
    unseen = closeness.log_odds(model, [MIDDLE - 20 + APART / 2], "belt")
    assert known > unseen
    strong = [abs(closeness.log_odds(model, [-45.0], way)) for way in ("neck", "belt")]
    assert strong[1] < strong[0]  # less sure where the way of wearing is new


def test_a_way_of_wearing_seen_close_mostly_is_not_taken_for_closeness() -> None:
    """A bag 10 dB weaker, in nine of ten sessions close; at the neck the other way round."""
    made = []
    for number, each in enumerate(sessions(6, 200)):
        bag = each.close == (number % 20 > 1)
        made.append(Session(tuple(level - 10 * bag for level in each.levels), each.close, "bag" if bag else "neck"))
    model = closeness.learn(made)
    assert model.worn["neck"] - model.worn["bag"] == pytest.approx(10, abs=2)
    assert model.apart_db == pytest.approx(APART, abs=2)


def test_a_way_of_wearing_is_unsure_also_where_none_was_taught() -> None:
    model = closeness.learn(sessions(7, 60))
    named, badge = (closeness.log_odds(model, [-50.0] * 5, way) for way in ("purse", ""))
    assert 0 < named < badge


def test_it_answers_tracing() -> None:
    question: Question = closeness.Calibrated()
    near = [Heard(300_000, [-52, -50]) for _ in range(4)]
    away = [Heard(300_000, [-86, -84]) for _ in range(4)]
    assert min(min(each) for each in question.direct(near)) > 0.5
    assert max(max(each) for each in question.direct(away)) < 0.02
    assert list(question.direct([])) == []
    told = question.direct([*near, Heard(120_000, [])])[-1]
    assert 0.5 < sum(told) / len(told) < 1  # nothing was heard: as the rest of the day
    plain = question.place(Both(1, 0, 60_000, (), ()))
    alike = question.place(Both(1, 0, 60_000, [(0, "g", -60)], [(0, "g", -61)]))
    unlike = question.place(Both(1, 0, 60_000, [(0, "g", -50)], [(0, "g", -80)]))
    assert unlike < plain < alike < 0.2
