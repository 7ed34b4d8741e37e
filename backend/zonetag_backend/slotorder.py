"""The order of slots at one gateway: what a tag sends later has a later slot.  Pure, in memory.

Within one boot of a gateway its monotonic clock orders what it heard, whatever became of its UTC.  A frame that comes
after a later slot of the same tag, or before an earlier one, is an echo.  Boots are not compared with each other.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict

KEPT = 8  # hearings of a tag kept a boot: half a minute, longer than what the tolerance of clocks lets through
MAX_BOOTS = 512  # boots of gateways kept at once; of older ones the tolerance alone decides

Line = list[tuple[int, int]]
"""(monotonic ms, slot) of good hearings of one tag in one boot of one gateway, in order of time."""


class SlotOrder:
    """What has lately been good of each tag at each gateway."""

    def __init__(self) -> None:
        self._boots: OrderedDict[tuple[str, int], dict[int, Line]] = OrderedDict()

    def boot(self, gateway: str, boot: int) -> dict[int, Line]:
        """The lines of one boot, by tag, for `admits` and `note`."""
        lines = self._boots.get((gateway, boot))
        if lines is None:
            lines = self._boots[gateway, boot] = {}
            while len(self._boots) > MAX_BOOTS:
                self._boots.popitem(last=False)
        self._boots.move_to_end((gateway, boot))
        return lines

    def clear(self) -> None:
        """Forget all."""
        self._boots.clear()


def admits(line: Line, at_ms: int, slot: int) -> bool:
    """Whether `slot` may be heard at `at_ms` (monotonic) among what is known, (at, slot) in order of time."""
    if line[-1][0] < at_ms:  # nearly always
        return slot >= line[-1][1]
    before = bisect_left(line, (at_ms, -1))
    after = bisect_right(line, (at_ms, 1 << 62))
    return (before == 0 or slot >= line[before - 1][1]) and (after == len(line) or slot <= line[after][1])


def note(line: Line, at_ms: int, slot: int) -> None:
    """Add what was good."""
    if line and line[-1][1] == slot and line[-1][0] <= at_ms:
        return  # the same slot again: its first hearing bounds what may come before, its number what may come after
    line.insert(bisect_right(line, (at_ms, slot)), (at_ms, slot))
    if len(line) > KEPT:
        del line[0]
