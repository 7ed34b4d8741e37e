"""The contact log of a simulated tag: what its looks heard, noted and numbered as the firmware does (SPEC.md 12.6).

A record becomes part of the log when its epoch is over by the tag's own clock, and stays until it is acknowledged.
"""

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from zonetag_backend.simulate.dice import Floats, Ints
from zonetag_backend.simulate.looks import Heard
from zonetag_backend.simulate.tag import Tag
from zonetag_protocol.contact import CELLS, MOST_COUNT, Contact, cell_of, level, pack
from zonetag_protocol.rotation import EPOCH_S, slot_of

NAME = 4  # bytes of a log's name
KEEP = 16  # identifiers of an epoch that become records, the strongest
_AUTH = slice(25, 31)  # of an advert: S and MAC
_EID = slice(13, 21)


class Note:
    """What was heard of one identifier in one epoch."""

    __slots__ = ("at_s", "cells", "count", "end_t", "rssi", "sender")

    def __init__(self, sender: int) -> None:
        self.sender = sender
        self.cells = [0] * CELLS
        self.count = 0
        self.rssi = -128
        self.at_s = 0.0
        # when its strongest advert was sent
        self.end_t = 0
        # when the look that heard that was over, on the clock of the hearer


class ContactLog:
    """Of one tag."""

    def __init__(self, tags: list[Tag], owner: int, name: bytes) -> None:
        """`tags`: all of the office; `name`: of the log, 4 bytes."""
        self.name = name
        self.acknowledged = 0
        self._tags = tags
        self._owner = owner
        self._records: list[bytes] = []
        # number 1 first
        self._ready: list[float] = []
        # from when on each is in the log, office seconds, ascending

    def live(self, heard: Heard, since_s: float) -> None:
        """Take a further day, which begins at office second `since_s`."""
        own = self._tags[self._owner]
        for epoch, notes in self._epochs(heard, since_s):
            over_s = ((epoch + 1) * EPOCH_S - own.t0_s) / (1 + own.drift_ppm * 1e-6)
            for note in notes:
                advert = self._tags[note.sender].advert(note.at_s)
                cells = bytes(note.cells[i] << 4 | note.cells[i + 1] for i in range(0, CELLS, 2))
                slot, count = slot_of(note.end_t), min(MOST_COUNT, note.count)
                record = Contact(epoch, slot, advert[_EID], advert[_AUTH], note.rssi, count, cells)
                self._records.append(pack(record))
                self._ready.append(over_s)

    def next(self, at_s: float) -> int:
        """The number that the next record will get, at an office second."""
        return bisect_right(self._ready, at_s) + 1

    @property
    def made(self) -> int:
        """How many records there are or will be."""
        return len(self._records)

    @property
    def first(self) -> int:
        """The number of the oldest record that is not acknowledged, or of the next."""
        return self.acknowledged + 1

    def waiting(self, at_s: float) -> bool:
        """Whether there are records to be fetched."""
        return self.first < self.next(at_s)

    def read(self, number: int, most: int, at_s: float) -> tuple[int, list[bytes]]:
        """Up to `most` records from `number` on: (number of the first, records)."""
        number = max(number, self.first)
        return number, self._records[number - 1 : min(number - 1 + most, self.next(at_s) - 1)]

    def acknowledge(self, through: int) -> None:
        """Forget the records up to that number."""
        self.acknowledged = max(self.acknowledged, through)

    def home_s(self, at_s: float) -> float:
        """Up to here all that was heard is acknowledged, office seconds; `at_s`: now."""
        waiting = self._ready[self.acknowledged] if self.acknowledged < len(self._ready) else float("inf")
        epoch_s = (self._tags[self._owner].clock(min(at_s, waiting) - 1e-3)) // EPOCH_S * EPOCH_S
        own = self._tags[self._owner]
        start_s: float = (epoch_s - own.t0_s) / (1 + own.drift_ppm * 1e-6)
        return start_s

    def _epochs(self, heard: Heard, since_s: float) -> Iterator[tuple[int, list[Note]]]:
        """Epoch by epoch of the hearer's clock, the strongest identifiers as they stand at its end."""
        at_s = since_s + heard.at_s
        end_t = _clocks(self._tags[self._owner], since_s + heard.end_s)
        # An identifier is one tag in one epoch of its own clock.
        t0, rate = (np.array(column)[heard.sender] for column in zip(*map(_line, self._tags), strict=True))
        sent_t: Ints = (t0 + at_s * rate).astype(np.int64)
        key = heard.sender << 32 | sent_t // EPOCH_S
        columns = (end_t // EPOCH_S, key, heard.sender, end_t, at_s, heard.rssi, heard.adverts)
        notes: dict[int, Note] = {}
        seats: list[int] = []  # of them, in the order of the records
        weakest: int | None = None  # of them, as far as it is known
        epoch = -1
        for now, which, sender, t, sent_s, rssi, count in zip(*(c.tolist() for c in columns), strict=True):
            if now != epoch:
                if notes:
                    yield epoch, [notes[each] for each in seats]
                notes, seats, epoch, weakest = {}, [], now, None
            note = notes.get(which)
            if note is None:
                if len(seats) < KEEP:
                    seats.append(which)
                else:
                    if weakest is None:
                        weakest = min(seats, key=lambda each: notes[each].rssi)
                    if notes[weakest].rssi >= rssi:
                        continue
                    seats[seats.index(weakest)] = which
                    del notes[weakest]
                note, weakest = Note(sender), None
                notes[which] = note
            if rssi > note.rssi:
                note.rssi, note.at_s, note.end_t = rssi, sent_s, t
                if which == weakest:
                    weakest = None
            note.count += count
            cell = cell_of(t)
            note.cells[cell] = max(note.cells[cell], level(rssi))
        if notes:
            yield epoch, [notes[each] for each in seats]


def _line(tag: Tag) -> tuple[float, float]:
    """A tag's clock: its second at the office's 0, and its rate."""
    return tag.t0_s, 1 + tag.drift_ppm * 1e-6


def _clocks(tag: Tag, at_s: Floats) -> Ints:
    t0_s, rate = _line(tag)
    clocks: Ints = (t0_s + at_s * rate).astype(np.int64)
    return clocks
