"""Drafts made durable: named, chained, sealed, appended to the spool; kept in bounded memory while the disk refuses."""

import logging
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from zonetag_gateway.batch import Chain, Draft, added, merged, seal
from zonetag_gateway.errors import SpoolFull, SpoolUnusable
from zonetag_gateway.spool import Record, Spool, room_for
from zonetag_protocol import envelope, report
from zonetag_protocol.errors import ZonetagError

log = logging.getLogger(__name__)

MAX_HELD_WINDOWS = 20_000  # about 6 MB: 15 minutes of a hundred tags, enough to notice and free a disk
MAX_HELD_DRAFTS = 1_000
PER_TRANSACTION = 64  # drafts: one fsync for many when a fast replay runs ahead of the disk
DROPPED_DISK = "dropped.disk"  # tally: adverts of drafts that neither disk nor memory could hold
DROPPED_REPORTS = "dropped.reports"  # tally: reports that the spool's cap has dropped


def check_owner(spool: Spool, gateway: str) -> None:
    """SpoolUnusable when what waits in the spool was written under another gateway's name.

    Nobody would ever acknowledge it: the backend refuses a report whose topic is another gateway's.  Sent first as the
    oldest, it would keep all newer reports waiting for ever.
    """
    for record in spool.oldest(1):
        try:
            owner = report.decode(envelope.unwrap(record.sealed, "report")).gateway
        except ZonetagError:
            continue  # damaged: it says nothing of whose it is
        if owner != gateway:
            raise SpoolUnusable(
                f"reports of gateway {owner} wait in the spool, and this gateway is called {gateway}",
                f"Start it once more as name = {owner!r} to deliver them, or set spool.path to another file",
            )


def warn_of_disk(path: Path, cap: int) -> None:
    """Say so when a spool of `cap` bytes does not fit on its disk."""
    lacking = room_for(path, cap)
    if lacking is not None:
        log.warning(
            "spool.max_mb is more than the disk has (%d MB short): lower it, or the disk fills up first",
            lacking // 1_000_000 + 1,
        )


class Journal:
    """The way into the spool.  For the spool's thread only; counters may be read from any."""

    def __init__(self, spool: Spool, gateway: str, boot: int) -> None:
        self._spool = spool
        self._gateway = gateway
        self._chain = Chain(boot)
        self._held: deque[Draft] = deque()
        self.stored = 0  # reports appended
        self.refused = 0  # appends that the disk refused
        self.dropped: dict[str, int] = {}  # DROPPED_DISK, DROPPED_REPORTS since the start
        self._owed: dict[str, int] = {}  # the same, not yet told in a report

    @property
    def held(self) -> int:
        """Drafts that wait in memory for the disk."""
        return len(self._held)

    def store(self, drafts: Iterable[Draft]) -> int:
        """Append what is held and `drafts`; how many reports got onto the disk now.  Never raises for a full disk."""
        self._held.extend(drafts)
        before = self.stored
        try:
            while self._held:
                self._append_some()
        except SpoolFull as error:
            if not self.refused:
                log.error("spool refuses, holding reports in memory: %s", error)
            self.refused += 1
            self._bound()
        else:
            if self.refused and self.stored > before:
                log.warning("spool writes again after %d refusals", self.refused)
                self.refused = 0
        return self.stored - before

    def _append_some(self) -> None:
        try:
            self._append(PER_TRANSACTION)
        except SpoolFull:
            if len(self._held) == 1:
                raise
            # A disk on which acknowledged reports have left a little room takes one where it does not take many; else
            # what is held would wait until somebody frees it.
            self._append(1)

    def _append(self, most: int) -> None:
        chain = self._chain
        records = []
        batch = [self._held[i] for i in range(min(most, len(self._held)))]
        batch[0] = added(batch[0], self._owed)
        for draft in batch:
            sealed, after = seal(draft, self._gateway, chain)
            records.append(Record(chain.boot, chain.seq, sealed))
            chain = after
        gone = self._spool.append(records)
        # Only now: what was refused is sealed anew, so that no name is used for two contents.
        self._chain = chain
        self._owed = {}
        for _ in batch:
            self._held.popleft()
        self.stored += len(batch)
        if gone:
            log.warning("spool over its cap: dropped the %d oldest reports; see spool.max_mb", gone)
            self._tell(DROPPED_REPORTS, gone)

    def _bound(self) -> None:
        while len(self._held) > 1 and (
            len(self._held) > MAX_HELD_DRAFTS or sum(len(draft.windows) for draft in self._held) > MAX_HELD_WINDOWS
        ):
            oldest = self._held.popleft()
            self._held[0] = merged(oldest, self._held[0], DROPPED_DISK)
            self.dropped[DROPPED_DISK] = self.dropped.get(DROPPED_DISK, 0) + oldest.adverts

    def _tell(self, name: str, n: int) -> None:
        for counts in (self.dropped, self._owed):
            counts[name] = counts.get(name, 0) + n
