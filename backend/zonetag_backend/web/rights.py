"""Who may do what: every page, every verb, and the roles that may.  What is not in the table does not exist.

`make_app` refuses to start with a route that is not here, and a test walks every route, verb and role.  A page is added
with one line here; see the head of `app.py`.
"""

from dataclasses import dataclass

from zonetag_backend.roles import ADMIN, AUDITOR, CODE, ENROL, HEALTH, RECEPTION, ROLES, SCREEN, WORKER

NOBODY_YET = ""  # a visitor who has not signed in
LIST_BYTES = 12 << 20  # a list of 20,000 people, sent once more as a form
PICTURE_BYTES = 5 << 20
FORM_BYTES = 65_536  # of a form without files
IMPORT_BYTES = 1_048_576  # of a form with another office's case: 20,000 identifiers are 240 kB


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use one verb of one page, and what the audit log says of it."""

    roles: frozenset[str]
    # of ROLES; also NOBODY_YET, and the stages CODE and ENROL of somebody who is signing in
    read: str = ""
    # action that the guard records before the page is shown (store.audit.ACTIONS); empty: no data of people
    about: str = ""
    # parameter of the path that says about what
    body_bytes: int = FORM_BYTES
    # largest body taken; a page that takes files says more
    rests: bool = False
    # asked by the page itself and not by a person, so that it keeps no session awake


ANYBODY = frozenset({NOBODY_YET, CODE, ENROL, SCREEN, WORKER, *ROLES})
SIGNED_IN = frozenset(ROLES)


def _of(*roles: str) -> frozenset[str]:
    return frozenset(roles)


# Path as in ROUTES -> verb -> rule.  HEAD goes with GET.
RIGHTS: dict[str, dict[str, Rule]] = {
    "/": {"GET": Rule(SIGNED_IN)},
    "/book/{site}": {"GET": Rule(_of(RECEPTION, HEALTH, ADMIN), "book.read", "site")},
    "/person/{person}": {"GET": Rule(_of(HEALTH), "person.read", "person")},
    "/people": {"GET": Rule(_of(HEALTH, ADMIN), "people.read"), "POST": Rule(_of(ADMIN))},
    "/people/import": {"GET": Rule(_of(ADMIN)), "POST": Rule(_of(ADMIN), "people.read", body_bytes=LIST_BYTES)},
    "/people/import/template": {"GET": Rule(_of(ADMIN))},
    # Neither writes, not even that somebody sits there: who writes is the import, and they would wait for its end.
    "/people/import/{work}": {"GET": Rule(_of(ADMIN), rests=True), "POST": Rule(_of(ADMIN), rests=True)},
    "/people/{person}": {"GET": Rule(_of(ADMIN), "people.read", "person"), "POST": Rule(_of(ADMIN))},
    "/tags": {"GET": Rule(_of(ADMIN), "people.read")},
    "/tags/give": {"GET": Rule(_of(ADMIN), "people.read"), "POST": Rule(_of(ADMIN))},
    "/tags/{tag}": {"GET": Rule(_of(ADMIN), "people.read"), "POST": Rule(_of(ADMIN))},
    "/tags/{tag}/orders": {"POST": Rule(_of(ADMIN))},
    "/firmware": {"GET": Rule(_of(ADMIN)), "POST": Rule(_of(ADMIN), body_bytes=IMPORT_BYTES)},
    "/firmware/{firmware}": {"POST": Rule(_of(ADMIN))},
    "/visitors": {"GET": Rule(_of(RECEPTION, ADMIN), "visitors.read"), "POST": Rule(_of(RECEPTION, ADMIN))},
    "/visitors/{person}": {"POST": Rule(_of(RECEPTION, ADMIN))},
    "/plan/{site}": {"GET": Rule(SIGNED_IN), "POST": Rule(_of(ADMIN))},
    "/plan/{site}/picture": {"GET": Rule(SIGNED_IN), "POST": Rule(_of(ADMIN), body_bytes=PICTURE_BYTES)},
    "/gateways": {"GET": Rule(SIGNED_IN), "POST": Rule(_of(ADMIN))},
    "/playbooks": {"GET": Rule(SIGNED_IN)},
    "/rejected": {"GET": Rule(_of(HEALTH, ADMIN, AUDITOR))},
    "/live": {"GET": Rule(SIGNED_IN, rests=True)},
    "/login": {"GET": Rule(ANYBODY), "POST": Rule(ANYBODY)},
    "/login/code": {"GET": Rule(_of(CODE)), "POST": Rule(_of(CODE))},
    "/logout": {"POST": Rule(SIGNED_IN | {CODE, ENROL})},
    "/typed": {"GET": Rule(SIGNED_IN), "POST": Rule(SIGNED_IN)},
    "/start/{token}": {"GET": Rule(ANYBODY), "POST": Rule(ANYBODY)},
    "/account": {"GET": Rule(SIGNED_IN)},
    "/account/password": {"POST": Rule(SIGNED_IN)},
    "/account/recovery": {"POST": Rule(SIGNED_IN)},
    "/account/totp": {"GET": Rule(SIGNED_IN | {ENROL}), "POST": Rule(SIGNED_IN | {ENROL})},
    "/accounts": {"GET": Rule(_of(ADMIN, AUDITOR)), "POST": Rule(_of(ADMIN))},
    "/accounts/{account}": {"POST": Rule(_of(ADMIN))},
    "/audit": {"GET": Rule(_of(AUDITOR), "audit.read")},
    "/reasons/{case}": {"GET": Rule(_of(HEALTH)), "POST": Rule(_of(HEALTH))},
    "/consents": {"GET": Rule(_of(HEALTH))},
    "/consents/{consent}": {"POST": Rule(_of(HEALTH))},
    "/cases": {"GET": Rule(_of(HEALTH), "case.read"), "POST": Rule(_of(HEALTH))},
    # Of one case the pages themselves ask for a reason, and record the read with it (reasoned.py).
    "/cases/{case}": {"GET": Rule(_of(HEALTH)), "POST": Rule(_of(HEALTH))},
    "/cases/{case}/sources": {"GET": Rule(_of(HEALTH))},
    "/cases/{case}/notices": {"GET": Rule(_of(HEALTH)), "POST": Rule(_of(HEALTH))},
    "/cases/{case}/export": {"GET": Rule(_of(HEALTH))},
    "/cases/{case}/export/{file}": {"GET": Rule(_of(HEALTH))},
    "/imports": {"POST": Rule(_of(HEALTH), body_bytes=IMPORT_BYTES)},
    "/imports/{case}": {"GET": Rule(_of(HEALTH))},
    "/setup": {"GET": Rule(_of(ADMIN)), "POST": Rule(_of(ADMIN), body_bytes=IMPORT_BYTES)},
    "/screen/{place}": {"GET": Rule(_of(SCREEN, RECEPTION, HEALTH, ADMIN), rests=True)},
    "/screen/{place}/live": {"GET": Rule(_of(SCREEN, RECEPTION, HEALTH, ADMIN), rests=True)},
    "/screens": {"GET": Rule(_of(ADMIN)), "POST": Rule(_of(ADMIN))},
    "/screens/open/{token}": {"GET": Rule(ANYBODY), "POST": Rule(ANYBODY)},
    "/screens/{screen}": {"POST": Rule(_of(ADMIN))},
    "/declare/{token}": {"GET": Rule(ANYBODY), "POST": Rule(ANYBODY)},
    "/declarations/{site}": {"GET": Rule(_of(HEALTH), "declaration.read", "site")},
    "/questions": {"GET": Rule(_of(ADMIN, HEALTH)), "POST": Rule(_of(ADMIN, HEALTH))},
    "/inside/{site}": {"GET": Rule(_of(RECEPTION, HEALTH, ADMIN), "inside.read", "site")},
    # Papers record themselves, with their form ("export.make").
    "/papers": {"GET": Rule(_of(RECEPTION, HEALTH, ADMIN))},
    "/papers/book/{site}": {"GET": Rule(_of(RECEPTION, HEALTH, ADMIN))},
    "/papers/evacuation/{site}": {"GET": Rule(_of(RECEPTION, HEALTH, ADMIN))},
    "/papers/case/{case}": {"GET": Rule(_of(HEALTH))},
    "/papers/adoption": {"GET": Rule(_of(ADMIN))},
    "/papers/labels": {"GET": Rule(_of(ADMIN))},
    "/papers/poster": {"GET": Rule(_of(ADMIN))},
    "/papers/consent": {"GET": Rule(_of(ADMIN))},
    "/papers/visitor": {"GET": Rule(_of(RECEPTION))},
    "/adoption": {"GET": Rule(_of(ADMIN), "people.read")},
    "/adoption/reminders": {"GET": Rule(_of(ADMIN), "people.read"), "POST": Rule(_of(ADMIN))},
    "/adoption/off/{person}": {"POST": Rule(_of(ADMIN))},
    # Somebody who looks at their own data, and everybody who may come to do so; the page records its reads itself.
    "/mine": {"GET": Rule(ANYBODY), "POST": Rule(ANYBODY)},
    "/mine/copy/{form}": {"GET": Rule(_of(WORKER))},
    "/mine/requests": {"POST": Rule(_of(WORKER))},
    "/mine/end": {"POST": Rule(_of(WORKER))},
    "/codes": {"GET": Rule(_of(RECEPTION, ADMIN)), "POST": Rule(_of(RECEPTION, ADMIN))},
    "/requests": {"GET": Rule(_of(ADMIN), "request.read"), "POST": Rule(_of(ADMIN))},
    "/requests/{request}": {"GET": Rule(_of(ADMIN), "request.read", "request"), "POST": Rule(_of(ADMIN))},
    "/agreements": {"GET": Rule(_of(ADMIN), "agreement.read"), "POST": Rule(_of(ADMIN), body_bytes=IMPORT_BYTES)},
    "/healthz": {"GET": Rule(ANYBODY)},
    "/static/{name}": {"GET": Rule(ANYBODY)},
}


def allowed(roles: frozenset[str], path: str, verb: str = "GET") -> bool:
    """Whether somebody with these roles may; `path` as in the table."""
    rule = RIGHTS.get(path, {}).get(verb)
    return rule is not None and bool(rule.roles & roles)
