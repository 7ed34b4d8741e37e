"""Who may open a window when the table is nearly full: a flood of invented adverts must not silence real tags.

A gateway has no keys, so it cannot tell an invented advert from a tag's.  What it can tell is who goes on: a tag
repeats its advert several times in a slot and keeps its identifier for an epoch (17 minutes), while each advert of a
flood is new.  So:

1. An identifier heard at least twice in one window is KNOWN, and stays so until it has been silent for `KNOWN_S`.
2. Strangers may hold half of the table at most; the other half is kept for the known.
3. When a stranger finds no room it is dropped and counted; those that are in are never put out for it.  But it is
   remembered for as long as `TURNED_AWAY` others take: heard again it goes on, and is known at once.  So a tag whose
   identifier changes in mid-flood is back within an interval or two.
4. One identifier holds at most `MAX_OF_ONE` windows, so that a known one copied with invented authenticators
   takes no room from the others.  (It can crowd out the tag that it copies; so can a jammer.)
5. The set of the known is bounded as the table is; when it is full nobody new enters until somebody has gone.
"""

KNOWN_S = 300.0  # a visit to the kitchen is no absence; far less than an epoch, after which the identifier is gone
TURNED_AWAY = 16384  # identifiers, twice: 3 MB; 3 to 6 s of 5,000 new ones a second, a dozen intervals of a tag
MAX_OF_ONE = 8  # open windows of an identifier: its slot, the one before, and a few of whoever imitates it


class _Place:
    __slots__ = ("heard", "windows")

    def __init__(self, heard: float) -> None:
        self.heard = heard  # seconds on the source's line
        self.windows = 0  # open ones


class Room:
    """The table's places, given and taken back; holds no adverts itself."""

    def __init__(self, max_open: int) -> None:
        """`max_open`: windows open at a time, strangers and known together."""
        self._max_open = max_open
        self._max_strangers = max_open // 2
        self._max_known = max_open // 2
        self._known: dict[bytes, _Place] = {}
        self._turned_away: set[bytes] = set()
        self._turned_away_before: set[bytes] = set()  # the set before this one was full
        self._open = 0
        self._strangers = 0

    def __len__(self) -> int:
        return self._open

    @property
    def pressed(self) -> bool:
        """Whether strangers have taken three quarters of their half: those heard once should then leave sooner."""
        return self._strangers * 4 >= self._max_strangers * 3

    def take(self, eid: bytes) -> bool | None:
        """A place for a new window: True as a known one, False as a stranger, None if there is no room."""
        if self._open >= self._max_open:
            return None
        place = self._known.get(eid)
        if place is not None:
            if place.windows >= MAX_OF_ONE:
                return None
            place.windows += 1
            self._open += 1
            return True
        if self._strangers >= self._max_strangers:
            return True if self.goes_on(eid) else None
        self._strangers += 1
        self._open += 1
        return False

    def goes_on(self, eid: bytes) -> bool:
        """Whether a stranger without room was turned away not long ago: it gets a place among the known then."""
        if eid not in self._turned_away and eid not in self._turned_away_before:
            if len(self._turned_away) >= TURNED_AWAY:
                self._turned_away, self._turned_away_before = set(), self._turned_away
            self._turned_away.add(eid)
            return False
        if len(self._known) >= self._max_known:
            return False
        place = self._known[eid] = _Place(0.0)  # `leave` says when it was last heard
        place.windows = 1
        self._open += 1
        return True

    def promote(self, eid: bytes, heard: float) -> bool:
        """Make the identifier of an open stranger's window known; False if the set is full (or it has too many)."""
        place = self._known.get(eid)
        if place is None:
            if len(self._known) >= self._max_known:
                return False
            place = self._known[eid] = _Place(heard)
        elif place.windows >= MAX_OF_ONE:
            return False
        place.windows += 1
        self._strangers -= 1
        return True

    def leave(self, eid: bytes, known: bool, last: float) -> None:
        """Give back the place of a window that has closed; `last` is its last hearing."""
        self._open -= 1
        if known:
            place = self._known[eid]
            place.windows -= 1
            place.heard = last
        else:
            self._strangers -= 1

    def forget(self, now: float) -> None:
        """Drop the known who have been silent too long (or stand in the future of a line that went back)."""
        gone = [eid for eid, place in self._known.items() if place.windows == 0 and abs(now - place.heard) > KNOWN_S]
        for eid in gone:
            del self._known[eid]
