"""What counts as a contact, disease by disease.  Pure.

The figures are those that health authorities gave for contact tracing; each profile names its source.  An office's own
health officer may set others (settings `profile.NAME.FIELD`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DEFAULT = "covid-19"
PREFIX = "profile."
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Profile:
    """When one person may have infected another."""

    name: str
    minutes: int
    # of closeness within a day that make a contact
    probability: float
    # from which on a contact is listed: that the minutes were reached
    by_place: bool
    # true: being at one place is enough, as the disease goes through the air of a room
    before_h: int
    # infectious from so many hours before the day of onset
    after_h: int
    # to so many hours after the beginning of the day of onset
    latent_h: int
    # nobody infects others sooner than so long after being infected
    incubation_h: int
    # the first symptoms come at the latest so long after the infection
    source: str
    # who says so


PROFILES = {
    each.name: each
    for each in (
        Profile(
            name="covid-19",
            minutes=15,
            probability=0.2,
            by_place=False,
            before_h=48,
            after_h=10 * 24,
            latent_h=24,
            incubation_h=14 * 24,
            source="WHO, Contact tracing in the context of COVID-19, 1 February 2021 (2 days before onset, incubation"
            " to 14 days); US CDC, close contact: 15 minutes in 24 hours, isolation 10 days; latent: a cautious 1 day",
        ),
        Profile(
            name="influenza",
            minutes=15,
            probability=0.2,
            by_place=False,
            before_h=24,
            after_h=7 * 24,
            latent_h=24,
            incubation_h=4 * 24,
            source="US CDC, How flu spreads: from 1 day before to 5-7 days after onset, incubation 1 to 4 days;"
            " minutes as for COVID-19",
        ),
        Profile(
            name="measles",
            minutes=1,
            probability=0.5,
            by_place=True,
            before_h=4 * 24,
            after_h=5 * 24,
            latent_h=5 * 24,
            incubation_h=21 * 24,
            source="US CDC, Measles, manual for surveillance: 4 days before to 4 days after the rash, incubation 7 to"
            " 21 days, shared air of a room; the day of the rash counts as onset",
        ),
    )
}

# Smallest and greatest of each number that can be set.
LIMITS: dict[str, tuple[float, float]] = {
    "minutes": (1, 24 * 60),
    "probability": (0.01, 0.99),
    "before_h": (0, 60 * 24),
    "after_h": (1, 60 * 24),
    "latent_h": (0, 60 * 24),
    "incubation_h": (1, 90 * 24),
}


def fault(name: str, value: object) -> str:
    """What is wrong with the value of a field; empty if nothing."""
    if name == "by_place":
        return "" if isinstance(value, bool) else "true or false wanted"
    if name == "source":
        return "" if isinstance(value, str) else "text in quotes wanted"
    if name not in LIMITS:
        return f"no field of a profile; there are {', '.join(f.name for f in fields(Profile) if f.name != 'name')}"
    low, high = LIMITS[name]
    kinds = (int, float) if name == "probability" else (int,)
    if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
        return f"a number from {low:g} to {high:g} wanted"
    return ""


def is_name(text: str) -> bool:
    """Whether a profile can be called so."""
    return _NAME.fullmatch(text) is not None


def settings_of(values: Mapping[str, object]) -> tuple[dict[str, dict[str, object]], list[str]]:
    """The settings `profile.NAME.FIELD` among others, by profile, and what is wrong with them, a line a fault."""
    found: dict[str, dict[str, object]] = {}
    faults = []
    for setting, value in values.items():
        if not setting.startswith(PREFIX):
            continue
        name, _, field = setting.removeprefix(PREFIX).rpartition(".")
        if not is_name(name):
            faults.append(f"{setting}: profile.NAME.FIELD wanted, NAME of small letters, digits and -")
        elif wrong := fault(field, value):
            faults.append(f"{setting} = {value!r}: {wrong}")
        else:
            found.setdefault(name, {})[field] = value
    return found, faults


def with_settings(settings: Mapping[str, Mapping[str, object]]) -> dict[str, Profile]:
    """All profiles: those that stand here with an office's own figures over them, and new ones upon COVID-19's."""
    found = dict(PROFILES)
    for name, values in settings.items():
        base = found.get(name) or replace(PROFILES[DEFAULT], name=name, source="set by this office")
        found[name] = replace(base, **values)  # type: ignore[arg-type]  # `fault` has looked at them
    return found


def infectious(profile: Profile, onset_ms: int) -> tuple[int, int]:
    """From when to when somebody whose symptoms began on the day that begins at `onset_ms` may infect others."""
    return onset_ms - profile.before_h * HOUR_MS, onset_ms + profile.after_h * HOUR_MS


def infected(profile: Profile, onset_ms: int) -> tuple[int, int]:
    """From when to when that person may have been infected."""
    return onset_ms - profile.incubation_h * HOUR_MS, onset_ms + DAY_MS - profile.latent_h * HOUR_MS
