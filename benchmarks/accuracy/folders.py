"""Reading recordings in the layout of docs/accuracy.md.  Plain or gzipped; what cannot be read is refused by name.

A file that is refused raises `Rubbish`, or goes to the list `refused`, where one is given: the others are then read.
"""

import ast
import csv
import gzip
import hashlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
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


def nothing(why: str, refused: list[str]) -> Rubbish | Missing:
    """Why there is nothing to judge: what could not be read, or what is not there."""
    return Rubbish("; ".join(refused)) if refused else Missing(why)


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
    mark: bytes
    # of what was recorded, see `_mark`


@dataclass(frozen=True, slots=True)
class TagRecording:
    """One tag between two receivers."""

    name: str
    zone: str
    times: Floats
    levels: Floats
    mark: bytes


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
    mark: bytes


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
    mark: bytes

    def close(self, begin: float, end: float) -> bool | None:
        """Whether they were close between two times, by the middle of the distances; None: in between, or not told."""
        if self.told is not None:
            return self.told
        feet = self.feet[(self.times >= begin) & (self.times < end)]
        feet = feet[~np.isnan(feet)]
        if not len(feet) or CLOSE_FEET < np.median(feet) < FAR_FEET:
            return None
        return bool(np.median(feet) <= CLOSE_FEET)


def _mark(*recorded: npt.NDArray[np.generic]) -> bytes:
    """The same for the same recording under another name, so that none is judged by a copy of itself."""
    whole = hashlib.sha256()
    for each in recorded:
        whole.update(str(each.shape).encode() + each.tobytes())
    return whole.digest()


@contextmanager
def _or_refused(refused: list[str] | None) -> Iterator[None]:
    """What is read within: where it is rubbish, it goes to `refused` if that is a list."""
    try:
        yield
    except Rubbish as error:
        if refused is None:
            raise
        refused.append(str(error))


def lines(path: Path) -> list[str]:
    """The lines of a text file, gzipped or not, with or without a byte order mark."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
        return data.decode("utf-8-sig").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise Rubbish(f"{path}: cannot be read as text ({error}); give a plain or gzipped text file") from error


def files(folder: Path, *endings: str) -> list[Path]:
    """Files of the folder with one of the endings, gzipped or not, by name; without hidden ones."""
    if not folder.is_dir():
        return []
    there = (p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    wanted = tuple(ending.lower() for ending in endings)
    return sorted(p for p in there if p.name.lower().removesuffix(".gz").endswith(wanted))


def stem(path: Path, ending: str) -> str:
    """A file's name without its ending, gzipped or not, in capitals or not."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name[: -len(ending)] if name.lower().endswith(ending) else name


def _rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(lines(path))
    missing = set(columns) - set(reader.fieldnames or ())
    if missing:
        raise Rubbish(f"{path}: no column {', '.join(sorted(missing))}; see docs/accuracy.md for the layout")
    try:
        for row in reader:
            if any(row[column] is None for column in columns):
                raise Rubbish(f"{path}: line {reader.line_num} is cut short; take the file anew from its source")
            yield row
    except csv.Error as error:
        raise Rubbish(
            f"{path}: line {reader.line_num} is no CSV ({error}); take the file anew from its source"
        ) from error


def _number(path: Path, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Rubbish(f"{path}: {text[:20]!r} is no number; take the file anew from its source") from None
    if not math.isfinite(value):
        raise Rubbish(f"{path}: {text[:20]!r} is no finite number; take the file anew from its source")
    return value


def doors(folder: Path, refused: list[str] | None = None) -> list[DoorRecording]:
    """door/*.csv: superframe (100 ms), receivers O-* and I-*, Label 0 outside, else inside."""
    out = []
    for path in files(folder / "door", ".csv"):
        with _or_refused(refused):
            out.append(_door(path))
    return out


def _door(path: Path) -> DoorRecording:
    rows = list(_rows(path, "superframe", "Label"))
    if not rows:
        raise Rubbish(f"{path}: no packets; take the file anew from its source")
    names = tuple(name for name in rows[0] if name and name[:2] in ("O-", "I-"))
    if len({name[0] for name in names}) < 2:
        raise Rubbish(f"{path}: needs receivers outside (O-*) and inside (I-*) as columns")
    levels = np.array([[_number(path, row[name]) for name in names] for row in rows])
    times = np.array([_number(path, row["superframe"]) / 10 for row in rows])
    inside = np.array([_number(path, row["Label"]) > 0 for row in rows])
    order = np.argsort(times, kind="stable")
    times, levels, inside = times[order], np.where(levels <= NOT_HEARD, np.nan, levels)[order], inside[order]
    if times[-1] == times[0]:
        raise Rubbish(f"{path}: all packets at one time; take the file anew from its source")
    name = stem(path, ".csv")
    return DoorRecording(name, name.split("_")[0], names, times, levels, inside, _mark(times, levels))


def tags(folder: Path, refused: list[str] | None = None) -> list[TagRecording]:
    """vestibule/*.csv: name, locationStatus, timestamp (ms), rssiOne, rssiTwo; one recording a tag and zone."""
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for path in files(folder / "vestibule", ".csv"):
        with _or_refused(refused):
            rows = list(_rows(path, "name", "locationStatus", "timestamp", "rssiOne", "rssiTwo"))
            wanted = ("timestamp", "rssiOne", "rssiTwo")
            readings = [tuple(_number(path, row[column]) for column in wanted) for row in rows]
            for row, reading in zip(rows, readings, strict=True):
                whose = found.setdefault((row["name"], row["locationStatus"]), [])
                whose.append((reading[0], reading[1], reading[2]))
    out = []
    for (name, zone), some in sorted(found.items()):
        data = np.array(sorted(some))
        times = (data[:, 0] - data[0, 0]) / 1000
        out.append(TagRecording(name, zone, times, data[:, 1:], _mark(times, data[:, 1:])))
    return out


def walks(folder: Path, refused: list[str] | None = None) -> list[Walk]:
    """zone/*.mbd: time s, receiver, beacon, rssi, x, y, z, rotation matrix (may be left out)."""
    out = []
    for path in files(folder / "zone", ".mbd"):
        with _or_refused(refused):
            out.append(_walk(path))
    return out


def _walk(path: Path) -> Walk:
    rows = [line.split(",") for line in lines(path) if line.strip()]
    if not rows or min(map(len, rows)) < 6:
        raise Rubbish(f"{path}: each line needs time, receiver, beacon, rssi, x, y")
    times, rssi, xs, ys = (np.array([_number(path, row[i]) for row in rows]) for i in (0, 3, 4, 5))
    order = np.argsort(times, kind="stable")
    names = np.array([row[1] for row in rows])[order]
    positions = np.stack([xs, ys], axis=1)[order]
    times, rssi = times[order] - times.min(), rssi[order]
    heading = None
    if min(map(len, rows)) >= 16:  # a rotation matrix row by row; its last column is where the beacon looks
        east, north = (np.array([_number(path, row[i]) for row in rows]) for i in (9, 12))
        heading = np.arctan2(north, east)[order]
    name = stem(path, ".mbd")
    return Walk(name, times, names, rssi, positions, heading, _mark(times, rssi, positions))


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


def talks(folder: Path, refused: list[str] | None = None) -> list[Talk]:
    """contact/NAME_partner.csv, and NAME_sessions.csv if there is one; close is 6 ft or less, far 10 ft or more."""
    out = []
    for path in files(folder / "contact", "_partner.csv"):
        with _or_refused(refused):
            out += _talks(path)
    return out


def _talks(path: Path) -> list[Talk]:
    set_name = stem(path, "_partner.csv")
    about: dict[str, str] = {}
    for other in files(path.parent, f"{set_name}_sessions.csv"):
        about = {row["session"]: row.get("file") or "" for row in _rows(other, "session")}
    found: dict[str, list[tuple[float, float, float]]] = {}
    for row in _rows(path, "session", "t_s", "rssi_dbm", "range_ft"):
        feet = _number(path, row["range_ft"]) if row["range_ft"] else math.nan
        reading = (_number(path, row["t_s"]), _number(path, row["rssi_dbm"]), feet)
        found.setdefault(row["session"], []).append(reading)
    return [
        _talk(set_name, session, about.get(session, ""), np.array(sorted(readings)))
        for session, readings in found.items()
    ]


def _talk(set_name: str, session: str, named: str, data: Floats) -> Talk:
    top = named.split("/", maxsplit=1)[0] if "/" in named else ""
    told = top == "Close" if top in ("Close", "Far") else None
    worn = top if "_" in top else ""  # ONE_OTHER: how either of the two wears it
    scene = top if told is None and not worn else ""
    dated = DAY.search(named)
    day = scene or (dated.group() if dated else session)
    times = data[:, 0] - data[0, 0]
    name = named or f"{set_name} {session}"
    mark = _mark(times, data[:, 1])
    return Talk(name, session, set_name, day, worn, times, data[:, 1], data[:, 2], told, mark)


def meetings(folder: Path, refused: list[str] | None = None) -> dict[str, npt.NDArray[np.int64]]:
    """meetings/*_tij.dat: rows t i j, contact during (t - 20 s, t]; by file."""
    out = {}
    for path in files(folder / "meetings", "_tij.dat", "_tij.csv"):
        with _or_refused(refused):
            out[path.name.split("_tij")[0]] = _met(path)
    return out


def _met(path: Path) -> npt.NDArray[np.int64]:
    try:
        told = [[int(cell) for cell in line.replace(",", " ").split()[:3]] for line in lines(path) if line.strip()]
    except ValueError as error:
        raise Rubbish(f"{path}: each line needs whole numbers t i j ({error})") from error
    if not told or {len(each) for each in told} != {3} or min(each[0] for each in told) < 0:
        raise Rubbish(f"{path}: each line needs whole numbers t i j")
    return np.array(told, dtype=np.int64)
