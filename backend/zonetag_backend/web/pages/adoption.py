"""`/adoption`: who is covered, by unit, and reminders: shown before they go, never against somebody's wish."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.reports.reminder import CAUSES, FLAT, SILENT, reminder
from zonetag_backend.store import adoption as store
from zonetag_backend.store import book, reminders
from zonetag_backend.store.adoption import Member, Unit
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.paperwork import settings_of
from zonetag_backend.web.portion import portion_of
from zonetag_backend.web.render import show, wants_json
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of

MOST_SHOWN = 100  # people of a list on the page
# Why somebody is reminded, or is in a list.
WHY = {SILENT: _("not heard for a week"), FLAT: _("battery nearly flat")}


def adoption(request: Request) -> Response:
    """Units and their counts, people without a tag, phones beside gateways; live."""
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        told = store.tally(connection, now_ms)
        portion = portion_of(request, max(told.whole.uncovered, told.quiet), MOST_SHOWN)
        part = portion.part if wants_json(request) else slice(0, MOST_SHOWN)
        uncovered = store.some(connection, store.UNCOVERED, now_ms, part)
        quiet = store.some(connection, store.QUIET, now_ms, part)
        off = store.some(connection, store.OFF, now_ms)
        phones = store.phones(connection)
        kept = reminders.counts(connection)
        sites = book.sites(connection)
    zone = sites[0].zone if sites else ZoneInfo("UTC")
    return show(
        request,
        "adoption",
        lambda: {
            "now": iso(now_ms, zone),
            "total": _unit_twin(told.whole),
            "units": [_unit_twin(each) for each in told.units],
            "uncovered": [_member_twin(each) for each in uncovered],
            "silent": [_member_twin(each) for each in quiet],
            "phones": [
                {"site": p.site, "place": p.place, "gateway": p.gateway, "bluezone": _rounded(p.beside)} for p in phones
            ],
            "reminders": {"waiting": kept.waiting, "sent": kept.sent, "failed": kept.failed, "off": len(off)},
            "next": portion.twin(request)["next"],
        },
        units=told.units,
        whole=told.whole,
        uncovered=uncovered,
        quiet=quiet,
        quiet_count=told.quiet,
        off=off,
        phones=phones,
        line=kept,
        channels=settings_of(request).channels,
        causes=CAUSES,
        why=WHY,
        zone=zone,
        now=local(now_ms, zone),
        now_ms=now_ms,
        most=MOST_SHOWN,
    )


def reminding(request: Request) -> Response:
    """Shown first (GET), then put in line (POST)."""
    return send(request) if request.method == "POST" else preview(request)


def preview(request: Request) -> Response:
    """Whom reminders would go to, and what they say: `?cause=silent`, `?cause=flat`, or both."""
    settings = settings_of(request)
    now_ms = desk_of(request).clock()
    wanted = _causes(request.query_params.getlist("cause") or list(CAUSES))
    part, every_ms = slice(0, MOST_SHOWN), settings.every_days * reminders.DAY_MS
    with reading(desk_of(request).engine) as connection:
        if wants_json(request):
            _first, count = store.remindable(connection, wanted, now_ms, every_ms, slice(0, 1))
            part = portion_of(request, count, MOST_SHOWN).part
        members, count = store.remindable(connection, wanted, now_ms, every_ms, part)
    found = reminders.due(members, wanted, now_ms, settings.every_days)
    samples = {cause: reminder("…", "…", cause, language=settings.language, office=settings.signed) for cause in wanted}
    return show(
        request,
        "reminders",
        lambda: {
            "causes": wanted,
            "people": [{**_member_twin(each.member), "cause": each.cause} for each in found],
            **portion_of(request, count, MOST_SHOWN).twin(request),
            "channels": list(settings.channels),
            "texts": {cause: sample.text for cause, sample in samples.items()},
        },
        due=found,
        count=count,
        samples=samples,
        settings=settings,
        why=WHY,
        now_ms=now_ms,
        most=MOST_SHOWN,
        done=request.query_params.get("done", ""),
    )


def send(request: Request) -> Response:
    """Put in line what the preview showed; the server sends it within a minute."""
    settings, visitor = settings_of(request), visitor_of(request)
    if not settings.channels:
        raise Fault("no-channel", 409)
    now_ms = desk_of(request).clock()
    wanted = _causes([each for each in form_of(request).getlist("cause") if isinstance(each, str)])
    with writing(desk_of(request).engine) as connection:
        people = reminders.compose(
            connection,
            settings.channels,
            wanted,
            language=settings.language,
            signed=settings.signed,
            every_days=settings.every_days,
            by=visitor.actor,
            now_ms=now_ms,
        )
    return RedirectResponse(f"/adoption/reminders?done={people}", 303)


def choose(request: Request) -> Response:
    """Somebody wants no reminders, or wants them again."""
    text = request.path_params["person"]
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        who = next((each.person for each in store.members(connection, [id_of(text)])), None)
        if who is None:
            raise Fault("no-person", 404, text)
        off = field(request, "act") != "on"
        reminders.set_off(connection, who, off, by=visitor_of(request).actor, now_ms=desk.clock())
    return RedirectResponse("/adoption", 303)


def _causes(asked: list[str]) -> list[str]:
    return [cause for cause in CAUSES if cause in asked]


def _unit_twin(of: Unit) -> dict[str, Any]:
    counts = {"staff": of.staff, "issued": of.issued, "heard": of.heard, "flat": of.flat, "uncovered": of.uncovered}
    return {"unit": of.name, **counts}


def _member_twin(of: Member) -> dict[str, Any]:
    return {"person": str(of.person), "name": of.name, "unit": of.unit, "code": of.code, "tag": of.tag or None}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
