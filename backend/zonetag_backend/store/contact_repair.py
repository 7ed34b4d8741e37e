"""Contact records that were kept apart, judged again by the clocks of their own time (SPEC.md section 12.6).

A tag forgets what it was told is committed, and its log may be of before a change of battery, its own or that of the
tag it heard: by the offset of today such a record is nobody's, or of another time.  `tracing.past` says what the
clocks were.  What is understood changes sides once; the rest stays where it is, under the reason it has.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, tuple_

from zonetag_backend.keys import SealedKey
from zonetag_backend.resolver import BUCKET_MS
from zonetag_backend.store import contact_log, past_clocks, retention, roster
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.contacts import contact_rejected
from zonetag_backend.tracing.contacts import CURABLE, KeptApart, Logged
from zonetag_backend.tracing.past import Past
from zonetag_protocol.contact import Contact

log = logging.getLogger(__name__)

JUDGE_EVERY_S = 15.0  # after a clock became known
AT_ONCE = 2000  # records looked at in one run
WORK = 500_000  # tags times tables of 1024 s that one run makes at most: seconds
KNOWN_MS = 3_600_000  # clocks are looked up anew after so long at the latest: they drift
LOOK_WORK = WORK // 5  # the same of one look: about a second in fifteen
LEAST = 16  # tables that it makes however many tags there are

Name = tuple[int, int, bytes, int]
"""Tag, epoch, identifier, slot: what names a record that is understood."""
Key = tuple[int, int, bytes, int, bytes]
"""The same and the authenticator: what names one that is not."""

_c = contact_rejected.c
_NAME = (_c.tag, _c.epoch, _c.eid, _c.at)
_KEY = (*_NAME, _c.auth)


class _Bench(NamedTuple):
    """The clocks as they were looked up."""

    past: Past
    revision: int
    # of the registry
    made_ms: int


class Repair:
    """Looks through what is kept apart, a bounded part each `run`, and begins anew when it is through.

    Whoever writes says with `note` what has changed; the next `look`, by another thread, judges what hangs on it.
    """

    def __init__(
        self, engine: Engine, open_key: Callable[[int, SealedKey], bytes], search_epochs: int, days: int
    ) -> None:
        """`open_key(tag, sealed)` gives a tag's key; nothing is judged from longer than `days` ago."""
        self._engine = engine
        self._open_key = open_key
        self._search_epochs = search_epochs
        self._days = days
        self._after: Key | None = None
        self._bench: _Bench | None = None
        self._working = threading.Lock()
        self._noting = threading.Lock()
        self._moved: set[int] = set()
        self._came_ms: int | None = None
        self._pending: list[KeptApart] = []  # what looks have still to judge, in order
        self.moved = 0  # records that changed sides, since the start

    def note(self, moved: Iterable[int], came_ms: int | None = None) -> None:
        """The clocks of these tags are known anew; `came_ms`: from then on records came that are kept apart."""
        with self._noting:
            self._moved.update(moved)
            if came_ms is not None:
                self._came_ms = came_ms if self._came_ms is None else min(came_ms, self._came_ms)

    def look(self, now_ms: int) -> int:
        """Judge what hangs on what was noted, a bounded part at a time; how many records changed sides.

        Where nothing was noted, and nothing is left, nothing is asked.
        """
        with self._noting:
            moved, came_ms = self._moved, self._came_ms
            self._moved, self._came_ms = set(), None
        if not moved and came_ms is None and not self._pending:
            return 0
        try:
            with self._working:
                return self._look(moved, came_ms, now_ms)
        except BaseException:
            self.note(moved, came_ms)
            raise

    def run(self, now_ms: int, at_once: int = AT_ONCE) -> int:
        """One run; how many records changed sides.  A database that cannot be used is the caller's to report."""
        with self._working:
            with reading(self._engine) as connection:
                some = _apart(connection, self._after, at_once)
                if not some:
                    self._after = None
                    return 0
                bench = self._look_up(connection, now_ms)
            moved, last = self._cure(bench, some, now_ms)
            if last is not None:
                self._after = None if last == some[-1][:5] and len(some) < at_once else last
            return moved

    def _look(self, moved: Set[int], came_ms: int | None, now_ms: int) -> int:
        with reading(self._engine) as connection:
            bench = self._bench
            stale = bench is None or bench.revision != roster.revision(connection)
            if bench is None or stale or moved or not 0 <= now_ms - bench.made_ms < KNOWN_MS:
                bench = self._look_up(connection, now_ms)
            sent: set[bytes] = set()
            for which in moved:
                sent |= bench.past.identifiers(which, retention.horizon_ms(now_ms, self._days), now_ms)
            some: list[KeptApart] = []
            after: Key | None = None
            while (moved or came_ms is not None) and (
                page := _apart(connection, after, AT_ONCE, None if moved else came_ms)
            ):
                after = page[-1][:5]
                some += [
                    row
                    for row in page
                    if row.tag in moved or row.eid in sent or (came_ms is not None and row.received_ms >= came_ms)
                ]
        self._pending = sorted({*self._pending, *some})
        if not self._pending:
            return 0
        changed, last = self._cure(bench, self._pending, now_ms, LOOK_WORK)
        if last is not None:
            self._pending = [row for row in self._pending if row[:5] > last]
        return changed

    def _look_up(self, connection: Connection, now_ms: int) -> _Bench:
        known = roster.read(connection)
        past = Past(known.tags, past_clocks.read(connection, known.tags), self._open_key, self._search_epochs)
        self._bench = _Bench(past, known.revision, now_ms)
        return self._bench

    def _cure(self, bench: _Bench, some: Sequence[KeptApart], now_ms: int, work: int = WORK) -> tuple[int, Key | None]:
        """How many of these changed sides, and the last that was looked at; none: nothing could be done."""
        good, last = self._judged(bench.past, some, now_ms, work)
        moved = 0
        if good:
            with writing(self._engine) as connection:
                # A tag was registered, retired or erased meanwhile: the next run sees it as it is now.
                if roster.revision(connection) != bench.revision:
                    return 0, None
                there = _there(connection, good)
                good = [row for row in good if row[:4] in there]
                contact_log.write(connection, good, [])
                moved = len(good)
        if moved:
            self.moved += moved
            log.info("contact records understood by the clocks of their time: %d", moved)
        return moved, last

    def _judged(self, past: Past, some: Sequence[KeptApart], now_ms: int, work: int) -> tuple[list[Logged], Key]:
        """What is good among the first of these, and the last one that was looked at."""
        earliest_ms = retention.horizon_ms(now_ms, self._days)
        most = max(LEAST, work // max(1, len(past)))
        buckets: set[int] = set()
        jobs: dict[tuple[int, int, int, int], list[Contact]] = defaultdict(list)
        last = some[0][:5]
        for row in some:
            times = [each for each in past.times(row.tag, row.epoch) if each[1] >= earliest_ms]
            buckets |= {start_ms // BUCKET_MS + next_one for _, start_ms in times for next_one in (0, 1)}
            if len(buckets) > most and jobs:
                break
            for index, start_ms in times:
                record = Contact(row.epoch, row.at, row.eid, row.auth, row.rssi_max, row.adverts, row.cells)
                jobs[start_ms, row.tag, row.epoch, index].append(record)
            last = row[:5]
        found: dict[Name, list[Logged]] = defaultdict(list)
        for (start_ms, which, _, index), records in sorted(jobs.items(), key=lambda job: job[0]):
            for good in past.judge_again(which, index, start_ms, records, now_ms):
                found[good[:4]].append(good)
        # What would be true at two times is believed at neither.
        return [rows[0] for rows in found.values() if len({row.start_ms for row in rows}) == 1], last


def _apart(connection: Connection, after: Key | None, most: int, since_ms: int | None = None) -> Sequence[KeptApart]:
    statement = select(contact_rejected).where(_c.reason.in_(CURABLE)).order_by(*_KEY).limit(most)
    if since_ms is not None:
        statement = statement.where(_c.received_ms >= since_ms)
    if after is not None:
        statement = statement.where(tuple_(*_KEY) > tuple_(*after))
    return [KeptApart(*row) for row in connection.execute(statement)]


def _there(connection: Connection, good: Sequence[Logged]) -> set[Name]:
    """Which of these are still kept apart."""
    found: set[Name] = set()
    for which in {row.tag for row in good}:
        epochs = [row.epoch for row in good if row.tag == which]
        here = select(*_NAME).where(_c.tag == which, _c.epoch.between(min(epochs), max(epochs)))
        found |= {(row.tag, row.epoch, row.eid, row.at) for row in connection.execute(here)}
    return found
