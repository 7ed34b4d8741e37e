"""The application of the pages: routes, and what stands around them."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from zonetag_backend.events import Events
from zonetag_backend.store.book import Database
from zonetag_backend.web import faults, static
from zonetag_backend.web.desk import Desk, Fault
from zonetag_backend.web.pages.book import book
from zonetag_backend.web.pages.gateways import gateways, rejected
from zonetag_backend.web.pages.home import healthz, home
from zonetag_backend.web.pages.live import live
from zonetag_backend.web.pages.person import person
from zonetag_backend.web.shield import Shield, Twin

# Names under which the machine itself is reached; whoever listens beyond it must name its own.
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

# Every one only reads, so every one takes GET alone (and HEAD, which Starlette adds).
ROUTES = (
    Route("/", home),
    Route("/book/{site}", book),
    Route("/person/{person}", person),
    Route("/gateways", gateways),
    Route("/rejected", rejected),
    Route("/live", live),
    Route("/healthz", healthz),
    Route("/static/{name}", static.serve),
)


def make_app(
    engine: Database, clock: Callable[[], int], events: Events, hosts: tuple[str, ...] = LOCAL_HOSTS
) -> Starlette:
    """The pages over a database whose tables exist; `clock` gives UTC in ms, `hosts` are the names it answers to."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Shield, hosts=hosts), Middleware(Twin)],
        exception_handlers={Fault: faults.fault, HTTPException: faults.http_fault, Exception: faults.broken},
    )
    app.state.desk = Desk(engine, clock, events)
    return app
