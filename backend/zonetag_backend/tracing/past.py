"""How tags' clocks stood at other times than now, and a bench that judges contact records by that.  Pure.

A tag's clock resumes behind what it had reserved when its battery was changed: its slots never come twice, and each
belongs to one *era*, a stretch of slots of one offset.  What gateways heard of the tag says which.  A record of an
earlier era is judged by the same rules as any other (`contacts.judge`), with the offset of that era, and only for
slots and times of it: a recording of one era stays a recording in the next.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonetag_backend.keys import SealedKey
from zonetag_backend.records import TagRecord
from zonetag_backend.resolver import Candidate, Resolver
from zonetag_backend.tagclock import DRIFT_PPM, EPOCH_MS, SLOT_MS, UNCERTAIN_MS, Track
from zonetag_backend.tracing.contacts import Logged, judge
from zonetag_protocol.bulk import EPOCHS, STRIDE, Verifier, eids_of_block
from zonetag_protocol.contact import Contact
from zonetag_protocol.rotation import EID, ROTATION_BITS, SLOT_BITS, derive_keys

SLACK_MS = SLOT_MS // 2 + UNCERTAIN_MS  # what one hearing leaves open of an offset, either way
MARGIN_MS = 60_000  # times of two clocks are compared


class Era(NamedTuple):
    """A stretch of one tag's clock."""

    marks: Sequence[Track]
    # the clock as single hearings show it, in order of time; at least one
    after: Track | None = None
    # the last mark of the era before
    before: Track | None = None
    # the first one of the next era

    def may_hold(self, epoch: int, low_ms: int, high_ms: int) -> bool:
        """Whether this epoch of the tag's clock, at some time of a range, can be of this era."""
        after, before = self.after, self.before
        if after is not None and (epoch < epoch_of(after) or high_ms < after.offset_at_ms - MARGIN_MS):
            return False
        return before is None or (epoch <= epoch_of(before) and low_ms <= before.offset_at_ms + MARGIN_MS)

    def nearest(self, at_ms: int) -> Track:
        """The mark that lies nearest to a time: a clock drifts."""
        right = bisect_left(self.marks, at_ms, key=lambda mark: mark.offset_at_ms)
        return min(self.marks[max(0, right - 1) : right + 1], key=lambda mark: abs(mark.offset_at_ms - at_ms))


def epoch_of(track: Track) -> int:
    """The epoch of its slot, on the tag's clock."""
    return track.slot >> (ROTATION_BITS - SLOT_BITS)


def mark(slot: int, heard_ms: int, trusted: bool) -> Track:
    """What a gateway that knows the time says of a tag's clock by hearing `slot` of it from `heard_ms` on."""
    return Track(heard_ms - slot * SLOT_MS - SLOT_MS // 2, SLACK_MS, heard_ms, trusted, slot, -1, heard_ms)


def together(one: Track, other: Track) -> bool:
    """Whether one undisturbed clock may have been heard so twice."""
    apart_ms = abs(one.offset_at_ms - other.offset_at_ms)
    return abs(one.offset_ms - other.offset_ms) <= one.slack_ms + other.slack_ms + apart_ms * DRIFT_PPM // 1_000_000


def eras(marks: Iterable[Track]) -> list[Era]:
    """The eras of one tag's clock, of marks in any order."""
    runs: list[list[Track]] = []
    for each in sorted(marks, key=lambda mark: (mark.offset_at_ms, mark.slot)):
        if runs and together(runs[-1][-1], each):
            runs[-1].append(each)
        else:
            runs.append([each])
    befores = [None, *(run[-1] for run in runs)]
    nexts = [*(run[0] for run in runs[1:]), None]
    return [Era(*each) for each in zip(runs, befores[:-1], nexts, strict=True)]


class Past:
    """Tags as they stood at any time: a bench (see `contacts.Bench`) in which a tag has an index for each of its eras.

    A tag that no gateway heard has the one era that its record says.  Tags out of use, and badges, are in none.
    """

    def __init__(
        self,
        tags: Iterable[TagRecord],
        known: Mapping[int, Sequence[Era]],
        open_key: Callable[[int, SealedKey], bytes],
        search_epochs: int,
    ) -> None:
        """`known`: eras by tag; `open_key(tag, sealed)` gives a tag's key."""
        self.tags: list[TagRecord] = []
        self.tracks: list[Track] = []
        self._eras: list[Era] = []
        self._indexes: dict[int, list[int]] = defaultdict(list)
        self._hearing: dict[int, int] = {}
        self._verifiers: dict[int, Verifier] = {}
        self._open_key = open_key
        self._resolver = Resolver(search_epochs)
        new: list[tuple[bytes, int, int]] = []
        for tag in tags:
            if not tag.active or tag.is_badge or tag.sealed_key is None:
                continue
            k_eid = derive_keys(open_key(tag.id, tag.sealed_key)).eid
            for era in known.get(tag.id) or [Era([tag.track])]:
                self._indexes[tag.id].append(len(self.tags))
                self.tags.append(tag)
                middle = era.marks[len(era.marks) // 2]
                self.tracks.append(middle)
                self._eras.append(era)
                new.append((k_eid, middle.offset_ms, epoch_of(era.marks[-1])))
        if new:
            self._resolver.add(new)

    def __len__(self) -> int:
        return len(self.tags)

    def index(self, tag: int) -> int:
        """The index of the tag that is the hearing one now (`judge_again`)."""
        return self._hearing[tag]

    def verifier(self, tag: int) -> Verifier:
        """The ciphers of a tag, by one of its indexes."""
        record = self.tags[tag]
        made = self._verifiers.get(record.id)
        if made is None:
            assert record.sealed_key is not None  # others are in no table
            made = self._verifiers[record.id] = Verifier(derive_keys(self._open_key(record.id, record.sealed_key)))
        return made

    def resolve(self, eids: bytes, times_ms: NDArray[np.int64]) -> list[Sequence[Candidate]]:
        """Who may have sent each identifier near its time, in an era that holds both.

        All times lie within one epoch: the clocks that are looked at next are those of then.
        """
        found: list[Sequence[Candidate]] = []
        for at_ms, some in zip(times_ms.tolist(), self._resolver.resolve(eids, times_ms), strict=True):
            fitting = [each for each in some if self._eras[each.tag].may_hold(each.epoch, at_ms, at_ms)]
            for each in fitting:
                self.tracks[each.tag] = self._eras[each.tag].nearest(at_ms)
            found.append(fitting)
        return found

    def times(self, reporter: int, epoch: int) -> list[tuple[int, int]]:
        """When an epoch of a tag's clock may have begun: (index, UTC ms); none for a tag that is in no table."""
        found = []
        for index in self._indexes.get(reporter, ()):
            era = self._eras[index]
            clock = era.nearest(epoch * EPOCH_MS + era.marks[0].offset_ms)
            start_ms = epoch * EPOCH_MS + clock.offset_ms
            if era.may_hold(epoch, start_ms, start_ms + EPOCH_MS):
                found.append((index, start_ms))
        return found

    def identifiers(self, which: int, low_ms: int, high_ms: int) -> set[bytes]:
        """What a tag may have sent from `low_ms` to `high_ms`, by all of its eras; rather too many."""
        found: set[bytes] = set()
        for index in self._indexes.get(which, ()):
            record, offset_ms = self.tags[index], self.tracks[index].offset_ms
            assert record.sealed_key is not None  # others are in no table
            k_eid = derive_keys(self._open_key(record.id, record.sealed_key)).eid
            first, last = (max(0, at - offset_ms) // EPOCH_MS // EPOCHS for at in (low_ms, high_ms))
            for block in range(first, last + 1):
                made = eids_of_block(k_eid, block)
                found |= {made[at : at + EID] for at in range(0, EPOCHS * STRIDE, STRIDE)}
        return found

    def judge_again(
        self, reporter: int, index: int, start_ms: int, records: Sequence[Contact], now_ms: int
    ) -> list[Logged]:
        """Which records of one epoch of a tag's clock are good if that epoch was of the era with this index."""
        self._hearing[reporter] = index
        self.tracks[index] = self._eras[index].nearest(start_ms)
        good, _ = judge(self, reporter, records, now_ms)
        # In another era it has another index: what somebody played back to it is an echo in all of them.
        return [row for row in good if row.peer != reporter]
