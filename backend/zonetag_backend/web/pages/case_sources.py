"""`/cases/<id>/sources`: the other way round, from whom a case may have it."""

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.store.case_story import Contact, Touch
from zonetag_backend.store.engine import reading
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.outcome import Found
from zonetag_backend.tracing.profile import PROFILES, infected
from zonetag_backend.web import caseview
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.pages.case import shown
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso


def sources(request: Request) -> Response:
    """S1, from whom the case may have it, and S2, from whom those may; asked anew each time, and not kept."""
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        caseview.seat(request, connection)
    caseview.require_reason(request)
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
        settings = desk.cases.settings
        profile = settings.profiles.get(seat.case.profile, PROFILES["covid-19"])
        low, high = infected(profile, seat.case.onset_ms)
        floor_ms = settings.floor_ms(seat.now_ms)
        window = (max(low, floor_ms), max(min(high, seat.now_ms), floor_ms))
        found = traced(connection, seat.case.person, window, profile, floor_ms=floor_ms, backward=True)
        contacts = [contact_of(each) for each in found.found]
        partly = low < floor_ms
    return show(
        request,
        "case-sources",
        lambda: {
            **caseview.case_twin(seat),
            "since": iso(window[0], seat.zone),
            "until": iso(window[1], seat.zone),
            "contacts": caseview.contacts_twin(contacts, seat.zone),
        },
        **shown(seat),
        tab="sources",
        window=window,
        partly=partly,
        generations=[[each for each in contacts if each.generation == g] for g in (1, 2)],
    )


def contact_of(found: Found) -> Contact:
    """A step of a trace that was not kept, in the form of those that were."""
    days = tuple(
        Touch(
            day.day_ms,
            day.evidence,
            day.first_ms,
            day.last_ms,
            day.close_minutes if day.evidence == "direct" else day.together_minutes,
            day.close_low,
            day.close_high,
            day.probability,
            day.places,
        )
        for day in found.days
    )
    return Contact(found.who, found.through, found.generation, found.probability, found.chain_probability, days)
