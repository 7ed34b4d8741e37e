"""Gateways whose clock is wrong, and says so: in 1970, a year ahead, an hour back in mid-batch, a week without NTP.

The kernel calls a clock that was set by hand, or never, not synchronised (settimeofday clears it), and the gateway
passes that on.  A window counts as double when it became an observation of another time than it was heard at, as lost
when it became none: once the gateway knows the time, what it heard before in this boot gets its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from faults import counting, kills
from faults.counting import Count, Shadow, Stored
from faults.engine import Fault, Run
from faults.stack import Stack, stack

YEAR_MS = 365 * 24 * 3_600_000
RIGHT_S = 320.0  # of the line: how long the clock is right, before and after
WRONG_S = 240.0
# Windows closed up to so long before or after the clock was set may be told by the other clock: a report's length, and
# the 0.2 s between two looks at the windows, which are 40 s of a line that runs so fast, more on a busy machine.
EDGE_MS = 150_000
OFF_MS = 35_000  # what a clock without NTP may be off within a week, and a slot


@dataclass(frozen=True, slots=True)
class Wrong:
    """One way to be wrong."""

    name: str
    to_ms: int | None
    # what the clock is set to; none: not set
    by_ms: int
    # or by how much it is off


AHEAD = Wrong("half an hour ahead", None, 1_800_000)
CLOCKS = (
    Wrong("1970", 0, 0),
    Wrong("a year ahead", None, YEAR_MS),
    Wrong("an hour back", None, -3_600_000),
    # Within the range in which a tag is looked for, so that only its freshness tells.
    Wrong("half an hour back", None, -1_800_000),
    AHEAD,
    Wrong("a week without NTP", None, 20_000),
)


def _one(run: Run, clocks: Sequence[Wrong], *, honest: bool = True) -> Count:
    """One gateway, one wrong clock after the other, and the right one between them."""
    with stack(run.folder, pause_s=0.02) as made:
        made.start(gateway="doubting")
        for n, wrong in enumerate(clocks):
            made.hear_on(RIGHT_S)
            _be_wrong(made, wrong, honest)
            run.progress(n + 1)
        made.hear_on(RIGHT_S)
        made.finish()
        return _count(made)


def _be_wrong(made: Stack, wrong: Wrong, honest: bool) -> None:
    doubt = made.folder / "doubt"
    if honest:
        doubt.touch()
    from_at = made.air.at

    def told(at: float, true_ms: int) -> int:
        if wrong.to_ms is not None:
            return wrong.to_ms + round((at - from_at) * 1000)
        return true_ms + wrong.by_ms

    made.air.told = told
    made.hear_on(WRONG_S)
    made.air.told = None
    made.hear_on(8.0)  # the right time is told before the kernel calls it so
    doubt.unlink(missing_ok=True)


def _count(made: Stack) -> Count:
    shadow = counting.read_shadow(made.shadow)
    stored = counting.read_database(made.database)
    heard_at = _observed_at(made)
    windows = shadow.windows(shadow.kept)
    lost = misplaced = 0
    for name, frame in windows.items():
        true_ms = made.air.sent[frame].utc_ms
        if name in heard_at:
            misplaced += abs(heard_at[name] - true_ms) > OFF_MS
            continue
        lost += 1
    unordered = _out_of_order(made, shadow)
    never = len(set(made.air.sent) - set(windows.values()))
    told = f"{lost} lost, {misplaced} at a wrong time, {unordered} out of order, {never} in no report"
    double = misplaced + unordered + _twice(stored)
    acknowledged = sum(shadow.tried[key].columns.n for key in shadow.acknowledged)
    return Count(acknowledged, len(stored.names), lost + never, double, told if lost + never + double else "")


def _twice(stored: Stored) -> int:
    return sum(n - 1 for n in stored.observed.values()) + sum(n - 1 for n in stored.content.values())


def _observed_at(made: Stack) -> dict[counting.Name, int]:
    with counting.open_database(made.database) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'heard_[0-9]*'")]
        return {
            (gateway, boot, seq, row): start
            for table in tables
            if "index" not in table
            for gateway, boot, seq, row, start in db.execute(
                f'SELECT gateway, boot, seq, "row", start_ms FROM "{table}"'
            )
        }


def _out_of_order(made: Stack, shadow: Shadow) -> int:
    """Reports whose monotonic time is not in the order of their numbers, by more than a window lasts."""
    with counting.open_database(made.database) as db:
        times = [at for (at,) in db.execute("SELECT monotonic_ms FROM report ORDER BY gateway, boot, seq")]
    assert len(times) == len(shadow.kept)
    return sum(later < earlier - EDGE_MS for earlier, later in pairwise(times))


def _clocks(run: Run) -> Count:
    return _one(run, [CLOCKS[n % len(CLOCKS)] for n in range(run.times)])


def _control(run: Run) -> bool:
    return _one(run, [AHEAD], honest=False).double > 0


FAULT = Fault(
    "wrong-clock",
    "the gateway's clock in 1970, a year ahead, an hour back in mid-batch, without NTP for a week",
    6,
    60,
    _clocks,
    _control,
    "the gateway calls a clock synchronised that is not",
    kills.needs,
)
