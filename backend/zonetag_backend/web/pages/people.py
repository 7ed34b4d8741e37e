"""`/people`: everybody of the register by unit; `/people/ID`: one of them, their tags, and what may be changed."""

from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.store import audit, departures, directory, registry
from zonetag_backend.store import people as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.people import Person
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.portion import portion_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

PAGE_ROWS = 100
MOST_QUERY = 200
NO_TAG, LEFT = "no-tag", "left"
SHOWS = {"": _("Everybody here"), NO_TAG: _("Without a tag"), LEFT: _("Who has left")}

BAD = _("A name or unit has 1 to 200 characters that can be printed, a staff number at most 64.")
CODE_TAKEN = _("Somebody has this staff number already.")
DONE = {
    "added": _("Entered."),
    "changed": _("Changed."),
    "left": _("Marked as gone. What is held about them goes when the retention time is over."),
    "back": _("Here again."),
    "given": _("The tag is handed out."),
    "taken": _("The tag is back."),
}
WITHOUT = _("No signed agreement is noted: see to that, or take the tag back.")
ADD, CHANGE, LEAVE, BACK = "add", "change", "leave", "back"  # what `act` may say


def people(request: Request) -> Response:
    """The list, narrowed by `?q=`, `?unit=`, `?show=`, by `?page=`; a form enters somebody new."""
    return _list(request) if request.method != "POST" else _add(request)


def _list(request: Request, error: str = "") -> Response:
    desk, asked = desk_of(request), request.query_params
    wanted, unit, query = asked.get("show", ""), asked.get("unit", ""), asked.get("q", "")[:MOST_QUERY]
    # What a list has just done, and who got a tag by it and has not agreed to that.
    new, changed, tags, without = (_counted(asked.get(name, "")) for name in ("new", "changed", "tags", "without"))
    if wanted not in SHOWS:
        raise Fault("bad-show", 400, wanted)
    floor_ms = desk.cases.settings.floor_ms(desk.clock())
    asks = directory.Wanted(
        query, unit, tagless=wanted == NO_TAG, left=wanted == LEFT, floor_ms=floor_ms, order=directory.BY_UNIT
    )
    with reading(desk.engine) as connection:
        count = directory.count(connection, asks)
        portion = portion_of(request, count, PAGE_ROWS)
        found = directory.find(connection, asks, portion.part)
        empty = not count and not directory.anybody(connection, floor_ms)
        units = directory.units(connection, floor_ms)
    return show(
        request,
        "people",
        lambda: {"people": [_twin(each) for each in found], **portion.twin(request)},
        400 if error else 200,
        groups=[(name, list(those)) for name, those in groupby(found, lambda each: each.unit)],
        empty=empty,
        found=count,
        units=units,
        query=query,
        unit=unit,
        shown=wanted,
        shows=SHOWS,
        taken=new + changed,
        new=new,
        changed=changed,
        tags=tags,
        without=without,
        page=portion.page,
        pages=portion.pages,
        error=error,
        typed=dict(request.state.form) if error else {},
    )


def _counted(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len(str(10**6)) else 0


def _add(request: Request) -> Response:
    desk, now_ms = desk_of(request), desk_of(request).clock()
    name, unit, code = (field(request, each) for each in ("name", "unit", "code"))
    try:
        with writing(desk.engine) as connection:
            new = registry.add_person(connection, name, unit, code.strip() or None, now_ms)
            audit.record(connection, now_ms, visitor_of(request).actor, "person.add", new)
    except AlreadyThere:
        return _list(request, CODE_TAKEN)
    except BadValue:
        return _list(request, BAD)
    return RedirectResponse(f"/people/{new}?done=added", 303)


def person(request: Request) -> Response:
    """One of them; forms change them (field `act`: change, leave, back)."""
    if request.method != "POST":
        return _person(request)
    desk, now_ms, text = desk_of(request), desk_of(request).clock(), request.path_params["person"]
    act, actor = field(request, "act"), visitor_of(request).actor
    try:
        with writing(desk.engine) as connection:
            who = store.with_id(connection, id_of(text)).id
            if act == CHANGE:
                store.change(connection, who, *(field(request, each) for each in ("name", "unit", "code")))
                audit.record(connection, now_ms, actor, "person.change", who)
            elif act == LEAVE:
                departures.leave(connection, desk.keys, who, now_ms)
                audit.record(connection, now_ms, actor, "person.remove", who)
            elif act == BACK:
                departures.come_back(connection, who)
                audit.record(connection, now_ms, actor, "person.change", who)
            else:
                raise Fault("bad-form", 400)
    except NotFound:
        raise Fault("no-person", 404, text) from None
    except AlreadyThere:
        return _person(request, CODE_TAKEN)
    except BadValue:
        return _person(request, BAD)
    done = {CHANGE: "changed", LEAVE: "left", BACK: "back"}[act]
    return RedirectResponse(f"/people/{who}?done={done}", 303)


def _person(request: Request, error: str = "") -> Response:
    desk, text = desk_of(request), request.path_params["person"]
    floor_ms = desk.cases.settings.floor_ms(desk.clock())
    try:
        with reading(desk.engine) as connection:
            who = store.with_id(connection, id_of(text), floor_ms)
            worn = store.history(connection, who.id, floor_ms)
            zone = first_zone(connection)
    except NotFound:
        raise Fault("no-person", 404, text) from None
    return show(
        request,
        "one_person",
        lambda: {
            **_twin(who),
            "left": iso(who.left_ms, zone),
            "worn": [
                {"tag": each.number, "since": iso(each.since_ms, zone), "until": iso(each.until_ms, zone)}
                for each in worn
            ],
        },
        400 if error else 200,
        who=who,
        worn=worn,
        zone=zone,
        error=error,
        without=WITHOUT if request.query_params.get("without", "") == "1" else "",
        done="" if error else DONE.get(request.query_params.get("done", ""), ""),
        typed=dict(request.state.form) if error else {},
    )


def _twin(each: Person) -> dict[str, Any]:
    return {
        "person": str(each.id),
        "name": each.name,
        "unit": each.unit,
        "code": each.code,
        "tags": list(each.numbers),
        "visitor": each.visitor,
    }
