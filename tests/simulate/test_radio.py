"""The simulated air against the measured figures: propagation, body, channels, walls, collisions, airtime."""

import math

import numpy as np
import pytest

from zonetag_backend.simulate import rhythm
from zonetag_backend.simulate.collisions import airtime_s, airtimes_s, collided
from zonetag_backend.simulate.dice import Floats, dice
from zonetag_backend.simulate.emitter import Sent
from zonetag_backend.simulate.plan import Plan, Receiver, Wall
from zonetag_backend.simulate.radio import links, wall_loss

HALL = Plan((), (), tuple(Receiver(f"g{i}", (0.0, 0.0), "", "room") for i in range(60)), "", "", "")
POINTS = 400


def sent(distance_m: Floats, heading: Floats, at: float | Floats = 0.0) -> Sent:
    """Worn tags on a circle of `distance_m` around the receivers."""
    n = len(distance_m)
    angle = dice(1, "angle").uniform(0, 2 * math.pi, n)
    x, y = distance_m * np.cos(angle), distance_m * np.sin(angle)
    times = np.full(n, at) if isinstance(at, float) else at
    return Sent(times, x, y, heading, np.zeros(n), np.ones(n, dtype=bool))


def test_distance_loss_and_deviation_are_the_measured_ones() -> None:
    """-61.9 dBm at 1 m, exponent 1.40, 6.3 dB: fitted over 60 receivers in 60 different rooms of the same kind."""
    roll = dice(1, "points")
    distance = 10 ** roll.uniform(0, 1.2, POINTS)
    heading = roll.uniform(-math.pi, math.pi, POINTS)
    level = np.concatenate(
        [link.rssi(sent(distance, heading, roll.uniform(0, 3600, POINTS))) for link in links(HALL, 1)]
    )
    slope, at_1m = np.polyfit(np.tile(np.log10(distance), len(HALL.receivers)), level, 1)
    assert at_1m == pytest.approx(-61.9, abs=1.0)
    assert -slope / 10 == pytest.approx(1.40, abs=0.1)
    residual = level - (at_1m + slope * np.tile(np.log10(distance), len(HALL.receivers)))
    assert residual.std() == pytest.approx(6.3, abs=0.5)


def test_the_body_swings_the_level_by_ten_db() -> None:
    distance = np.full(POINTS, 5.0)
    link = links(HALL, 1)[0]
    place = sent(distance, np.zeros(POINTS))
    towards = np.arctan2(-place.y, -place.x)
    facing = link.rssi(sent(distance, towards))
    turned = link.rssi(sent(distance, towards + math.pi))
    assert np.median(facing - turned) == pytest.approx(10.0, abs=0.5)


def test_channels_differ_by_six_db_at_one_place() -> None:
    n = 3 * POINTS
    spread = []
    for link in links(HALL, 2):
        times = np.array([0.001, 0.061, 0.121])  # one on each channel
        assert sorted(link.channel(times)) == [0, 1, 2]
        place = sent(np.repeat(np.linspace(1, 15, POINTS), 3), np.zeros(n))
        x, y = np.repeat(place.x[::3], 3), np.repeat(place.y[::3], 3)
        level = link.rssi(Sent(np.tile(times, POINTS), x, y, place.heading, place.power_db, place.worn))
        spread += list(np.ptp(level.reshape(-1, 3), axis=1))
    assert np.median(spread) == pytest.approx(6.0, abs=0.8)
    assert np.percentile(spread, 90) == pytest.approx(9.0, abs=2.0)


def test_shadowing_is_alike_nearby_and_forgotten_far_away() -> None:
    near: list[Floats] = []
    far: list[Floats] = []
    for link in links(HALL, 3):
        for shift, into in ((0.2, near), (30.0, far)):
            x = np.array([3.0, 3.0 + shift])
            into.append(link.shadow.at(x, np.zeros(2), np.zeros(2)))
    assert correlation(near) > 0.9
    assert abs(correlation(far)) < 0.4


def correlation(pairs: list[Floats]) -> float:
    both = np.array(pairs)
    return float(np.mean((both[:, 0] - both[:, 0].mean()) * (both[:, 1] - both[:, 1].mean())) / both.std(axis=0).prod())


def test_walls_cost_what_stands_between() -> None:
    walls = (Wall((1.0, -1.0), (1.0, 1.0), 4.0), Wall((2.0, -1.0), (2.0, 1.0), 12.0))
    x, y = np.array([0.5, 1.5, 3.0, 3.0]), np.array([0.0, 0.0, 0.0, 9.0])
    assert wall_loss(walls, x, y, (0.0, 0.0)).tolist() == [0.0, 4.0, 16.0, 0.0]


def test_airtime() -> None:
    assert airtime_s(31) == pytest.approx(376e-6)
    assert airtimes_s(np.array([0, 31])).tolist() == pytest.approx([128e-6, 376e-6])


def test_two_at_once_are_both_lost() -> None:
    times = np.array([0.0, 0.000375, 0.001, 0.0013761, 0.0013762, 5.0])
    assert collided(times, np.full(6, 376e-6)).tolist() == [True, True, False, True, True, False]
    assert collided(times[:1], np.full(1, 376e-6)).tolist() == [False]


@pytest.mark.parametrize(("devices", "loss"), [(61, 0.20), (189, 0.50)])
def test_collisions_follow_the_formula(devices: int, loss: float) -> None:
    """At 200 ms 61 tags in range lose 20 %, 189 lose half."""
    assert 1 - np.exp(-2 * airtime_s(31) * (devices - 1) / 0.205) == pytest.approx(loss, abs=0.01)
    roll = dice(4, "rhythm", devices)
    times = np.sort(np.concatenate([rhythm.even(roll, 0.2, 0.0, 120.0) for _ in range(devices)]))
    assert collided(times, np.full(len(times), airtime_s(31))).mean() == pytest.approx(loss, abs=0.02)


def test_intervals_moving_and_at_rest_with_bluetooths_delay() -> None:
    times = rhythm.of_walker(dice(5, "r"), ((10.0, 20.0), (25.0, 27.0)), 0.25, 1.0, 100.0)
    assert (np.diff(times) > 0).all()
    moving = np.diff(times[(times > 10.5) & (times < 36.5)])
    resting = np.diff(times[times > 38])
    assert moving.min() >= 0.0
    assert np.median(moving) == pytest.approx(0.255, abs=0.002)
    assert resting.min() >= 1.0
    assert resting.max() <= 1.010
    assert times[0] >= 0.0
    assert times[-1] < 100.0
