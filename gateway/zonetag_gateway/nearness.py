"""When a tag is held close to the gateway, told by its strength against what is usual at this door.  Pure.

The usual is a running percentile of the strengths of the fleet's tags, learnt anew from each start: it goes up a little
with each reading above it and down much less with each one below, so that a fixed share of readings lies above.
"Close" is well above that, within bounds, twice in a row for one identifier.  Identifiers rotate and none is kept.
"""

SHARE = 0.02  # of readings above the usual: whoever walks by stays below, a tag that hangs there for ever becomes usual
STEP_DB = 0.1  # for a reading above; ten seconds of a held tag (40 readings) raise the usual by 4 dB at most
MARGIN_DB = 6.0  # above the usual: with 3 dB, recordings of a person walking about at a door gave false signs
START_DBM = -55.0  # until something was learnt
LOWEST_DBM = -65.0  # never "close" below: some metres in the open
HIGHEST_DBM = -38.0  # always "close" above: a tag of 0 dBm within a hand's breadth
AGAIN_S = 1.5  # two readings within that are "in a row": a tag at rest sends every second
PAUSE_S = 3.0  # between two signs: longer than the sign itself


class Nearness:
    """The ear of one door."""

    def __init__(self) -> None:
        self._usual = START_DBM
        self._strong = (b"", float("-inf"))
        self._signed_at = float("-inf")

    @property
    def threshold_dbm(self) -> float:
        """From where on a tag is close."""
        return min(HIGHEST_DBM, max(LOWEST_DBM, self._usual + MARGIN_DB))

    def is_close(self, rssi: int) -> bool:
        """A tag's advert came with this strength: whether that is close; learns from it."""
        close = rssi >= self.threshold_dbm
        if rssi > self._usual:
            self._usual = min(HIGHEST_DBM, self._usual + STEP_DB * (1 - SHARE))
        else:
            self._usual = max(LOWEST_DBM - MARGIN_DB, self._usual - STEP_DB * SHARE)
        return close

    def hear(self, identifier: bytes, rssi: int, at: float) -> bool:
        """A tag's advert came, at a second of the source's line; whether to give a sign now."""
        if not self.is_close(rssi):
            return False
        before, self._strong = self._strong, (identifier, at)
        if before[0] != identifier or not 0 <= at - before[1] <= AGAIN_S or at - self._signed_at < PAUSE_S:
            return False
        self._signed_at = at
        return True
