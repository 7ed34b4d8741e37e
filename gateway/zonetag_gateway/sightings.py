"""Adverts folded into windows.  Pure: no clock, no input or output.

Laws:
1. Each advert that is heard is counted once: in one window's `count`, or in one of the tallies `adverts.<kind>`,
   `malformed`, `dropped.<reason>`.  `adverts` is their sum, told when they are.
2. A repeated advert costs one dict hit, one store and one list append: whatever it is.  All else is done when an advert
   is met for the first time, and when windows close.
3. Memory is bounded by `max_open`, whatever the air holds (room.py says who goes first).
4. Of phones only numbers are kept, and no longer than one batch.

What makes no window is only counted.  All adverts of one such kind share one entry, so that repeated ones cost what
repeated tags cost, and new ones no more than their place in the table.
"""

from math import inf

from zonetag_gateway.room import Room
from zonetag_gateway.triage import BADGE_EID, surely_badge, surely_exposure, surely_unknown
from zonetag_gateway.window import ClosedWindow, departed, quantiles
from zonetag_protocol import advert
from zonetag_protocol.frame import HEAD, LENGTH, TEST_COMPANY
from zonetag_protocol.report import KIND_BADGE, KIND_ZONETAG, MAX_COUNT

ONLY_COUNTED = 0  # kind of an entry that makes no window (the wire has 1 and 2)
BADGE_AUTH = bytes(6)
PRESSED_SILENCE_S = 1.0  # four intervals of a tag: whoever was heard once and not again within it is no tag nearby

SWEEP_S = 1.0  # how often every window is looked at; silence and movement are seen so much later at most


class _Open:
    """One advert and its readings since its window opened; or all adverts of a kind that is only counted."""

    __slots__ = ("append", "auth", "eid", "first", "kind", "known", "last", "readings", "until")

    def __init__(self, kind: int, eid: bytes, auth: bytes, until: float) -> None:
        self.kind = kind  # KIND_ZONETAG, KIND_BADGE or ONLY_COUNTED
        self.eid = eid
        self.auth = auth
        self.until = until  # seconds on the source's line: the window's end
        self.known = False  # see room.py
        self.first = self.last = 0.0  # seconds on the source's line
        self.readings: list[int] = []  # dBm, in the order of hearing
        self.append = self.readings.append  # bound once: the hot path calls it for every advert


class Folder:
    """Folds adverts into windows.  All times are seconds on the source's line, which should not go back."""

    def __init__(
        self,
        window_s: float = 4.0,
        change_db: int = 12,
        company: int = TEST_COMPANY,
        max_open: int = 4096,
        *,
        silence_s: float = 3.0,
        room: Room | None = None,
    ) -> None:
        """A window lasts `window_s` at most; it closes early after `silence_s` without an advert, or when the
        wearer has moved by `change_db` (0: never), both looked at every SWEEP_S.  `max_open`: see room.py; as many
        others of each sort are remembered.  `room`: who may open a window; a Room of `max_open` if none is given.
        """
        self._window_s = window_s
        self._silence_s = silence_s
        self._change_db = change_db
        self._company = company
        self._max_others = max_open
        self._tail = b"\x09\xff" + company.to_bytes(2, "little")  # what stands between EID and S in our frame
        self._room = Room(max_open) if room is None else room
        self._open: dict[bytes, _Open] = {}  # every advert that was met and not forgotten
        self._windows: dict[bytes, _Open] = {}  # those of them that make windows
        self._swept = -inf
        self._ended = -inf  # when windows that are due were last ended on the way in
        self._counted = {kind: _Open(ONLY_COUNTED, b"", b"", inf) for kind in advert.KINDS}
        self._others: list[bytes] = []  # adverts in _open that are only counted, without phones
        self._phones: dict[str, list[bytes]] = {kind: [] for kind in advert.PHONES}  # the same, of this batch
        self._closed: list[ClosedWindow] = []
        self._tallies: dict[str, int] = {}

    def hear(self, data: bytes, rssi: int, at: float) -> None:
        """Take one advert: its AD bytes, its RSSI in dBm, the time it was heard."""
        entry = self._open.get(data)
        if entry is not None and at < entry.until:
            entry.last = at
            entry.append(rssi)
        else:
            self._meet(data, rssi, at)

    def close(self, now: float) -> list[ClosedWindow]:
        """The windows that are due at `now`, and those that have closed themselves since the last call."""
        self._settle()
        self._end_due(now)
        if abs(now - self._swept) >= SWEEP_S or self._room.pressed:
            self._swept = now
            self._sweep(now)
        closed, self._closed = self._closed, []
        return closed

    def _end_due(self, now: float) -> None:
        # All windows have one length and stand in the order in which they began, unless the line went back.
        for data, entry in list(self._windows.items()):
            if now < entry.until:
                break
            self._finish(data, entry)

    def end(self, eids: set[bytes]) -> None:
        """End the windows of these identifiers now, for the next `close`; whoever is heard on begins another."""
        for data, entry in list(self._windows.items()) if eids else ():
            if entry.eid in eids:
                self._finish(data, entry)

    def flush(self) -> list[ClosedWindow]:
        """All windows, open ones too: at the end."""
        for data, entry in list(self._windows.items()):
            self._finish(data, entry)
        closed, self._closed = self._closed, []
        return closed

    def take_tallies(self) -> dict[str, int]:
        """What was counted since the last call, one batch; forgets every phone."""
        self._settle()
        for kind, phones in self._phones.items():
            if phones:
                self._tally("phones." + kind, len(phones))
                self._forget(phones)
        tallies, self._tallies = self._tallies, {}
        return tallies

    def _meet(self, data: bytes, rssi: int, at: float) -> None:
        """An advert that has no entry, or whose window has reached its length."""
        entry = self._open.get(data)
        if entry is not None:
            self._finish(data, entry)
            self._begin(data, (entry.kind, entry.eid, entry.auth), rssi, at)
        elif len(data) == LENGTH and data[:12] == HEAD and data[21:25] == self._tail:
            self._begin(data, (KIND_ZONETAG, data[13:21], data[25:31]), rssi, at)
        elif surely_unknown(data):
            self._remember(data, advert.UNKNOWN, rssi)
        elif surely_badge(data):
            self._begin(data, (KIND_BADGE, data[BADGE_EID], BADGE_AUTH), rssi, at)
        elif surely_exposure(data):
            self._remember(data, advert.EXPOSURE_NOTIFICATION, rssi)
        else:
            self._explain(data, rssi, at)

    def _explain(self, data: bytes, rssi: int, at: float) -> None:
        """An advert that is not our frame in its canonical form."""
        heard = advert.explain(data, self._company)
        fields = heard.fields
        if heard.kind == advert.ZONETAG:
            self._begin(data, (KIND_ZONETAG, fields["eid"], fields["sealed"] + fields["mac"]), rssi, at)
        elif heard.kind == advert.EDDYSTONE_EID:
            self._begin(data, (KIND_BADGE, fields["eid"], BADGE_AUTH), rssi, at)
        else:
            self._remember(data, heard.kind, rssi)

    def _remember(self, data: bytes, kind: str, rssi: int) -> None:
        """Count an advert that makes no window, and know it again."""
        entry = self._open[data] = self._counted[kind]
        entry.append(rssi)
        known = self._phones.get(kind, self._others)
        known.append(data)
        if len(known) >= self._max_others:  # rather all at once than a list of who was heard when
            if kind in self._phones:
                self._tally("phones." + kind, len(known))
            self._forget(known)

    def _forget(self, adverts: list[bytes]) -> None:
        for data in adverts:
            del self._open[data]
        adverts.clear()

    def _begin(self, data: bytes, who: tuple[int, bytes, bytes], rssi: int, at: float) -> None:
        kind, eid, auth = who
        # A source that runs faster than life brings a minute between two calls of `close`: what is due by then must
        # not keep its place until the call, or a tag that is merely played fast would be taken for many.
        if abs(at - self._ended) >= SWEEP_S:
            self._ended = at
            self._end_due(at)
        known = self._room.take(eid)
        if known is None:
            self._tally("adverts", 1)
            self._tally("dropped.flood", 1)
            return
        entry = self._open[data] = self._windows[data] = _Open(kind, eid, auth, at + self._window_s)
        entry.known = known
        entry.first = entry.last = at
        entry.append(rssi)

    def _finish(self, data: bytes, entry: _Open) -> None:
        del self._open[data], self._windows[data]
        readings = entry.readings
        if not entry.known and len(readings) > 1:
            entry.known = self._room.promote(entry.eid, entry.last)
        self._room.leave(entry.eid, entry.known, entry.last)
        count = min(len(readings), MAX_COUNT)
        last = max(entry.first, entry.last)
        self._closed.append(
            ClosedWindow(entry.kind, entry.eid, entry.auth, entry.first, last, count, *quantiles(readings))
        )
        self._tally("windows", 1)
        self._tally("adverts", len(readings))
        if len(readings) > count:  # no radio can do this; a file can
            self._tally("dropped.surplus", len(readings) - count)

    def _sweep(self, now: float) -> None:
        """Look at every window: who is known by now, who has fallen silent, who has moved."""
        silence = self._silence_s
        hasty = min(PRESSED_SILENCE_S, silence) if self._room.pressed else silence
        for data, entry in list(self._windows.items()):
            readings = entry.readings
            if not entry.known and len(readings) > 1:
                entry.known = self._room.promote(entry.eid, entry.last)
            if (
                now - entry.last >= (silence if entry.known else hasty)
                or now < entry.first - self._window_s  # the line went back: nothing would ever close it
                or len(readings) >= MAX_COUNT
                or (self._change_db and departed(readings, self._change_db))
            ):
                self._finish(data, entry)
        self._room.forget(now)

    def _settle(self) -> None:
        """Turn the readings of what is only counted into counts."""
        for kind, entry in self._counted.items():
            n = len(entry.readings)
            if n:
                entry.readings.clear()
                self._tally("adverts", n)
                self._tally("malformed" if kind == advert.MALFORMED else "adverts." + kind, n)

    def _tally(self, name: str, n: int) -> None:
        self._tallies[name] = self._tallies.get(name, 0) + n
