"""What stands of a case, for whoever reads it: contacts as they were traced, with names, and places as known now.

Contacts are what `store.cases.keep_exposures` kept: the same that notices tell, however the rows under them change.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, or_, select

from zonetag_backend.names import sort_key
from zonetag_backend.store import case_places, directory, meetings, restrictions
from zonetag_backend.store.cases import Case
from zonetag_backend.store.order import BY_NAME
from zonetag_backend.store.schema import person
from zonetag_backend.store.schema.cases import case_exposure, case_record
from zonetag_backend.store.schema.office import restriction
from zonetag_backend.store.tracing import names, places
from zonetag_backend.tracing.outcome import There, Who, Zone


@dataclass(frozen=True, slots=True)
class Touch:
    """What two people had to do with each other on one day, by one kind of evidence."""

    day_ms: int
    # its beginning
    evidence: str
    # "direct" or "place"
    first_ms: int
    last_ms: int
    minutes: float
    # close, expected; for "place" those together
    low: float
    high: float
    # minutes close: between these with 90 %
    probability: float
    places: tuple[str, ...]
    # where gateways heard both in that time, the longest first; none where none did


@dataclass(frozen=True, slots=True)
class Contact:
    """One step of the chain."""

    who: Who
    through: Who
    generation: int
    # 1: F1
    probability: float
    # of a contact with `through`
    chain: float
    # of the whole way from the case, through `through`
    days: tuple[Touch, ...]

    @property
    def first_ms(self) -> int:
        """When it began."""
        return min(day.first_ms for day in self.days)


def contacts(connection: Connection, case: Case, floor_ms: int) -> list[Contact]:
    """Everybody whom the last trace found, by generation, the most probable first; nothing from before `floor_ms`."""
    c = case_exposure.c
    columns = (c.source, c.person, c.generation, c.day_ms, c.evidence, c.first_ms, c.last_ms, c.minutes, c.low, c.high)
    rows = connection.execute(
        select(*columns, c.probability).where(c.case == case.id, c.last_ms >= floor_ms).order_by(c.day_ms, c.evidence)
    ).all()
    hidden = restrictions.everybody(connection) - {case.person}
    rows = [row for row in rows if row.person not in hidden and row.source not in hidden]
    where = _where(connection, [(row.source, row.person, row.first_ms, row.last_ms) for row in rows])
    days: dict[tuple[int, int, int], list[Touch]] = defaultdict(list)
    for row in rows:
        at = where.get((row.source, row.person, row.first_ms, row.last_ms), ())
        days[row.generation, row.source, row.person].append(Touch(*row[3:], at))
    known = names(connection, {who for _, *pair in days for who in pair})

    def who(id: int) -> Who:
        return Who(id, *known.get(id, ("", "", "")))

    chain = {case.person: 1.0}
    found = []
    for generation in sorted({generation for generation, _, _ in days}):
        before = dict(chain)
        for (of, source, other), touches in days.items():
            if of == generation:
                probability = any_of((touch.day_ms, touch.probability) for touch in touches)
                way = before.get(source, 0.0) * probability
                chain[other] = max(chain.get(other, 0.0), way)
                found.append(Contact(who(other), who(source), generation, probability, way, tuple(touches)))
    return sorted(found, key=_order)


def _order(each: Contact) -> tuple[object, ...]:
    # What is as good as sure has no order of probabilities: there the list goes by names.
    return each.generation, -round(each.probability, 2), sort_key(each.who.name), each.who.id


def any_of(days: Iterable[tuple[int, float]]) -> float:
    """The probability of a contact on at least one day, of (day, probability): of one day's kinds the stronger counts.

    As in `tracing.chain.any_of`, of what was kept.
    """
    strongest: dict[int, float] = {}
    for day, probability in days:
        strongest[day] = max(strongest.get(day, 0.0), probability)
    none = 1.0
    for probability in strongest.values():
        none *= 1 - probability
    return 1 - none


def located(connection: Connection, found: Iterable[Contact]) -> list[Contact]:
    """The same with the places where both were heard meanwhile, longest first, as far as none are told."""
    listed = list(found)
    met = [(c.through.id, c.who.id, t.first_ms, t.last_ms) for c in listed for t in c.days if not t.places]
    where = _where(connection, met)
    return [
        replace(
            each,
            days=tuple(
                replace(t, places=t.places or where.get((each.through.id, each.who.id, t.first_ms, t.last_ms), ()))
                for t in each.days
            ),
        )
        for each in listed
    ]


Met = tuple[int, int, int, int]
"""Two people, from and to."""


def _where(connection: Connection, met: list[Met]) -> dict[Met, tuple[str, ...]]:
    windows: dict[int, tuple[int, int]] = {}
    for one, _, first, last in met:
        low, high = windows.get(one, (first, last))
        windows[one] = (min(low, first), max(high, last))
    shared = meetings.shared(connection, windows)
    called = places(connection)
    found: dict[Met, tuple[str, ...]] = {}
    for one, other, first, last in met:
        spent: dict[int, int] = defaultdict(int)
        for _, _, place, start, end in shared.get((one, other), ()):
            if min(end, last) > max(start, first):
                spent[place] += min(end, last) - max(start, first)
        longest = sorted(spent, key=lambda place: (-spent[place], place))
        found[one, other, first, last] = tuple(called[place][1] for place in longest if place in called)
    return found


def zones_of(connection: Connection, who: int, window: tuple[int, int]) -> list[Zone]:
    """Where somebody was within a window, and who was there, from when to when."""
    stops = case_places.stops(connection, who, window)
    known = names(connection, {other for stop in stops for other, _, _ in stop.others})
    called = places(connection)
    return [
        Zone(
            *called[stop.place],
            stop.start_ms,
            stop.end_ms,
            tuple(There(Who(other, *known.get(other, ("", "", ""))), s, e) for other, s, e in stop.others),
        )
        for stop in stops
        if stop.place in called
    ]


def people(connection: Connection, query: str, most: int) -> list[Who]:
    """Whoever fits a search, with or without diacritics, in the order of names; at most so many."""
    p = person.c
    fitting = select(p.id, p.name, p.unit, p.code).where(p.name != "", *directory.fits(query, numbers=False))
    rows = connection.execute(fitting.order_by(*BY_NAME).limit(most))
    return [Who(id, name, unit, code or "") for id, name, unit, code in rows]


def person_with(connection: Connection, which: int) -> Who | None:
    """One person who is still there by name."""
    p = person.c
    row = connection.execute(select(p.id, p.name, p.unit, p.code).where(p.id == which, p.name != "")).first()
    return None if row is None else Who(row.id, row.name, row.unit, row.code or "")


def counts(connection: Connection, floor_ms: int) -> dict[int, tuple[int, int]]:
    """How many F1 and F2 each case has, of those whom its page shows."""
    c, hidden = case_exposure.c, select(restriction.c.person)
    rows = connection.execute(
        select(c.case, c.generation, func.count(c.person.distinct()))
        .join(case_record, case_record.c.id == c.case)
        .where(c.last_ms >= floor_ms, c.person.not_in(hidden))
        .where(or_(c.source.not_in(hidden), c.source == case_record.c.person))
        .group_by(c.case, c.generation)
    )
    found: dict[int, tuple[int, int]] = {}
    for case, generation, number in rows:
        one, two = found.get(case, (0, 0))
        found[case] = (number, two) if generation == 1 else (one, two + number)
    return found
