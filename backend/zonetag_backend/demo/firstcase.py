"""A person for whom a first case is worth entering, and who was really near that person."""

from dataclasses import dataclass

from zonetag_backend.demo.contacts import NEAR_M, Pair, minutes
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.office import Office
from zonetag_backend.tracing.profile import DEFAULT, PROFILES

_HOUR_S = 3600.0
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class FirstCase:
    """What to enter."""

    person: int
    # by number
    onset_s: float
    # beginning of the working day of the first symptoms, office seconds
    first: dict[int, int]
    # who was near for the profile's minutes on a day while that person was infectious: most minutes of a day
    second: tuple[int, ...]
    # who was near one of those, so much later that it could have been passed on


def first_case(office: Office, past: list[Day]) -> FirstCase | None:
    """The person with most of those who were near, taken ill on the last of the past days; none without a past."""
    if not past:
        return None
    profile = PROFILES[DEFAULT]
    onset_s = past[-1].since_s
    days = [day for day in past if day.since_s >= onset_s - profile.before_h * _HOUR_S]
    met = [_met(day, profile.minutes) for day in days]
    best = max(range(len(office.people)), key=lambda who: (len(_near(who, met[0])), -who))
    infected = {each: day for day, pairs in reversed(list(zip(days, met, strict=True))) for each in _near(best, pairs)}
    later = {
        each
        for who, first in infected.items()
        for day, pairs in zip(days, met, strict=True)
        if day.since_s >= first.since_s + max(profile.latent_h * _HOUR_S, _DAY_S)
        for each in _near(who, pairs)
    }
    most = {each: max(_near(best, pairs).get(each, 0) for pairs in met) for each in sorted(infected)}
    return FirstCase(best, onset_s, most, tuple(sorted(later - infected.keys() - {best})))


def _met(day: Day, least: float) -> dict[Pair, int]:
    whole = [day.length_s] * len(day.tracks)
    return {pair: int(length) for pair, length in minutes(day, whole, NEAR_M).items() if length >= least}


def _near(who: int, pairs: dict[Pair, int]) -> dict[int, int]:
    return {one + other - who: length for (one, other), length in pairs.items() if who in (one, other)}
