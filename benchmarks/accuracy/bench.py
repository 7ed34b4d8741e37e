"""The product's own tags and rules over a replay: real frames heard by real ears, records verified as logs are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from zonetag_backend.records import TagRecord
from zonetag_backend.resolver import Candidate
from zonetag_backend.simulate import tag as tags
from zonetag_backend.tagclock import Track
from zonetag_backend.tracing import contacts
from zonetag_backend.tracing.seam import Look
from zonetag_protocol import contact, rotation
from zonetag_protocol.bulk import Verifier
from zonetag_protocol.frame import TEST_COMPANY
from zonetag_tag.contacts import Contacts, Ear

EID = slice(13, 21)  # of an advert
WEAKEST_DBM = -100


class Heard(Protocol):
    """One tag hears another."""

    @property
    def listener(self) -> int: ...
    @property
    def sender(self) -> int: ...
    @property
    def at(self) -> float: ...
    @property
    def rssi(self) -> int: ...


class Bench:
    """So many tags, and what the rules look at (`tracing.contacts.Bench`); a tag's id is its index."""

    def __init__(self, people: int, begin_ms: int, seed: int) -> None:
        self.made = [tags.make(seed, index, str(index)) for index in range(people)]
        self.tracks = [
            Track(begin_ms - round(made.t0_s * 1000), 1500, begin_ms, True, 0, 0, begin_ms) for made in self.made
        ]
        self.tags = [TagRecord(index, False, None, True, self.tracks[index]) for index in range(people)]
        self._verifiers = [Verifier(rotation.derive_keys(made.master)) for made in self.made]
        self._known: dict[bytes, list[Candidate]] = defaultdict(list)

    def advert(self, sender: int, at: float) -> bytes:
        """What a tag sends at a second of the day."""
        made = self.made[sender]
        data = made.advert(at)
        epoch = rotation.epoch_of(int(made.clock(at)))
        candidate = Candidate(sender, epoch)
        if candidate not in self._known[data[EID]]:
            self._known[data[EID]].append(candidate)
        return data

    def index(self, tag: int) -> int:
        """Itself."""
        return tag

    def verifier(self, tag: int) -> Verifier:
        """Made once."""
        return self._verifiers[tag]

    def resolve(self, eids: bytes, times_ms: npt.NDArray[np.int64]) -> list[Sequence[Candidate]]:
        """From what was sent; that the resolver finds the same is tested elsewhere."""
        return [self._known.get(eids[i * 8 : i * 8 + 8], []) for i in range(len(times_ms))]


def logged(events: Iterable[Heard], people: int, begin_ms: int, bench: Bench) -> dict[tuple[int, int, int], list[Look]]:
    """Looks by (asked, other, reporter) after frames, ears, records of an epoch, resolving and verification."""
    ears = [Ear(TEST_COMPANY, WEAKEST_DBM) for _ in range(people)]
    notes = [Contacts() for _ in range(people)]
    records: list[list[bytes]] = [[] for _ in range(people)]
    looking: dict[int, float] = {}
    end = 0.0
    for event in events:
        listener = event.listener
        if looking.get(listener, event.at) != event.at:  # the look before is over
            clock = int(bench.made[listener].clock(looking[listener]))
            records[listener] += notes[listener].add(clock, ears[listener])
        looking[listener] = event.at
        ears[listener].hear(memoryview(bench.advert(event.sender, event.at)), event.rssi)
        end = max(end, event.at)
    for listener, at in looking.items():
        records[listener] += notes[listener].add(int(bench.made[listener].clock(at)), ears[listener])
        over = int(bench.made[listener].clock(end)) + rotation.EPOCH_S
        records[listener] += notes[listener].close(over)
    out: dict[tuple[int, int, int], list[Look]] = defaultdict(list)
    now_ms = begin_ms + round(end * 1000) + 2 * rotation.EPOCH_S * 1000
    for listener, packed in enumerate(records):
        good, _ = contacts.judge(bench, listener, [contact.unpack(record) for record in packed], now_ms)
        for row in good:
            for cell, half in enumerate(contact.levels(row.cells)):
                level = contact.dbm(half)
                if level is None:
                    continue
                start = row.start_ms + cell * contact.CELL_S * 1000
                look = Look(start, start + contact.CELL_S * 1000, level, level, 1)
                out[min(listener, row.peer), max(listener, row.peer), listener].append(look)
    return out


def crowded(events: Iterable[Heard], bench: Bench) -> float:
    """How many identifiers a tag hears in an epoch of its own clock, where it hears any: the mean."""
    heard: dict[tuple[int, int], set[tuple[int, int]]] = defaultdict(set)
    for event in events:
        own, their = (rotation.epoch_of(int(bench.made[tag].clock(event.at))) for tag in (event.listener, event.sender))
        heard[event.listener, own].add((event.sender, their))
    return sum(map(len, heard.values())) / max(1, len(heard))
