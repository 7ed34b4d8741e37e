"""How long what a page shows is kept: said at its foot, and beside each day of somebody's own data.

Each page that shows data of people says what is true of that data: the register is kept otherwise than days are."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from babel.core import Locale
from starlette.requests import Request

from zonetag_backend.roles import HEALTH, ROLES, WORKER
from zonetag_backend.store.registry import DEFAULT_TIMEZONE
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.restricted import EXCEPTED, HIDDEN, NOBODY, OWN, PAGES, REGISTER
from zonetag_backend.web.times import Day, local, numeric_date
from zonetag_backend.web.visitor import visitor_of

DAYS, REGISTER_TOO, CASES, REQUESTS, AUDIT, NOTHING = "days", "register", "cases", "requests", "audit", ""
# What a page shows follows from what a restriction means for it, but for these.
_FOOT = {
    "/cases": CASES,
    "/requests": REQUESTS,
    "/requests/{request}": REQUESTS,
    "/audit": AUDIT,
    "/visitors": DAYS,
    "/adoption/reminders": REGISTER_TOO,
    "/rejected": DAYS,
    "/consents": DAYS,
    "/imports": NOTHING,
}
_BY_MEANING = {HIDDEN: DAYS, EXCEPTED: DAYS, OWN: DAYS, REGISTER: REGISTER_TOO, NOBODY: NOTHING}


def foot_of(path: str) -> str:
    """Which sentence stands at the foot of a page (its path as in the table of rights); none where it shows nobody."""
    return _FOOT.get(path, _BY_MEANING[PAGES[path]])


@dataclass(frozen=True, slots=True)
class Kept:
    """The retention time, for a template."""

    kind: str
    # which sentence: of DAYS, REGISTER_TOO, CASES, REQUESTS, AUDIT; NOTHING for none
    days: int
    audit_days: int
    # of the audit log's entries
    today: dt.date
    written: Callable[[dt.date], str]
    # as the language writes a date

    def of(self, day: object) -> dt.date:
        """The day that a page is about: the one in its context, else today."""
        return day.date if isinstance(day, Day) else self.today

    def until(self, day: dt.date) -> str:
        """When what was recorded on a day is gone."""
        return self.written(day + timedelta(days=self.days))


def kept_of(request: Request, zone: object, locale: Locale) -> Kept | None:
    """For whoever may see data of people; a page for strangers shows none, and a fault shows nothing."""
    roles = visitor_of(request).roles
    if not roles & {*ROLES, WORKER, HEALTH}:
        return None
    desk = desk_of(request)
    here = zone if isinstance(zone, ZoneInfo) else ZoneInfo(DEFAULT_TIMEZONE)
    today = local(desk.clock(), here).date()
    path = getattr(request.state, "page", "")  # none: there is no such page
    kind = foot_of(path) if path else NOTHING
    days = (desk.cases.settings.retention_days, desk.subjects.audit_days)
    return Kept(kind, *days, today, lambda day: numeric_date(day, locale))
