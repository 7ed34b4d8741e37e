"""Whom the tag hears: when to look, what to take of it, what to keep of an epoch.  Pure (SPEC.md section 12.6).

A look is a short scan.  One in each cell of 32 s (or each n-th), at a moment drawn at random: two tags whose clocks
are in step would for ever be deaf at the same moments otherwise.  Its length follows from the interval at which a worn
tag sends: that is jittered by an eighth, and the controller adds up to 10 ms, so a look an eighth and 20 ms longer
hears each tag that moves at least once.  A tag at rest (1000 ms) is heard in three looks of ten, by each of two tags,
which is enough: there are 28 cells in a quarter of an hour.

`Ear.hear` runs in the radio's interrupt: no allocation, one pass over a table of bounded size.
"""

from zonetag_protocol import contact
from zonetag_protocol.frame import HEAD, LENGTH
from zonetag_protocol.rotation import EPOCH_S, epoch_of, slot_of

CELL_MS = contact.CELL_S * 1000
LONGEST_MS = 600  # of a look that follows from the card; 1.9 % of a cell
ADVERT_DELAY_MS = 20  # the controller's own random delay (10 ms), and an advert's length
NEVER = -1

START = "start"
STOP = "stop"
WAIT = "wait"

# The table of one look: so many identifiers, each SEAT bytes: EID[8], S and MAC[6], RSSI + 128, count.
SEATS = 24
SEAT = 16
_AUTH = 8
_RSSI = 14
_COUNT = 15
_EID_AT = 13  # in the advert
_AUTH_AT = 25
_COMPANY_AT = 23
KEEP = 16  # identifiers of an epoch that become records


def look_ms(moving_ms: int) -> int:
    """The length of a look where tags that move send every `moving_ms`."""
    return min(LONGEST_MS, moving_ms * 9 // 8 + ADVERT_DELAY_MS)


class Plan:
    """When to look: START and STOP at the right moments."""

    def __init__(self, every: int, length_ms: int) -> None:
        """In each `every`-th cell (0: never), for `length_ms`."""
        self.every = every
        self.length_ms = length_ms
        self._cell = NEVER
        self._at_ms = NEVER  # in the cell; NEVER: not in this one, or no more
        self._stop_ms = NEVER  # in the cell; NEVER: not looking

    def step(self, t: int, ms: int, random: int) -> tuple[str, int]:
        """What to do at second `t` and `ms`, and the milliseconds until the next step; `random` is 16 bits."""
        cell = t // contact.CELL_S
        now = t % contact.CELL_S * 1000 + ms
        if cell != self._cell:
            was_looking = self._stop_ms != NEVER
            self._cell = cell
            self._stop_ms = NEVER
            due = self.every > 0 and cell % self.every == 0
            self._at_ms = random % (CELL_MS - self.length_ms - 1000) if due else NEVER
            if was_looking:  # the clock went forward meanwhile
                return STOP, 1
        if self._stop_ms != NEVER:
            if now < self._stop_ms:
                return WAIT, self._stop_ms - now
            self._stop_ms = NEVER
            return STOP, CELL_MS - now
        if self._at_ms == NEVER:
            return WAIT, CELL_MS - now
        if now < self._at_ms:
            return WAIT, self._at_ms - now
        self._at_ms = NEVER
        if now + self.length_ms > CELL_MS:  # too late: the sleep before was too long
            return WAIT, CELL_MS - now
        self._stop_ms = now + self.length_ms
        return START, self.length_ms


class Ear:
    """What one look has heard of our own kind of frames."""

    def __init__(self, company: int, weakest_dbm: int) -> None:
        self.weakest_dbm = weakest_dbm
        self.used = 0
        self._low = company & 0xFF
        self._high = company >> 8
        self._table = bytearray(SEATS * SEAT)

    def clear(self) -> None:
        """Begin anew."""
        self.used = 0

    def hear(self, data: memoryview, rssi: int) -> None:
        """One advert.  In an interrupt: no allocation, no exception, whatever was received."""
        if len(data) != LENGTH or rssi < self.weakest_dbm or rssi > 126:
            return
        for i in range(12):
            if data[i] != HEAD[i]:
                return
        if data[21] != 9 or data[22] != 0xFF:
            return
        if data[_COMPANY_AT] != self._low or data[_COMPANY_AT + 1] != self._high:
            return
        at = self._seat(data, rssi + 128)
        if at >= 0:
            self._take(at, data, rssi + 128)

    def heard(self, number: int) -> tuple[bytes, bytes, int, int]:
        """Entry `number`: (identifier, authenticator, RSSI in dBm, adverts)."""
        at = number * SEAT
        table = self._table
        return (
            bytes(table[at : at + _AUTH]),
            bytes(table[at + _AUTH : at + _RSSI]),
            table[at + _RSSI] - 128,
            table[at + _COUNT],
        )

    def _seat(self, data: memoryview, strength: int) -> int:
        """Where this identifier has its seat, a free one, or that of a weaker one; -1 if there is none."""
        table = self._table
        weakest = -1
        for number in range(self.used):
            at = number * SEAT
            i = 0
            while i < 8 and table[at + i] == data[_EID_AT + i]:
                i += 1
            if i == 8:
                return at
            if weakest < 0 or table[at + _RSSI] < table[weakest + _RSSI]:
                weakest = at
        if self.used < SEATS:
            weakest = self.used * SEAT
            self.used += 1
        elif table[weakest + _RSSI] >= strength:
            return -1
        for i in range(8):
            table[weakest + i] = data[_EID_AT + i]
        table[weakest + _RSSI] = 0
        table[weakest + _COUNT] = 0
        return weakest

    def _take(self, at: int, data: memoryview, strength: int) -> None:
        table = self._table
        if table[at + _COUNT] < 255:
            table[at + _COUNT] += 1
        if strength > table[at + _RSSI]:
            table[at + _RSSI] = strength
            for i in range(6):
                table[at + _AUTH + i] = data[_AUTH_AT + i]


class Contacts:
    """The strongest identifiers of an epoch of our own clock, as records."""

    def __init__(self) -> None:
        self._epoch = NEVER
        self._records: list[bytearray] = []

    def add(self, t: int, ear: Ear) -> list[bytes]:
        """Take what a look that ended at second `t` has heard; the records of the epoch before, if that is over."""
        over = self.close(t)
        for number in range(ear.used):
            self._add(t, *ear.heard(number))
        ear.clear()
        return over

    def close(self, t: int) -> list[bytes]:
        """The records of the epoch before that of second `t`, once."""
        over: list[bytes] = []
        if self._epoch != epoch_of(t):
            over = [bytes(record) for record in self._records]
            self._records = []
            self._epoch = epoch_of(t)
        return over

    def _add(self, t: int, eid: bytes, auth: bytes, rssi: int, count: int) -> None:
        record = self._record(eid, rssi)
        if record is None:
            return
        if record[19] == 0 or rssi > _signed(record[18]):
            record[3] = slot_of(t)
            record[12:18] = auth
            record[18] = rssi & 0xFF
        record[19] = min(contact.MOST_COUNT, record[19] + count)
        cell = contact.cell_of(t)
        at = 20 + cell // 2
        level = contact.level(rssi)
        if cell % 2:
            record[at] = record[at] & 0xF0 | max(level, record[at] & 0x0F)
        else:
            record[at] = record[at] & 0x0F | max(level, record[at] >> 4) << 4

    def _record(self, eid: bytes, rssi: int) -> bytearray | None:
        """The record of this identifier, a new one, or one in the place of the weakest; None if all are stronger."""
        weakest = 0
        for number in range(len(self._records)):
            record = self._records[number]
            if record[4:12] == eid:
                return record
            if _signed(record[18]) < _signed(self._records[weakest][18]):
                weakest = number
        new = bytearray(contact.LENGTH)
        new[:3] = self._epoch.to_bytes(3, "big")
        new[4:12] = eid
        if len(self._records) < KEEP:
            self._records.append(new)
        elif _signed(self._records[weakest][18]) < rssi:
            self._records[weakest] = new
        else:
            return None
        return new


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


# A look begins and ends in one cell, and an epoch has whole cells: no record ever holds a hearing of another epoch.
if EPOCH_S % contact.CELL_S:
    raise ValueError("an epoch has whole cells")
