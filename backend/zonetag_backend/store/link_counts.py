"""What a gateway counts of the link that it carries: out of its health.  Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from zonetag_protocol.carriage import ENDED, OVER

TELLS = 5  # so many sessions have ended before one says which end is usual


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Since the gateway started."""

    waiting: int
    # calls that wait for their tag
    connected: int
    # connections that came about
    tried: int
    # tries of which none came
    ended: dict[str, int]
    # sessions, by how they ended: a code of carriage.ENDED

    @property
    def mostly(self) -> str:
        """As what most sessions end, if not as they should; empty: they do, or too few have ended to tell."""
        total = sum(self.ended.values())
        code = max(self.ended, key=lambda each: self.ended[each], default="")
        usual = total >= TELLS and 2 * self.ended.get(code, 0) > total
        return code if usual and code != OVER else ""


def link_counts(told: object) -> LinkCounts | None:
    """The object `link` of a health message, which comes from outside and may be anything; none: it carries no link."""
    if not isinstance(told, Mapping):
        return None
    ended = {code: _whole(told.get(f"ended-{code}")) for code in ENDED}
    return LinkCounts(
        _whole(told.get("calls")),
        _whole(told.get("connected")),
        _whole(told.get("tried")),
        {code: number for code, number in ended.items() if number},
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
