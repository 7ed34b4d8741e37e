"""`/setup`: from nothing to the first line of the book, step by step; each shows what to do next."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.store import audit, lists, registry
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import visitor_of
from zonetag_protocol import topics

SITE, GATEWAY, TAG = "site", "gateway", "tag"
STEPS = (SITE, GATEWAY, TAG)
MOST_MINUTES = registry.MAX_ABSENCE_S // 60

BAD_NAME = _("The short name is 1 to 32 small letters, digits and hyphens, without diacritics.")
BAD_SITE = _("The title, the time zone or the minutes cannot be right.")
TAKEN = _("This name is taken already.")


@dataclass(frozen=True, slots=True)
class State:
    """How far the set-up has come."""

    sites: list[str]
    places: list[str]
    # of the first site
    gateways: list[str]
    tags: int
    worn: int

    @property
    def ready(self) -> dict[str, bool]:
        """Step -> whether it is done."""
        return {SITE: bool(self.sites), GATEWAY: bool(self.gateways), TAG: self.worn > 0}

    @property
    def step(self) -> str:
        """The first step that is not; the last when all are."""
        return next((step for step in STEPS if not self.ready[step]), TAG)


def state_of(connection: Transaction) -> State:
    """Read it."""
    sites = [str(row["name"]) for row in lists.sites(connection)]
    places = [str(row["name"]) for row in lists.places(connection) if row["site"] in sites[:1]]
    gateways = [str(row["name"]) for row in lists.gateways(connection) if row["place"] is not None]
    tags = lists.tags(connection)
    return State(sites, places, gateways, len(tags), sum(row["person"] is not None for row in tags))


def setup(request: Request) -> Response:
    """The step that comes next, or `?step=`; sent forms are that step's."""
    error = ""
    asked = request.query_params.get("step", "")
    if request.method == "POST":
        acts = {SITE: _site, GATEWAY: _gateway}
        asked = field(request, "step")
        if asked not in acts:
            raise Fault("bad-form", 400)
        error = acts[asked](request)
        if not error:
            # The gateway's step goes on with what to type on the gateway.
            return RedirectResponse("/setup" if asked == SITE else f"/setup?step={GATEWAY}", 303)
    with reading(desk_of(request).engine) as connection:
        state = state_of(connection)
    step = asked if asked in STEPS and (asked == SITE or state.sites) else state.step
    return show(
        request,
        "setup",
        lambda: {"step": step, "ready": state.ready},
        400 if error else 200,
        state=state,
        step=step,
        steps=STEPS,
        error=error,
        typed=dict(request.state.form) if error else {},
        timezone=registry.DEFAULT_TIMEZONE,
        minutes=registry.DEFAULT_ABSENCE_S // 60,
        most_minutes=MOST_MINUTES,
    )


def _site(request: Request) -> str:
    """Fields `name`, `title`, `timezone`, `minutes` (absence), `place` (its entrance); what is wrong, if anything."""
    name, minutes, place = field(request, "name"), field(request, "minutes"), field(request, "place")
    if not topics.is_name(name):
        return BAD_NAME
    if not (minutes.isascii() and minutes.isdecimal()) or not 1 <= int(minutes[:6]) <= MOST_MINUTES:
        return BAD_SITE
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms = desk.clock()
    try:
        with writing(desk.engine) as connection:
            absence_s = int(minutes) * 60
            registry.add_site(connection, name, field(request, "title"), field(request, "timezone"), absence_s)
            audit.record(connection, now_ms, actor, "site.add", name)
            new = registry.add_place(connection, name, place, "entrance")
            audit.record(connection, now_ms, actor, "place.add", new)
    except AlreadyThere:
        return TAKEN
    except BadValue:
        return BAD_SITE
    return ""


def _gateway(request: Request) -> str:
    """Fields `name` and `place`, of the first site; what is wrong, if anything."""
    name = field(request, "name")
    if not topics.is_name(name):
        return BAD_NAME
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms = desk.clock()
    try:
        with writing(desk.engine) as connection:
            site = state_of(connection).sites[0]
            registry.add_gateway(connection, name, site, field(request, "place"), now_ms)
            audit.record(connection, now_ms, actor, "gateway.add", name)
    except AlreadyThere:
        return TAKEN
    except (BadValue, NotFound, IndexError):
        return BAD_SITE
    return ""
