"""`/book/<site>`: who is in, who came and who left on a day."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.roles import ADMIN
from zonetag_backend.store import book as store
from zonetag_backend.store import declarations, doors
from zonetag_backend.store.book import Site
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.portion import portion_of
from zonetag_backend.web.render import show
from zonetag_backend.web.rows import PAGE_ROWS, SHOWS, Counts, Line, chosen, counts_of, lines_of
from zonetag_backend.web.times import Day, day_asked, iso, local
from zonetag_backend.web.visitor import visitor_of

MAX_QUERY = 200  # characters of a search; a name has no more


def book(request: Request) -> Response:
    """The book of a site on `?day=`, narrowed by `?q=`, `?unit=` and `?show=in|left`, by `?page=`."""
    desk = desk_of(request)
    asked = request.query_params
    now_ms = desk.clock()
    wanted, unit, query = asked.get("show", ""), asked.get("unit", ""), asked.get("q", "")[:MAX_QUERY]
    if wanted not in SHOWS:
        raise Fault("bad-show", 400, wanted)
    number = asked.get("page", "")
    if number and (not number.isdecimal() or len(number) > 6):
        raise Fault("bad-page", 400, number)
    with reading(desk.engine) as connection:
        site = store.site_named(connection, request.path_params["site"])
        if site is None:
            raise Fault("no-site", 404, request.path_params["site"])
        day = day_asked(asked.get("day", ""), site.zone, now_ms)
        days = desk.cases.settings.retention_days
        # What is past its time may still be there for an hour; it is not shown any more.
        span = range(max(day.start_ms, desk.cases.settings.floor_ms(now_ms)), day.end_ms)
        over = not span
        stays = [] if over else store.stays_of_day(connection, site, span, now_ms, places=False)
        lines = lines_of(stays)
        # That somebody declared is for the desk, which asks for it; an administrator has nothing of health at all.
        tells = not over and ADMIN not in visitor_of(request).roles
        asked_health = tells and bool(declarations.link_of(connection, site.name))
        declared = declarations.declared(connection, site.name, day.date.isoformat()) if tells else set()
        found = chosen(lines, wanted, unit, query)
        portion = portion_of(request, len(found), PAGE_ROWS)
        shown = found[portion.part]
        if shown:  # places for those on the page only
            tags = {stay.tag for line in shown for stay in line.stays}
            of_page = doors.told(connection, site, store.stays_of_day(connection, site, span, now_ms, tags=tags))
            placed = {line.key: line for line in lines_of(of_page)}
            shown = [placed[line.key] for line in shown]
    counts = counts_of(lines)
    return show(
        request,
        "book",
        lambda: (
            _twin(site, day, now_ms, counts, shown)
            | portion.twin(request)
            | {
                "kept_until": (day.date + timedelta(days=days)).isoformat(),
                "declared": [str(each) for each in declared],
            }
        ),
        site=site,
        day=day,
        zone=site.zone,
        now=local(now_ms, site.zone),
        counts=counts,
        lines=shown,
        found=len(found),
        units=sorted({line.unit for line in lines if line.unit}),
        query=query,
        unit=unit,
        shown=wanted,
        page=portion.page,
        pages=portion.pages,
        over=over,
        days=days,
        kept_until=day.date + timedelta(days=days),
        declared=declared if asked_health or declared else None,
    )


def _twin(site: Site, day: Day, now_ms: int, counts: Counts, lines: Sequence[Line]) -> dict[str, Any]:
    zone = site.zone
    return {
        "site": {
            "name": site.name,
            "title": site.title,
            "timezone": site.timezone,
            "absence_s": site.absence_ms // 1000,
        },
        "day": day.date.isoformat(),
        "now": iso(now_ms, zone),
        "counts": {"in": counts.inside, "came": counts.came, "left": counts.left, "unworn_tags": counts.unworn},
        "people": [
            {
                "person": None if line.person is None else str(line.person),
                "name": line.name,
                "unit": line.unit,
                "code": line.code,
                "tags": list(line.numbers),
                "in": line.inside,
                "stays": [stay_twin(stay, zone) for stay in line.stays],
            }
            for line in lines
        ],
    }


def stay_twin(stay: store.Stay, zone: ZoneInfo) -> dict[str, Any]:
    """A stay in a JSON twin: `left` is null while it goes on, `last` is when the tag was heard last."""
    return {
        "site": stay.site,
        "tag": stay.tag_number,
        "came": iso(stay.came_ms, zone),
        "last": iso(stay.last_ms, zone),
        "left": None if stay.inside else iso(stay.last_ms, zone),
        "place": stay.place,
        "door": None
        if stay.door is None
        else {"state": stay.door.state, "in": iso(stay.door.in_ms, zone), "out": iso(stay.door.out_ms, zone)},
        "corrections": [
            {"at": iso(each.at_ms, zone), "came": iso(each.came_ms, zone), "last": iso(each.last_ms, zone)}
            for each in stay.corrections
        ],
    }
