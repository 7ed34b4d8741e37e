"""Lines of the in-out book: the stays of one person in a day, put together, sorted, filtered and counted.  Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zonetag_backend.names import matches, sort_key
from zonetag_backend.store.book import Stay

INSIDE = "in"
LEFT = "left"
SHOWS = ("", INSIDE, LEFT)  # what `?show=` takes

PAGE_ROWS = 100  # people on one page; more would make every live change heavy for a phone


@dataclass(frozen=True, slots=True)
class Line:
    """A person's line for the day; or, with no person, that of a tag which nobody wore."""

    person: int | None
    name: str
    unit: str
    code: str
    numbers: tuple[str, ...]
    # of the tags worn
    stays: tuple[Stay, ...]
    # in the order of their beginning

    @property
    def inside(self) -> bool:
        """Whether any of the stays goes on."""
        return any(stay.inside for stay in self.stays)

    @property
    def key(self) -> str:
        """A name for the line within its page."""
        return f"p{self.person}" if self.person is not None else f"t{self.stays[0].tag}"

    @property
    def latest(self) -> Stay:
        """The stay that was heard last."""
        return max(self.stays, key=lambda stay: stay.last_ms)


@dataclass(frozen=True, slots=True)
class Counts:
    """Heads of a day; tags that nobody wore are no heads."""

    inside: int
    came: int
    left: int
    unworn: int


def lines_of(stays: Iterable[Stay]) -> list[Line]:
    """Stays by person, in the order of names; tags without a wearer stand at the end."""
    groups: dict[tuple[bool, int], list[Stay]] = {}
    for stay in stays:
        groups.setdefault((stay.person is None, stay.tag if stay.person is None else stay.person), []).append(stay)
    lines = [
        Line(
            person=group[0].person,
            name=group[0].name,
            unit=group[0].unit,
            code=group[0].code,
            numbers=tuple(dict.fromkeys(stay.tag_number for stay in group)),
            stays=tuple(group),
        )
        for group in groups.values()
    ]
    return sorted(lines, key=lambda line: (line.person is None, sort_key(line.name), line.unit, line.numbers))


def counts_of(lines: Sequence[Line]) -> Counts:
    """Count people by what they did."""
    people = [line for line in lines if line.person is not None]
    inside = sum(line.inside for line in people)
    return Counts(inside, len(people), len(people) - inside, len(lines) - len(people))


def chosen(lines: Iterable[Line], show: str, unit: str, query: str) -> list[Line]:
    """The lines that fit a filter, a unit and a search, whose words may be in a name, unit, staff or tag number."""
    return [
        line
        for line in lines
        if (not show or line.inside is (show == INSIDE))
        and (not unit or line.unit == unit)
        and (not query or matches(query, line.name, line.unit, line.code, *line.numbers))
    ]
