"""What the demo measured: the gateways' own counts, the rows of the database, and the book beside the truth."""

from collections.abc import Iterable, Mapping
from typing import Any

from zonetag_backend.demo.registry import SITE
from zonetag_backend.simulate import truth
from zonetag_backend.simulate.judge import TOLERANCE_S, FoundVisit, Verdict, judge
from zonetag_backend.simulate.office import Office
from zonetag_backend.store import counting
from zonetag_backend.store.engine import Database, reading


def verdict(engine: Database, office: Office, start_ms: int, end_s: float) -> Verdict:
    """The book against what happened until `end_s`, by the rule of `zonetag_backend.simulate.judge`."""
    numbers = {tag.number: person for person, tag in enumerate(office.tags)}
    with reading(engine) as connection:
        rows = counting.visits(connection, SITE)
    book = [
        FoundVisit(numbers[row.number], (row.came_ms - start_ms) / 1000, (row.last_ms - start_ms) / 1000)
        for row in rows
    ]
    return judge(truth.visits(office.tracks, end_s + TOLERANCE_S), book, end_s, office.absence_s)


def result(
    engine: Database, office: Office, gateways: Iterable[Mapping[str, int]], start_ms: int, end_s: float
) -> dict[str, Any]:
    """The object that `--json` prints.

    `gateways` are the summaries that the gateways printed.  A window is lost when a gateway counted it and no row of
    the database has it, and double when two rows have the same one.
    """
    summaries = list(gateways)

    def total(name: str) -> int:
        return sum(summary[name] for summary in summaries)

    with reading(engine) as connection:
        stored = counting.stored(connection)
    visits = verdict(engine, office, start_ms, end_s)
    return {
        "adverts": total("adverts"),
        "windows": total("windows"),
        "windows_lost": total("windows") - stored.distinct,
        "windows_double": stored.rows - stored.distinct,
        "reports_sent": total("sent"),
        "reports_acknowledged": total("acknowledged"),
        "observations": stored.observations,
        "rejected": dict(sorted(stored.rejected.items())),
        "visits": {
            "true": visits.true,
            "found": visits.found,
            "missed": visits.missed,
            "invented": visits.invented,
        },
        "tags": len(office.tags),
        "gateways": len(summaries),
        "seed": office.seed,
    }
