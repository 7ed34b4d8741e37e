"""Were two people close for some minutes, as a probability: detection cost, calibration, precision at the base rate.

Learnt from other days (h0h1: two people's phones, worn anyhow) or other sessions (matrix: the way of wearing is known,
as with a badge).  Close is 6 ft or less, far 10 ft or more, by folder or by the middle distance of each stretch; what
lies between is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accuracy import folders
from accuracy.folders import Talk
from accuracy.result import Result, Row, share
from zonetag_backend.tracing import closeness
from zonetag_backend.tracing.closeness import Session

SOURCE = "github mitll/H0H1 and mitll/MIT-Matrix-Data (MIT Lincoln Laboratory), CC BY 4.0"
LENGTHS_S = (60.0, 240.0, 900.0)
LOOK_S = 60.0
FEWEST = 3  # packets of a look
BINS = 5
EVEN = 0.5  # prior of the test: close and far are told apart at even odds, the base rate comes after
PUBLISHED = {
    ("h0h1", 60.0): "0.76 (threshold of another day)",
    ("h0h1", 240.0): "0.59 (threshold of another day)",
    ("h0h1", 900.0): "0.52 (another set, 20 people, scene held out)",
}
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """Some stretches of time, each with what was said of it and the truth."""

    said: Floats
    close: Flags

    def missed(self) -> float:
        """Share of the close ones that were called far."""
        return float(np.mean(self.said[self.close] < EVEN))

    def alarms(self) -> float:
        """Share of the far ones that were called close."""
        return float(np.mean(self.said[~self.close] >= EVEN))

    def cost(self) -> float:
        """Normalised detection cost: 1 is as good as saying always the same."""
        return self.missed() + self.alarms()

    def brier(self) -> float:
        """Mean square of what was said against the truth, close and far weighing alike; 0.25 says nothing."""
        square = (self.said - self.close) ** 2
        return float((square[self.close].mean() + square[~self.close].mean()) / 2)

    def area(self) -> float:
        """Probability that a close one is held closer than a far one."""
        over = self.said[self.close][:, None] - self.said[~self.close][None, :]
        return float(np.mean(over > 0) + np.mean(over == 0) / 2)

    def reliability(self) -> list[tuple[int, float, float]]:
        """For each band of probability: how many, mean of what was said, share that was close (both kinds alike)."""
        weight = np.where(self.close, 0.5 / max(self.close.sum(), 1), 0.5 / max((~self.close).sum(), 1))
        out: list[tuple[int, float, float]] = []
        for number in range(BINS):
            here = np.minimum((self.said * BINS).astype(int), BINS - 1) == number
            if here.any():
                w = weight[here]
                said, true = (float(np.average(each[here], weights=w)) for each in (self.said, self.close))
                out.append((int(here.sum()), said, true))
        return out


def evaluate(data: Path, train: Path | None) -> Result:
    """Raises `folders.Missing` when no set holds recordings of both kinds, `folders.Rubbish` when none can be read."""
    refused: list[str] = []
    talks = folders.talks(data, refused)
    if not talks:
        raise folders.nothing(f"no *_partner.csv with packets in {data / 'contact'}", refused)
    teachers = folders.talks(train, refused) if train else talks
    rows, figures, tables, left_out = [], {}, [], []
    for set_name in sorted({talk.set_name for talk in talks}):
        mine = [talk for talk in talks if talk.set_name == set_name]
        others = [talk for talk in teachers if talk.set_name == set_name]
        if not others:
            others = teachers
            by = "what other sets teach" if teachers else "physics alone: nothing teaches"
            left_out.append(f"{set_name}: judged by {by}; add its own kind to --train for better")
        told: dict[str, object] = {}
        for length in LENGTHS_S:
            ours, simple = _judged(mine, others, length)
            if not ours.close.any() or ours.close.all():
                kind = (
                    "no stretch told to be close or far"
                    if not len(ours.close)
                    else ("close ones only" if ours.close.all() else "far ones only")
                )
                reason = f"{set_name}: {kind} (6 ft or less, 10 ft or more); a cost needs both, add recordings"
                left_out += [] if reason in left_out else [reason]
                continue
            what = f"{set_name} {length / 60:.0f} min" if length < LENGTHS_S[-1] else f"{set_name} up to 15 min"
            published = PUBLISHED.get((set_name, length), "-")
            rows.append(Row(f"{what}: cost", share(ours.cost()), share(simple.cost()), published))
            told[f"{length:.0f}s"] = _figures(ours, simple)
            if length == LENGTHS_S[-1]:
                rows.append(Row(f"{what}: Brier", share(ours.brier()), "0.250 (says nothing)", "-"))
                rows.append(Row(f"{what}: precision at {closeness.BASE_RATE:.2%}", *_precisions(ours, simple), "0.7 %"))
                tables.append(_table(what, ours))
        if told and any(talk.worn for talk in mine):
            unworn, _ = _judged(mine, others, LENGTHS_S[-1], known=False)
            rows.append(Row(f"{set_name}, way of wearing never seen: cost", share(unworn.cost()), "-", "-"))
            told["wearing_unknown"] = _figures(unworn, None)
        if told:
            figures[set_name] = told
    if not figures:
        raise folders.Missing(f"{data / 'contact'} holds no set that can be judged: {'; '.join(left_out)}")
    split = "h0h1: other days; sets with a way of wearing: other sessions" + (" of --train" if train else "")
    notes = (
        "Precision is that of the threshold 0.5 at even odds, were it applied to all pairs of an office; with the base "
        "rate as prior the same evidence hardly ever passes 0.5, which is the honest answer of one stretch by itself.",
    )
    more = "\n\n".join(tables)
    return Result("contact", SOURCE, split, tuple(rows), figures, notes, more, tuple(left_out), tuple(refused))


def looks(talk: Talk, begin: float, end: float) -> tuple[float, ...]:
    """The level of each look between two times, dBm: the 90th percentile of a minute."""
    out = []
    for at in np.arange(begin, end, LOOK_S):
        heard = talk.rssi[(talk.times >= at) & (talk.times < min(at + LOOK_S, end))]
        if len(heard) >= FEWEST:
            out.append(float(np.quantile(heard, 0.9)))
    return tuple(out)


def _stretches(talk: Talk, length: float) -> list[tuple[Session, float]]:
    """(session, mean RSSI) of each stretch at least half as long as asked; the whole when it is shorter."""
    last = float(talk.times[-1])
    out: list[tuple[Session, float]] = []
    begin = 0.0
    while not out or last - begin >= length / 2:
        heard = talk.rssi[(talk.times >= begin) & (talk.times < begin + length)]
        levels = looks(talk, begin, min(begin + length, last + 1e-6))
        close = talk.close(begin, begin + length)
        if levels and close is not None:
            out.append((Session(levels, close, talk.worn), float(heard.mean())))
        begin += length
        if begin >= last:
            break
    return out


def _kept_apart(talk: Talk, known: bool) -> str:
    """Talks with one of these are judged by the same others."""
    return (talk.name if known else talk.worn) if talk.worn else talk.day


def _apart(one: Talk, other: Talk, known: bool) -> bool:
    """Whether `other` may teach what judges `one`."""
    if not one.worn:
        return one.day != other.day
    return one.name != other.name if known else one.worn != other.worn


def _judged(mine: Sequence[Talk], teachers: Sequence[Talk], length: float, known: bool = True) -> tuple[Judged, Judged]:
    """What the product and what the simple method says of each stretch.

    Devices of another set than all that teach are worn in a way that was not learnt, whether its name is told or not.
    """
    foreign = "" if {talk.set_name for talk in mine} <= {talk.set_name for talk in teachers} else "another set"
    said, simple, truth = [], [], []
    kept: dict[str, tuple[closeness.Closeness, float]] = {}
    for talk in mine:
        key = _kept_apart(talk, known)
        if key not in kept:
            its = {each.mark for each in mine if _kept_apart(each, known) == key}
            copies = [each for each in teachers if each.mark in its]  # the same, under other names
            others = [each for each in teachers if all(_apart(one, each, known) for one in (talk, *copies))]
            learnt = [stretch for each in others for stretch in _stretches(each, LENGTHS_S[-1])]
            alike = [stretch for each in others for stretch in _stretches(each, length)]
            kept[key] = closeness.learn([session for session, _ in learnt]), _threshold(alike)
        model, threshold = kept[key]
        for session, mean in _stretches(talk, length):
            said.append(closeness.judge(model, session.levels, EVEN, session.worn or foreign).probability)
            simple.append(float(mean >= threshold))
            truth.append(session.close)
    close = np.array(truth, dtype=bool)
    return Judged(np.array(said), close), Judged(np.array(simple), close)


def _threshold(stretches: list[tuple[Session, float]]) -> float:
    """The simple method: the mean RSSI that parted close from far best where it was learnt, dBm."""
    close = np.array([mean for session, mean in stretches if session.close])
    far = np.array([mean for session, mean in stretches if not session.close])
    if not len(close) or not len(far):
        return -70.0

    def cost(at: float) -> float:
        return float(np.mean(close < at) + np.mean(far >= at))

    return min((float(at) for at in np.arange(-95, -40, 0.5)), key=cost)


def precision(judged: Judged, base_rate: float) -> float:
    """Share of true ones among those called close, where `base_rate` of all are."""
    right, wrong = base_rate * (1 - judged.missed()), (1 - base_rate) * judged.alarms()
    return right / (right + wrong) if right + wrong else 0.0


def _precisions(ours: Judged, simple: Judged) -> tuple[str, str]:
    first, second = (f"{precision(each, closeness.BASE_RATE):.1%}" for each in (ours, simple))
    return first, second


def _figures(ours: Judged, simple: Judged | None) -> dict[str, object]:
    told: dict[str, object] = {
        "cost": round(ours.cost(), 4),
        "p_miss": round(ours.missed(), 4),
        "p_fa": round(ours.alarms(), 4),
        "auc": round(ours.area(), 4),
        "brier": round(ours.brier(), 4),
        "precision_at_base_rate": round(precision(ours, closeness.BASE_RATE), 5),
        "reliability": [(count, round(said, 3), round(true, 3)) for count, said, true in ours.reliability()],
        "stretches": len(ours.said),
    }
    if simple is not None:
        told["simple_cost"] = round(simple.cost(), 4)
    return told


def _table(what: str, judged: Judged) -> str:
    lines = [f"{what}: calibration", "said  was close  stretches"]
    lines += [f"{said:4.2f}  {true:9.2f}  {count:9d}" for count, said, true in judged.reliability()]
    return "\n".join(lines)
