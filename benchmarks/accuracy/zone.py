"""Which of the rooms, and where, from all receivers, in windows of 5 s; walks held out.

The room of a place is that whose receivers' middle is nearest; a window's truth is the room of its mean position.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.folders import Walk
from accuracy.result import Result, Row, share
from zonetag_backend.tracing import rooms

SOURCE = "github philotuxo/Position-Annotated-BLE-RSSI-Dataset, CC0"
WINDOW_S = 5.0
HOP_S = 2.5  # of the survey
FEWEST = 3  # packets of a window
Floats = npt.NDArray[np.float64]


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when there are no walks, or nobody says where the receivers hang; `folders.Rubbish`."""
    refused: list[str] = []
    walks = folders.walks(data, refused)
    hung = folders.receivers(data, *([train] if train else []))
    if not walks:
        raise folders.nothing(f"no *.mbd in {data / 'zone'}", refused)
    if not hung:
        raise folders.Missing(f"no *.dev says where the receivers hang; put it into {data / 'zone'} or into --train")
    teachers = folders.walks(train, refused) if train else walks
    ids = sorted(hung)
    at = np.array([hung[each][1] for each in ids])
    names = sorted({hung[each][0] for each in ids})
    room = np.array([names.index(hung[each][0]) for each in ids])
    middle = np.array([at[room == number, :2].mean(axis=0) for number in range(len(names))])
    untrained = rooms.by_propagation(at)
    right: dict[str, list[bool]] = {}
    errors: dict[str, list[float]] = {}
    left_out: list[str] = []
    for walk in walks:
        others = [each for each in teachers if each.name != walk.name and each.mark != walk.mark]
        surveyed = [window for each in others for window in _windows(each, ids, HOP_S)]
        maps = {"untrained": untrained}
        if surveyed:
            maps["zonetag"] = rooms.surveyed(at, np.array([w[1] for w in surveyed]), np.array([w[0] for w in surveyed]))
        windows = _windows(walk, ids, WINDOW_S)
        if not surveyed or not windows:
            lack = "judged untrained, no other walk teaches" if windows else "left out, none of the receivers heard it"
            left_out.append(f"{walk.name}: {lack}")
        for levels, position, last, mean in windows:
            truth = int(_nearest(position[None], middle)[0])
            for name, places in maps.items():
                found = rooms.locate(places, levels)
                zones = rooms.by_zone(found, _nearest(places.points, middle), len(names))
                x, y = rooms.position(places, found)
                right.setdefault(name, []).append(int(zones.argmax()) == truth)
                errors.setdefault(name, []).append(float(np.hypot(x - position[0], y - position[1])))
            for name, each in (("last", last), ("mean", mean), ("p90", levels)):
                right.setdefault(name, []).append(int(room[int(np.nanargmax(each))]) == truth)
    if not right:
        raise folders.Missing(f"none of the walks in {data / 'zone'} was heard by the receivers that the *.dev names")
    score = {name: float(np.mean(values)) for name, values in right.items()}
    ours = "zonetag" if "zonetag" in score else "untrained"
    half, most = np.quantile(errors[ours], [0.5, 0.9])
    plain = np.quantile(errors["untrained"], [0.5, 0.9])
    rows = (
        Row(
            "room at 5 s", share(score[ours]), f"{score['p90']:.3f} (strongest)", "0.87 (likelihood), 0.86 (strongest)"
        ),
        Row("median error", f"{half:.2f} m", f"{plain[0]:.2f} m (untrained)", "2.1 m"),
        Row("90 % error", f"{most:.2f} m", f"{plain[1]:.2f} m (untrained)", "3.4 m"),
    )
    figures: dict[str, object] = {
        "room": {name: round(value, 4) for name, value in score.items()},
        "median_error_m": round(float(half), 2),
        "p90_error_m": round(float(most), 2),
        "untrained_median_error_m": round(float(plain[0]), 2),
        "windows": len(right[ours]),
    }
    split = "trained on --train, without a walk of the same name" if train else "each walk held out"
    note = "Walks of this set follow the same few lines; off them see the rehearsal; untrained is without any survey."
    return Result("zone", SOURCE, split, rows, figures, (note,), left_out=tuple(left_out), refused=tuple(refused))


def _windows(walk: Walk, ids: list[str], hop_s: float) -> list[tuple[Floats, Floats, Floats, Floats]]:
    """(90th percentile at each receiver, mean position, last reading, mean) of each window."""
    out = []
    index = {name: number for number, name in enumerate(ids)}
    heard = np.array([index.get(str(name), -1) for name in walk.receivers])
    for begin in np.arange(0, walk.times[-1] + 1e-9, hop_s):
        if hop_s < WINDOW_S and begin + WINDOW_S > walk.times[-1] + hop_s:
            break
        within = (walk.times >= begin) & (walk.times < begin + WINDOW_S) & (heard >= 0)
        if within.sum() < FEWEST:
            continue
        columns = np.full((3, len(ids)), np.nan)
        for number in np.unique(heard[within]):
            readings = walk.rssi[within & (heard == number)]
            columns[:, number] = rooms.level(readings), readings[-1], readings.mean()
        out.append((columns[0], walk.positions[within].mean(axis=0), columns[1], columns[2]))
    return out


def _nearest(points: Floats, middle: Floats) -> npt.NDArray[np.int64]:
    square = ((points[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2)
    found: npt.NDArray[np.int64] = square.argmin(axis=1).astype(np.int64)
    return found
