"""Which way through a door, and when: people and vehicles by one method.

Each recording is judged with profiles learnt from the others of the training folder, or from the other recordings when
there is none.  A crossing counts as found when one in the same direction is told within 3 s of it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.folders import DoorRecording
from accuracy.result import Result, Row, share
from zonetag_backend.tracing import door

NEAR_S = 3.0
SOURCE = "github juliankaroliny/SAL-Autarkic-Localization-RSSI-BLE-Dataset, CC BY 4.0 (J. Karoliny)"
SIMPLE_S, SIMPLE_DB = 2.0, 4.0


@dataclass(slots=True)
class Tally:
    """What was found of the crossings."""

    true: int = 0
    found: int = 0
    early: int = 0
    # found, and known within NEAR_S too
    invented: int = 0
    seconds: float = 0.0
    right: float = 0.0
    # share of time in the right state, times seconds
    unknown: float = 0.0


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when there are no recordings, `folders.Rubbish` when none of them can be read."""
    refused: list[str] = []
    recordings = folders.doors(data, refused)
    if not recordings:
        raise folders.nothing(f"no *.csv in {data / 'door'}", refused)
    teachers = folders.doors(train, refused) if train else recordings
    ours: dict[str, Tally] = {}
    simple: dict[str, Tally] = {}
    untaught: list[str] = []
    for recording in recordings:
        others = [r for r in teachers if _teaches(r, recording)]
        untrained = door.by_sides([name.startswith("I-") for name in recording.receivers])
        learnt = [
            door.learn([_passages(r, recording.receivers) for r in others if r.kind == kind]) for kind in _kinds(others)
        ]
        if not any(learnt):
            untaught.append(f"{recording.name}: judged untrained, no other recording has its receivers and a crossing")
        followed = door.follow(recording.times, recording.levels, untrained, [p for p in learnt if p])
        _count(ours.setdefault(recording.kind, Tally()), recording, followed)
        _count(simple.setdefault(recording.kind, Tally()), recording, difference_rule(recording))
    rows, figures = [], {}
    published = {"walk": "6 to 8 of 8, 0 to 2 in 7.5 min (rule)", "car": "65 of 66, 1 in 27.6 min (forest)"}
    for kind, tally in ours.items():
        other = simple[kind]
        rows += [
            Row(f"{kind}: crossings within 3 s", _of(tally), _of(other), published.get(kind, "-")),
            Row(f"{kind}: false an hour", f"{_hourly(tally):.1f}", f"{_hourly(other):.1f}", "-"),
            Row(f"{kind}: state right", share(tally.right / tally.seconds), share(other.right / other.seconds), "-"),
        ]
        figures[kind] = {"zonetag": _figures(tally), "difference rule": _figures(other)}
    split = "trained on --train" if train else "each recording held out, trained on all others"
    return Result("door", SOURCE, split, tuple(rows), figures, left_out=tuple(untaught), refused=tuple(refused))


def difference_rule(recording: DoorRecording) -> door.Followed:
    """The simple method: mean of inside minus mean of outside, median of 2 s, hysteresis of 4 dB."""
    within = np.array([name.startswith("I-") for name in recording.receivers])
    levels = np.where(np.isnan(recording.levels), door.NOT_HEARD_DBM, recording.levels)
    difference = levels[:, within].mean(axis=1) - levels[:, ~within].mean(axis=1)
    begin = np.searchsorted(recording.times, recording.times - SIMPLE_S)
    states = np.full(len(difference), door.UNKNOWN, np.int8)
    crossings = []
    state = door.UNKNOWN
    for i in range(len(difference)):
        middle = float(np.median(difference[begin[i] : i + 1]))
        now = door.INSIDE if middle > SIMPLE_DB else door.OUTSIDE if middle < -SIMPLE_DB else state
        if state not in (now, door.UNKNOWN):
            at = float(recording.times[i])
            crossings.append(door.Crossing(at, now == door.INSIDE, at))
        states[i] = state = now
    return door.Followed(states, np.zeros(len(states)), tuple(crossings))


def _teaches(other: DoorRecording, recording: DoorRecording) -> bool:
    """Whether it has the same receivers, and is not the recording itself, under whatever name."""
    apart = other.name != recording.name and other.mark != recording.mark
    return apart and set(other.receivers) >= set(recording.receivers)


def _kinds(recordings: list[DoorRecording]) -> list[str]:
    return sorted({recording.kind for recording in recordings})


def _passages(recording: DoorRecording, receivers: tuple[str, ...]) -> door.Passages:
    columns = [recording.receivers.index(name) for name in receivers]
    return door.Passages(recording.times, recording.levels[:, columns], recording.inside)


def _count(tally: Tally, recording: DoorRecording, followed: door.Followed) -> None:
    turns = np.flatnonzero(np.diff(recording.inside.astype(np.int8)))
    free = list(followed.crossings)
    for turn in turns:
        at = (recording.times[turn] + recording.times[turn + 1]) / 2
        near = [c for c in free if c.inwards == recording.inside[turn + 1] and abs(c.at_s - at) <= NEAR_S]
        if near:
            best = min(near, key=lambda c: abs(c.at_s - at))
            free.remove(best)
            tally.found += 1
            tally.early += int(best.known_s - at <= NEAR_S)
    tally.true += len(turns)
    tally.invented += len(free)
    seconds = float(recording.times[-1] - recording.times[0])
    truth: npt.NDArray[np.int8] = np.where(recording.inside, door.INSIDE, door.OUTSIDE).astype(np.int8)
    tally.seconds += seconds
    tally.right += seconds * float(np.mean(followed.states == truth))
    tally.unknown += seconds * float(np.mean(followed.states == door.UNKNOWN))


def _of(tally: Tally) -> str:
    return f"{tally.found} of {tally.true}, {tally.invented} false in {tally.seconds / 60:.1f} min"


def _hourly(tally: Tally) -> float:
    return tally.invented * 3600 / max(tally.seconds, 1.0)


def _figures(tally: Tally) -> dict[str, float]:
    return {
        "crossings": tally.true,
        "found_within_3s": tally.found,
        "found_and_known_within_3s": tally.early,
        "false": tally.invented,
        "minutes": round(tally.seconds / 60, 1),
        "false_per_hour": round(_hourly(tally), 2),
        "state_accuracy": round(tally.right / max(tally.seconds, 1.0), 4),
        "state_unknown": round(tally.unknown / max(tally.seconds, 1.0), 4),
    }
