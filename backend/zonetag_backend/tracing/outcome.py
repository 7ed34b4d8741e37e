"""What a trace tells, with names put to it: records, and the same as JSON.  Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zonetag_backend.names import sort_key
from zonetag_backend.tracing.chain import Chain
from zonetag_backend.tracing.exposure import Exposure
from zonetag_backend.tracing.minutes import BAND_NAMES
from zonetag_backend.tracing.profile import Profile
from zonetag_backend.tracing.zoning import Stop


@dataclass(frozen=True, slots=True)
class Who:
    """A person as others know them."""

    id: int
    name: str
    # empty: removed, or erased
    unit: str
    code: str


@dataclass(frozen=True, slots=True)
class Day:
    """What two people had to do with each other on one day, by one kind of evidence."""

    day_ms: int
    # its beginning
    evidence: str
    # "direct": a tag heard the other; "place": gateways heard both at one place
    first_ms: int
    last_ms: int
    together_minutes: float
    # for which there is evidence at all
    close_minutes: float
    # expected
    close_low: float
    close_high: float
    # between these with 90 %
    bands: dict[str, float]
    # minutes by how probably they were close
    probability: float
    # that it was a contact as the profile has it
    places: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    # from when to when


@dataclass(frozen=True, slots=True)
class Found:
    """One step of the chain: who, through whom, how surely."""

    who: Who
    through: Who
    generation: int
    # 1: F1
    probability: float
    # of a contact with `through`
    chain_probability: float
    # of the whole way from the case, through `through`
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class There:
    """Somebody at a place together with the case."""

    who: Who
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A place and the time for which the case was there."""

    site: str
    place: str
    start_ms: int
    end_ms: int
    others: tuple[There, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole trace."""

    person: Who
    since_ms: int
    until_ms: int
    backward: bool
    # true: possible sources; false: possible contacts
    depth: int
    profile: Profile
    timezone: str
    found: tuple[Found, ...]
    # by generation, the most probable first
    zones: tuple[Zone, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; times are UTC ms."""
        told = asdict(self)
        told["profile"] = self.profile.name
        return told


def outcome(
    chain: Chain,
    stops: list[Stop],
    *,
    window: tuple[int, int],
    backward: bool,
    depth: int,
    profile: Profile,
    timezone: str,
    names: Mapping[int, tuple[str, str, str]],
    places: Mapping[int, tuple[str, str]],
) -> Outcome:
    """Put names to numbers; `names`: name, unit and code by person; `places`: site and name by place."""

    def who(id: int) -> Who:
        return Who(id, *names.get(id, ("", "", "")))

    found = [
        Found(
            who(link.found),
            who(link.known),
            link.generation,
            link.probability,
            chain.probabilities[link.known] * link.probability,
            tuple(_day(exposure, places) for exposure in link.exposures),
        )
        for link in chain.links
    ]
    found.sort(key=lambda each: (each.generation, -each.probability, each.days[0].first_ms, sort_key(each.who.name)))
    zones = [
        Zone(*places[stop.place], stop.start_ms, stop.end_ms, tuple(There(who(o), s, e) for o, s, e in stop.others))
        for stop in stops
        if stop.place in places
    ]
    return Outcome(who(chain.start), *window, backward, depth, profile, timezone, tuple(found), tuple(zones))


def _day(exposure: Exposure, places: Mapping[int, tuple[str, str]]) -> Day:
    minutes = exposure.minutes
    return Day(
        exposure.day_ms,
        exposure.evidence,
        exposure.first_ms,
        exposure.last_ms,
        round(exposure.together, 1),
        round(minutes.expected, 1),
        round(minutes.low, 1),
        round(minutes.high, 1),
        {name: round(value, 1) for name, value in zip(BAND_NAMES, minutes.bands, strict=True)},
        round(exposure.probability, 3),
        tuple(places[place][1] for place in exposure.places if place in places),
        exposure.spans,
    )
