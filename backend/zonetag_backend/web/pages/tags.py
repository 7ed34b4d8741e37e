"""`/tags`: every tag; `/tags/give`: hand one out; `/tags/ID` takes the forms that change one."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import audit, consent_ledger, departures, directory, tag_list, visitors
from zonetag_backend.store import people as people_store
from zonetag_backend.store import tags as store
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.store.tag_list import Tag
from zonetag_backend.web.desk import Desk, Fault, desk_of
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
OFFERED = 24  # people or free tags that the page for handing out shows

SHOWS = {
    tag_list.ALL: _("All"),
    tag_list.FREE: _("Free"),
    tag_list.WORN: _("Worn"),
    store.LOST: _("Lost"),
    tag_list.NEVER: _("Never heard"),
    tag_list.LOW_BATTERY: _("Nearly flat"),
    tag_list.UNHEARD: _("Not heard this week"),
    tag_list.FOR_VISITORS: _("For visitors"),
    store.RETIRED: _("Out of use"),
}
STATES = {store.ACTIVE: _("in use"), store.LOST: _("lost"), store.RETIRED: _("out of use")}

NO_TAG = _("There is no tag with this number. It stands on the tag, for example A-001.")
IS_WORN = _("Somebody wears this tag. Take it back first.")
IS_OVER = _("This tag is out of use: flash it again, under a number that is new.")
IS_FOR_VISITORS = _("This tag is kept for visitors; lend it at the page Visitors.")
CANNOT = _("This tag cannot do that: load the page again and see its state.")


def tags(request: Request) -> Response:
    """The list, narrowed by `?show=` and `?q=`, by `?page=`."""
    return _list(request)


def _list(request: Request, error: str = "") -> Response:
    desk, asked = desk_of(request), request.query_params
    now_ms = desk.clock()
    wanted, query = asked.get("show", ""), asked.get("q", "")[:MOST_QUERY]
    if wanted not in SHOWS:
        raise Fault("bad-show", 400, wanted)
    floor_ms = desk.cases.settings.floor_ms(now_ms)
    asks = tag_list.Wanted(wanted, query, now_ms, floor_ms)
    with reading(desk.engine) as connection:
        counts = tag_list.counts(connection, now_ms, floor_ms)
        count = tag_list.count(connection, asks) if query else counts[wanted]
        portion = portion_of(request, count, PAGE_ROWS)
        found = tag_list.tags(connection, asks, portion.part)
        zone = first_zone(connection)
    return show(
        request,
        "tags",
        lambda: {"tags": [_twin(each, zone) for each in found], **portion.twin(request)},
        400 if error else 200,
        tags=found,
        counts=counts,
        found=count,
        shows=SHOWS,
        states=STATES,
        flat=tag_list.LOW,
        query=query,
        shown=wanted,
        page=portion.page,
        pages=portion.pages,
        zone=zone,
        now_ms=now_ms,
        error=error,
    )


def _twin(each: Tag, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "tag": each.number,
        "kind": each.kind,
        "state": each.state,
        "person": None if each.person is None else str(each.person),
        "name": each.name,
        "unit": each.unit,
        "for_visitors": each.for_visitors,
        "heard": iso(each.heard_ms or None, zone),
        "battery": each.battery,
        "version": each.version,
    }


def change(request: Request) -> Response:
    """Field `act`: take, lost, found, retire, keep, release (for visitors); `back` where to go on."""
    desk, now_ms, text = desk_of(request), desk_of(request).clock(), request.path_params["tag"]
    act = field(request, "act")
    if act not in _ACTS:
        raise Fault("bad-form", 400)
    action, function = _ACTS[act]
    try:
        with writing(desk.engine) as connection:
            which = tag_list.with_id(connection, id_of(text))
            function(connection, desk, which, now_ms)
            audit.record(
                connection, now_ms, visitor_of(request).actor, action, which.number, "" if act == "take" else act
            )
    except NotFound:
        raise Fault("no-tag", 404, text) from None
    except BadValue:
        return _list(request, CANNOT)
    if field(request, "back") == "person" and which.person is not None:
        return RedirectResponse(f"/people/{which.person}?done=taken", 303)
    return RedirectResponse(_same_list(request), 303)


def _same_list(request: Request) -> str:
    """The part of the list that the form stood in."""
    part = {name: text for name in ("show", "q", "page") if (text := field(request, name)[:MOST_QUERY])}
    return f"/tags?{urlencode(part)}" if part else "/tags"


def _take(connection: Transaction, desk: Desk, which: Tag, now_ms: int) -> None:
    if which.person is None:
        raise BadValue("nobody wears this tag")
    if people_store.with_id(connection, which.person).visitor:
        visitors.take_back(connection, desk.keys, which.person, now_ms)
    else:
        store.take_back(connection, desk.keys, which.id, now_ms)


def _lose(connection: Transaction, desk: Desk, which: Tag, now_ms: int) -> None:
    if which.state != store.ACTIVE:
        raise BadValue("this tag is not in use")
    if which.person is not None:
        _take(connection, desk, which, now_ms)
    store.lose(connection, desk.keys, which.id, now_ms)


def _retire(connection: Transaction, desk: Desk, which: Tag, now_ms: int) -> None:
    if which.person is not None:
        _take(connection, desk, which, now_ms)
    tag_list.keep_for_visitors(connection, which.id, False)
    store.retire(connection, desk.keys, which.id, now_ms)


_ACTS: dict[str, tuple[str, Callable[[Transaction, Desk, Tag, int], None]]] = {
    "take": ("tag.take", _take),
    "lost": ("tag.state", _lose),
    "found": ("tag.state", lambda connection, desk, which, now_ms: store.find_again(connection, which.id)),
    "retire": ("tag.state", _retire),
    "keep": ("tag.pool", lambda connection, desk, which, now_ms: _keep(connection, which)),
    "release": ("tag.pool", lambda connection, desk, which, now_ms: _release(connection, which)),
}


def _keep(connection: Transaction, which: Tag) -> None:
    if not which.free:
        raise BadValue("somebody wears this tag, or it is not in use")
    tag_list.keep_for_visitors(connection, which.id, True)


def _release(connection: Transaction, which: Tag) -> None:
    if which.person is not None:
        raise BadValue("a visitor wears this tag")
    tag_list.keep_for_visitors(connection, which.id, False)


def give(request: Request) -> Response:
    """Hand out: `?tag=` a printed number, `?person=` an id, `?q=` looks for somebody; the form does it."""
    if request.method != "POST":
        asked = request.query_params
        return _give(request, asked.get("tag", ""), asked.get("person", ""))
    desk, now_ms = desk_of(request), desk_of(request).clock()
    number, text, done = field(request, "tag"), field(request, "person"), "done=given"
    try:
        with writing(desk.engine) as connection:
            who = people_store.with_id(connection, id_of(text))
            which = tag_list.numbered(connection, number)
            error = _unfit(which, who.id)
            if not error:
                departures.come_back(connection, who.id)
                if which.person != who.id:
                    store.hand_out(connection, desk.keys, which.id, who.id, now_ms)
                    audit.record(connection, now_ms, visitor_of(request).actor, "tag.give", which.number)
                if desk.subjects.consent_required:
                    by = visitor_of(request).actor
                    done = (
                        "without=1&done=given"
                        if consent_ledger.note_handed_out(connection, who.id, by, now_ms)
                        else done
                    )
    except NotFound:
        return _give(request, number, text, NO_TAG)
    if error:
        return _give(request, number, text, error)
    return RedirectResponse(f"/people/{who.id}?{done}", 303)


def _unfit(which: Tag, who: int) -> str:
    """Why a tag cannot be handed out to somebody; empty when it can.  A lost one is found so."""
    if which.state == store.RETIRED:
        return IS_OVER
    if which.for_visitors:
        return IS_FOR_VISITORS
    return IS_WORN if which.person not in (None, who) else ""


def _give(request: Request, number: str, text: str, error: str = "") -> Response:
    desk, query = desk_of(request), request.query_params.get("q", "")[:MOST_QUERY]
    which = who = None
    with reading(desk.engine) as connection:
        if text:
            try:
                who = people_store.with_id(connection, id_of(text))
            except NotFound:
                raise Fault("no-person", 404, text) from None
        if number:
            try:
                which = tag_list.numbered(connection, number)
            except NotFound:
                error = error or NO_TAG
        no_tag = not tag_list.any_in_use(connection)
        free = tag_list.tags(connection, tag_list.Wanted(tag_list.FREE), slice(0, OFFERED))
        # Who has none comes first: it is for them that somebody stands here.
        asks = directory.Wanted(query, numbers=False, order=directory.TAGLESS_FIRST)
        count = 0 if who else directory.count(connection, asks)
        people = [] if who else directory.find(connection, asks, slice(0, OFFERED))
        nobody = not count and not directory.count(connection, directory.Wanted())
    if which is not None and not error:
        error = _unfit(which, who.id if who else -1)
    return show(
        request,
        "give",
        lambda: {"tag": which.number if which else None, "person": str(who.id) if who else None},
        400 if error else 200,
        which=None if error else which,
        number=number,
        who=who,
        error=error,
        wearer=which if which and error == IS_WORN else None,
        no_tag=no_tag,
        nobody=nobody,
        free=free,
        people=people,
        more=count - OFFERED,
        query=query,
    )
