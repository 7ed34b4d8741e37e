"""`/cases/<id>/sources`: the other way round, from whom a case may have it."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.store import restrictions, roster
from zonetag_backend.store.case_story import Contact, Touch, located
from zonetag_backend.store.engine import reading
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.outcome import Found
from zonetag_backend.tracing.profile import PROFILES, infected
from zonetag_backend.web import caseview
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.pages.case import shown
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso


@dataclass(frozen=True, slots=True)
class Sources:
    """What the page shows."""

    window: tuple[int, int]
    # what was looked at, as far as it is kept
    partly: bool
    # the days before that are not kept any more
    contacts: tuple[Contact, ...] = ()


def sources(request: Request) -> Response:
    """S1, from whom the case may have it, and S2, from whom those may; asked at a look, and kept for some minutes."""
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        caseview.seat(request, connection)
    caseview.require_reason(request)
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
        # Whoever is erased or restricted meanwhile is not shown again.
        about = (seat.case.onset_ms, seat.case.profile, roster.revision(connection), restrictions.everybody(connection))
    settings = desk.cases.settings
    profile = settings.profiles.get(seat.case.profile, PROFILES["covid-19"])
    low, high = infected(profile, seat.case.onset_ms)
    floor_ms = settings.floor_ms(seat.now_ms)
    empty = Sources((max(low, floor_ms), max(min(high, seat.now_ms), floor_ms)), low < floor_ms)

    def question() -> Sources:
        with reading(desk.engine) as connection:
            found = traced(connection, seat.case.person, empty.window, profile, floor_ms=floor_ms, backward=True)
            return replace(empty, contacts=tuple(located(connection, [contact_of(each) for each in found.found])))

    work = desk.cases.ask(seat.case.id, about, question)
    # What was asked when something else was known is not shown; its turn to be asked anew comes with the next look.
    of = work.answer if work.done.is_set() and work.about == about and isinstance(work.answer, Sources) else empty
    tracing = not work.failed and of is empty
    contacts = caseview.by_person(of.contacts)
    return show(
        request,
        "case-sources",
        lambda: {
            **caseview.case_twin(seat),
            "since": iso(of.window[0], seat.zone),
            "until": iso(of.window[1], seat.zone),
            "asked": iso(work.started_ms, seat.zone),
            "tracing": tracing,
            "failed": work.failed,
            "contacts": caseview.contacts_twin(contacts, seat.zone),
        },
        **shown(seat),
        tab="sources",
        window=of.window,
        partly=of.partly,
        tracing=tracing,
        failed=work.failed,
        started_ms=work.started_ms,
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
