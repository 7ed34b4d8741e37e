"""What is in the air at the moment: the state behind `zonetag-gateway scan`.  Pure and bounded.

Tags and badges stand by identifier (8 bytes that change every 17 minutes and name nobody); of phones only how many
different adverts were heard lately is told.
"""

import math
from dataclasses import dataclass
from typing import Any

from zonetag_protocol import advert
from zonetag_protocol.frame import TEST_COMPANY

FORGET_S = 60.0  # what was silent for so long has left
RATE_S = 5.0  # over which a rate is averaged
SMOOTHING = 0.3  # weight of the newest RSSI
MAX_TAGS = 1000  # more than fit any screen; the first to come is the first to go
MAX_OTHERS = 4096  # distinct adverts of phones and strangers remembered for FORGET_S
NO_RSSI = 127

_TAGS = (advert.ZONETAG, advert.EDDYSTONE_EID)


class _Rate:
    """Events per second, forgetting with RATE_S."""

    __slots__ = ("_last", "_level", "_since")

    def __init__(self, at: float) -> None:
        self._level = 0.0
        self._last = self._since = at

    def add(self, at: float) -> None:
        self._level = self._level * math.exp((self._last - at) / RATE_S) + 1
        self._last = at

    def per_second(self, now: float) -> float:
        # A young average has seen less than the whole exponential; divide by what it has seen, at least a second.
        seen = RATE_S * (1 - math.exp(-max(1.0, now - self._since) / RATE_S))
        return self._level * math.exp((self._last - now) / RATE_S) / seen


class _Tag:
    __slots__ = ("best", "count", "kind", "last", "rate", "rssi")

    def __init__(self, kind: str, at: float) -> None:
        self.kind = kind
        self.count = 0
        self.last = at
        self.rate = _Rate(at)
        self.rssi: float | None = None
        self.best: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One tag or badge."""

    identifier: str
    # 16 hexadecimal digits
    kind: str
    # advert.ZONETAG or advert.EDDYSTONE_EID
    rssi: int | None
    # dBm, smoothed; None = never measured
    best: int | None
    # dBm, the strongest
    per_second: float
    # adverts
    count: int
    # adverts so far
    silent_s: float
    # seconds since the last one


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a screen shows."""

    rows: tuple[Row, ...]
    # the strongest first
    phones: dict[str, int]
    # kind -> different adverts within the last minute
    adverts: dict[str, int]
    # kind -> adverts so far
    per_second: float
    # adverts of every kind
    elapsed_s: float
    # since the first advert


class Air:
    """Takes adverts, gives views."""

    def __init__(self, company: int = TEST_COMPANY) -> None:
        self._company = company
        self._tags: dict[bytes, _Tag] = {}
        self._known: dict[bytes, tuple[str, bytes]] = {}  # advert -> kind, identifier
        self._phones: dict[bytes, tuple[str, float]] = {}  # advert -> kind, last heard
        self._adverts: dict[str, int] = {}
        self._rate: _Rate | None = None
        self.first = 0.0
        # time of the first advert, on the source's line
        self.now = 0.0
        # time of the last one

    def hear(self, data: bytes, rssi: int, at: float, /) -> None:
        """Take an advert (AD bytes, dBm, seconds on the source's line)."""
        if self._rate is None:
            self._rate = _Rate(at)
            self.first = at
        self.now = at
        self._rate.add(at)
        kind, eid = self._known.get(data) or self._meet(data)
        self._adverts[kind] = self._adverts.get(kind, 0) + 1
        if eid:
            self._take(kind, eid, rssi, at)
        elif kind in advert.PHONES:
            self._phones.pop(data, None)  # so that it moves to the end
            _make_room(self._phones, MAX_OTHERS)
            self._phones[data] = kind, at

    def view(self, now: float) -> View:
        """What is there at `now`; forgets what has left."""
        for eid in [eid for eid, tag in self._tags.items() if now - tag.last > FORGET_S]:
            del self._tags[eid]
        for data in [data for data, (_, last) in self._phones.items() if now - last > FORGET_S]:
            del self._phones[data]
        phones: dict[str, int] = {}
        for kind, _ in self._phones.values():
            phones[kind] = phones.get(kind, 0) + 1
        rows = [_row(eid, tag, now) for eid, tag in self._tags.items()]
        rows.sort(key=lambda row: (-(row.rssi if row.rssi is not None else -999), row.identifier))
        rate = self._rate.per_second(now) if self._rate else 0.0
        elapsed = now - self.first if self._rate else 0.0
        return View(tuple(rows), phones, dict(self._adverts), rate, elapsed)

    def _meet(self, data: bytes) -> tuple[str, bytes]:
        heard = advert.explain(data, self._company)
        known = heard.kind, bytes(heard.fields["eid"]) if heard.kind in _TAGS else b""
        _make_room(self._known, MAX_OTHERS)
        self._known[data] = known
        return known

    def _take(self, kind: str, eid: bytes, rssi: int, at: float) -> None:
        tag = self._tags.get(eid)
        if tag is None:
            _make_room(self._tags, MAX_TAGS)
            tag = self._tags[eid] = _Tag(kind, at)
        tag.count += 1
        tag.last = at
        tag.rate.add(at)
        if rssi != NO_RSSI:
            tag.rssi = rssi if tag.rssi is None else tag.rssi + SMOOTHING * (rssi - tag.rssi)
            tag.best = rssi if tag.best is None else max(tag.best, rssi)


def _make_room(table: dict[bytes, Any], size: int) -> None:
    if len(table) >= size:
        del table[next(iter(table))]


def _row(eid: bytes, tag: _Tag, now: float) -> Row:
    rssi = None if tag.rssi is None else round(tag.rssi)
    return Row(eid.hex(), tag.kind, rssi, tag.best, tag.rate.per_second(now), tag.count, max(0.0, now - tag.last))
