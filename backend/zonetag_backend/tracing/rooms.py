"""In which room or zone a tag is, from all receivers that heard it.  dBm, metres, seconds.

Likelihood instead of the strongest receiver: every receiver says something, also by not hearing.  What a window holds
of one receiver is taken as its 90th percentile (`level`), because bodies and walls only ever take away.

- A `Map` of places: `by_propagation` needs no training, only where receivers hang; `surveyed` corrects it by what was
  heard on some walks with known positions: fully where somebody walked, by each receiver's own offset elsewhere.
- `Zones` for few receivers and no positions, as in a vestibule between two: strengths of some tags in each zone.

Metres are for choosing a room, and never for how close two people are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

QUANTILE = 0.9
# Tag to fixed receiver, measured: -61.9 dBm at 1 m, exponent 1.40, 6.3 dB in all
# (github philotuxo/Position-Annotated-BLE-RSSI-Dataset, CC0).
AT_1M_DBM = -61.9
EXPONENT = 1.40
SPREAD_DB = 6.3
ABOVE_MEAN_DB = 3.0  # of the 90th percentile of some seconds: the three channels alone differ by 6 dB
HEIGHT_M = 1.0  # between a worn tag and a receiver on the wall
GRID_M = 0.5
MARGIN_M = 1.0  # rooms reach beyond their receivers
# What SPREAD_DB is made of, for a survey: the receiver's own offset, what its surroundings do within REACH_M, and what
# differs between two passes at one place; together 6.6 dB.
OWN_DB = 3.0
AROUND_DB = 5.0
REACH_M = 3.0
PASS_DB = 3.0
TAILS = 5.0  # degrees of freedom of Student's t
SILENT = 0.4  # heard here and not there, or the other way round: likelihood against both heard alike

SHORT_S = 1.5  # a zone is judged from such windows, added up
ZONE_DB = 2.0  # spread added to what few tags show
FLOOR = 0.01  # no short window says less than that of any zone: one odd moment may not outweigh a minute
STAY_S = 60.0  # how long people stay in a zone, for `followed`


@dataclass(frozen=True, slots=True)
class Map:
    """Places, and what is heard of a tag there."""

    points: Floats
    # x, y of each place
    levels: Floats
    # a row a place, a column a receiver, dBm; NaN: not heard there
    spread: Floats
    # dB, as `levels`
    weight: Floats
    # prior probability of each place; sums to 1


@dataclass(frozen=True, slots=True)
class Zones:
    """What two or more receivers hear of tags in each of some zones: normal distributions."""

    mean: Floats
    # a row a zone, a column a receiver, dBm
    precision: Floats
    # inverse covariance of each zone
    log_det: Floats
    # logarithm of the determinant of each covariance


def level(readings: Floats) -> float:
    """What stands for one receiver's readings of one tag in one window: the 90th percentile, dBm."""
    return float(np.quantile(readings, QUANTILE))


def by_propagation(receivers: Floats) -> Map:
    """The map around receivers at x, y (rows), untrained."""
    low, high = receivers[:, :2].min(axis=0) - MARGIN_M, receivers[:, :2].max(axis=0) + MARGIN_M
    xs, ys = (np.arange(low[axis], high[axis] + GRID_M, GRID_M) for axis in (0, 1))
    points = np.stack([each.ravel() for each in np.meshgrid(xs, ys)], axis=1)
    levels = _foretold(receivers, points)
    count = len(points)
    return Map(points, levels, np.full(levels.shape, SPREAD_DB), np.full(count, 1 / count))


def surveyed(receivers: Floats, points: Floats, levels: Floats) -> Map:
    """The map corrected by a survey: where a tag was carried, and the `levels` of windows there (NaN: not heard).

    The windows should not overlap by more than half and be as long as those to be judged.  What each receiver heard
    beyond propagation is taken as its own offset plus a field that is alike within REACH_M (Gaussian process): near
    the walks the map follows them and is sure, far away it is propagation again, shifted by the offset.
    """
    if len(points) == 0:
        raise ValueError("a survey needs at least one place; carry a tag through the rooms")
    plain = by_propagation(receivers)
    beyond = levels - _foretold(receivers, points)
    among, towards = _alike(points, points), _alike(plain.points, points)
    corrected = plain.levels.copy()
    variance = np.full(plain.levels.shape, OWN_DB**2 + AROUND_DB**2 + PASS_DB**2)
    for receiver in range(len(receivers)):
        heard = ~np.isnan(levels[:, receiver])
        share = np.linalg.solve(among[np.ix_(heard, heard)] + PASS_DB**2 * np.eye(heard.sum()), towards[:, heard].T)
        corrected[:, receiver] += beyond[heard, receiver] @ share
        variance[:, receiver] -= (towards[:, heard] * share.T).sum(axis=1)
    return Map(plain.points, corrected, np.sqrt(variance), plain.weight)


def _foretold(receivers: Floats, points: Floats) -> Floats:
    """By propagation: a row a point, a column a receiver, dBm."""
    square = ((points[:, None, :] - receivers[None, :, :2]) ** 2).sum(axis=2) + HEIGHT_M**2
    levels: Floats = AT_1M_DBM + ABOVE_MEAN_DB - 5 * EXPONENT * np.log10(square)
    return levels


def _alike(some: Floats, others: Floats) -> Floats:
    """Covariance of what one receiver hears beyond propagation at two places, dB squared."""
    metres = np.hypot(*(some[:, None, :] - others[None, :, :]).transpose(2, 0, 1))
    covariance: Floats = OWN_DB**2 + AROUND_DB**2 * np.exp(-metres / REACH_M)
    return covariance


def locate(places: Map, levels: Floats) -> Floats:
    """Probability of each place of the map, from one window's level at each receiver; NaN: not heard."""
    heard, there = ~np.isnan(levels), ~np.isnan(places.levels)
    spread = places.spread
    z = (np.where(heard, levels, 0.0) - np.where(there, places.levels, 0.0)) / spread
    told = -(TAILS + 1) / 2 * np.log1p(z * z / TAILS) - np.log(spread)
    odd = np.log(SILENT) - np.log(spread) - 1.0  # against the middle of the distribution of those heard
    each = np.where(heard & there, told, np.where(heard != there, odd, 0.0))
    together: Floats = each.sum(axis=1) + np.log(places.weight)
    return _normal(together)


def position(places: Map, probability: Floats) -> tuple[float, float]:
    """The middle of what `locate` found, metres."""
    x, y = probability @ places.points
    return float(x), float(y)


def by_zone(probability: Floats, zone_of_place: Ints, zones: int) -> Floats:
    """Probability of each of `zones` zones, given which zone each place of the map is in."""
    return np.bincount(zone_of_place, probability, minlength=zones).astype(np.float64)


def learn_zones(examples: Sequence[tuple[int, Floats]], zones: int) -> Zones:
    """From examples (zone, of one tag a row a short window with its strongest level at each receiver, all heard).

    Each tag weighs alike, however long it was heard; how much tags differ from each other is added to how much each
    of them changes, for the tag to be judged is another still.  ValueError when a zone has fewer than three windows.
    """
    mean, precision, log_det = [], [], []
    for zone in range(zones):
        tags = [levels for at, levels in examples if at == zone]
        windows = sum(map(len, tags))
        if windows < 3:
            raise ValueError(f"zone {zone} has {windows} windows to learn from; give it at least three")
        middles = np.array([levels.mean(axis=0) for levels in tags])
        covariance = np.mean([np.cov(levels.T, bias=True) for levels in tags], axis=0)
        covariance += np.cov(middles.T) if len(tags) > 1 else 0.0
        covariance += ZONE_DB**2 * np.eye(middles.shape[1])
        mean.append(middles.mean(axis=0))
        precision.append(np.linalg.inv(covariance))
        log_det.append(float(np.linalg.slogdet(covariance)[1]))
    return Zones(np.array(mean), np.array(precision), np.array(log_det))


def which_zone(zones: Zones, windows: Floats) -> Floats:
    """Probability of each zone, from one or more short windows (rows as in `learn_zones`) of one tag."""
    apart = windows[:, None, :] - zones.mean[None, :, :]
    told = -0.5 * (np.einsum("wzi,zij,wzj->wz", apart, zones.precision, apart) + zones.log_det)
    each = np.exp(told - told.max(axis=1, keepdims=True))
    each /= each.sum(axis=1, keepdims=True)
    together: Floats = np.log((1 - FLOOR * each.shape[1]) * each + FLOOR).sum(axis=0)
    return _normal(together)


def followed(before: Floats | None, told: Floats, elapsed_s: float) -> Floats:
    """The probability of each zone when the one `elapsed_s` ago is remembered too; `told` by a window by itself."""
    if before is None:
        return told
    stay = math.exp(-elapsed_s / STAY_S)
    expected = stay * before + (1 - stay) / len(before)
    both: Floats = expected * told
    both /= both.sum()
    return both


def _normal(log_weights: Floats) -> Floats:
    weights: Floats = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    return weights
