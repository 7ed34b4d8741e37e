"""`/imports`: a case of another office, looked for here; `/imports/<id>`: where it was, and who was there."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere
from zonetag_backend.store import audit, foreign, reasons
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import timezone
from zonetag_backend.tracing import abroad
from zonetag_backend.web import caseview, reasoned
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of

NO_FILE = _("Choose the file that the other office sent.")
NO_REASON = _("Say in a few words why it is looked for here.")
NOT_TAKEN = {
    abroad.KEY: _("The key is 64 of 0-9 and a-f, as the other office sees it under “Export” of the case."),
    abroad.SIZE: _("No office makes so large a file of a case: this is another file."),
    abroad.BROKEN: _("This is no file of a case, or it was cut on its way: ask for it again."),
    abroad.SIGNATURE: _(
        "This file is not from that office, or was changed on the way: ask for it again, and for the key."
    ),
    abroad.VERSION: _(
        "This file was made by a newer version of Zonetag: the administrator has to bring this one up to date."
    ),
    abroad.CONTENT: _("This file is signed, but not written as it should be: tell that office."),
    abroad.FUTURE: _("The days of this file cannot be: that office's clock is wrong, or ours."),
    abroad.PAST: _("The days of this file are longer ago than anything is kept here: nobody could be found."),
    abroad.OURS: _("This file is of this office itself: send it to the other one."),
}


def imports(request: Request) -> Response:
    """Take a file (fields `file`, `key`, `reason`)."""
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms, sent = desk.clock(), form_of(request).get("file")
    reason = " ".join(field(request, "reason").split())
    data = b""
    if isinstance(sent, UploadFile):
        with sent.file:
            data = sent.file.read(abroad.MOST_BYTES + 1)
    if not data:
        return _refused(request, NO_FILE)
    if len(reason) < reasons.LEAST:
        return _refused(request, NO_REASON)
    key, signing = field(request, "key"), desk.cases.settings.signing_key
    own = abroad.public_hex(signing()) if signing is not None else ""
    try:
        came = abroad.unpack(data, key)
        abroad.check(came, key, own, now_ms, desk.cases.settings.floor_ms(now_ms))
    except abroad.NotTaken as error:
        return _refused(request, NOT_TAKEN[error.code], error.code)
    digest = abroad.digest(data)
    try:
        with writing(desk.engine) as connection:
            foreign.match(connection, came, digest, by=actor, now_ms=now_ms)
            new = foreign.newest_import(connection, digest)
            audit.record(connection, now_ms, actor, "import.open", new, f"{came.office}: {reason}")
            reasons.give(connection, str(new), actor, reason, now_ms)
    except AlreadyThere:  # what was found then is shown again
        with reading(desk.engine) as connection:
            new = foreign.newest_import(connection, digest)
    return RedirectResponse(f"/imports/{new}", 303)


def imported(request: Request) -> Response:
    """One of them."""
    desk, which = desk_of(request), id_of(request.path_params["case"])
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        known = [each for each in foreign.imports(connection, desk.cases.settings.floor_ms(now_ms)) if each.id == which]
    if not known:
        raise Fault("no-case", 404, request.path_params["case"])
    reasoned.require(request, str(which), "import.read")
    with reading(desk.engine) as connection:
        zone = ZoneInfo(timezone(connection))
        found = foreign.matches_of(connection, which, desk.cases.settings.floor_ms(now_ms))
    return show(
        request,
        "case-imported",
        lambda: {
            "import": str(which),
            "office": known[0].office,
            "profile": known[0].profile,
            "since": iso(known[0].since_ms, zone),
            "until": iso(known[0].until_ms, zone),
            "matches": [_twin(each, zone) for each in found],
        },
        of=known[0],
        found=found,
        zone=zone,
        local=local,
        evidence=caseview.EVIDENCE,
        profile_names=caseview.PROFILES,
        today=local(now_ms, zone).date(),
    )


def _refused(request: Request, error: str, code: str = "bad-form") -> Response:
    return show(request, "case-import", lambda: {"error": code}, 400, error=error)


def _twin(each: foreign.Match, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "evidence": each.evidence,
        "place": each.place,
        "from": iso(each.start_ms, zone),
        "to": iso(each.end_ms, zone),
        "rssi_max": each.rssi_max,
        "people": [caseview.who_twin(who) for who in each.people],
    }
