"""`/setup`: from nothing to the first line of the book, step by step; each shows what to do next."""

from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere, BadValue, ConfigError, KeyFileError, NotFound, PkiError
from zonetag_backend.store import audit, lists, people, registry, signing_keys, tag_list, tagbundle, tokens
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web import commands
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.provision import Provision
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import visitor_of
from zonetag_protocol import topics

SITE, GATEWAY, TAG = "site", "gateway", "tag"
STEPS = (SITE, GATEWAY, TAG)
MOST_MINUTES = registry.MAX_ABSENCE_S // 60

BAD_NAME = _("The short name is 1 to 32 small letters, digits and hyphens, without diacritics.")
BAD_SITE = _("The title, the time zone or the minutes cannot be right.")
TAKEN = _("This name is taken already.")
NO_PROVISION = _("This server was started without the data folder; use the command line.")
NO_LISTENER = _("Gateways cannot be let in yet: write this into the server's settings and restart zonetag serve.")
NO_AUTHORITY = _("Gateways cannot be let in yet: this office has no certificate authority. Make one on this server.")
NO_FILE = _("Choose the file bundle.jsonl that ./flash.sh has written into zonetag-tags.")
NO_IMPORT_KEY = _("No file was sealed to this server yet: give the flashing machine this server's public key first.")
BUNDLE = {
    tagbundle.NO_BUNDLE: _("Line %(line)s is no line of a bundle. Send bundle.jsonl as ./flash.sh wrote it."),
    tagbundle.NOT_OURS: _(
        "Line %(line)s was sealed to another server, or changed since. Flash with this server's public key."
    ),
    tagbundle.TAKEN: _("Line %(line)s: a tag of this number or key is there already. Flash it under a new number."),
    tagbundle.BAD: _("Line %(line)s holds a number or a clock that cannot be."),
}
LISTEN = '[enrolment]\nlisten = "0.0.0.0:8770"'
# Error -> what to write or type.
REMEDIES = {NO_LISTENER: LISTEN, NO_AUTHORITY: commands.CA_INIT, NO_IMPORT_KEY: commands.TAG_KEY}
MOST_BUNDLE = 1 << 20


@dataclass(frozen=True, slots=True)
class State:
    """How far the set-up has come."""

    sites: list[str]
    places: list[str]
    # of the first site
    gateways: list[str]
    tags: int
    worn: int
    people: int

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
    tags, worn = (tag_list.count(connection, tag_list.Wanted(shown)) for shown in (tag_list.ALL, tag_list.WORN))
    return State(sites, places, gateways, tags, worn, people.count(connection))


@dataclass(frozen=True, slots=True)
class Offer:
    """What the page shows once: what to type on a gateway, or why it cannot."""

    gateway: str = ""
    command: str = ""
    # with the token; it stands nowhere else
    line: int = 0
    # of a bundle, that is wrong


def setup(request: Request) -> Response:
    """The step that comes next, or `?step=`; sent forms are that step's.  `?added=`, `?known=` tags of a bundle."""
    if request.method != "POST":
        return _show(request, request.query_params.get("step", ""))
    asked = field(request, "step")
    if asked == "token":
        return _token(request)
    if asked == TAG:
        return _bundle(request)
    acts = {SITE: _site, GATEWAY: _gateway}
    if asked not in acts:
        raise Fault("bad-form", 400)
    error = acts[asked](request)
    if error:
        return _show(request, asked, error)
    # The gateway's step goes on with what to type on the gateway.
    return RedirectResponse("/setup" if asked == SITE else f"/setup?step={GATEWAY}", 303)


def _show(request: Request, asked: str, error: str = "", offer: Offer | None = None) -> Response:
    with reading(desk_of(request).engine) as connection:
        state = state_of(connection)
    step = asked if asked in STEPS and (asked == SITE or state.sites) else state.step
    added, known = (_count(request.query_params.get(name, "")) for name in ("added", "known"))
    return show(
        request,
        "setup",
        lambda: {"step": step, "ready": state.ready},
        400 if error else 200,
        state=state,
        step=step,
        steps=STEPS,
        error=error,
        remedy=REMEDIES.get(error, ""),
        offer=offer or Offer(),
        hours=tokens.LASTS_H,
        added=added,
        known=known,
        typed=dict(request.state.form) if error else {},
        timezone=registry.DEFAULT_TIMEZONE,
        minutes=registry.DEFAULT_ABSENCE_S // 60,
        most_minutes=MOST_MINUTES,
    )


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None


def _token(request: Request) -> Response:
    """Field `gateway`: a new one-time token for it, shown once; those of it that were not used die."""
    provision: Provision | None = request.app.state.provision
    if provision is None:
        return _show(request, GATEWAY, NO_PROVISION)
    name, desk = field(request, "gateway"), desk_of(request)
    now_ms = desk.clock()
    try:
        url, pin = provision.url(), provision.pin()
    except ConfigError:
        return _show(request, GATEWAY, NO_LISTENER)
    except PkiError:
        return _show(request, GATEWAY, NO_AUTHORITY)
    with writing(desk.engine) as connection:
        site = signing_keys.site_of(connection, name)
        if site is None:
            raise Fault("bad-form", 400)
        token = tokens.make(connection, (name, site), pin, now_ms)
        audit.record(connection, now_ms, visitor_of(request).actor, "gateway.enrol", name, "token made")
    return _show(request, GATEWAY, offer=Offer(name, f"sudo zonetag-gateway enrol {url} {token.text}"))


def _bundle(request: Request) -> Response:
    """Field `file`: a bundle of ./flash.sh; all of it is taken in or nothing."""
    provision: Provision | None = request.app.state.provision
    if provision is None:
        return _show(request, TAG, NO_PROVISION)
    file, desk = form_of(request).get("file"), desk_of(request)
    try:
        content = file.file.read(MOST_BUNDLE + 1) if isinstance(file, UploadFile) else b""
        lines = content.decode("utf-8").splitlines() if len(content) <= MOST_BUNDLE else []
    except UnicodeDecodeError:
        lines = []
    if not any(line.strip() for line in lines):
        return _show(request, TAG, NO_FILE)
    by = (visitor_of(request).actor, desk.clock())
    try:
        private = provision.import_key()
        with writing(desk.engine) as connection:
            taken = tagbundle.take_in(connection, desk.keys, private, lines, by)
    except KeyFileError:
        return _show(request, TAG, NO_IMPORT_KEY)
    except tagbundle.Refused as refused:
        return _show(request, TAG, BUNDLE[refused.code], Offer(line=refused.line))
    return RedirectResponse(f"/setup?step={TAG}&added={taken.added}&known={taken.known}", 303)


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
