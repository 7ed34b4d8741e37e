"""`/tags/ID`: one tag, what it said over its link, and what it is to be told; `/tags/ID/orders` takes the orders."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import NotFound
from zonetag_backend.link import records as link
from zonetag_backend.store import audit, restrictions, tag_link, tag_list, tag_told, tags
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.store.tag_list import Tag
from zonetag_backend.store.tag_told import Told
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.pages.tags import STATES, change
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone
from zonetag_protocol import advert
from zonetag_protocol import linkmessage as say

FIND_S = 60  # how long it blinks unless told otherwise
NEARLY_FLAT = 125  # thousandths of the battery

# Counters of faults in the order of SPEC.md section 12.5.
FAULTS = (
    _("power lost"),
    _("stood still (watchdog)"),
    _("voltage too low"),
    _("program broke off"),
    _("address"),
    _("provisioning card"),
    _("clock"),
    _("memory"),
    _("settings memory"),
    _("radio"),
    _("motion sensor"),
)
KINDS = {link.FIND: _("blink"), link.SETTINGS: _("settings"), link.UPDATE: _("new firmware")}
ORDER_STATES = {
    link.WAITING: _("waits until a gateway reaches the tag"),
    link.TRIAL: _("on trial: it reports from the new one within a day"),
    link.DONE: _("done"),
    link.FAILED: _("refused by the tag"),
    link.ROLLED_BACK: _("rolled back: the tag runs what it ran before"),
    link.EXPIRED: _("came too late"),
    link.CANCELLED: _("replaced by a later order, or by newer firmware"),
}
# Field -> setting of SPEC.md section 12.7, least, most, what it is.
SETTINGS = {
    "look_every": (say.LOOK_EVERY, 0, 32, _("Looks for others in every so many cells of 32 s; 0 never")),
    "look_ms": (say.LOOK_MS, 0, 2000, _("Length of a look in ms, 50 or more; 0 as its card asks")),
    "weakest": (say.WEAKEST, 40, 127, _("Weakest signal that is logged: 100 stands for -100 dBm")),
    "connectable": (say.CONNECTABLE, 2, 64, _("A gateway may connect in one slot of so many")),
}
DONE = {
    link.FIND: _("The tag blinks as soon as a gateway reaches it, within the hour."),
    link.SETTINGS: _("The tag is told when a gateway next reaches it."),
    link.UPDATE: _("The tag takes the firmware when a gateway next reaches it, and is on trial for a day."),
}
BAD_SECONDS = _("Seconds are a whole number from 0 to 600.")
BAD_SETTING = _("One of the values is outside its range; nothing was ordered.")
NO_SETTING = _("Give at least one value.")
NO_LINK = _("This tag cannot be told anything: it is a plain badge, or out of use.")


def tag_or_change(request: Request) -> Response:
    """The tag; `?done=` an order that was just left.  A form is one of the list's."""
    return change(request) if request.method == "POST" else _show(request)


def order(request: Request) -> Response:
    """Field `act`: find (`seconds`), settings (any of SETTINGS), update (`firmware`, an id)."""
    acts = {link.FIND: _find, link.SETTINGS: _settings, link.UPDATE: _update}
    desk, now_ms, text, act = (
        desk_of(request),
        desk_of(request).clock(),
        request.path_params["tag"],
        field(request, "act"),
    )
    if act not in acts:
        raise Fault("bad-form", 400)
    try:
        with writing(desk.engine) as connection:
            which = tag_list.with_id(connection, id_of(text))
            error, told = acts[act](request, connection, which, now_ms) if _has_link(which) else (NO_LINK, "")
            if not error:
                audit.record(connection, now_ms, visitor_of(request).actor, "tag.order", which.number, told)
    except NotFound:
        raise Fault("no-tag", 404, text) from None
    return _show(request, error) if error else RedirectResponse(f"/tags/{which.id}?done={act}", 303)


def _has_link(which: Tag) -> bool:
    return which.kind == advert.ZONETAG and which.state != tags.RETIRED


def _find(request: Request, connection: Transaction, which: Tag, now_ms: int) -> tuple[str, str]:
    seconds = _whole(field(request, "seconds") or str(FIND_S))
    if seconds is None or seconds > say.FIND_ME_S:
        return BAD_SECONDS, ""
    tag_link.order_find(connection, which.id, seconds, now_ms)
    return "", "find"


def _settings(request: Request, connection: Transaction, which: Tag, now_ms: int) -> tuple[str, str]:
    values = {}
    for name, (setting, least, _most, _text) in SETTINGS.items():
        if not (text := field(request, name).strip()):
            continue
        value = _whole(text)
        if value is None or value < least or not say.allowed(setting, value):
            return BAD_SETTING, ""
        values[setting] = value
    if not values:
        return NO_SETTING, ""
    tag_link.order_settings(connection, which.id, values, now_ms)
    return "", "settings"


def _update(request: Request, connection: Transaction, which: Tag, now_ms: int) -> tuple[str, str]:
    image = id_of(field(request, "firmware"))
    version = tag_told.firmwares(connection).get(image)
    if version is None:
        raise Fault("bad-form", 400)
    tag_link.order_update(connection, [which.id], image, now_ms)
    return "", f"update {version}"


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None


def _show(request: Request, error: str = "") -> Response:
    desk, text = desk_of(request), request.path_params["tag"]
    with reading(desk.engine) as connection:
        try:
            which = tag_list.with_id(connection, id_of(text))
        except NotFound:
            raise Fault("no-tag", 404, text) from None
        # When a tag talked tells when its wearer was here; whoever asked for restriction is not told about.
        hidden = which.person is not None and restrictions.since_ms(connection, which.person) is not None
        told = None if hidden else tag_told.told(connection, which.id)
        orders = [] if hidden else tag_told.orders(connection, which.id)
        firmwares = tag_told.firmwares(connection)
        zone = first_zone(connection)
    faults = [(FAULTS[at], count) for at, count in enumerate(told.faults[: len(FAULTS)]) if count] if told else []
    return show(
        request,
        "tag",
        lambda: {
            "tag": which.number,
            "state": which.state,
            "link": None if told is None else _twin(told, zone),
            "orders": [
                {"kind": each.kind, "state": each.state, "version": each.version, "asked": iso(each.asked_ms, zone)}
                for each in orders
            ],
        },
        400 if error else 200,
        which=which,
        told=told,
        hidden=hidden,
        can=_has_link(which),
        faults=faults,
        rolled_back=bool(told and told.flags & say.ROLLED_BACK),
        log_failed=bool(told and told.flags & say.LOG_FAILED),
        nearly_flat=NEARLY_FLAT,
        orders=orders,
        firmwares=firmwares,
        kinds=KINDS,
        order_states=ORDER_STATES,
        states=STATES,
        settings=SETTINGS,
        typed=dict(request.state.form) if error else {},
        find_s=FIND_S,
        most_s=say.FIND_ME_S,
        done=DONE.get(request.query_params.get("done", ""), ""),
        error=error,
        zone=zone,
        now_ms=desk.clock(),
    )


def _twin(told: Told, zone: Any) -> dict[str, Any]:
    return {
        "talked": iso(told.talked_ms, zone),
        "fetched": iso(told.fetched_ms or None, zone),
        "battery": told.battery,
        "uptime_s": told.uptime_s,
        "version": told.version,
        "waiting": told.waiting,
        "passed_over": told.passed_over,
        "faults": list(told.faults),
    }
