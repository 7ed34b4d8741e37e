"""What became of every window, counted from what is on the disks: the gateway's shadow, its spool, the database.

A window is named by (gateway, boot, seq, row).
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faults.air import Frame, Sent

from zonetag_protocol import envelope, report

Name = tuple[str, int, int, int]
Key = tuple[int, int]
"""Boot and seq of a report."""


@dataclass(slots=True)
class Shadow:
    """What the gateway itself has written down of each report, before and after the spool had it."""

    tried: dict[Key, report.Report] = field(default_factory=dict)
    # what the spool was given, by the newest try
    kept: set[Key] = field(default_factory=set)
    # what the spool has said that it has
    acknowledged: set[Key] = field(default_factory=set)

    def windows(self, keys: set[Key]) -> dict[Name, Frame]:
        """Every window of these reports."""
        found: dict[Name, Frame] = {}
        for key in keys:
            made = self.tried[key]
            c = made.columns
            for row in range(c.n):
                frame = (c.eid[8 * row : 8 * row + 8], c.auth[6 * row : 6 * row + 6])
                found[made.gateway, made.boot, made.seq, row] = frame
        return found


def read_shadow(path: Path) -> Shadow:
    """Read it; a last line that was cut off by a kill is left out."""
    shadow = Shadow()
    text = path.read_text() if path.exists() else ""
    for line in text.split("\n")[:-1]:
        kind, boot, seq, *rest = line.split(" ")
        key = (int(boot), int(seq))
        if kind == "T":
            shadow.tried[key] = report.decode(envelope.unwrap(bytes.fromhex(rest[0]), "report"))
        elif kind == "K":
            shadow.kept.add(key)
        else:
            beyond = {int(number) for number in rest[0].split(",") if number}
            shadow.acknowledged |= {
                (key[0], n) for b, n in shadow.tried if b == key[0] and (n <= key[1] or n in beyond)
            }
    return shadow


@dataclass(slots=True)
class Stored:
    """What the database has."""

    observed: Counter[Name]
    # windows that became observations
    content: Counter[tuple[str, int, int]]
    # the same by gateway, tag and slot: what was counted twice under two names shows here
    rejected: dict[Name, str]
    # windows kept apart, with the reason
    reports: int

    @property
    def names(self) -> set[Name]:
        return set(self.observed)


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """To read it beside the programs."""
    db = sqlite3.connect(path, timeout=60)
    try:
        yield db
    finally:
        db.close()


def read_database(path: Path) -> Stored:
    """Count its rows, and check that SQLite calls it whole."""
    with open_database(path) as db:
        [(verdict,)] = db.execute("PRAGMA integrity_check")
        assert verdict == "ok", verdict
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'heard_[0-9]*'")]
        observed: Counter[Name] = Counter()
        content: Counter[tuple[str, int, int]] = Counter()
        for table in tables:
            if "index" in table:
                continue
            for gateway, boot, seq, row, tag, slot in db.execute(
                f'SELECT gateway, boot, seq, "row", tag, slot FROM "{table}"'
            ):
                observed[gateway, boot, seq, row] += 1
                content[gateway, tag, slot] += 1
        rejected = {
            (gateway, boot, seq, row): reason
            for gateway, boot, seq, row, reason in db.execute('SELECT gateway, boot, seq, "row", reason FROM rejected')
        }
        [(reports,)] = db.execute("SELECT count(*) FROM report")
        return Stored(observed, content, rejected, reports)


@dataclass(frozen=True, slots=True)
class Count:
    """The figures of one run."""

    acknowledged: int
    stored: int
    lost: int
    double: int
    told: str = ""
    # what is lost or double, for whoever looks into it
    times: int = 0
    # how often it was done, where that is not what was asked for

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.acknowledged + other.acknowledged,
            self.stored + other.stored,
            self.lost + other.lost,
            self.double + other.double,
            " ".join(filter(None, (self.told, other.told))),
            self.times + other.times,
        )


def count(shadow: Shadow, stored: Stored, sent: dict[Frame, Sent], *, gateway_lived: bool = True) -> Count:
    """Compare the three records.

    Lost: a window that the spool had, and that is no observation of the database; where the gateway `lived` all the
    while also a frame of the air that is in no report.  Double: a window, or a tag's slot, that stands there twice.
    """
    kept = shadow.windows(shadow.kept)
    tried = shadow.windows(set(shadow.tried))
    lost = {name for name in kept if name not in stored.observed}
    never = set(sent) - set(tried.values()) if gateway_lived else holes(tried, sent)
    invented = [name for name in (*stored.observed, *stored.rejected) if name not in tried]
    double = sum(n - 1 for n in stored.observed.values()) + sum(n - 1 for n in stored.content.values())
    told = ""
    if lost or never or double or invented:
        some = sorted(lost)[:3]
        reasons = Counter(stored.rejected.get(name, "nowhere") for name in lost)
        told = f"lost {some} {dict(reasons)}; {len(never)} never in a report; {len(invented)} that nobody sent"
    acknowledged = sum(shadow.tried[key].columns.n for key in shadow.acknowledged)
    return Count(acknowledged, len(stored.names), len(lost) + len(never), double + len(invented), told)


def holes(tried: dict[Name, Frame], sent: dict[Frame, Sent], open_ms: int = 12_000) -> set[Frame]:
    """Frames that a killed gateway must have had in a report: of each life, those that were sent `open_ms` of the line
    before the last that got into one (a window is open for length + silence = 7 s, and frames come each 4 s)."""
    newest: dict[int, int] = {}
    written = set(tried.values())
    for frame in written:
        if frame in sent:
            life = sent[frame].life
            newest[life] = max(newest.get(life, 0), sent[frame].utc_ms)
    return {
        frame for frame, one in sent.items() if frame not in written and one.utc_ms < newest.get(one.life, 0) - open_ms
    }
