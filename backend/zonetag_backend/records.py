"""What goes from stage to stage behind ingest.  Times are UTC ms; rows stand in the order of their table's columns."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from zonetag_backend.keys import SealedKey
from zonetag_backend.presence import Span
from zonetag_backend.tagclock import Track

BADGE_SLOT = -1  # a badge says nothing of slots


@dataclass(frozen=True, slots=True)
class TagRecord:
    """A tag as the store has it."""

    id: int
    is_badge: bool
    # plain Eddystone-EID
    sealed_key: SealedKey | None = field(repr=False)
    # none: it was destroyed, and the tag can be resolved no more
    active: bool
    # false: retired, no longer resolved
    track: Track


@dataclass(frozen=True, slots=True)
class Post:
    """Where a gateway stands."""

    site: str
    place: int


class Observation(NamedTuple):  # tuples, not dataclasses: they go to the database as they are
    """A window resolved to a tag: a row of `heard_<day>`."""

    tag: int
    start_ms: int
    gateway: str
    boot: int
    seq: int
    row: int
    # position in the report
    place: int
    span_ms: int
    adverts: int
    # heard in it
    rssi_max: int
    rssi_p90: int
    rssi_median: int
    rssi_min: int
    slot: int
    # on the tag's clock; BADGE_SLOT for a badge
    trusted: bool
    # false while the tag's clock is not confirmed, and for badges


class Rejection(NamedTuple):
    """A window kept apart: a row of `rejected`."""

    gateway: str
    boot: int
    seq: int
    row: int
    reason: str
    # one of rules.REASONS
    start_ms: int
    span_ms: int
    eid: bytes
    auth: bytes
    adverts: int
    # heard in it
    rssi_max: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one report means."""

    observations: list[Observation]
    rejections: list[Rejection]
    spans: dict[int, list[Span]]
    # when each tag was heard
    tracks: dict[int, Track]
    # clocks of those tags after it
    moved: set[int] = field(default_factory=set)
    # tags of which it says that their clock stands elsewhere than was thought


def day_of(utc_ms: int) -> str:
    """The UTC day of a time, YYYYMMDD, as in the names of the tables per day."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y%m%d")
