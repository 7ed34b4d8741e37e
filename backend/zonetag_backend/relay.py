"""One tag at two sites at once: somebody carries its adverts from one place to another.  Pure (SPEC.md section 10.4).

Nothing tells the carried advert from the true one, so neither is believed.  The rule looks at pairs of windows alone:
what it says of a set of windows does not depend on the order in which they came.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# A tag is heard every second where it is, and nobody walks from one site to the next in half a minute.  It is also what
# a gateway's clock may be wrong by without our knowing (SPEC.md section 10.1).
AT_ONCE_MS = 30_000


class Spot(NamedTuple):
    """A window of one tag that passed all other rules."""

    start_ms: int
    end_ms: int
    # both UTC
    site: str


class Sites:
    """Which sites are so far apart that nobody is at both at once: all but those that are said to be near."""

    def __init__(self, near: Iterable[str] = ()) -> None:
        """`near`: names of sites that hear the same tags, two or more to a text, separated by spaces."""
        self._near = {
            frozenset((one, other))
            for group in near
            for one in group.split()
            for other in group.split()
            if one != other
        }

    def far(self, one: str, other: str) -> bool:
        """Whether a tag cannot be at both."""
        return one != other and frozenset((one, other)) not in self._near


def meet(one: Spot, other: Spot, sites: Sites) -> bool:
    """Whether these two cannot both be true."""
    return (
        sites.far(one.site, other.site)
        and one.start_ms <= other.end_ms + AT_ONCE_MS
        and other.start_ms <= one.end_ms + AT_ONCE_MS
    )


def relayed(spots: Sequence[Spot], sites: Sites) -> set[int]:
    """Which of one tag's windows cannot be believed, by their index: each that another one contradicts."""
    order = sorted(range(len(spots)), key=lambda index: spots[index])
    found: set[int] = set()
    for at, index in enumerate(order):
        for later in order[at + 1 :]:
            if spots[later].start_ms > spots[index].end_ms + AT_ONCE_MS:
                break
            if meet(spots[index], spots[later], sites):
                found |= {index, later}
    return found


def faults(value: object) -> str:
    """What is wrong with the setting `ingest.near_sites`; empty if nothing."""
    fits = isinstance(value, list) and all(isinstance(each, str) and len(each.split()) > 1 for each in value)
    return "" if fits else 'a list of names of sites near each other wanted, as ["office annex"]'
