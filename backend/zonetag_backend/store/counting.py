"""Counting what the database holds, for those who check it against what was sent."""

from dataclasses import dataclass

from sqlalchemy import Connection, column, func, inspect, literal_column, select, table, union_all

from zonetag_backend.store.schema import person, rejected, rejected_total, report, tag, visit

_NAME = ("gateway", "boot", "seq", "row")  # names a window for ever, whatever became of it


@dataclass(frozen=True, slots=True)
class Stored:
    """How many windows the database holds."""

    observations: int
    # rows of what was heard
    rejected: dict[str, int]
    # reason -> rows kept apart
    distinct: int
    # different windows among all these rows
    rejected_total: dict[str, int]
    # reason -> windows, as the running totals have it (they outlive the rows)

    @property
    def rows(self) -> int:
        """All rows of windows."""
        return self.observations + sum(self.rejected.values())


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One visit as it stands in the book."""

    number: str
    # of the tag
    came_ms: int
    last_ms: int
    # first and last hearing, UTC


def stored(connection: Connection) -> Stored:
    """Count every window in the database, whatever its day."""
    days = sorted(name for name in inspect(connection).get_table_names() if name.startswith("heard_"))
    sources = [*(table(day, *(column(name) for name in _NAME)) for day in days), rejected]
    every = union_all(*(select(*(source.c[name] for name in _NAME)) for source in sources)).subquery()
    distinct = select(every).distinct().subquery()
    count = func.count(literal_column("*"))
    reasons = connection.execute(select(rejected.c.reason, count).group_by(rejected.c.reason)).all()
    totals = connection.execute(
        select(rejected_total.c.reason, func.sum(rejected_total.c.windows)).group_by(rejected_total.c.reason)
    ).all()
    apart = {str(reason): int(n) for reason, n in reasons}
    return Stored(
        observations=int(connection.scalar(select(count).select_from(every)) or 0) - sum(apart.values()),
        rejected=apart,
        distinct=int(connection.scalar(select(count).select_from(distinct)) or 0),
        rejected_total={str(reason): int(n) for reason, n in totals},
    )


def reported_until(connection: Connection) -> dict[str, int]:
    """Gateway -> the latest beginning of a report of its that is committed, UTC in ms."""
    rows = connection.execute(select(report.c.gateway, func.max(report.c.utc_ms)).group_by(report.c.gateway))
    return {str(gateway): int(at) for gateway, at in rows}


def visits(connection: Connection, site: str) -> list[VisitRow]:
    """Every visit of a site, in order."""
    statement = (
        select(tag.c.number, visit.c.came_ms, visit.c.last_ms)
        .join(tag, tag.c.id == visit.c.tag)
        .where(visit.c.site == site)
        .order_by(visit.c.came_ms)
    )
    return [VisitRow(*row) for row in connection.execute(statement)]


def staff(connection: Connection) -> dict[int, str]:
    """Person -> staff number, of those who have one."""
    rows = connection.execute(select(person.c.id, person.c.code).where(person.c.code.is_not(None)))
    return {int(who): str(code) for who, code in rows}
