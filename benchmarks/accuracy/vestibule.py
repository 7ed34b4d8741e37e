"""Three zones told by two receivers at the ends of a vestibule, from windows of 5, 15 and 60 s; tags held out."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.folders import TagRecording
from accuracy.result import Result, Row, share
from zonetag_backend.tracing import rooms

SOURCE = "UCI Machine Learning Repository, set 586 (github AmbientEg/LocationDeterminationPrototype), CC BY 4.0"
WINDOWS_S = (5, 15, 60)
PUBLISHED = {5: "0.81", 15: "0.89", 60: "0.94"}
Floats = npt.NDArray[np.float64]


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when there are no recordings, or nothing teaches their zones; `folders.Rubbish`."""
    refused: list[str] = []
    recordings = folders.tags(data, refused)
    if not recordings:
        raise folders.nothing(f"no *.csv in {data / 'vestibule'}", refused)
    teachers = folders.tags(train, refused) if train else recordings
    names = sorted({teacher.zone for teacher in teachers})
    right: dict[tuple[str, int], list[bool]] = {}
    left_out: list[str] = []
    for recording in recordings:
        itself = {recording.name, *_copies(recording, recordings, teachers)}
        others = [each for each in teachers if each.name not in itself]
        untaught = {recording.zone, *names} - {each.zone for each in others}
        if untaught:
            left_out.append(f"{recording.name}: no other tag teaches {', '.join(sorted(untaught))}; add one to --train")
            continue
        at = names.index(recording.zone)
        zones = rooms.learn_zones([(names.index(each.zone), short(each)) for each in others], len(names))
        for length in WINDOWS_S:
            simple = _Simple([(names.index(each.zone), _means(each, length)) for each in others], len(names))
            before: Floats | None = None
            for begin in np.arange(0, recording.times[-1] - length + 1e-6, length):
                rows = short(recording, begin, begin + length)
                if not len(rows):
                    continue
                told = rooms.which_zone(zones, rows)
                before = rooms.followed(before, told, length)
                whole = (recording.times >= begin) & (recording.times < begin + length)
                guess = simple(recording.levels[whole].mean(axis=0))
                right.setdefault(("zonetag", length), []).append(int(told.argmax()) == at)
                right.setdefault(("followed", length), []).append(int(before.argmax()) == at)
                right.setdefault(("simple", length), []).append(guess == at)
    if not right:
        why = "; ".join(left_out) or "no tag is heard for 5 s"
        raise folders.Missing(f"{data / 'vestibule'} holds no tag that can be judged: {why}")
    score = {key: float(np.mean(values)) for key, values in right.items()}
    rows_out, figures = [], {}
    for length in WINDOWS_S:
        if ("zonetag", length) not in score:
            continue
        ours, simple_score = score["zonetag", length], score["simple", length]
        rows_out.append(Row(f"{length} s alone", share(ours), share(simple_score), PUBLISHED[length]))
        figures[f"{length}s"] = {
            "zonetag": round(ours, 4),
            "with_what_went_before": round(score["followed", length], 4),
            "simple": round(simple_score, 4),
            "windows": len(right["zonetag", length]),
        }
    split = "trained on --train, without a tag of the same name" if train else "each tag held out"
    note = "No tag of this set moves: remembering earlier windows would flatter, that figure is in the JSON only."
    return Result(
        "vestibule", SOURCE, split, tuple(rows_out), figures, (note,), left_out=tuple(left_out), refused=tuple(refused)
    )


def _copies(tag: TagRecording, recordings: list[TagRecording], teachers: list[TagRecording]) -> set[str]:
    """What else that very tag is called among those that teach."""
    its = {each.mark for each in recordings if each.name == tag.name}
    return {each.name for each in teachers if each.mark in its}


def short(recording: TagRecording, begin: float = 0.0, end: float = np.inf) -> Floats:
    """The short windows between two times, as `rooms.learn_zones` takes them."""
    within = (recording.times >= begin) & (recording.times < end)
    numbers = ((recording.times[within] - begin) / rooms.SHORT_S).astype(np.int64)
    levels = recording.levels[within]
    return np.array([levels[numbers == number].max(axis=0) for number in np.unique(numbers)])


def _means(recording: TagRecording, length: float) -> Floats:
    numbers = (recording.times / length).astype(np.int64)
    return np.array([recording.levels[numbers == number].mean(axis=0) for number in np.unique(numbers)])


class _Simple:
    """The simple method: means of the window, one common covariance (linear discriminant)."""

    def __init__(self, examples: list[tuple[int, Floats]], zones: int) -> None:
        grouped = [np.vstack([rows for at, rows in examples if at == zone]) for zone in range(zones)]
        self._mean = np.array([rows.mean(axis=0) for rows in grouped])
        spread = [np.cov(rows.T) if len(rows) > 1 else np.zeros((rows.shape[1],) * 2) for rows in grouped]
        self._inverse = np.linalg.inv(np.mean(spread, axis=0) + np.eye(grouped[0].shape[1]))

    def __call__(self, level: Floats) -> int:
        apart = level - self._mean
        return int(np.einsum("zi,ij,zj->z", apart, self._inverse, apart).argmin())
