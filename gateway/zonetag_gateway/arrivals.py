"""Whoever holds a tag close is told to the server at once, so that a screen at the door can answer.

A close tag (nearness.py) is met by two strong readings in a row, and not again until it was away from here for a while:
a tag that hangs near the gateway costs one report early, not one a second.
"""

from zonetag_gateway.nearness import AGAIN_S, Nearness
from zonetag_gateway.source import Hear
from zonetag_protocol.frame import HEAD, LENGTH

REST_S = 10.0  # without a strong reading for so long, the next one is an arrival again
MOST = 64  # identifiers remembered; the one heard strongly longest ago goes first


class Arrivals:
    """Listens along, and collects the identifiers that have just come close."""

    def __init__(self, company: int) -> None:
        """`company`: under which the fleet's tags send."""
        self._tail = b"\x09\xff" + company.to_bytes(2, "little")
        self._strong: dict[bytes, tuple[float, bool]] = {}  # last strong reading, whether it was told; oldest first
        self._new: set[bytes] = set()
        self.nearness = Nearness()

    def over(self, hear: Hear) -> Hear:
        """`hear`, with this listening along.  Adverts that are no tag's cost it one comparison."""
        tail = self._tail

        def heard(data: bytes, rssi: int, at: float, /) -> None:
            hear(data, rssi, at)
            if len(data) == LENGTH and data[:12] == HEAD and data[21:25] == tail and self.nearness.is_close(rssi):
                self._close(data[13:21], at)

        return heard

    def take(self) -> set[bytes]:
        """Who came close since the last call."""
        new, self._new = self._new, set()
        return new

    def _close(self, identifier: bytes, at: float) -> None:
        last, told = self._strong.pop(identifier, (float("-inf"), False))
        away = at - last
        told = told and 0 <= away <= REST_S
        if not told and 0 <= away <= AGAIN_S:
            self._new.add(identifier)
            told = True
        if len(self._strong) >= MOST:
            del self._strong[next(iter(self._strong))]
        self._strong[identifier] = (at, told)
