"""Rooms: likelihood over all receivers, silence counts, untrained works, probabilities are ones; controls."""

import numpy as np
import pytest
from rig.recordings import ROOMS, heard

from zonetag_backend.tracing import rooms

AT = np.array([[x, y, 2.0] for x, y in ROOMS.values()])
ROOM = np.array([int(name[0]) - 1 for name in ROOMS])
MIDDLE = np.array([AT[room == ROOM, :2].mean(axis=0) for room in range(4)])
UNTRAINED = rooms.by_propagation(AT)


def zone_of(points: rooms.Floats) -> rooms.Ints:
    return np.asarray(((points[:, None] - MIDDLE[None]) ** 2).sum(axis=2).argmin(axis=1), dtype=np.int64)


def window(point: tuple[float, float], roll: np.random.Generator) -> rooms.Floats:
    """90th percentiles of 20 packets at each receiver."""
    many = np.repeat(np.array([point]), 20, axis=0)
    return np.array([rooms.level(heard(many, where, roll)) for where in ROOMS.values()])


def right(places: rooms.Map, scramble: bool = False) -> float:
    roll = np.random.default_rng(7)
    order = roll.permutation(len(ROOMS)) if scramble else np.arange(len(ROOMS))
    hits = []
    for room in range(4):
        for _ in range(15):
            x, y = MIDDLE[room] + roll.uniform(-2, 2, 2)
            told = rooms.by_zone(rooms.locate(places, window((x, y), roll)[order]), zone_of(places.points), 4)
            assert told.sum() == pytest.approx(1)
            hits.append(int(told.argmax()) == room)
    return float(np.mean(hits))


def test_untrained_and_surveyed_and_a_control() -> None:
    roll = np.random.default_rng(8)
    points = [tuple(MIDDLE[room] + roll.uniform(-3, 3, 2)) for room in range(4) for _ in range(20)]
    survey = rooms.surveyed(AT, np.array(points), np.array([window((x, y), roll) for x, y in points]))
    assert right(UNTRAINED) > 0.9
    assert right(survey) > 0.9
    assert right(UNTRAINED, scramble=True) < 0.6  # receivers mixed up


def test_position_and_beyond_the_survey() -> None:
    """A survey of one room alone does not draw everything into it; near it it is surer, far away as propagation was."""
    roll = np.random.default_rng(9)
    points = np.array([MIDDLE[0] + roll.uniform(-2, 2, 2) for _ in range(20)])
    survey = rooms.surveyed(AT, points, np.array([window((x, y), roll) for x, y in points]))
    x, y = rooms.position(survey, rooms.locate(survey, window((15.0, 15.0), roll)))
    assert np.hypot(x - 15, y - 15) < 4
    near, far = (np.hypot(*(survey.points - where).T).argmin() for where in (MIDDLE[0], (16.0, 16.0)))
    assert (survey.spread[near] < 0.75 * survey.spread[far]).all()
    assert (survey.spread[far] <= np.sqrt(rooms.OWN_DB**2 + rooms.AROUND_DB**2 + rooms.PASS_DB**2)).all()


def test_a_receiver_that_is_weaker_than_it_should_be_is_found_out() -> None:
    """Three receivers behind a cupboard, 12 dB weaker: a survey of one half corrects the other half too."""
    roll = np.random.default_rng(11)
    weak = np.where(np.isin(np.arange(len(ROOMS)), (0, 3, 9)), -12.0, 0.0)
    points = np.array([(roll.uniform(0, 16), roll.uniform(0, 7)) for _ in range(60)])
    survey = rooms.surveyed(AT, points, np.array([window((x, y), roll) + weak for x, y in points]))
    errors = {}
    for name, places in (("survey", survey), ("untrained", UNTRAINED)):
        roll = np.random.default_rng(12)
        tried = [(roll.uniform(0, 16), roll.uniform(9, 16)) for _ in range(40)]
        found = [rooms.position(places, rooms.locate(places, window(each, roll) + weak)) for each in tried]
        errors[name] = float(np.median(np.hypot(*(np.array(found) - np.array(tried)).T)))
    assert errors["survey"] < errors["untrained"]


def test_a_receiver_that_heard_nothing_in_the_survey_is_as_propagation_says() -> None:
    levels = np.full((3, len(ROOMS)), -70.0)
    levels[:, 4] = np.nan
    survey = rooms.surveyed(AT, np.array([(2.0, 2.0), (3.0, 2.0), (4.0, 2.0)]), levels)
    assert np.allclose(survey.levels[:, 4], UNTRAINED.levels[:, 4])
    with pytest.raises(ValueError, match="survey"):
        rooms.surveyed(AT, np.empty((0, 2)), np.empty((0, len(ROOMS))))


def test_silence_tells_too() -> None:
    levels = np.full(len(ROOMS), np.nan)
    levels[ROOM == 2] = -70.0
    told = rooms.by_zone(rooms.locate(UNTRAINED, levels), zone_of(UNTRAINED.points), 4)
    assert told.argmax() == 2
    nothing = rooms.locate(UNTRAINED, np.full(len(ROOMS), np.nan))
    assert np.allclose(nothing, UNTRAINED.weight)


def test_zones_of_two_receivers() -> None:
    roll = np.random.default_rng(10)
    middles = ((-70, -85), (-75, -75), (-85, -70))
    zones = rooms.learn_zones([(z, roll.normal(m, 4, (40, 2))) for z, m in enumerate(middles)], 3)
    for zone, middle in enumerate(middles):
        short = rooms.which_zone(zones, roll.normal(middle, 4, (1, 2)))
        long = rooms.which_zone(zones, roll.normal(middle, 4, (20, 2)))
        assert long.argmax() == zone
        assert long[zone] >= short[zone] - 1e-6
    odd = np.vstack([np.tile(middles[0], (20, 1)), [[-20, -120]]])  # one odd moment outweighs nothing
    assert rooms.which_zone(zones, odd).argmax() == 0
    with pytest.raises(ValueError, match="zone 1"):
        rooms.learn_zones([(0, roll.normal(-70, 4, (40, 2)))], 2)


def test_followed_remembers_and_forgets() -> None:
    told = np.array([0.5, 0.3, 0.2])
    before = np.array([0.02, 0.96, 0.02])
    assert rooms.followed(None, told, 5).tolist() == told.tolist()
    assert rooms.followed(before, told, 5).argmax() == 1
    assert rooms.followed(before, told, 3600).argmax() == 0
