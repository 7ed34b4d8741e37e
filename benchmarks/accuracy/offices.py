"""Real offices replayed: who met whom -> looks of tags -> radio -> contact records -> verified -> contacts of 15 min.

The recordings say who stood face to face; where everybody else was, they do not.  So each group (department) gets a
room with desks 2.5 m apart, drawn by seed, and who stands face to face stands 1.2 m apart.  The replay takes the
busiest day of each file and the people who met most on it.  Its looks, frames, records and their verification are the
product's own; gateways and broker only carry the records (tests/end_to_end does that) and lose none.

Four runs over the same events tell the losses apart:
sampling: looks and adverts as they are, but the radio knows who is close;
radio: levels instead, judged by `closeness`;
roomy: the same through real frames, identifiers, records, resolving and verification, with room for every identifier;
rotation: the same with the 16 records that a tag keeps of an epoch: the whole path.
A pair is called a contact from the probability on from which the product lists it (profile.py).  What other
probabilities would list, and how often it is so what is said, stands below the table.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.bench import Bench, crowded, logged
from accuracy.result import Result, Row, share
from zonetag_backend.simulate import radio
from zonetag_backend.simulate.dice import dice
from zonetag_backend.tracing import closeness, encounter, profile
from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.exposure import exposures
from zonetag_backend.tracing.seam import Both, Closeness, Heard, Look, Simple
from zonetag_protocol import contact

SOURCE = "SocioPatterns: workplace 2015 (InVS15) and SFHH conference, CC0"
PEOPLE = 40
SEED = 1
STEP_S = 20  # of the recordings
DAY_S = 86_400
MINUTES = 15
BEGIN_MS = 1_790_035_200_000  # a midnight, UTC
CELL_S = contact.CELL_S
AT_REST = 0.32  # of looks hear a tag at rest: 0.3 s of each second
FACE_M, DESKS_M, ROOM_M = 1.2, 2.5, 15.0
# Between people: exponent 1.97 and 6.0 dB in offices (mitll/H0H1 and MIT-Matrix-Data); a tag has -62 dBm at 1 m.
AT_1M_DBM, EXPONENT, SIGMA_DB = -62.0, 1.97, 6.0
POSTURE_S = 300
WEAKEST_DBM = -90.0
PROFILE = profile.PROFILES[profile.DEFAULT]
SIMPLE = 0.5  # the simple method calls it a contact from this probability on; from PROFILE's it would call nearly all
LEVELS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
LEAST = 0.01
STAGES = {
    "sampling": "up to sampling",
    "radio": "up to radio",
    "roomy": "up to rotation, had tags room for all",
    "rotation": "up to rotation",
}
Floats = npt.NDArray[np.float64]
Pair = tuple[int, int]
Key = tuple[int, int, int]
"""One person, another with a greater number, and which of them heard."""
Said = dict[Pair, float]
"""The probability that a pair made a contact that day; none is as good as less than LEAST."""


@dataclass(frozen=True, slots=True)
class Event:
    """One tag hears another in one look."""

    listener: int
    sender: int
    at: float
    # seconds of the day
    rssi: int
    close: bool


class _Oracle:
    """Closeness as it was, carried in the level."""

    def direct(self, day: Sequence[Heard]) -> Sequence[tuple[float, ...]]:
        """The share of the looks that is marked by a level of -40; without any, as in the piece before."""
        out = [(0.0,)]
        for piece in day:
            marked = sum(level > -50 for level in piece.levels)
            out.append((marked / len(piece.levels),) if piece.levels else out[-1])
        return out[1:]

    def place(self, both: Both) -> float:
        """Not asked."""
        return 0.0


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when there are no meetings, `folders.Rubbish` when none can be read.

    Nothing is learnt: the model is the physical one.
    """
    del train
    rows, figures, tables, left_out = [], {}, [], []
    refused: list[str] = []
    meetings = folders.meetings(data, refused)
    if not meetings:
        raise folders.nothing(f"no *_tij.dat in {data / 'meetings'}", refused)
    for name, rows_of in meetings.items():
        told = _replay(name, rows_of)
        if told is None:
            left_out.append(f"{name}: nobody met for {MINUTES} minutes on its busiest day; there is nothing to find")
            continue
        figures[name] = told
        for stage, label in STAGES.items():
            ours, simple = told[stage], told[f"{stage}_simple"]
            published = "recall 0.94, precision 0.90 (looks of 60 s)" if stage == "sampling" else "-"
            rows.append(Row(f"{name}: {label}", _of(ours), _of(simple), published))
        tables.append(_table(name, told))
    if not rows:
        raise folders.Missing(f"{data / 'meetings'} holds no day that can be judged: {'; '.join(left_out)}")
    notes = (
        "Simple is one threshold on the strongest advert (for sampling: looks of 300 s), before anything was learnt.",
        f"Listed from {PROFILE.probability:g} on, as `zonetag trace` and the page of a case do unless told otherwise.",
    )
    split = f"nothing learnt; busiest day, the {PEOPLE} people who met most"
    return Result(
        "offices",
        SOURCE,
        split,
        tuple(rows),
        figures,
        notes,
        "\n\n".join(tables),
        left_out=tuple(left_out),
        refused=tuple(refused),
    )


def _of(figures: dict[str, float]) -> str:
    return f"recall {share(figures['recall'])}, precision {share(figures['precision'])}"


def _table(name: str, told: dict[str, Any]) -> str:
    """Of the whole path: what each level would list, and how often it was so what was said."""
    lines = [f"{name}, whole path\nlisted from  recall  precision  pairs"]
    lines += [
        f"{level:>11}  {each['recall']:6.2f}  {each['precision']:9.2f}  {each['found']:5d}"
        for level, each in told["listed_from"].items()
    ]
    about = told["about"]
    kept = about["looks_kept"] / about["looks_heard"]
    lines.append(
        f"of an epoch a tag hears {about['identifiers_an_epoch']:.0f} identifiers; of all looks {kept:.0%} are kept"
    )
    lines.append("said  was so  pairs")
    lines += [f"{said:4.2f}  {true:6.2f}  {count:5d}" for count, said, true in told["reliability"]]
    return "\n".join(lines)


def _replay(name: str, rows: npt.NDArray[np.int64]) -> dict[str, Any] | None:
    day = int(np.bincount(rows[:, 0] // DAY_S).argmax())
    rows = rows[rows[:, 0] // DAY_S == day]
    ids, counts = np.unique(rows[:, 1:], return_counts=True)
    people = sorted(ids[np.argsort(-counts, kind="stable")][:PEOPLE].tolist())
    number = {person: index for index, person in enumerate(people)}
    met: dict[int, list[tuple[int, int]]] = defaultdict(list)
    minutes: dict[tuple[int, int], float] = defaultdict(float)
    for t, a, b in rows.tolist():
        if a in number and b in number:
            pair = (min(number[a], number[b]), max(number[a], number[b]))
            met[(t - 1) % DAY_S // STEP_S].append(pair)
            minutes[pair] += STEP_S / 60
    truth = {pair for pair, length in minutes.items() if length >= MINUTES}
    if not truth:
        return None
    events = _events(name, len(people), met, truth_groups(len(people), minutes))
    oracle = [replace(e, rssi=-40 if e.close else -80) for e in events]
    rare = [e for e in oracle if int(e.at // CELL_S) % 10 == 0]  # a look each 320 s
    bench = Bench(len(people), BEGIN_MS, SEED)
    through = logged(events, len(people), BEGIN_MS, bench)
    roomy = _roomy(events, len(people), bench)
    calibrated, listed = closeness.Calibrated(), PROFILE.probability
    whole = _contacts(through, calibrated)
    out: dict[str, Any] = {
        "sampling": _score(_contacts(_looks(oracle), _Oracle()), truth, listed),
        "sampling_simple": _score(_contacts(_looks(rare, 10), _Oracle()), truth, listed),
        "radio": _score(_contacts(_looks(events), calibrated), truth, listed),
        "radio_simple": _score(_contacts(_looks(events), Simple()), truth, SIMPLE),
        "roomy": _score(_contacts(roomy, calibrated), truth, listed),
        "roomy_simple": _score(_contacts(roomy, Simple()), truth, SIMPLE),
        "rotation": _score(whole, truth, listed),
        "rotation_simple": _score(_contacts(through, Simple()), truth, SIMPLE),
        "listed_from": {f"{level:g}": _score(whole, truth, level) for level in LEVELS},
    }
    about = {"people": len(people), "pairs": len(people) * (len(people) - 1) // 2, "true_contacts": len(truth)}
    said = np.array([whole.get(pair, 0.0) for pair in combinations(range(len(people)), 2)])
    true = np.array([pair in truth for pair in combinations(range(len(people)), 2)])
    out["brier"] = round(float(np.mean((said - true) ** 2)), 4)
    out["reliability"] = _reliability(said, true)
    heard = np.array([e.close for e in events])
    about |= {"looks_heard": len(events)}
    about |= {name: sum(map(len, of.values())) for name, of in (("looks_roomy", roomy), ("looks_kept", through))}
    crowd = {"of_these_close": round(float(heard.mean()), 4), "identifiers_an_epoch": round(crowded(events, bench), 1)}
    return {"about": {**about, **crowd}, **out}


def _roomy(events: Sequence[Event], people: int, bench: Bench) -> dict[Key, list[Look]]:
    """As `logged`, had a tag room for every identifier: it keeps a log for each sender, and no other is in the way."""
    of: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        of[event.sender].append(event)
    return {key: looks for each in of.values() for key, looks in logged(each, people, BEGIN_MS, bench).items()}


def truth_groups(people: int, minutes: dict[tuple[int, int], float]) -> npt.NDArray[np.int64]:
    """A room for each person: that of whom she met longest, joined while rooms have fewer than nine."""
    room = np.arange(people)
    for (a, b), _ in sorted(minutes.items(), key=lambda item: -item[1]):
        if room[a] != room[b] and (room == room[a]).sum() + (room == room[b]).sum() <= 8:
            room[room == room[b]] = room[a]
    return room


def _events(name: str, people: int, met: dict[int, list[tuple[int, int]]], rooms: npt.NDArray[np.int64]) -> list[Event]:
    """Everything heard in a day, in order of time."""
    roll = dice(SEED, "offices", name)
    desk = np.zeros((people, 2))
    for number, room in enumerate(np.unique(rooms)):
        here = np.flatnonzero(rooms == room)
        spot = roll.permutation(9)[: len(here)]
        desk[here] = np.stack([spot % 3, spot // 3], axis=1) * DESKS_M + [number % 4 * ROOM_M, number // 4 * ROOM_M]
    distance = np.hypot(*(desk[:, None, :] - desk[None, :, :]).transpose(2, 0, 1)) + 10 * np.eye(people)
    shadow_db = float(np.sqrt(SIGMA_DB**2 - (radio.CHANNELS_DB / 1.59) ** 2))
    steps = sorted(met)
    first, last = steps[0] * STEP_S // CELL_S, steps[-1] * STEP_S // CELL_S + 1
    events: list[Event] = []
    posture = -1
    lasting = np.zeros((people, people))
    for cell in range(first, last + 1):
        if cell * CELL_S // POSTURE_S != posture:
            posture = cell * CELL_S // POSTURE_S
            # Both ways alike but for the bodies: who wears a badge is deaf and mute behind.
            drawn = roll.normal(0, shadow_db, (people, people))
            lasting = np.triu(drawn, 1) + np.triu(drawn, 1).T
            turned = roll.uniform(-np.pi, np.pi, (people, people))
        at = cell * CELL_S + roll.uniform(0, CELL_S - 1.0, people)
        near = np.zeros((people, people), dtype=bool)
        for listener in range(people):
            for a, b in met.get(int(at[listener] // STEP_S), ()):
                if listener in (a, b):
                    near[listener, a + b - listener] = True
        level = AT_1M_DBM - 10 * EXPONENT * np.log10(np.where(near, FACE_M, distance)) + lasting
        body = radio.BODY_SWING_DB / 2 * (np.cos(turned) + np.cos(turned.T)) / 2
        level += np.where(near, radio.BODY_SWING_DB / 4, body)
        level += np.minimum(roll.normal(0, radio.CHANNELS_DB / 1.59, (people, people)), 6.0)
        heard = (roll.random((people, people)) < AT_REST) & (level > WEAKEST_DBM) & ~np.eye(people, dtype=bool)
        for listener, sender in np.argwhere(heard).tolist():
            rssi = round(min(level[listener, sender], 0.0))
            events.append(Event(listener, sender, float(at[listener]), rssi, bool(near[listener, sender])))
    return events


def _looks(events: Iterable[Event], every: int = 1) -> dict[Key, list[Look]]:
    """By (asked, other, reporter), as tracing takes them from logs: the strongest of each cell, in steps of 4 dB."""
    best: dict[tuple[int, int, int], int] = {}
    for event in events:
        key = (event.listener, event.sender, int(event.at // CELL_S))
        best[key] = max(best.get(key, -128), event.rssi)
    out: dict[Key, list[Look]] = defaultdict(list)
    for (listener, sender, cell), rssi in sorted(best.items()):
        start = BEGIN_MS + cell * CELL_S * 1000
        level = contact.dbm(contact.level(rssi)) or rssi
        look = Look(start, start + every * CELL_S * 1000, level, level, 1)
        out[min(listener, sender), max(listener, sender), listener].append(look)
    return out


def _contacts(looks: dict[Key, list[Look]], model: Closeness) -> Said:
    """How probably each pair makes a contact by the product's tracing."""
    noted = [encounter.Noted(a, b, reporter, look) for (a, b, reporter), many in looks.items() for look in many]
    day = (BEGIN_MS, BEGIN_MS + DAY_S * 1000)
    found = exposures(encounter.direct(noted, model), PROFILE, Days(UTC), day, LEAST)
    return {(each.asked, each.other): each.probability for each in found}


def _score(said: Said, truth: set[Pair], level: float) -> dict[str, float]:
    found = {pair for pair, probability in said.items() if probability >= level}
    both = len(found & truth)
    return {
        "recall": round(both / len(truth), 4),
        "precision": round(both / len(found), 4) if found else 0.0,
        "found": len(found),
    }


def _reliability(said: Floats, true: npt.NDArray[np.bool_]) -> list[tuple[int, float, float]]:
    """Between two LEVELS each: how many pairs, mean of what was said, share that was so."""
    band = np.searchsorted(LEVELS, said, "right")
    return [
        (int(here.sum()), round(float(said[here].mean()), 3), round(float(true[here].mean()), 3))
        for here in (band == each for each in range(len(LEVELS) + 1))
        if here.any()
    ]
