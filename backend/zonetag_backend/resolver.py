"""Which tag has an identifier near a given time: tables of all tags' identifiers, one a bucket of 1024 s.  Pure.

A table holds, for every tag, the identifiers of the epochs within the drift window around where its clock should be,
and those that follow its last good slot, where a clock resumes that lost its power (`RESUMED`).  It is one
sorted array of 64-bit numbers and one of references, 12 bytes an identifier; a lookup is a binary search of all of a
report's identifiers at once.  The last few tables are kept; a tag that is added or jumps is put beside them.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonetag_protocol.bulk import EPOCHS, STRIDE, eids_of_block
from zonetag_protocol.rotation import EID, EPOCH_S, ROTATION_BITS, T_END

BUCKET_MS = EPOCH_S * 1000
# Epochs after the last good slot: what a tag reserves ahead of a loss of power and runs before it is heard, 2 h 16 min.
RESUMED = 8
TABLES = 4  # the bucket of now, its neighbours, and that of a spool being emptied
_CHUNK = 4096  # tags whose identifiers are made together: 4 MB
_MAX_ASIDE = 1024  # tags beside a table; with more it is made anew
_EPOCHS_END = T_END >> ROTATION_BITS

Numbers = NDArray[np.uint64]


class Candidate(NamedTuple):
    """What may explain an identifier."""

    tag: int
    # index of the tag
    epoch: int
    # which of its epochs


class _Table(NamedTuple):
    eids: Numbers
    # sorted
    references: NDArray[np.uint32]
    # tag index * width + position within the tag's epochs
    epochs: NDArray[np.int32]
    # of each tag and position: [tag, 0] begins the drift window, [tag, 1] the resumed one
    aside: dict[int, list[Candidate]]
    # of tags added or moved since, by identifier


class Resolver:
    """Identifiers of many tags, each by an index from 0 that the caller keeps."""

    def __init__(self, search_epochs: int = 3, tables: int = TABLES) -> None:
        """`search_epochs`: how many epochs a tag is looked for before and after where its clock should be."""
        self._search = search_epochs
        # A bucket is as long as an epoch and touches two of them.
        self._window = 2 * search_epochs + 2
        self._width = self._window + RESUMED
        self._max_tables = tables
        self._tables: OrderedDict[int, _Table] = OrderedDict()
        self._keys = bytearray()  # 16 bytes a tag: one object for all of them
        self._offsets = np.zeros(0, np.int64)  # ms
        self._resumes = np.zeros(0, np.int64)  # epoch

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, tags: Iterable[tuple[bytes, int, int]]) -> None:
        """More tags, each (k_eid, offset ms, epoch of its last good slot); they get the next indexes."""
        new = list(tags)
        first = len(self)
        self._keys += b"".join(key for key, _, _ in new)
        self._offsets = np.concatenate([self._offsets, np.array([o for _, o, _ in new], np.int64)])
        self._resumes = np.concatenate([self._resumes, np.array([e for _, _, e in new], np.int64)])
        self._put_aside(range(first, len(self)))

    def move(self, tag: int, offset_ms: int, last_epoch: int) -> int:
        """The tag's clock is now known to stand so; by how many ms it was thought to stand elsewhere."""
        moved_ms = abs(int(self._offsets[tag]) - offset_ms)
        self._offsets[tag] = offset_ms
        self._resumes[tag] = last_epoch
        if moved_ms > BUCKET_MS // 2:
            self._put_aside([tag])
        return moved_ms

    def resolve(self, eids: bytes, times_ms: Sequence[int] | NDArray[np.int64]) -> list[Sequence[Candidate]]:
        """For each 8-byte identifier, heard at its UTC time, the tags that may have sent it: none, one, rarely more."""
        wanted = np.frombuffer(eids, np.uint64)  # any byte order, as long as it is everywhere the same
        buckets = np.asarray(times_ms, np.int64) // BUCKET_MS
        found: list[Sequence[Candidate]] = [()] * len(wanted)
        for bucket in np.unique(buckets).tolist():
            rows = np.flatnonzero(buckets == bucket)
            self._look_up(self._table(bucket), wanted[rows], rows, found)
        return found

    def memory(self) -> int:
        """Bytes held."""
        tables = sum(t.eids.nbytes + t.references.nbytes + t.epochs.nbytes for t in self._tables.values())
        return tables + len(self._keys) + self._offsets.nbytes + self._resumes.nbytes

    def _look_up(
        self, table: _Table, wanted: Numbers, rows: NDArray[np.intp], found: list[Sequence[Candidate]]
    ) -> None:
        if len(table.eids):
            at = np.searchsorted(table.eids, wanted)
            at[at == len(table.eids)] = 0
            hits = np.flatnonzero(table.eids[at] == wanted)
            references = table.references[at[hits]].astype(np.int64)
            tags, positions = references // self._width, references % self._width
            resumed = positions >= self._window
            epochs = table.epochs[tags, resumed.astype(np.intp)] + positions - np.where(resumed, self._window, 0)
            for row, tag, epoch in zip(rows[hits].tolist(), tags.tolist(), epochs.tolist(), strict=True):
                found[row] = (Candidate(tag, epoch),)
            # Two tags with one identifier: one in 2^64 by chance, but certain if somebody enters a key twice.
            after = at[hits] + 1
            after[after == len(table.eids)] = 0
            for twin in hits[(table.eids[after] == wanted[hits]) & (len(table.eids) > 1)].tolist():
                found[rows[twin]] = self._all(table, wanted[twin])
        if table.aside:
            for row, eid in zip(rows.tolist(), wanted.tolist(), strict=True):
                if eid in table.aside:
                    found[row] = list(dict.fromkeys([*found[row], *table.aside[eid]]))

    def _all(self, table: _Table, eid: Any) -> list[Candidate]:
        low, high = np.searchsorted(table.eids, eid, "left"), np.searchsorted(table.eids, eid, "right")
        out = []
        for reference in table.references[low:high].tolist():
            tag, position = divmod(reference, self._width)
            resumed = position >= self._window
            out.append(Candidate(tag, int(table.epochs[tag, int(resumed)]) + position - resumed * self._window))
        return out

    def _table(self, bucket: int) -> _Table:
        table = self._tables.get(bucket)
        if table is None:
            table = self._tables[bucket] = self._make(bucket)
            while len(self._tables) > self._max_tables:
                self._tables.popitem(last=False)
        self._tables.move_to_end(bucket)
        return table

    def _starts(self, bucket: int, tags: NDArray[np.int64]) -> NDArray[np.int64]:
        """[tag, 0]: first epoch of the drift window; [tag, 1]: first epoch of the resumed one."""
        expected = (bucket * BUCKET_MS - self._offsets[tags]) // BUCKET_MS
        return np.stack([expected - self._search, self._resumes[tags]], axis=1)

    def _make(self, bucket: int) -> _Table:
        eids: list[Numbers] = []
        references: list[NDArray[np.uint32]] = []
        everyone = np.arange(len(self), dtype=np.int64)
        starts = self._starts(bucket, everyone)
        for at in range(0, len(self), _CHUNK):
            tags = everyone[at : at + _CHUNK]
            some, whose, positions = self._identifiers(tags, starts[at : at + _CHUNK])
            eids.append(some)
            references.append((whose * self._width + positions).astype(np.uint32))
        if not eids:
            return _Table(np.zeros(0, np.uint64), np.zeros(0, np.uint32), starts.astype(np.int32), {})
        all_eids = np.concatenate(eids)
        order = np.argsort(all_eids)
        return _Table(all_eids[order], np.concatenate(references)[order], starts.astype(np.int32), {})

    def _identifiers(
        self, tags: NDArray[np.int64], starts: NDArray[np.int64]
    ) -> tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]:
        """Identifiers of both windows of some tags, and of each the tag and the position."""
        window = starts[:, :1] + np.arange(self._window)
        resumed = starts[:, 1:] + np.arange(RESUMED)
        # Of the resumed window only what the other does not hold.
        outside = (resumed < window[:, :1]) | (resumed > window[:, -1:])
        epochs = np.concatenate([window, resumed], axis=1)
        valid = np.concatenate([np.ones_like(window, bool), outside], axis=1) & (epochs >= 0) & (epochs < _EPOCHS_END)
        rows, positions = np.nonzero(valid)
        wanted = epochs[rows, positions]
        blocks = wanted // EPOCHS
        # One call of the cipher for each tag and block; most tags need one block, some two or three.
        pairs, inverse = np.unique(rows * (_EPOCHS_END // EPOCHS) + blocks, return_inverse=True)
        made = b"".join(
            [
                eids_of_block(bytes(self._keys[16 * tag : 16 * tag + 16]), block)
                for tag, block in zip(
                    tags[pairs // (_EPOCHS_END // EPOCHS)].tolist(),
                    (pairs % (_EPOCHS_END // EPOCHS)).tolist(),
                    strict=True,
                )
            ]
        )
        numbers = np.frombuffer(made, np.uint64).reshape(-1, EPOCHS, STRIDE // EID)
        return numbers[inverse, wanted % EPOCHS, 0], tags[rows], positions

    def _put_aside(self, tags: Sequence[int]) -> None:
        if len(tags) > _MAX_ASIDE:
            self._tables.clear()
            return
        indexes = np.array(tags, np.int64)
        for bucket, table in list(self._tables.items()):
            if len(table.aside) > _MAX_ASIDE * self._width:
                del self._tables[bucket]
                continue
            starts = self._starts(bucket, indexes)
            eids, whose, positions = self._identifiers(indexes, starts)
            where = {tag: row for row, tag in enumerate(tags)}
            for eid, tag, position in zip(eids.tolist(), whose.tolist(), positions.tolist(), strict=True):
                late = position >= self._window
                epoch = int(starts[where[tag], int(late)]) + position - late * self._window
                table.aside.setdefault(eid, []).append(Candidate(tag, epoch))
