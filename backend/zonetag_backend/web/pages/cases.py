"""`/cases`: all cases, those of other offices that were looked for here, and a new one."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.store import audit, case_story, foreign, reasons
from zonetag_backend.store import cases as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import timezone
from zonetag_backend.tracing.profile import infectious
from zonetag_backend.web.caseview import BASES, PROFILES
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import day_asked, iso, local
from zonetag_backend.web.visitor import visitor_of

MOST_FOUND = 20  # people whom a search shows; who sees more writes more of the name
LONGEST = 200  # characters of a search

NOBODY = _("Choose the person who fell ill.")
NO_DAY = _("Write the day on which it began, or of the test.")
IN_FUTURE = _("This day has not come yet.")
TOO_OLD = _("That day is so long ago that nothing of it is kept any more.")
NO_REASON = _("Say in a few words why the case is entered.")
IS_OPEN = _("A case of this person and disease is open already: it is in the list.")


def cases(request: Request) -> Response:
    """The list, a search for a person by `?q=`, and a new case.

    Fields of that: `person`, `day`, `basis`, `profile`, `reason`.
    """
    if request.method != "POST":
        return _list(request, request.query_params.get("q", "")[:LONGEST])
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms, settings = desk.clock(), desk.cases.settings
    basis, profile, reason = (
        field(request, "basis"),
        field(request, "profile"),
        " ".join(field(request, "reason").split()),
    )
    if basis not in BASES or profile not in settings.profiles:
        raise Fault("bad-form", 400)
    with reading(desk.engine) as connection:
        zone = ZoneInfo(timezone(connection))
        who = case_story.person_with(connection, id_of(field(request, "person")))
    if who is None:
        return _list(request, field(request, "q")[:LONGEST], NOBODY)
    error = NO_REASON if len(reason) < reasons.LEAST else ""
    try:
        day = day_asked(field(request, "day") or "-", zone, now_ms)
    except Fault:
        error, day = NO_DAY, day_asked("", zone, now_ms)
    if day.start_ms > now_ms:
        error = IN_FUTURE
    if infectious(settings.profiles[profile], day.start_ms)[1] < settings.floor_ms(now_ms):
        error = TOO_OLD
    new = 0
    if not error:
        try:
            with writing(desk.engine) as connection:
                new = store.open_case(
                    connection, who.id, profile, day.start_ms, basis, by=actor, reason=reason, now_ms=now_ms
                )
                audit.record(connection, now_ms, actor, "case.open", new, reason)
                # Whoever enters a case has said why; a second officer is asked all the same, where that is set.
                reasons.give(connection, str(new), actor, reason, now_ms)
        except AlreadyThere:
            error = IS_OPEN
        except BadValue:  # pragma: no cover  # all of it was looked at above
            raise Fault("bad-form", 400) from None
    if error:
        return _list(request, field(request, "q")[:LONGEST], error, str(who.id))
    desk.cases.trace(new, actor)
    return RedirectResponse(f"/cases/{new}", 303)


def _list(request: Request, query: str, error: str = "", chosen: str = "") -> Response:
    desk = desk_of(request)
    now_ms, settings = desk.clock(), desk.cases.settings
    with reading(desk.engine) as connection:
        zone = ZoneInfo(timezone(connection))
        listed = store.cases(connection, settings.floor_ms(now_ms))
        counts = case_story.counts(connection, settings.floor_ms(now_ms))
        others = foreign.imports(connection, settings.floor_ms(now_ms))
        found = case_story.people(connection, query, MOST_FOUND + 1) if query.strip() else []
        anybody = bool(found or case_story.people(connection, "", 1))
    fields = ("day", "basis", "profile", "reason")
    kept = {name: field(request, name)[:1000] if request.method == "POST" else "" for name in fields}
    return show(
        request,
        "cases",
        lambda: {
            "cases": [_twin(each, counts.get(each.id, (0, 0)), zone) for each in listed],
            "imports": [_import_twin(each, zone) for each in others],
        },
        400 if error else 200,
        cases=listed,
        counts=counts,
        others=others,
        query=query,
        found=found[:MOST_FOUND],
        more=len(found) > MOST_FOUND,
        chosen=chosen or (str(found[0].id) if len(found) == 1 else ""),
        anybody=anybody,
        given=kept,
        error=error,
        profiles=sorted(settings.profiles),
        profile_names=PROFILES,
        bases=BASES,
        retention_days=settings.retention_days,
        zone=zone,
        local=local,
        today=local(now_ms, zone).date(),
    )


def _twin(each: store.Case, counts: tuple[int, int], zone: ZoneInfo) -> dict[str, Any]:
    return {
        "case": str(each.id),
        "person": str(each.person),
        "name": each.name,
        "code": each.code,
        "profile": each.profile,
        "day": local(each.onset_ms, zone).date().isoformat(),
        "basis": each.basis,
        "opened": iso(each.opened_ms, zone),
        "closed": iso(each.closed_ms, zone),
        "traced": iso(each.traced_ms, zone),
        "f1": counts[0],
        "f2": counts[1],
    }


def _import_twin(each: foreign.Imported, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "import": str(each.id),
        "office": each.office,
        "profile": each.profile,
        "since": iso(each.since_ms, zone),
        "until": iso(each.until_ms, zone),
        "imported": iso(each.imported_ms, zone),
        "imported_by": each.imported_by,
    }
