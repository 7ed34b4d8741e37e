"""`/cases/<id>`: who was near a case, who near those, when and where; tracing it anew, closing it."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.store import audit, case_news, case_story
from zonetag_backend.store import cases as store
from zonetag_backend.store.case_story import Contact
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import names
from zonetag_backend.tracing.outcome import Who, Zone
from zonetag_backend.web import auditwords, caseview, casework
from zonetag_backend.web.casegraph import BOX_HEIGHT, BOX_WIDTH, WIDTH, graph_of
from zonetag_backend.web.casetimeline import timeline_of
from zonetag_backend.web.caseview import Seat
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import language_of, translations
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of

TRACE, CLOSE = "trace", "close"  # what `act` may say
MOST_LATER = 5  # traces that found somebody, of which the page tells; the twin tells of all
MOST_NAMES = 60  # of those at one place whom the page names; the export has them all


def case(request: Request) -> Response:
    """The case; or, sent as a form, field `act`: trace, close."""
    desk, actor = desk_of(request), visitor_of(request).actor
    with reading(desk.engine) as connection:
        caseview.seat(request, connection)
    caseview.require_reason(request)
    if request.method == "POST":
        which, act = id_of(request.path_params["case"]), field(request, "act")
        if act == TRACE:
            desk.cases.trace(which, actor)
        elif act == CLOSE:
            with writing(desk.engine) as connection:
                store.close_case(connection, which, desk.clock())
                audit.record(connection, desk.clock(), actor, "case.close", which)
        else:
            raise Fault("bad-form", 400)
        return RedirectResponse(f"/cases/{which}", 303)
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
        found = case_story.contacts(connection, seat.case, desk.cases.settings.floor_ms(seat.now_ms))
        contacts = caseview.by_person(found)
        zones = case_story.zones_of(connection, seat.case.person, seat.window)
        later = _later(case_news.found_later(connection, seat.case), contacts)
        work = desk.cases.tracing(seat.case.id)
        changes = work.changes if work is not None else None
        changed = names(connection, [*changes.new, *changes.gone, *changes.other]) if changes else {}
    tracing = work is not None and not work.done.is_set()
    return show(
        request,
        "case",
        lambda: {
            **caseview.case_twin(seat),
            "tracing": tracing,
            "failed": work is not None and work.failed,
            "later": [
                {"at": iso(at_ms, seat.zone), "people": [str(who.id) for who in people]} for at_ms, people in later
            ],
            "contacts": caseview.contacts_twin(contacts, seat.zone),
            "places": caseview.zones_twin(zones, seat.zone),
        },
        **shown(seat),
        tab="contacts",
        opened_by=auditwords.who(seat.case.opened_by, {}, translations(language_of(request)).gettext),
        generations=[list(of) for _, of in groupby(contacts, key=lambda each: each.generation)],
        heads=[len({each.who.id for each in contacts if each.generation == g}) for g in (1, 2)],
        tracing=tracing,
        started_ms=work.started_ms if work is not None else 0,
        failed=work is not None and work.failed,
        changes=changes,
        later=later[:MOST_LATER],
        again_min=casework.AGAIN_MS // 60_000,
        changed={id: name for id, (name, _, _) in changed.items()},
        graph=graph_of(seat.who, contacts),
        box=(BOX_WIDTH, BOX_HEIGHT),
        graph_width=WIDTH,
        timeline=timeline_of(seat.who, contacts, zones, seat.zone),
        zones=stops(zones, seat),
        most_names=MOST_NAMES,
        every=desk.cases.settings.retention_days,
    )


def _later(found: Mapping[int, Sequence[int]], contacts: Sequence[Contact]) -> list[tuple[int, list[Who]]]:
    """Whom later traces found, of those who are shown."""
    known = {each.who.id: each.who for each in contacts}
    by_time = [(at_ms, [known[who] for who in people if who in known]) for at_ms, people in found.items()]
    return [(at_ms, people) for at_ms, people in by_time if people]


def shown(seat: Seat) -> dict[str, Any]:
    """What the templates of all pages of a case take."""
    return {
        "seat": seat,
        "case": seat.case,
        "zone": seat.zone,
        "now_ms": seat.now_ms,
        "local": local,
        "iso_day": lambda at_ms: iso(at_ms, seat.zone),
        "profile_names": caseview.PROFILES,
        "bases": caseview.BASES,
        "evidence": caseview.EVIDENCE,
        "sure": caseview.sure,
        "percent": caseview.percent,
        "patience_s": casework.PATIENCE_S,
    }


def stops(zones: Sequence[Zone], seat: Seat) -> list[dict[str, Any]]:
    """Places of a case, day by day: when it was there, and who else, each once with all their hours."""
    days: dict[tuple[Any, str, str], list[Zone]] = {}
    for each in zones:
        days.setdefault((local(each.start_ms, seat.zone).date(), each.site, each.place), []).append(each)
    found = []
    for (day, site, place), of in days.items():
        people: dict[int, tuple[Any, list[tuple[int, int]]]] = {}
        for stop in of:
            for other in stop.others:
                people.setdefault(other.who.id, (other.who, []))[1].append((other.start_ms, other.end_ms))
        found.append(
            {
                "day": day,
                "site": site,
                "place": place,
                "spans": [(stop.start_ms, stop.end_ms) for stop in of],
                "people": list(people.values()),
            }
        )
    return found
