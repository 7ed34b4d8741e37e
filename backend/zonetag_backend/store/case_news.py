"""Whether something came in that a case's trace could not know: logs of tags, and reports of gateways.  Read only.

Asked of the person of the case and of F1, by the tags that they wore: each question is a range of an index, and ends at
the first answer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from zonetag_backend.store import heard
from zonetag_backend.store.cases import Case
from zonetag_backend.store.meetings import Window, answers, asks
from zonetag_backend.store.schema.cases import case_exposure
from zonetag_backend.tracing.profile import DAY_MS

SLACK_MS = 60_000  # what was received so long before a trace may have been committed after it
FIRST_MS = 60_000  # who was found so soon after a case was entered belongs to its first trace

_LOGGED = """WITH ask(tag, low, high, since) AS (VALUES {values})
SELECT 1 FROM ask k CROSS JOIN contact_log c
WHERE c.[column] = k.tag AND c.start_ms > k.low - {epoch} AND c.start_ms < k.high AND c.received_ms > k.since
LIMIT 1"""
_REPORTED = """WITH ask(tag, low, high, since) AS (VALUES {values})
SELECT 1 FROM ask k CROSS JOIN [table] h CROSS JOIN report r
WHERE h.tag = k.tag AND h.start_ms >= k.low AND h.start_ms < k.high
 AND r.gateway = h.gateway AND r.boot = h.boot AND r.seq = h.seq AND r.received_ms > k.since
LIMIT 1"""


def came(connection: Connection, case: Case, window: Window, now_ms: int) -> bool:
    """Whether anything of the infectious days `window`, or of what F1 did since, came after the case was traced."""
    if case.traced_ms is None:
        return False
    since = case.traced_ms - SLACK_MS
    own = [(*each[1:], since) for each in asks(connection, {case.person: window})]
    first = [(*each[1:], since) for each in asks(connection, _first(connection, case, now_ms))]
    return _logged(connection, own) or _logged(connection, first) or _reported(connection, own, window)


def found_later(connection: Connection, case: Case) -> dict[int, list[int]]:
    """Whom a trace after the first one found, by the time of that trace, the newest first."""
    e = case_exposure.c
    first = func.min(e.traced_ms)
    statement = select(e.person, first).where(e.case == case.id).group_by(e.person).order_by(first.desc(), e.person)
    found: dict[int, list[int]] = {}
    for who, at_ms in connection.execute(statement):
        if at_ms > case.opened_ms + FIRST_MS:
            found.setdefault(at_ms, []).append(who)
    return found


def _first(connection: Connection, case: Case, now_ms: int) -> Mapping[int, Window]:
    e = case_exposure.c
    statement = select(e.person, func.min(e.first_ms)).where(e.case == case.id, e.generation == 1).group_by(e.person)
    return {who: (low, now_ms) for who, low in connection.execute(statement)}


def _logged(connection: Connection, asked: list[tuple[int, int, int, int]]) -> bool:
    return any(answers(connection, _LOGGED.replace("[column]", each), asked) for each in ("tag", "peer"))


def _reported(connection: Connection, asked: list[tuple[int, int, int, int]], window: Window) -> bool:
    for day in heard.days(connection, *window):
        begin = round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000
        there = [each for each in asked if each[1] < begin + DAY_MS and each[2] > begin]
        if answers(connection, _REPORTED.replace("[table]", f"{heard.PREFIX}{day}"), there):
            return True
    return False
