"""The application of the pages: routes, and what stands around them.

How a page is added:

1. `pages/<noun>.py`: a function of the request, `def` (it runs in a thread, and may read the store) or `async def`.
   It answers with `render.show` (HTML and JSON twin from one context) or raises `Fault`, with texts in `faults.py`.
2. A line in ROUTES here, and one in `rights.py`: who may use which verb.  The guard (`guard.py`) enforces that table
   before the page runs; without its line the application does not start.
3. A page that shows data of people names its `read` action in the rule, and the guard records it (`store/audit.py`).
   An act records itself: `audit.record(connection, now_ms, visitor_of(request).actor, "tag.give", number)` in its own
   transaction.  Contacts and cases ask for a case and a reason first: `reasoned.py`.
4. A form is `<form method="post">` with `{{ parts.csrf() }}` in it; the guard has checked it, and
   `guard.form_of(request)` has its fields.  After a change a page answers with `RedirectResponse(..., 303)`.
5. Links that not every role may follow stand in `{% if visitor.may("/path/as/in/{rights}") %}`.
6. Texts go into `locale/vi/<subject>.po`, the address and its parameters into docs/*/pages.md; tests hold both.
7. Tests ask as somebody: `get("/path", role="admin")`.
"""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from zonetag_backend.doors import Doors
from zonetag_backend.events import Events
from zonetag_backend.keys import Keyring
from zonetag_backend.store.book import Database
from zonetag_backend.subjectsettings import SubjectSettings
from zonetag_backend.web import faults, static
from zonetag_backend.web.casework import CaseSettings, Casework
from zonetag_backend.web.desk import Desk, Fault
from zonetag_backend.web.guard import guarded
from zonetag_backend.web.pages import (
    account,
    accounts,
    adoption,
    declarations,
    firmware,
    importing,
    login,
    mine,
    papers,
    people,
    plan,
    reasons,
    screen,
    screens,
    subject_requests,
    tag,
    tags,
    visitors,
)
from zonetag_backend.web.pages.agreements import agreements
from zonetag_backend.web.pages.audit import audit
from zonetag_backend.web.pages.book import book
from zonetag_backend.web.pages.case import case
from zonetag_backend.web.pages.case_export import export, file
from zonetag_backend.web.pages.case_notices import notices
from zonetag_backend.web.pages.case_sources import sources
from zonetag_backend.web.pages.cases import cases
from zonetag_backend.web.pages.codes import codes
from zonetag_backend.web.pages.gateways import gateways, rejected
from zonetag_backend.web.pages.home import healthz, home
from zonetag_backend.web.pages.imports import imported, imports
from zonetag_backend.web.pages.inside import inside
from zonetag_backend.web.pages.live import live
from zonetag_backend.web.pages.person import person
from zonetag_backend.web.pages.playbooks import playbooks
from zonetag_backend.web.pages.questions import questions
from zonetag_backend.web.pages.setup import setup
from zonetag_backend.web.pages.start import start
from zonetag_backend.web.pages.typed import typed
from zonetag_backend.web.paperwork import PaperSettings
from zonetag_backend.web.provision import Provision
from zonetag_backend.web.shield import Shield, Twin

# Names under which the machine itself is reached; whoever listens beyond it must name its own.
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

# Each takes the verbs that the rights table has for it.
ROUTES = (
    Route("/", home),
    Route("/book/{site}", book),
    Route("/person/{person}", person),
    Route("/people", people.people),
    Route("/people/import", importing.importing),
    Route("/people/import/template", importing.template),
    Route("/people/import/{work}", importing.work),
    Route("/people/{person}", people.person),
    Route("/tags", tags.tags),
    Route("/tags/give", tags.give),
    Route("/tags/{tag}", tag.tag_or_change),
    Route("/tags/{tag}/orders", tag.order),
    Route("/firmware", firmware.firmware),
    Route("/firmware/{firmware}", firmware.change),
    Route("/visitors", visitors.visitors),
    Route("/visitors/{person}", visitors.back),
    Route("/plan/{site}", plan.plan),
    Route("/plan/{site}/picture", plan.picture),
    Route("/gateways", gateways),
    Route("/playbooks", playbooks),
    Route("/rejected", rejected),
    Route("/live", live),
    Route("/login", login.login),
    Route("/login/code", login.code),
    Route("/logout", login.logout),
    Route("/typed", typed),
    Route("/start/{token}", start),
    Route("/account", account.account),
    Route("/account/password", account.password),
    Route("/account/recovery", account.recovery),
    Route("/account/totp", account.totp),
    Route("/accounts", accounts.accounts),
    Route("/accounts/{account}", accounts.change),
    Route("/audit", audit),
    Route("/setup", setup),
    Route("/reasons/{case}", reasons.reason),
    Route("/consents", reasons.consents),
    Route("/consents/{consent}", reasons.consent),
    Route("/cases", cases),
    Route("/cases/{case}", case),
    Route("/cases/{case}/sources", sources),
    Route("/cases/{case}/notices", notices),
    Route("/cases/{case}/export", export),
    Route("/cases/{case}/export/{file}", file),
    Route("/imports", imports),
    Route("/imports/{case}", imported),
    Route("/screen/{place}", screen.screen),
    Route("/screen/{place}/live", screen.live),
    Route("/screens", screens.screens),
    Route("/screens/open/{token}", screens.opened),
    Route("/screens/{screen}", screens.revoke),
    Route("/declare/{token}", declarations.declare),
    Route("/declarations/{site}", declarations.declarations),
    Route("/questions", questions),
    Route("/inside/{site}", inside),
    Route("/papers", papers.index),
    Route("/papers/book/{site}", papers.book),
    Route("/papers/evacuation/{site}", papers.evacuation),
    Route("/papers/case/{case}", papers.case),
    Route("/papers/adoption", papers.adopted),
    Route("/papers/labels", papers.labels),
    Route("/papers/poster", papers.posters),
    Route("/papers/consent", papers.consent),
    Route("/papers/visitor", papers.visitor),
    Route("/adoption", adoption.adoption),
    Route("/adoption/reminders", adoption.reminding),
    Route("/adoption/off/{person}", adoption.choose),
    Route("/mine", mine.mine),
    Route("/mine/copy/{form}", mine.copy),
    Route("/mine/requests", mine.ask),
    Route("/mine/end", mine.leave),
    Route("/codes", codes),
    Route("/requests", subject_requests.requests),
    Route("/requests/{request}", subject_requests.one),
    Route("/agreements", agreements),
    Route("/healthz", healthz),
    Route("/static/{name}", static.serve),
)


def make_app(
    engine: Database,
    clock: Callable[[], int],
    events: Events,
    hosts: tuple[str, ...] = LOCAL_HOSTS,
    *,
    demo: bool = False,
    keyring: Keyring | None = None,
    second_officer: bool = False,
    doors: Doors | None = None,
    cases: CaseSettings | None = None,
    subjects: SubjectSettings | None = None,
    paperwork: PaperSettings | None = None,
    provision: Provision | None = None,
) -> Starlette:
    """The pages over a database whose tables exist; `clock` gives UTC in ms, `hosts` are the names it answers to.

    `keyring` seals the secrets of second factors; `second_officer`: contacts are shown when another has agreed;
    `cases`: profiles, retention and ways to tell people, if not as they are without settings; `paperwork`: the same of
    papers and reminders; `provision`: what the set-up makes tokens and opens bundles with.
    `demo`: nobody has to sign in and everybody is a health officer; for a
    simulated office on this machine alone (ValueError for hosts beyond it).
    """
    if demo and not set(hosts) <= set(LOCAL_HOSTS):
        raise ValueError("pages without accounts stay on this machine")
    app = Starlette(
        routes=guarded(ROUTES),
        middleware=[Middleware(Shield, hosts=hosts), Middleware(Twin)],
        exception_handlers={Fault: faults.fault, HTTPException: faults.http_fault, Exception: faults.broken},
    )
    casework = Casework(engine, clock, cases or CaseSettings())
    app.state.desk = Desk(
        engine,
        clock,
        events,
        demo,
        keyring,
        second_officer,
        doors or Doors(),
        casework,
        subjects or SubjectSettings(),
    )
    app.state.provision = provision
    app.state.papers = paperwork or PaperSettings()
    return app
