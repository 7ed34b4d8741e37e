"""`/person/<id>`: a person's day, the stays and the places."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.store import book as store
from zonetag_backend.store import doors, person_day, restrictions
from zonetag_backend.store.engine import reading
from zonetag_backend.store.person_day import Person, Spell
from zonetag_backend.tracing.passage import Crossing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.pages.book import stay_twin
from zonetag_backend.web.render import show
from zonetag_backend.web.timeline import timeline_of
from zonetag_backend.web.times import Day, day_asked, iso, local

LARGEST_ID = 2**63 - 1

Through = tuple[str, Crossing]
"""A site, and a way through its door."""


def person(request: Request) -> Response:
    """A person's stays and places on `?day=`, on the clocks of `?site=`, else of the first site."""
    desk = desk_of(request)
    now_ms = desk.clock()
    text = request.path_params["person"]
    asked_site = request.query_params.get("site", "")
    with reading(desk.engine) as connection:
        known = text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID
        who = person_day.person_with(connection, int(text)) if known else None
        if who is None:
            raise Fault("no-person", 404, text)
        if restrictions.since_ms(connection, who.id) is not None:
            raise Fault("restricted", 403)
        sites = {site.name: site for site in store.sites(connection)}
        if asked_site and asked_site not in sites:
            raise Fault("no-site", 404, asked_site)
        site = sites.get(asked_site) or next(iter(sites.values()), None)
        zone = site.zone if site is not None else ZoneInfo("UTC")
        day = day_asked(request.query_params.get("day", ""), zone, now_ms)
        # What is past its time may still be there for an hour; it is not shown any more.
        floor_ms = desk.cases.settings.floor_ms(now_ms)
        who = replace(who, worn=tuple(each for each in who.worn if (each.until_ms or now_ms) >= floor_ms))
        start_ms = max(day.start_ms, floor_ms)
        over = start_ms >= day.end_ms
        stays = [] if over else store.stays_of_person(connection, who.id, start_ms, day.end_ms, now_ms)
        spells = [] if over else person_day.spells_of_person(connection, who.id, start_ms, day.end_ms)
        ways = [] if over else doors.crossings_of(connection, who.id, (start_ms, day.end_ms))
    return show(
        request,
        "person",
        lambda: _twin(who, day, now_ms, stays, spells, ways),
        who=who,
        site=site,
        sites=sites,
        day=day,
        zone=zone,
        now=local(now_ms, zone),
        now_ms=now_ms,
        stays=stays,
        spells=spells,
        ways=ways,
        timeline=timeline_of(stays, spells, day.start_ms, day.end_ms),
    )


def _twin(  # noqa: PLR0917  # all that the page shows
    who: Person, day: Day, now_ms: int, stays: Sequence[store.Stay], spells: Sequence[Spell], ways: Sequence[Through]
) -> dict[str, Any]:
    zone = day.zone
    return {
        "person": str(who.id),
        "name": who.name,
        "unit": who.unit,
        "code": who.code,
        "tags": [
            {"tag": worn.number, "since": iso(worn.since_ms, zone), "until": iso(worn.until_ms, zone)}
            for worn in who.worn
        ],
        "day": day.date.isoformat(),
        "now": iso(now_ms, zone),
        "in": any(stay.inside for stay in stays),
        "stays": [stay_twin(stay, zone) for stay in stays],
        "doors": [
            {"site": site, "at": iso(each.at_ms, zone), "way": "in" if each.inwards else "out"} for site, each in ways
        ],
        "places": [
            {
                "site": spell.site,
                "place": spell.place,
                "kind": spell.kind,
                "from": iso(spell.start_ms, zone),
                "to": iso(spell.end_ms, zone),
            }
            for spell in spells
        ],
    }
