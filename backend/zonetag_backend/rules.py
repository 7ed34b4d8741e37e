"""The chain of rules that a report and its windows pass, in order, and the codes of what fails them.  Pure.

A whole report is refused or passed by the first two, a window judged by the others; what a window fails is its reason,
kept with it and counted.

| rule | fails | then |
|---|---|---|
| known gateway | REFUSED: not registered at that site | not stored, not acknowledged: the gateway keeps it |
| not a duplicate | DUPLICATE: committed before | acknowledged again, changes nothing |
| not expired | EXPIRED: captured longer ago than anything is kept | counted, not kept |
| `plausible` | CLOCK: captured before this system existed, or in the future | kept apart |
| `resolves` | UNKNOWN: no tag on record has this identifier near that time | kept apart |
| `authentic` | FORGED: a tag on record has it, but the authenticator is not that tag's | kept apart |
| `fresh` | STALE: authentic, but not of that moment: replayed, or the tag's clock has jumped | kept apart |
| at one site | RELAYED: the tag was heard at two sites at once (relay.py); also what was believed before | kept apart |
"""

from collections.abc import Sequence
from typing import Protocol

from zonetag_backend.records import TagRecord
from zonetag_backend.resolver import Candidate
from zonetag_backend.slotorder import Line, admits, note
from zonetag_backend.tagclock import EPOCH_MS, SLOT_MS, Heard, Track, judge
from zonetag_protocol.bulk import Verifier
from zonetag_protocol.errors import Forged, Stale, Unknown
from zonetag_protocol.rotation import EPOCH_S, SLOT_S

REFUSED = "refused"
DUPLICATE = "duplicate"
EXPIRED = "expired"
CLOCK = "clock"
UNKNOWN = Unknown.code
FORGED = Forged.code
STALE = Stale.code
RELAYED = "relayed"
REASONS = (CLOCK, UNKNOWN, FORGED, STALE, RELAYED, EXPIRED)
PASSED = ""

EARLIEST_MS = 1_704_067_200_000  # 2024-01-01 UTC: a gateway's clock that says earlier was never set
NO_STATUS = -1


class Window:
    """One window on its way through the rules; each fills in what the next one needs."""

    __slots__ = (
        "at_ms",
        "auth",
        "candidates",
        "eid",
        "end_ms",
        "epoch",
        "is_zonetag",
        "start_ms",
        "status",
        "sub",
        "synchronised",
        "tag",
    )

    def __init__(  # noqa: PLR0917  # one is made for every window, and keywords would cost a quarter of that
        self,
        start_ms: int,
        end_ms: int,
        at_ms: int,
        synchronised: bool,
        is_zonetag: bool,
        eid: bytes,
        auth: bytes,
        candidates: Sequence[Candidate] | None,
    ) -> None:
        """Heard from `start_ms` to `end_ms` UTC, first at `at_ms` monotonic; no candidates: its time cannot be."""
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.at_ms = at_ms
        self.synchronised = synchronised
        self.is_zonetag = is_zonetag
        self.eid = eid
        self.auth = auth
        self.candidates = candidates
        self.tag = -1
        self.epoch = 0
        self.sub = 0
        self.status = NO_STATUS


class Bench(Protocol):
    """What the rules look at and, if a window is good, write to."""

    tags: list[TagRecord]
    tracks: list[Track]

    def verifier(self, tag: int) -> Verifier:
        """The ciphers of a tag, by its index."""

    def line(self, tag: int) -> Line:
        """What was lately good of the tag at the gateway at hand."""


def plausible(window: Window, _bench: Bench) -> str:
    """The gateway's clock can be right.  (Asked for all windows at once before they are looked up.)"""
    return CLOCK if window.candidates is None else PASSED


def resolves(window: Window, bench: Bench) -> str:
    """Some tag in use has this identifier near that time."""
    for tag, _ in window.candidates or ():
        if bench.tags[tag].active:
            return PASSED
    return UNKNOWN


def authentic(window: Window, bench: Bench) -> str:
    """It is that tag's: by its authenticator, or, for a badge, which has none, by the absence of one."""
    for tag, epoch in window.candidates or ():
        record = bench.tags[tag]
        # A tag's identifier without its authenticator, or a badge's with one, was put together by somebody else.
        if not record.active or record.is_badge is window.is_zonetag:
            continue
        if window.is_zonetag:
            reading = bench.verifier(tag).open(epoch, window.eid, window.auth)
            if reading is None:
                continue
            window.sub, window.status = reading
        window.tag, window.epoch = tag, epoch
        return PASSED
    return FORGED


def fresh(window: Window, bench: Bench) -> str:
    """It is of that moment: by the tag's clock, and by the order of slots at this gateway."""
    heard = Heard(
        (window.epoch * EPOCH_S + window.sub * SLOT_S) * 1000,
        SLOT_MS if window.is_zonetag else EPOCH_MS,
        window.start_ms,
        window.end_ms,
        window.status,
        window.synchronised,
    )
    line = bench.line(window.tag)
    slot = heard.slot
    if line and not admits(line, window.at_ms, slot):
        return STALE
    bench.tracks[window.tag], good = judge(bench.tracks[window.tag], heard)
    if not good:
        return STALE
    note(line, window.at_ms, slot)
    return PASSED


CHAIN = (plausible, resolves, authentic, fresh)


def judged(window: Window, bench: Bench) -> str:
    """The reason of the first rule that a window fails; empty if it passes them all."""
    for rule in CHAIN:
        if reason := rule(window, bench):
            return reason
    return PASSED
