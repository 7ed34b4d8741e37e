"""Made-up recordings in the layout that `make accuracy` reads: a door, a vestibule, walks, talks, meetings."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
AT_1M_DBM, EXPONENT = -55.0, 2.0
DOOR = {"O-A": (3.0, 1.0), "O-B": (6.0, -1.0), "I-A": (-3.0, 1.0), "I-B": (-6.0, -1.0)}  # the door is at x = 0
ROOMS = {
    f"{room}{n}": (x + dx, y + dy)
    for room, (x, y) in {1: (0.0, 0.0), 2: (0.0, 12.0), 3: (12.0, 12.0), 4: (12.0, 0.0)}.items()
    for n, (dx, dy) in enumerate(((2.0, 2.0), (5.0, 1.0), (1.0, 5.0)))
}
WAYS = ((2.0, 2.0, 2.0, 16.0), (2.0, 2.0, 16.0, 2.0), (16.0, 2.0, 16.0, 16.0), (2.0, 16.0, 16.0, 16.0))


def heard(at: Floats, receiver: tuple[float, float], roll: np.random.Generator, noise_db: float = 3.0) -> Floats:
    """What a receiver hears of a tag at rows x, y: log-distance with noise, dBm."""
    metres = np.maximum(np.hypot(at[:, 0] - receiver[0], at[:, 1] - receiver[1]), 0.5)
    level: Floats = AT_1M_DBM - 10 * EXPONENT * np.log10(metres) + roll.normal(0, noise_db, len(at))
    return level


def through_the_door(roll: np.random.Generator, passages: int = 4) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """(times, levels, inside) of a tag that goes in and out at 1.5 m/s, resting 12 s at each end; 10 packets/s."""
    xs = [np.full(120, -9.0)]
    for number in range(passages):
        way = np.linspace(-9.0, 9.0, 120)
        xs += [way if number % 2 == 0 else -way, np.full(120, 9.0 if number % 2 == 0 else -9.0)]
    x = np.concatenate(xs)
    at = np.stack([x, np.zeros(len(x))], axis=1)
    levels = np.stack([heard(at, where, roll) for where in DOOR.values()], axis=1)
    levels[roll.random(levels.shape) < 0.05] = np.nan
    return np.arange(len(x)) / 10, levels, x < 0


def write_door(path: Path, roll: np.random.Generator) -> None:
    times, levels, inside = through_the_door(roll)
    rows = [f"superframe,{','.join(DOOR)},Label,raw_photosensor_door"]
    for at, level, within in zip(times, levels, inside, strict=True):
        cells = ",".join("-100" if math.isnan(each) else str(round(each)) for each in level)
        rows.append(f"{round(at * 10)},{cells},{2 if within else 0},0")
    _write(path, rows)


def write_vestibule(path: Path, roll: np.random.Generator) -> None:
    rows = ["name,locationStatus,timestamp,rssiOne,rssiTwo"]
    for zone, (one, two) in {"OUTSIDE": (-70, -85), "IN_VESTIBULE": (-74, -74), "INSIDE": (-85, -70)}.items():
        for tag in range(3):
            for second in range(180):
                first, other = roll.normal(one, 4), roll.normal(two, 4)
                rows.append(f"AA:{zone[:2]}:{tag},{zone},{1_551_367_500_000 + second * 1000},{first:.0f},{other:.0f}")
    _write(path, rows)


def write_walk(path: Path, way: tuple[float, float, float, float], roll: np.random.Generator) -> None:
    x = np.concatenate([np.linspace(way[0], way[2], 200), np.linspace(way[2], way[0], 200)])
    y = np.concatenate([np.linspace(way[1], way[3], 200), np.linspace(way[3], way[1], 200)])
    at = np.stack([x, y], axis=1)
    rows = []
    for name, where in ROOMS.items():
        for i, level in enumerate(heard(at, where, roll)):
            rows.append(f"{1000 + i * 0.1:.1f},{name},beacon,{level:.0f},{x[i]:.3f},{y[i]:.3f},1.5,1,0,0,0,1,0,0,0,1")
    _write(path, rows)


def write_receivers(path: Path) -> None:
    told = {name: [[x, y, 2.0], 1, f"sensor{name}"] for name, (x, y) in ROOMS.items()}
    _write(path, [f"Dongles:{json.dumps(told)}", 'Beacons:{"beacon": [[], 1, "beacon1"]}'])


def write_talks(folder: Path, roll: np.random.Generator, sessions: int = 12, fault_db: float = 0.0) -> None:
    about, rows = ["session,file"], ["session,t_s,rssi_dbm,range_ft,angle_deg"]
    for session in range(sessions):
        close = session % 2 == 0
        kind = "Close" if close else "Far"
        about.append(f"{session},{kind}/hands/log_2020-04-{10 + session // 4:02d}_07.00.00.000_{session}.txt")
        level = roll.normal(-60 if close else -72 + fault_db, 4)
        for i in range(600):
            rows.append(f"{session},{i:.3f},{roll.normal(level, 5):.0f},{4 if close else 12},0")
    _write(folder / "h0h1_sessions.csv", about)
    _write(folder / "h0h1_partner.csv.gz", rows)


def write_meetings(path: Path, roll: np.random.Generator) -> None:
    """Two pairs for 25 minutes, one for 2, all within an hour."""
    rows = []
    for t in range(36_000, 39_600, 20):
        for a, b, length in ((1, 2, 1500), (3, 4, 1500), (1, 5, 120), (6, 7, 60)):
            if t < 36_000 + length:
                rows.append(f"{t} {a} {b}")
    roll.shuffle(rows)
    _write(path, rows)


def write_all(folder: Path, seed: int) -> None:
    """A whole folder; some files gzipped, names of its own."""
    roll = np.random.default_rng(seed)
    for number in range(2):
        write_door(folder / "door" / f"person_{seed}_{number}.csv", roll)
    write_vestibule(folder / "vestibule" / "two.csv.gz", roll)
    for number, way in enumerate(WAYS):
        write_walk(folder / "zone" / f"way_{seed}_{number}.mbd", way, roll)
    write_receivers(folder / "zone" / "here.dev")
    write_talks(folder / "contact", roll)
    write_meetings(folder / "meetings" / "office_tij.dat.gz", roll)


def _write(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = ("\n".join(rows) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
