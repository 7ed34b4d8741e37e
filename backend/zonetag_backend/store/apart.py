"""How many windows kept apart get a row: so many an hour; beyond that they are counted alone.

A flood of invented adverts, 5,000 new ones a second, would else write 18 million rows an hour.  The first ones tell an
operator as much as all.
"""

from collections import Counter
from collections.abc import Iterable

from zonetag_backend import rules
from zonetag_backend.records import Rejection

HOUR_MS = 3_600_000
MOST_AN_HOUR = 5000  # rows of one gateway and reason: half a megabyte; in 21 days of flood 250 MB
# Never cut: of an expired one nothing is kept anyway; of a relayed one there are no more than real tags send, and which
# windows were contradicted must be known (store/relayed.py).
UNCUT = frozenset((rules.EXPIRED, rules.RELAYED))


class Room:
    """Who may still be written this hour.  In memory: another process, or a start, has its own."""

    def __init__(self, most: int = MOST_AN_HOUR) -> None:
        """`most`: rows of one gateway and reason in an hour of the clock."""
        self._most = most
        self._hour = -1
        self._kept: Counter[tuple[str, str]] = Counter()
        self._taken: Counter[tuple[str, str]] = Counter()

    def admit(self, rejections: Iterable[Rejection], now_ms: int) -> list[Rejection]:
        """Those that get a row; `settle` once they have it, `forget` when the transaction failed."""
        if now_ms // HOUR_MS != self._hour:
            self._hour = now_ms // HOUR_MS
            self._kept.clear()
        admitted = []
        for each in rejections:
            if each.reason == rules.EXPIRED:
                continue
            if each.reason not in UNCUT:
                of = each.gateway, each.reason
                if self._kept[of] + self._taken[of] >= self._most:
                    continue
                self._taken[of] += 1
            admitted.append(each)
        return admitted

    def settle(self) -> list[tuple[str, str]]:
        """The rows are committed; gateways and reasons of which none more is kept from now on, each told once."""
        full = [of for of in self._taken if self._kept[of] + self._taken[of] >= self._most > self._kept[of]]
        self._kept += self._taken
        self._taken.clear()
        return full

    def forget(self) -> None:
        """The rows were not committed."""
        self._taken.clear()
