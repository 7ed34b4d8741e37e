"""Reading recordings in the layout of docs/accuracy.md.  Plain or gzipped; what cannot be read is refused by name."""

import ast
import csv
import gzip
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
NOT_HEARD = -100.0
CLOSE_FEET, FAR_FEET = 6, 10  # what lies between is not judged
DAY = re.compile(r"20\d\d-\d\d-\d\d")
ROOM_OF = slice(0, 7)  # "sensor1" of "sensor10": room and number


class Rubbish(Exception):
    """A file that is not what its place says; the message names it."""


class Missing(Exception):
    """A task that cannot be judged; the message says what is missing and where to put it."""


@dataclass(frozen=True, slots=True)
class DoorRecording:
    """One walk or drive through a door, to and fro."""

    name: str
    kind: str
    # first word of the name: what carries the tag
    receivers: tuple[str, ...]
    times: Floats
    levels: Floats
    inside: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TagRecording:
    """One tag between two receivers."""

    name: str
    zone: str
    times: Floats
    levels: Floats


@dataclass(frozen=True, slots=True)
class Walk:
    """A beacon carried among receivers."""

    name: str
    times: Floats
    receivers: npt.NDArray[np.str_]
    rssi: Floats
    positions: Floats
    # x, y
    heading: Floats | None
    # which way the beacon looks, radians from the x axis; None: not told


@dataclass(frozen=True, slots=True)
class Talk:
    """Two people's devices for some minutes."""

    name: str
    # of its file at the source, or its number
    session: str
    # its number in the set
    set_name: str
    day: str
    # or the scene, where its folder names one: those of one day or scene judge none of it
    worn: str
    times: Floats
    rssi: Floats
    feet: Floats
    # at each packet; NaN: not told
    told: bool | None
    # close or far by its folder; None: by the distance

    def close(self, begin: float, end: float) -> bool | None:
        """Whether they were close between two times, by the middle of the distances; None: in between, or not told."""
        if self.told is not None:
            return self.told
        feet = self.feet[(self.times >= begin) & (self.times < end)]
        feet = feet[~np.isnan(feet)]
        if not len(feet) or CLOSE_FEET < np.median(feet) < FAR_FEET:
            return None
        return bool(np.median(feet) <= CLOSE_FEET)


def lines(path: Path) -> list[str]:
    """The lines of a text file, gzipped or not."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode("utf-8").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Rubbish(f"{path}: cannot be read as text ({error}); give a plain or gzipped text file") from error


def files(folder: Path, *endings: str) -> list[Path]:
    """Files of the folder with one of the endings, gzipped or not, by name."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name.removesuffix(".gz").endswith(endings))


def _rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(lines(path))
    missing = set(columns) - set(reader.fieldnames or ())
    if missing:
        raise Rubbish(f"{path}: no column {', '.join(sorted(missing))}; see docs/accuracy.md for the layout")
    for row in reader:
        if any(row[column] is None for column in columns):
            raise Rubbish(f"{path}: line {reader.line_num} is cut short; take the file anew from its source")
        yield row


def _number(path: Path, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Rubbish(f"{path}: {text[:20]!r} is no number; take the file anew from its source") from None
    if not math.isfinite(value):
        raise Rubbish(f"{path}: {text[:20]!r} is no finite number; take the file anew from its source")
    return value


def doors(folder: Path) -> list[DoorRecording]:
    """door/*.csv: superframe (100 ms), receivers O-* and I-*, Label 0 outside, else inside."""
    out = []
    for path in files(folder / "door", ".csv"):
        rows = list(_rows(path, "superframe", "Label"))
        if not rows:
            raise Rubbish(f"{path}: no packets; take the file anew from its source")
        names = tuple(name for name in rows[0] if name[:2] in ("O-", "I-"))
        if len({name[0] for name in names}) < 2:
            raise Rubbish(f"{path}: needs receivers outside (O-*) and inside (I-*) as columns")
        levels = np.array([[_number(path, row[name]) for name in names] for row in rows])
        times = np.array([_number(path, row["superframe"]) / 10 for row in rows])
        order = np.argsort(times, kind="stable")
        name = path.name.removesuffix(".gz").removesuffix(".csv")
        out.append(
            DoorRecording(
                name,
                name.split("_")[0],
                names,
                times[order],
                np.where(levels <= NOT_HEARD, np.nan, levels)[order],
                np.array([_number(path, row["Label"]) > 0 for row in rows])[order],
            )
        )
    return out


def tags(folder: Path) -> list[TagRecording]:
    """vestibule/*.csv: name, locationStatus, timestamp (ms), rssiOne, rssiTwo; one recording a tag and zone."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for path in files(folder / "vestibule", ".csv"):
        for row in _rows(path, "name", "locationStatus", "timestamp", "rssiOne", "rssiTwo"):
            reading = tuple(_number(path, row[column]) for column in ("timestamp", "rssiOne", "rssiTwo"))
            found.setdefault((row["name"], row["locationStatus"]), []).append((reading[0], reading[1], reading[2]))
    out = []
    for (name, zone), readings in sorted(found.items()):
        data = np.array(sorted(readings))
        out.append(TagRecording(name, zone, (data[:, 0] - data[0, 0]) / 1000, data[:, 1:]))
    return out


def walks(folder: Path) -> list[Walk]:
    """zone/*.mbd: time s, receiver, beacon, rssi, x, y, z, rotation matrix (may be left out)."""
    out = []
    for path in files(folder / "zone", ".mbd"):
        rows = [line.split(",") for line in lines(path) if line.strip()]
        if not rows or min(map(len, rows)) < 6:
            raise Rubbish(f"{path}: each line needs time, receiver, beacon, rssi, x, y")
        times, rssi, xs, ys = (np.array([_number(path, row[i]) for row in rows]) for i in (0, 3, 4, 5))
        order = np.argsort(times, kind="stable")
        names = np.array([row[1] for row in rows])[order]
        positions = np.stack([xs, ys], axis=1)[order]
        name = path.name.removesuffix(".gz").removesuffix(".mbd")
        heading = None
        if min(map(len, rows)) >= 16:  # a rotation matrix row by row; its last column is where the beacon looks
            east, north = (np.array([_number(path, row[i]) for row in rows]) for i in (9, 12))
            heading = np.arctan2(north, east)[order]
        out.append(Walk(name, times[order] - times.min(), names, rssi[order], positions, heading))
    return out


def receivers(*folders: Path) -> dict[str, tuple[str, Floats]]:
    """zone/*.dev of the first folder that has one: receiver -> (room, x y z)."""
    for path in (path for folder in folders for path in files(folder / "zone", ".dev")):
        for line in lines(path):
            if line.startswith("Dongles:"):
                try:
                    told = ast.literal_eval(line.removeprefix("Dongles:").strip())
                    return {str(k): (str(v[2])[ROOM_OF], np.array(v[0], dtype=np.float64)) for k, v in told.items()}
                except (ValueError, SyntaxError, TypeError, IndexError, AttributeError) as error:
                    raise Rubbish(f"{path}: the receivers cannot be read ({error})") from error
        raise Rubbish(f"{path}: no line that begins with Dongles:")
    return {}


def talks(folder: Path) -> list[Talk]:
    """contact/NAME_partner.csv, and NAME_sessions.csv if there is one; close is 6 ft or less, far 10 ft or more."""
    out = []
    for path in files(folder / "contact", "_partner.csv"):
        set_name = path.name.removesuffix(".gz").removesuffix("_partner.csv")
        about: dict[str, str] = {}
        for other in files(folder / "contact", f"{set_name}_sessions.csv"):
            about = {row["session"]: row.get("file") or "" for row in _rows(other, "session")}
        found: dict[str, list[tuple[float, float, float]]] = {}
        for row in _rows(path, "session", "t_s", "rssi_dbm", "range_ft"):
            feet = _number(path, row["range_ft"]) if row["range_ft"] else math.nan
            reading = (_number(path, row["t_s"]), _number(path, row["rssi_dbm"]), feet)
            found.setdefault(row["session"], []).append(reading)
        for session, readings in found.items():
            data = np.array(sorted(readings))
            named = about.get(session, "")
            out.append(_talk(set_name, session, named, data))
    return out


def _talk(set_name: str, session: str, named: str, data: Floats) -> Talk:
    top = named.split("/", maxsplit=1)[0] if "/" in named else ""
    told = top == "Close" if top in ("Close", "Far") else None
    worn = top if "_" in top else ""  # ONE_OTHER: how either of the two wears it
    scene = top if told is None and not worn else ""
    dated = DAY.search(named)
    day = scene or (dated.group() if dated else session)
    times = data[:, 0] - data[0, 0]
    return Talk(named or f"{set_name} {session}", session, set_name, day, worn, times, data[:, 1], data[:, 2], told)


def meetings(folder: Path) -> dict[str, npt.NDArray[np.int64]]:
    """meetings/*_tij.dat: rows t i j, contact during (t - 20 s, t]; by file."""
    out = {}
    for path in files(folder / "meetings", "_tij.dat", "_tij.csv"):
        try:
            rows = np.array(
                [[int(cell) for cell in line.replace(",", " ").split()[:3]] for line in lines(path) if line.strip()]
            )
        except ValueError as error:
            raise Rubbish(f"{path}: each line needs whole numbers t i j ({error})") from error
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise Rubbish(f"{path}: each line needs whole numbers t i j")
        out[path.name.split("_tij")[0]] = rows.astype(np.int64)
    return out
