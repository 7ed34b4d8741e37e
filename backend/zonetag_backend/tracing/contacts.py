"""Contact logs of tags, record by record: taken, or kept apart under the rule that it fails.  Pure.

A record says that one tag heard an identifier in one epoch of its own clock (SPEC.md section 12.6).  Who heard is
known, for the log came over the tag's own link; who was heard is resolved and authenticated as for a gateway's window.

| rule | fails | meaning |
|---|---|---|
| plausible time | CLOCK | the hearing tag's clock puts it before this system existed, or in the future |
| resolves | UNKNOWN | no tag on record has the identifier near that time: perhaps another office's |
| authentic | FORGED | the authenticator is not that tag's |
| fresh | STALE | authentic, but not of that moment by the heard tag's clock: replayed |
| another tag | ECHO | it is the hearing tag's own identifier, which somebody played back to it |
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from zonetag_backend.records import TagRecord
from zonetag_backend.resolver import Candidate
from zonetag_backend.rules import CLOCK, EARLIEST_MS, FORGED, STALE, UNKNOWN
from zonetag_backend.tagclock import DRIFT_PPM, SLOT_MS, Track
from zonetag_protocol.bulk import Verifier
from zonetag_protocol.contact import Contact
from zonetag_protocol.rotation import EPOCH_S, SLOT_S

ECHO = "echo"
REASONS = (CLOCK, UNKNOWN, FORGED, STALE, ECHO)
# What a wrong offset can make of an honest record.  One that is forged is forged at any time.
CURABLE = (CLOCK, UNKNOWN, STALE)
# Two clocks are compared, each known by its own frames and drifted since, and the look lies within two slots.
UNCERTAIN_MS = 2 * SLOT_MS + 500
EPOCH_MS = EPOCH_S * 1000


class Logged(NamedTuple):  # rows of the tables, in the order of their columns
    """A record whose two tags are known: a row of `contact_log`."""

    tag: int
    epoch: int
    eid: bytes
    at: int
    peer: int
    start_ms: int
    adverts: int
    # heard; 255 stands for more
    rssi_max: int
    cells: bytes
    trusted: bool
    received_ms: int


class KeptApart(NamedTuple):
    """A record that fails a rule: a row of `contact_rejected`."""

    tag: int
    epoch: int
    eid: bytes
    at: int
    auth: bytes
    reason: str
    start_ms: int
    # as the hearing tag's clock has it, which may be wrong; never after it was received
    adverts: int
    # heard; 255 stands for more
    rssi_max: int
    cells: bytes
    received_ms: int


class Bench(Protocol):
    """What the rules look at: all tags, by an index, as `zonetag_backend.ingest.Ingest` has them."""

    tags: list[TagRecord]
    tracks: list[Track]

    def index(self, tag: int) -> int:
        """The index of a tag by its id; KeyError if it is not on record."""

    def verifier(self, tag: int) -> Verifier:
        """The ciphers of a tag, by its index."""

    def resolve(self, eids: bytes, times_ms: NDArray[np.int64]) -> list[Sequence[Candidate]]:
        """Who may have sent each 8-byte identifier near its time, by index."""


def judge(
    bench: Bench, reporter: int, records: Sequence[Contact], now_ms: int, future_ms: int = 300_000
) -> tuple[list[Logged], list[KeptApart]]:
    """What the log of the tag with id `reporter` says, read at `now_ms`; `future_ms`: further ahead is a wrong clock.

    It changes nothing that is known of clocks: a log is old, and its times are only as good as the hearing tag's clock.
    """
    own = bench.index(reporter)
    track = bench.tracks[own]
    good: list[Logged] = []
    apart: list[KeptApart] = []
    # In order of time: the tables of identifiers are made by the hour.
    ordered = sorted(records, key=lambda r: (r.epoch, r.at))
    starts = [r.epoch * EPOCH_MS + track.offset_ms for r in ordered]
    heard = np.array(
        [start + r.at * SLOT_MS for start, r in zip(starts, ordered, strict=True)],
        np.int64,
    )
    can_be = (heard >= EARLIEST_MS) & (heard <= now_ms + future_ms)
    rows = np.flatnonzero(can_be)
    found: dict[int, Sequence[Candidate]] = {}
    if len(rows):
        eids = b"".join(ordered[row].eid for row in rows.tolist())
        found = dict(zip(rows.tolist(), bench.resolve(eids, heard[rows]), strict=True))
    for row, (record, start) in enumerate(zip(ordered, starts, strict=True)):
        key: tuple[int, int, bytes, int] = (reporter, record.epoch, record.eid, record.at)
        reason, peer = CLOCK, -1
        if row in found:
            reason, peer = _whose(bench, found[row], record, int(heard[row]), track)
        if not reason and peer == own:
            reason = ECHO
        if reason:
            told = record.count, record.max_dbm, record.cells, now_ms
            # A clock that is ahead must not keep it for longer than any other.
            apart.append(KeptApart(*key, record.auth, reason, min(start, now_ms), *told))
            continue
        trusted = track.confirmed and bench.tracks[peer].confirmed
        good.append(
            Logged(*key, bench.tags[peer].id, start, record.count, record.max_dbm, record.cells, trusted, now_ms)
        )
    return good, apart


def _whose(
    bench: Bench, candidates: Sequence[Candidate], record: Contact, heard_ms: int, reporter: Track
) -> tuple[str, int]:
    """The reason that it fails, or whose it is."""
    reason = UNKNOWN
    for tag, epoch in candidates:
        known = bench.tags[tag]
        if not known.active:
            continue
        reading = None if known.is_badge else bench.verifier(tag).open(epoch, record.eid, record.auth)
        if reading is None:  # a badge has no authenticator: whatever came with its identifier was put there
            reason = FORGED
            continue
        sent_ms = (epoch * EPOCH_S + reading[0] * SLOT_S) * 1000 + bench.tracks[tag].offset_ms
        allowed = UNCERTAIN_MS + sum(_uncertain(track, heard_ms) for track in (reporter, bench.tracks[tag]))
        if abs(sent_ms - heard_ms) > allowed:
            reason = STALE
            continue
        return "", tag
    return reason, -1


def _uncertain(track: Track, at_ms: int) -> int:
    """How far a tag's clock may lie from where it is thought to, at a time."""
    return track.slack_ms + abs(at_ms - track.offset_at_ms) * DRIFT_PPM // 1_000_000
