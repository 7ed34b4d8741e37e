"""What tracing asks of the store, by person and window, and what it says about people and places by name."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from zonetag_backend.store import case_places, meetings, restrictions
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import person, place, site
from zonetag_backend.store.schema.office import visitor
from zonetag_backend.tracing import encounter, logs
from zonetag_backend.tracing.chain import Settled, Window, nobody, trace
from zonetag_backend.tracing.closeness import Calibrated
from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.encounter import Encounter
from zonetag_backend.tracing.exposure import place_counts
from zonetag_backend.tracing.outcome import Outcome, outcome
from zonetag_backend.tracing.profile import Profile
from zonetag_backend.tracing.seam import Closeness

_AT_ONCE = 500  # names at a time: SQLite takes no more than some thousand parameters


class Asker:
    """Encounters of many people at once, none older than `floor_ms`: what retention should have removed is not told.

    Nor whoever has asked that their data be shown no more.
    """

    def __init__(
        self,
        connection: Connection,
        floor_ms: int,
        model: Closeness | None = None,
        evidence: Iterable[str] = (),
        place_counts: Callable[[float], bool] | None = None,
    ) -> None:
        """`evidence`: of which kinds; both if none is named.

        `place_counts`: whether a time at one place can matter that was spent close with some probability.  Where it
        cannot, as with most profiles, it is not asked for: that is half of what there is.
        """
        self._connection = connection
        self._floor_ms = floor_ms
        self._model = model or Calibrated()
        self._evidence = frozenset(evidence) or frozenset((encounter.DIRECT, encounter.PLACE))
        if place_counts is not None and not place_counts(encounter.of_place(self._model)):
            self._evidence -= {encounter.PLACE}

    def __call__(self, windows: Mapping[int, Window], settled: Settled = nobody) -> list[Encounter]:
        """Those of each person within its window, without what is `settled`."""
        cut = {who: (max(low, self._floor_ms), high) for who, (low, high) in windows.items()}
        found: list[Encounter] = []
        if encounter.DIRECT in self._evidence:
            found += logs.direct(meetings.noted(self._connection, cut, settled), self._model)
        if encounter.PLACE in self._evidence:
            found += encounter.place(meetings.shared(self._connection, cut, settled), self._model)
        hidden = restrictions.everybody(self._connection)
        return [each for each in found if each.other not in hidden] if hidden else found


def traced(
    connection: Connection,
    who: int,
    window: Window,
    profile: Profile,
    *,
    floor_ms: int,
    depth: int = 2,
    backward: bool = False,
    at_least: float | None = None,
    evidence: Iterable[str] = (),
    model: Closeness | None = None,
    others_until: int | None = None,
) -> Outcome:
    """The whole trace of a person who may infect (backward: was infected) within `window`, names put to it.

    `others_until`: as in `chain.trace`, until when those whom it reached may have passed it on.

    Nothing from before `floor_ms` is told.  Whoever calls this writes in the audit log, in the same transaction, that
    it was read.
    """
    window = (max(window[0], floor_ms), window[1])
    stops = case_places.stops(connection, who, window)
    zone = timezone(connection, [stop.place for stop in stops])
    ask = Asker(connection, floor_ms, model, evidence, partial(place_counts, profile, at_least))
    found = trace(
        who,
        window,
        ask,
        profile,
        Days(ZoneInfo(zone)),
        depth=depth,
        backward=backward,
        at_least=at_least,
        others_until=others_until,
    )
    people = {who, *found.generations, *(other for stop in stops for other, _, _ in stop.others)}
    return outcome(
        found,
        stops,
        window=window,
        backward=backward,
        depth=depth,
        profile=profile,
        timezone=zone,
        names=names(connection, people),
        places=places(connection),
    )


def names(connection: Connection, who: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """Name, unit and staff number of people; empty ones of those who were removed.

    A visitor has no unit: in its place stands what the desk wrote down, whom they visited and their telephone.
    """
    found: dict[int, tuple[str, str, str]] = {}
    wanted = sorted(set(who))
    for at in range(0, len(wanted), _AT_ONCE):
        columns = (person.c.id, person.c.name, person.c.unit, person.c.code, visitor.c.host, visitor.c.phone)
        statement = select(*columns).outerjoin(visitor, visitor.c.person == person.c.id)
        for row in connection.execute(statement.where(person.c.id.in_(wanted[at : at + _AT_ONCE]))):
            id, name, unit, code, host, phone = row
            found[id] = (name, unit or " · ".join(filter(None, (host, phone))), code or "")
    return found


def places(connection: Connection) -> dict[int, tuple[str, str]]:
    """Site and name of every place."""
    rows = connection.execute(select(place.c.id, place.c.site, place.c.name))
    return {id: (of, name) for id, of, name in rows}


def timezone(connection: Connection, who_places: Iterable[int] = ()) -> str:
    """The time zone of the site that has most of these places; of the first site if none is given."""
    zones: dict[str, str] = {
        row.name: row.timezone
        for row in connection.execute(select(site.c.name, site.c.timezone).order_by(by_bytes(site.c.name)))
    }
    of = places(connection)
    counted: dict[str, int] = {}
    for each in who_places:
        counted[of[each][0]] = counted.get(of[each][0], 0) + 1
    best: str = max(counted, key=lambda name: (counted[name], name), default=next(iter(zones), ""))
    return zones.get(best, "Asia/Ho_Chi_Minh")
