"""What the demo measured: the gateways' own counts, the rows of the database, and the book beside the truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from zonetag_backend.demo.contacts import Score, score
from zonetag_backend.demo.registry import SITE
from zonetag_backend.simulate import truth
from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.judge import TOLERANCE_S, FoundVisit, Verdict, judge
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.office import Office
from zonetag_backend.store import counting
from zonetag_backend.store.counting import Stored
from zonetag_backend.store.engine import Database, reading


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened."""

    office: Office
    logs: list[ContactLog]
    # of its tags
    days: list[Day]
    # the past, and last the day itself
    start_ms: int
    # UTC of the office's second 0
    end_s: float
    # so far the day went
    before: Stored
    # what the database held when it began


def verdict(engine: Database, office: Office, start_ms: int, end_s: float) -> Verdict:
    """The book against what happened until `end_s`, by the rule of `zonetag_backend.simulate.judge`."""
    numbers = {tag.number: person for person, tag in enumerate(office.tags)}
    with reading(engine) as connection:
        rows = counting.visits(connection, SITE)
    book = [
        FoundVisit(numbers[row.number], (row.came_ms - start_ms) / 1000, (row.last_ms - start_ms) / 1000)
        for row in rows
        if row.last_ms >= start_ms
    ]
    return judge(truth.visits(office.tracks, end_s + TOLERANCE_S), book, end_s, office.absence_s)


def contacts(engine: Database, of: Truth) -> tuple[Score, Score]:
    """Who was found to have been near whom, on all days, beside who really was: all that are listed, and the likely."""
    return score(engine, of.office, of.logs, of.days, of.start_ms)


def result(engine: Database, of: Truth, gateways: Iterable[Mapping[str, int]]) -> dict[str, Any]:
    """The object that `--json` prints.

    `gateways` are the summaries that the gateways printed.  A window is lost when a gateway counted it and no row of
    the database has it, and double when two rows have the same one.  Visits are those of the day, contacts those of
    the days before too.
    """
    summaries = list(gateways)

    def total(name: str) -> int:
        return sum(summary[name] for summary in summaries)

    with reading(engine) as connection:
        stored = counting.stored(connection)
    rejected = {reason: n - of.before.rejected.get(reason, 0) for reason, n in sorted(stored.rejected.items())}
    listed, likely = contacts(engine, of)
    visits = verdict(engine, of.office, of.start_ms, of.end_s)
    return {
        "adverts": total("adverts"),
        "windows": total("windows"),
        "windows_lost": total("windows") - (stored.distinct - of.before.distinct),
        "windows_double": stored.rows - stored.distinct,
        "reports_sent": total("sent"),
        "reports_acknowledged": total("acknowledged"),
        "observations": stored.observations - of.before.observations,
        "rejected": rejected,
        "visits": {
            "true": visits.true,
            "found": visits.found,
            "missed": visits.missed,
            "invented": visits.invented,
        },
        "contacts": {"days": len(of.days), **listed.told(), "likely": likely.told()},
        "records": {"home": sum(log.acknowledged for log in of.logs), "made": sum(log.made for log in of.logs)},
        "tags": len(of.office.tags),
        "gateways": len(summaries),
        "seed": of.office.seed,
    }
