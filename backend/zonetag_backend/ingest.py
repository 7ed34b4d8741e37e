"""From a report to what it means: each window judged by the rules, in order of capture.  Pure: no clock, no SQL.

Here, and only here, an identifier becomes a tag.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zonetag_backend import rules
from zonetag_backend.keys import SealedKey
from zonetag_backend.records import BADGE_SLOT, Observation, Post, Rejection, TagRecord, Verdict
from zonetag_backend.resolver import Candidate, Resolver
from zonetag_backend.slotorder import Line, SlotOrder
from zonetag_backend.tagclock import Track
from zonetag_protocol.bulk import Verifier
from zonetag_protocol.report import KIND_ZONETAG, TICK_MS, Report
from zonetag_protocol.rotation import ROTATION_BITS, SLOT_BITS, derive_keys, eid_of

MAX_VERIFIERS = 50_000  # tags whose ciphers are kept made, 3 kB each
MOVED_MS = 10_000  # more than frames and drift set a clock right by: it stands elsewhere than was thought
_EPOCH_TO_SLOT = ROTATION_BITS - SLOT_BITS

Times = NDArray[np.int64]


class Ingest:
    """Judges reports, and keeps what it learns of clocks; `forget` drops that when a commit failed."""

    def __init__(
        self,
        open_key: Callable[[int, SealedKey], bytes],
        search_epochs: int,
        future_ms: int,
        keep_ms: int | None = None,
    ) -> None:
        """`open_key(tag, sealed)` gives a tag's key; `future_ms`: captures further ahead are a wrong clock.

        `keep_ms`: captures from longer ago are counted and not kept, since they would be deleted at once.
        """
        self._keep_ms = keep_ms
        self.open_key = open_key
        self._search_epochs = search_epochs
        self._future_ms = future_ms
        self.tags: list[TagRecord] = []
        self.tracks: list[Track] = []
        self._resolver = Resolver(search_epochs)
        self._order = SlotOrder()
        self._by_id: dict[int, int] = {}
        self._verifiers: dict[int, Verifier] = {}
        self._lines: dict[int, Line] = {}

    def forget(self) -> None:
        """Back to knowing no tag; `take` them again."""
        self.tags.clear()
        self.tracks.clear()
        self._resolver = Resolver(self._search_epochs)
        self._order = SlotOrder()
        self._by_id.clear()
        self._verifiers.clear()

    def take(self, tags: Iterable[TagRecord]) -> None:
        """Tags that are new, and tags whose state has changed; what is known of clocks stays."""
        new: list[tuple[bytes, int, int]] = []
        for tag in tags:
            known = self._by_id.get(tag.id)
            if known is not None:
                self.tags[known] = tag
                continue
            if tag.sealed_key is None:
                continue
            self._by_id[tag.id] = len(self.tags)
            self.tags.append(tag)
            self.tracks.append(tag.track)
            master = self.open_key(tag.id, tag.sealed_key)
            k_eid = master if tag.is_badge else derive_keys(master).eid
            new.append((k_eid, tag.track.offset_ms, tag.track.slot >> _EPOCH_TO_SLOT))
        if new:
            self._resolver.add(new)

    def verifier(self, tag: int) -> Verifier:
        """The ciphers of a tag, by its index."""
        made = self._verifiers.get(tag)
        if made is None:
            if len(self._verifiers) >= MAX_VERIFIERS:
                self._verifiers.clear()
            record = self.tags[tag]
            assert record.sealed_key is not None  # only active tags are verified
            made = Verifier(derive_keys(self.open_key(record.id, record.sealed_key)))
            self._verifiers[tag] = made
        return made

    def index(self, tag: int) -> int:
        """The index of a tag by its id; KeyError if it is not on record."""
        return self._by_id[tag]

    def identifier(self, tag: int, slot: int) -> bytes:
        """What a tag, by its id, sends as its identifier in a slot; nothing for a badge, whose slots nobody knows."""
        record = self.tags[self._by_id[tag]]
        if slot == BADGE_SLOT or record.sealed_key is None:
            return b""
        return eid_of(
            derive_keys(self.open_key(record.id, record.sealed_key)).eid, slot >> _EPOCH_TO_SLOT << ROTATION_BITS
        )

    def resolve(self, eids: bytes, times_ms: Times) -> list[Sequence[Candidate]]:
        """Who may have sent each 8-byte identifier near its time, by index."""
        return self._resolver.resolve(eids, times_ms)

    def line(self, tag: int) -> Line:
        """What was lately good of a tag, by its index, at the gateway whose report is being judged."""
        line = self._lines.get(tag)
        if line is None:
            line = self._lines[tag] = []
        return line

    def judge(self, report: Report, post: Post, now_ms: int) -> Verdict:
        """Every window of a report of a known gateway that was not seen before."""
        columns, base = report.columns, report.base
        self._lines = self._order.boot(report.gateway, report.boot)
        starts: Times = np.frombuffer(columns.first, "<u2").astype(np.int64) * TICK_MS + base.utc_ms
        spans: Times = np.frombuffer(columns.span, "<u2").astype(np.int64) * TICK_MS
        found = self._look_up(columns.eid, starts, spans, now_ms)
        start, span = starts.tolist(), spans.tolist()
        count = np.frombuffer(columns.count, "<u2").tolist()
        rssi_max, p90, median, rssi_min = (
            np.frombuffer(c, np.int8).tolist()
            for c in (columns.rssi_max, columns.rssi_p90, columns.rssi_median, columns.rssi_min)
        )
        name = (report.gateway, report.boot, report.seq)
        to_monotonic = base.monotonic_ms - base.utc_ms
        verdict = Verdict([], [], {}, {})
        touched: set[int] = set()
        oldest = 0 if self._keep_ms is None else now_ms - self._keep_ms
        for row in np.argsort(starts, kind="stable").tolist():
            begin, length = start[row], span[row]
            window = rules.Window(
                begin,
                begin + length,
                begin + to_monotonic,
                base.synchronised,
                columns.kind[row] == KIND_ZONETAG,
                columns.eid[8 * row : 8 * row + 8],
                columns.auth[6 * row : 6 * row + 6],
                found[row],
            )
            # What claims to be older than this system comes from a clock that was never set, and may be of today.
            late = begin >= rules.EARLIEST_MS and begin + length < oldest
            reason = rules.EXPIRED if late else rules.judged(window, self)
            tag = window.tag
            if reason:
                verdict.rejections.append(
                    Rejection(*name, row, reason, begin, length, window.eid, window.auth, count[row], rssi_max[row])
                )
                continue
            record = self.tags[tag]
            slot = BADGE_SLOT if record.is_badge else (window.epoch << _EPOCH_TO_SLOT) + window.sub
            trusted = self.tracks[tag].confirmed and not record.is_badge
            rssi = (rssi_max[row], p90[row], median[row], rssi_min[row])
            verdict.observations.append(
                Observation(record.id, begin, *name, row, post.place, length, count[row], *rssi, slot, trusted)
            )
            verdict.spans.setdefault(record.id, []).append((begin, begin + length))
            touched.add(tag)
        for tag in touched:
            track = verdict.tracks[self.tags[tag].id] = self.tracks[tag]
            if self._resolver.move(tag, track.offset_ms, track.slot >> _EPOCH_TO_SLOT) > MOVED_MS:
                verdict.moved.add(self.tags[tag].id)
        return verdict

    def _look_up(self, eids: bytes, starts: Times, spans: Times, now_ms: int) -> Sequence[Sequence[Candidate] | None]:
        """Who may have sent each window; None, and nothing is looked up, where its time cannot be."""
        can_be = (starts >= rules.EARLIEST_MS) & (starts + spans <= now_ms + self._future_ms)
        if can_be.all():
            return self._resolver.resolve(eids, starts)
        found: list[Sequence[Candidate] | None] = [None] * len(starts)
        rows = np.flatnonzero(can_be)
        some = np.frombuffer(eids, np.uint64)[rows].tobytes()
        for row, candidates in zip(rows.tolist(), self._resolver.resolve(some, starts[rows]), strict=True):
            found[row] = candidates
        return found
