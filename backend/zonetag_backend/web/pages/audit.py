"""`/audit`: who read or did what, for the auditor; and whether the log is whole."""

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend import audit_keeper
from zonetag_backend.audit_chain import Entry
from zonetag_backend.errors import AuditError
from zonetag_backend.store import accounts, audit_log
from zonetag_backend.store.audit import ACTIONS
from zonetag_backend.store.engine import Transaction, reading
from zonetag_backend.web import auditwords, languages
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local, numeric_date
from zonetag_backend.web.zones import first_zone

ROWS = 100  # on a page
LARGEST_SEQ = 2**62
LONGEST = 200  # characters of what is looked for
# Looks at contacts: which case, by whom, why.
LOOKS = "contacts.read,contacts.trace,import.read"
# What a check of the chain finds (audit_chain.Finding), in words.
FINDINGS = {
    "changed": _("an entry was changed"),
    "deleted": _("entries were deleted"),
    "reordered": _("entries stand in another order"),
    "truncated": _("the end was cut off"),
    "bad-checkpoint": _("a signature is not this server's"),
}
NOBODY = _("Nobody, or more than one, has this name, staff number or tag.")


def audit(request: Request) -> Response:
    """The latest entries, narrowed by `?actor=`, `?action=`, `?about=`, `?who=` (an officer), `?person=`, `?case=`.

    `?action=` one code, or several with commas between them.

    `?before=` an entry's number for older ones; `?check=yes` follows the chain from the first entry to the last.
    """
    desk, asked = desk_of(request), request.query_params
    names = ("actor", "action", "about", "who", "person", "case")
    wanted = {name: asked.get(name, "").strip()[:LONGEST] for name in names}
    before = _before(asked.get("before", ""))
    with reading(desk.engine) as connection:
        about = audit_log.about_person(connection, wanted["person"]) if wanted["person"] else None
        unknown = about is not None and not about
        if wanted["case"]:
            case = {wanted["case"], f"case {wanted['case']}"}
            about = case if about is None else about & case
        found = audit_log.latest(connection, wanted, before, ROWS + 1, about=about, by=wanted["who"])
        zone = first_zone(connection)
        roles = {each.name: each.role for each in accounts.all_accounts(connection)}
        titles = audit_log.names(connection)
        whole = _checked(desk, connection) if asked.get("check", "") == "yes" else None
    shown = found[:ROWS]
    language = languages.language_of(request)
    say, locale = languages.translations(language).gettext, languages.locale_of(language)

    def day(of: date) -> str:
        return numeric_date(of, locale)

    return show(
        request,
        "audit",
        lambda: {"entries": [_twin(each, zone) for each in shown], **({"check": whole} if whole else {})},
        entries=shown,
        older=shown[-1].seq if len(found) > ROWS else None,
        wanted=wanted,
        whole=whole,
        findings=FINDINGS,
        error=NOBODY if unknown else "",
        said_who=lambda actor: auditwords.who(actor, roles, say),
        said_why=lambda each: auditwords.reason(each, roles, say),
        said_about=lambda each: auditwords.about(each, say, titles, day),
        officers=sorted(roles),
        actions=sorted(ACTIONS),
        looks=LOOKS,
        zone=zone,
        today=local(desk.clock(), zone).date(),
    )


def _checked(desk: Desk, connection: Transaction) -> dict[str, Any]:
    """What `zonetag audit verify` says, without signatures that are kept elsewhere."""
    signing = desk.cases.settings.signing_key
    fits = audit_keeper.fits_of(signing().public_key()) if signing is not None else lambda *_: True
    try:
        findings = audit_log.verify(connection, fits)
        count = audit_log.head(connection)[0]
    except AuditError:
        return {"entries": 0, "signed": 0, "findings": [{"finding": "truncated", "first": 0, "last": 0}]}
    signed = max((each.seq for each in audit_log.checkpoints(connection)), default=0)
    rows = [{"finding": each.code, "first": each.first, "last": each.last} for each in findings]
    return {"entries": count, "signed": signed, "findings": rows}


def _before(text: str) -> int:
    if not text:
        return LARGEST_SEQ
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Fault("bad-page", 400, text)
    return int(text)


def _twin(each: Entry, zone: Any) -> dict[str, Any]:
    return {
        "seq": each.seq,
        "at": iso(each.at_ms, zone),
        "actor": each.actor,
        "action": each.action,
        "about": each.about,
        "reason": each.reason,
        "hash": each.hash.hex(),
    }
