"""What is held about one person, for a page and for files: by day, as JSON, as a workbook.  Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from zonetag_backend.reports.rights_xlsx import Sheet, workbook
from zonetag_backend.store.book import Stay
from zonetag_backend.store.mine import ContactDay, Mine
from zonetag_backend.store.person_day import Spell
from zonetag_backend.web import minewords, subjectwords, words
from zonetag_backend.web.caseview import PROFILES, WAYS
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.times import iso, local

FORMAT = "zonetag-mine-1"


@dataclass(frozen=True, slots=True)
class HeldDay:
    """One day of theirs."""

    date: date
    visits: tuple[Stay, ...]
    places: tuple[Spell, ...]
    contacts: ContactDay | None


def days_of(mine: Mine, zone: ZoneInfo) -> list[HeldDay]:
    """By day, the latest first."""
    visits: dict[date, list[Stay]] = {}
    places: dict[date, list[Spell]] = {}
    for visit in mine.visits:
        visits.setdefault(local(visit.came_ms, zone).date(), []).append(visit)
    for place in mine.places:
        places.setdefault(local(place.start_ms, zone).date(), []).append(place)
    met = {local(each.day_ms, zone).date(): each for each in mine.contact_days}
    days = sorted(visits.keys() | places.keys() | met.keys(), reverse=True)
    return [HeldDay(day, tuple(visits.get(day, ())), tuple(places.get(day, ())), met.get(day)) for day in days]


def plain(mine: Mine, zone: ZoneInfo, names: bool) -> dict[str, Any]:
    """As JSON has it; `names`: of officers too."""

    def at(ms: int | None) -> str | None:
        return iso(ms, zone)

    def told(of: Any) -> list[dict[str, Any]]:
        return [{"made": at(e.made_ms), "channel": e.channel, "text": e.text, "sent": at(e.sent_ms)} for e in of]

    return {
        "format": FORMAT,
        "person": {
            "name": mine.name,
            "unit": mine.unit,
            "code": mine.code,
            "entered": at(mine.added_ms) if mine.added_ms else None,
            "left": at(mine.left_ms),
            "visiting": None if mine.visiting is None else {"host": mine.visiting[0], "phone": mine.visiting[1]},
            "restricted": at(mine.restricted_ms),
            "no_reminders": mine.no_reminders,
            "code_open_until": at(mine.code_until_ms),
        },
        "tags": [{"tag": e.number, "since": at(e.since_ms), "until": at(e.until_ms)} for e in mine.worn],
        "visits": [
            {"site": e.site, "tag": e.tag_number, "came": at(e.came_ms), "last": at(e.last_ms)} for e in mine.visits
        ],
        "places": [{"site": e.site, "place": e.place, "from": at(e.start_ms), "to": at(e.end_ms)} for e in mine.places],
        "contacts": [
            {"day": local(e.day_ms, zone).date().isoformat(), "tags": e.tags, "traced": e.traced}
            for e in mine.contact_days
        ],
        "declarations": [
            {
                "site": e.site,
                "day": e.day,
                "at": at(e.at_ms),
                "answers": [{"question": asked, "yes": yes} for asked, yes in e.answers],
            }
            for e in mine.declarations
        ],
        "notices": [row | {"answer": of.answer} for row, of in zip(told(mine.notices), mine.notices, strict=True)],
        "reminders": told(mine.reminders),
        "cases": [
            {"disease": e.profile, "since": at(e.onset_ms), "opened": at(e.opened_ms), "closed": at(e.closed_ms)}
            for e in mine.cases
        ],
        "agreements": [
            {"purpose": e.purpose, "given": e.given, "at": at(e.at_ms), "how": e.how, "version": e.version}
            for e in mine.consents
        ],
        "requests": [
            {
                "kind": e.kind,
                "text": e.text,
                "asked": at(e.asked_ms),
                "acknowledge_by": at(e.acknowledge_by_ms),
                "acknowledged": at(e.acknowledged_ms),
                "due": at(e.due_ms),
                "state": e.state,
                "settled": at(e.settled_ms),
                "answer": e.answer,
            }
            for e in mine.requests
        ],
        "looked": [
            {"at": at(e.at_ms), "role": e.role, "name": e.name if names else "", "action": e.action} for e in mine.looks
        ],
    }


def as_json(mine: Mine, zone: ZoneInfo, names: bool) -> bytes:
    """The file."""
    return json.dumps(plain(mine, zone, names), ensure_ascii=False, indent=1).encode()


_TITLES = {
    "tags": _("Tags"),
    "visits": _("Visits"),
    "places": _("Places"),
    "contacts": _("Contacts, counted"),
    "notices": _("Notices"),
    "reminders": _("Reminders"),
    "cases": _("Cases"),
    "agreements": _("Agreements"),
    "requests": _("Requests"),
    "looked": _("Who looked"),
}


def as_xlsx(
    mine: Mine, zone: ZoneInfo, names: bool, say: Callable[[str], str], sites: Mapping[str, str] | None = None
) -> bytes:
    """The same with a sheet a subject, in words; `sites`: what they are called, by their short names."""
    told = plain(mine, zone, names)
    coded: dict[str, dict[Any, str]] = {
        "action": words.ACTIONS,
        "role": subjectwords.LOOKERS,
        "kind": subjectwords.KINDS,
        "state": subjectwords.STATES,
        "purpose": subjectwords.PURPOSES,
        "given": subjectwords.EVIDENCE,
        "how": subjectwords.HOW,
        "channel": WAYS,
        "disease": PROFILES,
        "no_reminders": minewords.YES_NO,
        "yes": minewords.YES_NO,
    }

    def cell(name: str, value: Any) -> Any:
        if name == "site" and sites:
            return sites.get(value, value)
        text = coded.get(name, {}).get(value)
        return say(text) if text is not None else value

    def head(name: str) -> str:
        return say(minewords.HEADS[name])

    mine_alone = {name: value for name, value in told["person"].items() if name != "visiting"}
    known = {**mine_alone, **(told["person"]["visiting"] or {})}
    person = [[head(name), cell(name, value)] for name, value in known.items()]
    sheets = [Sheet(say(_("Person")), [say(_("What")), say(_("Held"))], person)]
    for name, title in _TITLES.items():
        rows: list[dict[str, Any]] = told[name]
        cells = [[cell(part, value) for part, value in row.items()] for row in rows]
        sheets.append(Sheet(say(title), [head(part) for part in rows[0]] if rows else [say(_("None."))], cells))
    parts = ("day", "site", "question", "yes")
    answers = [[cell(part, {**e, **a}[part]) for part in parts] for e in told["declarations"] for a in e["answers"]]
    heads = [head(part) for part in parts] if answers else [say(_("None."))]
    sheets.append(Sheet(say(_("Health declarations")), heads, answers))
    return workbook(sheets)
