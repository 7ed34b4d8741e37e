"""`/inside/<site>`: who is in the building now, by unit, to be ticked off outside.  Complete once it has loaded."""

from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.names import folded, sort_key
from zonetag_backend.store import book as store
from zonetag_backend.store import doors
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.render import show
from zonetag_backend.web.rows import INSIDE, Line, chosen, lines_of
from zonetag_backend.web.times import day_asked, iso, local

QUIET_MS = 20_000  # unheard for so long, while tags are heard each second or so


def inside(request: Request) -> Response:
    """Everybody, never a part of them: a list that is short of somebody is worse than none."""
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        site = store.site_named(connection, request.path_params["site"])
        if site is None:
            raise Fault("no-site", 404, request.path_params["site"])
        day = day_asked("", site.zone, now_ms)
        stays = store.stays_of_day(connection, site, range(day.start_ms, day.end_ms), now_ms, all_people=True)
        # Who is heard at this moment has not left; of the others the door may have seen it.  They stay on the list.
        quiet = [stay for stay in stays if stay.inside and now_ms - stay.last_ms >= QUIET_MS]
        told = {stay.tag: stay for stay in doors.told(connection, site, quiet)}
        stays = [told.get(stay.tag, stay) if stay.inside else stay for stay in stays]
    zone = site.zone
    here = chosen(lines_of(stays), INSIDE, "", "")
    people = [line for line in here if line.person is not None]
    unworn = [line for line in here if line.person is None]
    people.sort(key=lambda line: (not line.unit, folded(line.unit), line.unit, sort_key(line.name)))
    units = [(unit, list(lines)) for unit, lines in groupby(people, key=lambda line: line.unit)]
    return show(
        request,
        "inside",
        lambda: _twin(site, people, unworn, now_ms),
        site=site,
        zone=zone,
        day=day,
        now_ms=now_ms,
        now=local(now_ms, zone),
        units=units,
        inside=len(people),
        unworn=unworn,
    )


def _twin(site: store.Site, people: list[Line], unworn: list[Line], now_ms: int) -> dict[str, Any]:
    zone = site.zone
    return {
        "site": {"name": site.name, "title": site.title},
        "now": iso(now_ms, zone),
        "inside": len(people),
        "unworn_tags": [line.numbers[0] for line in unworn],
        "people": [
            {
                "name": line.name,
                "unit": line.unit,
                "code": line.code,
                "tags": list(line.numbers),
                "came": iso(line.latest.came_ms, zone),
                "last": iso(line.latest.last_ms, zone),
                "place": line.latest.place,
                "went_out": None if line.latest.door is None else iso(line.latest.door.out_ms, zone),
            }
            for line in people
        ],
    }
