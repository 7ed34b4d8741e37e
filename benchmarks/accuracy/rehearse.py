"""`make accuracy ARGS=--rehearse`: how much the figures depend on which recordings teach and which are judged.

Each split parts the recordings by recording, tag, walk, day, session or way of wearing, never at random within one,
into a folder to be judged and one to learn from, as somebody who keeps recordings back would, and runs the tasks on
them as `--train` does.  Less is left to teach than in the table, so these figures are rather too bad than too good;
their spread is what to expect of recordings that nobody has seen.
"""

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accuracy import contact, door, folders, vestibule, zone
from accuracy.result import Result
from zonetag_backend.simulate.dice import dice

SEED = 1
Split = Callable[[Path, Path, Path, np.random.Generator], None]
"""Parts what a folder holds into one to be judged and one to learn from."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over all splits that tell it."""

    task: str
    held_out: str
    what: str
    wanted: str
    values: tuple[float, ...]
    more_is_better: bool

    def cells(self) -> tuple[str, ...]:
        """For a table: the worst split, the middle one and the best."""
        ends = (min, max) if self.more_is_better else (max, min)
        three = ends[0](self.values), float(np.median(self.values)), ends[1](self.values)
        told = [f"{value:.3f}" for value in three]
        return self.task, self.held_out, self.what, *told, str(len(self.values)), self.wanted


HEAD = ("task", "held out", "figure", "worst", "middle", "best", "splits", "wanted")


def rehearse(data: Path, splits: int) -> list[Spread]:
    """Every task that can be parted; raises `folders.Rubbish` as the tasks do."""
    found: list[Spread] = []
    for task, held_out, split, evaluate, figures in REHEARSED:
        values: dict[tuple[str, str, bool], list[float]] = {}
        for number in range(splits):
            with tempfile.TemporaryDirectory() as folder:
                judged, teach = Path(folder) / "data", Path(folder) / "train"
                split(data, judged, teach, dice(SEED, "rehearse", task, held_out, number))
                try:
                    result = evaluate(judged, teach)
                except folders.Missing:
                    continue  # this split left nothing to judge, as of one kind only
            for what, wanted, better, value in figures(result.figures):
                values.setdefault((what, wanted, better), []).append(value)
        found += [
            Spread(task, held_out, what, wanted, tuple(each), better) for (what, wanted, better), each in values.items()
        ]
    return found


def table(spreads: Sequence[Spread]) -> str:
    """As text."""
    rows = [HEAD, *(spread.cells() for spread in spreads)]
    width = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width[i]) for i, cell in enumerate(row)).rstrip() for row in rows)


def figures(spreads: Sequence[Spread]) -> dict[str, object]:
    """For the JSON line."""
    told = [
        {"task": s.task, "held_out": s.held_out, "figure": s.what, "values": [round(value, 4) for value in s.values]}
        for s in spreads
    ]
    return {"task": "rehearsal", "splits": told}


def _some(names: Iterable[str], count: int, roll: np.random.Generator) -> set[str]:
    ordered = sorted(set(names))
    return {ordered[i] for i in roll.permutation(len(ordered))[: min(count, len(ordered) - 1)]}


def _files(task: str, ending: str, share: float) -> Split:
    """Whole files held out; what is no recording (a .dev) goes with those that teach."""

    def split(data: Path, judged: Path, teach: Path, roll: np.random.Generator) -> None:
        names = [path.name for path in folders.files(data / task, ending)]
        held = _some(names, max(1, round(share * len(names))), roll) if names else set()
        for each in (judged, teach):
            (each / task).mkdir(parents=True)
        for path in sorted((data / task).iterdir()) if names else ():
            ((judged if path.name in held else teach) / task / path.name).symlink_to(path.resolve())

    return split


def _rows(judged: Path, teach: Path, path: Path, column: str, side: Mapping[str, bool | None]) -> None:
    """A file's rows by what stands in a column: True to be judged, False teaches, None neither."""
    lines = folders.lines(path)
    at = next(csv.reader(lines[:1])).index(column)
    name = path.name.removesuffix(".gz")
    for folder, wanted in ((judged, True), (teach, False)):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        rows = [line for line, cells in zip(lines[1:], csv.reader(lines[1:]), strict=True) if side[cells[at]] is wanted]
        (folder / path.parent.name / name).write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")


def _tags(data: Path, judged: Path, teach: Path, roll: np.random.Generator) -> None:
    """One tag of each zone."""
    by_zone: dict[str, list[str]] = {}
    for tag in folders.tags(data):
        by_zone.setdefault(tag.zone, []).append(tag.name)
    held = {name for _, names in sorted(by_zone.items()) for name in _some(names, 1, roll)}
    every = {name for names in by_zone.values() for name in names}
    for path in folders.files(data / "vestibule", ".csv"):
        _rows(judged, teach, path, "name", {name: name in held for name in every})


def _talks(sets: Callable[[folders.Talk], str], share: float, worn: bool) -> Split:
    """A share of groups of sessions of the sets that tell a way of wearing, or of the others."""

    def split(data: Path, judged: Path, teach: Path, roll: np.random.Generator) -> None:
        talks = [talk for talk in folders.talks(data) if bool(talk.worn) == worn]
        groups = {sets(talk) for talk in talks}
        held = _some(groups, max(1, round(share * len(groups))), roll) if groups else set()
        for set_name in sorted({talk.set_name for talk in talks}):
            mine = {talk.session: sets(talk) in held for talk in talks if talk.set_name == set_name}
            for path in folders.files(data / "contact", f"{set_name}_partner.csv", f"{set_name}_sessions.csv"):
                every: dict[str, bool | None] = {row["session"]: None for row in csv.DictReader(folders.lines(path))}
                _rows(judged, teach, path, "session", every | mine)

    return split


def _other_set(worn: bool) -> Split:
    """Half of the sessions of one kind of set judged by what the other kind taught alone."""

    def split(data: Path, judged: Path, teach: Path, roll: np.random.Generator) -> None:
        talks = folders.talks(data)
        if all(bool(talk.worn) == worn for talk in talks):
            return  # nothing would teach
        held = {talk.name for talk in talks if bool(talk.worn) == worn}
        held = _some(held, max(1, len(held) // 2), roll) if held else set()
        for set_name in sorted({talk.set_name for talk in talks}):
            side: dict[str, bool | None] = {
                talk.session: (True if talk.name in held else None) if bool(talk.worn) == worn else False
                for talk in talks
                if talk.set_name == set_name
            }
            for path in folders.files(data / "contact", f"{set_name}_partner.csv", f"{set_name}_sessions.csv"):
                every: dict[str, bool | None] = {row["session"]: None for row in csv.DictReader(folders.lines(path))}
                _rows(judged, teach, path, "session", every | side)

    return split


Told = Iterable[tuple[str, str, bool, float]]
"""Figures of one run: what, wanted, whether more is better, value."""


def _door(told: Mapping[str, Any]) -> Told:
    for kind, both in told.items():
        for who, wanted in (("zonetag", "0.985" if kind == "car" else "as the rule"), ("difference rule", "-")):
            yield f"{kind}, {who}: crossings found", wanted, True, both[who]["found_within_3s"] / both[who]["crossings"]
        yield f"{kind}: false crossings", "0", False, both["zonetag"]["false"]
        yield f"{kind}: state right", "-", True, both["zonetag"]["state_accuracy"]


def _vestibule(told: Mapping[str, Any]) -> Told:
    for length, wanted in (("5s", "-"), ("15s", "> 0.89"), ("60s", "> 0.94")):
        if length in told:
            yield f"{length} alone", wanted, True, told[length]["zonetag"]


def _zone(told: Mapping[str, Any]) -> Told:
    yield "room at 5 s", "> 0.87", True, told["room"].get("zonetag", told["room"]["untrained"])
    yield "strongest receiver", "-", True, told["room"]["p90"]
    yield "median error, m", "< 2.1", False, told["median_error_m"]
    yield "90 % error, m", "-", False, told["p90_error_m"]


def _contact(told: Mapping[str, Any]) -> Told:
    for each in told.values():
        for length, what in (("60s", "1 min"), ("900s", "up to 15 min")):
            if length in each:
                yield f"{what}: cost", "< 0.52" if length == "900s" else "-", False, each[length]["cost"]
                yield f"{what}: Brier", "< 0.25", False, each[length]["brier"]


REHEARSED: tuple[
    tuple[str, str, Split, Callable[[Path, Path | None], Result], Callable[[Mapping[str, Any]], Told]], ...
]
REHEARSED = (
    ("door", "a third of the recordings", _files("door", ".csv", 1 / 3), door.evaluate, _door),
    ("vestibule", "a tag of each zone", _tags, vestibule.evaluate, _vestibule),
    ("zone", "a third of the walks", _files("zone", ".mbd", 1 / 3), zone.evaluate, _zone),
    ("contact", "a third of the days", _talks(lambda t: t.day, 1 / 3, False), contact.evaluate, _contact),
    (
        "contact",
        "a third of the sessions, worn alike",
        _talks(lambda t: t.name, 1 / 3, True),
        contact.evaluate,
        _contact,
    ),
    ("contact", "a third of the ways of wearing", _talks(lambda t: t.worn, 1 / 3, True), contact.evaluate, _contact),
    ("contact", "phones judged by the worn set", _other_set(False), contact.evaluate, _contact),
    ("contact", "worn ones judged by the phones", _other_set(True), contact.evaluate, _contact),
)
