"""The simulated air beside the recorded one: what twelve receivers heard of a carried beacon, and what they would.

Each packet of each walk is sent again at its place and time, with its bearer's heading, through `simulate.radio`.  The
power of the recorded beacon is not known to the simulator, so both are compared after taking out their medians; the
deviation around the fitted distance law, what a turn of the body does, and the difference from packet to packet have
no such freedom.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.folders import Walk
from accuracy.result import Result, Row
from zonetag_backend.simulate import radio
from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.emitter import Sent
from zonetag_backend.simulate.plan import Plan, Receiver

SOURCE = "github philotuxo/Position-Annotated-BLE-RSSI-Dataset, CC0"
SEED = 1
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILES_ARE = "Quantiles 5, 25, 50, 75, 95 %."
SOON_S = 1.5  # packets at most so far apart are neighbours
HEIGHT_M = 1.0
FEWEST = 20  # packets of a walk at a receiver
Floats = npt.NDArray[np.float64]


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when there are no walks, or nobody says where the receivers hang; `folders.Rubbish`.

    Nothing is learnt.
    """
    refused: list[str] = []
    walks = folders.walks(data, refused)
    hung = folders.receivers(data, *([train] if train else []))
    if not walks:
        raise folders.nothing(f"no *.mbd in {data / 'zone'}", refused)
    if not hung:
        raise folders.Missing(f"no *.dev says where the receivers hang; put it into {data / 'zone'} or into --train")
    parts: dict[str, list[tuple[Floats, Floats]]] = {"level": [], "around the distance law": [], "packet to packet": []}
    turned: dict[bool, list[tuple[Floats, Floats]]] = {True: [], False: []}
    for number, walk in enumerate(walks):
        heading = _heading(walk)
        for name, (at, simulated) in zip(sorted(hung), _simulated(walk, hung, SEED + number), strict=True):
            if len(at) < FEWEST:
                continue
            place = hung[name][1]
            real = walk.rssi[at]
            square = ((walk.positions[at] - place[:2]) ** 2).sum(axis=1) + HEIGHT_M**2
            law = -5 * radio.EXPONENT * np.log10(square)
            parts["level"].append((real, simulated))
            parts["around the distance law"].append((real - law, simulated - law))
            x, y = (place[:2] - walk.positions[at]).T
            facing = np.cos(np.arctan2(y, x) - heading[at])
            for towards in (True, False):
                side = facing > 0.5 if towards else facing < -0.5
                turned[towards].append(((real - law)[side], (simulated - law)[side]))
            near = np.flatnonzero(np.diff(walk.times[at]) <= SOON_S)
            parts["packet to packet"].append((np.diff(real)[near], np.diff(simulated)[near]))
    if not parts["level"]:
        raise folders.Missing(
            f"none of the walks in {data / 'zone'} was heard {FEWEST} times by a receiver of the *.dev"
        )
    rows, figures = [], {}
    for name, pairs in parts.items():
        real, simulated = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
        if not len(real):  # no two packets follow each other soon
            continue
        # What is heard at all is bounded below alike in both.
        real, simulated = real - np.median(real), simulated - np.median(simulated)
        distance = ks_distance(real, simulated)
        spread = [np.quantile(each, QUANTILES) for each in (real, simulated)]
        told = ["  ".join(f"{value:+5.1f}" for value in each) for each in spread]
        rows.append(Row(f"{name}: quantiles, dB", told[1], f"{told[0]} (recorded)", f"KS {distance:.3f}"))
        figures[name] = {
            "ks": round(distance, 4),
            "recorded": [round(float(value), 2) for value in spread[0]],
            "simulated": [round(float(value), 2) for value in spread[1]],
            "packets": len(real),
        }
    middles = {
        towards: [float(np.median(np.concatenate([pair[i] for pair in pairs]))) for i in (0, 1)]
        for towards, pairs in turned.items()
        if sum(len(pair[0]) for pair in pairs)
    }
    swing = [middles[True][i] - middles[False][i] for i in (0, 1)] if len(middles) == 2 else [0.0, 0.0]
    rows.append(Row("towards minus turned away, dB", f"{swing[1]:+.1f}", f"{swing[0]:+.1f} (recorded)", "10 (worn)"))
    figures["body"] = {"recorded_db": round(swing[0], 2), "simulated_db": round(swing[1], 2)}
    return Result("air", SOURCE, "nothing learnt", tuple(rows), figures, (QUANTILES_ARE,), refused=tuple(refused))


def ks_distance(one: Floats, other: Floats) -> float:
    """The largest difference between the two distribution functions (Kolmogorov-Smirnov)."""
    both = np.concatenate([one, other])
    low, high = (np.searchsorted(np.sort(each), both, "right") / len(each) for each in (one, other))
    return float(np.max(np.abs(low - high)))


def _simulated(
    walk: Walk, hung: dict[str, tuple[str, Floats]], seed: int
) -> list[tuple[npt.NDArray[np.int64], Floats]]:
    """For each receiver: the packets of the walk that it heard, and what it would have heard of them, dBm."""
    names = sorted(hung)
    plan = Plan(
        (), (), tuple(Receiver(n, (float(hung[n][1][0]), float(hung[n][1][1])), n, "room") for n in names), "", "", ""
    )
    heading = _heading(walk)
    out = []
    roll = dice(seed, "air", walk.name)
    for link in radio.links(plan, seed):
        at = np.flatnonzero(walk.receivers == link.receiver.name)
        ones = np.ones(len(at), dtype=bool)
        sent = Sent(walk.times[at], walk.positions[at, 0], walk.positions[at, 1], heading[at], np.zeros(len(at)), ones)
        level = link.rssi(sent) if len(at) else np.empty(0)
        out.append((at, np.round(level + roll.normal(0, radio.PACKET_SIGMA_DB, len(at)))))
    return out


def _heading(walk: Walk) -> Floats:
    """Which way the beacon looks at each packet, radians; where it is not told, which way its bearer goes."""
    if walk.heading is not None:
        return walk.heading
    ahead = np.roll(walk.positions, -10, axis=0) - walk.positions
    ahead[-10:] = ahead[-11] if len(ahead) > 10 else 0
    heading: Floats = np.arctan2(ahead[:, 1], ahead[:, 0])
    return heading
