"""An office, empty or not, and its pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig.browsing import Browser
from rig.databases import new_database
from rig.office import Office, new_office
from rig.pages import KEYRING, Get, Served, as_somebody
from starlette.applications import Starlette

from zonetag_backend.events import Events
from zonetag_backend.web.app import make_app


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    """A site with two places and two gateways, and nobody yet."""
    office = new_office(tmp_path, database_url)
    yield office
    office.engine.dispose()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Office]:
    """A database in which nothing is set up."""
    office = Office(new_database(tmp_path / "bare.db"))
    yield office
    office.engine.dispose()


@pytest.fixture
def events() -> Events:
    """What tells the pages of changes."""
    return Events()


@pytest.fixture
def get(office: Office, events: Events) -> Get:
    """`get(path, role="health", headers=...)` from the office's pages; role="" is a stranger."""
    return as_somebody(make_app(office.engine, office.clock, events, keyring=KEYRING), office)


@pytest.fixture
def get_bare(bare: Office, events: Events) -> Get:
    """The same, where nothing is set up."""
    return as_somebody(make_app(bare.engine, bare.clock, events, keyring=KEYRING), bare)


@pytest.fixture
def served(office: Office, events: Events) -> Iterator[Served]:
    """The office's pages at a real address."""
    served = Served(office, events)
    served.start()
    yield served
    served.close()


@pytest.fixture
def app(office: Office, events: Events) -> Starlette:
    """The office's pages, for a `browser`."""
    return make_app(office.engine, office.clock, events, keyring=KEYRING)


@pytest.fixture
def browser(app: Starlette) -> Callable[[], Browser]:
    """Makes people who sign in for themselves."""
    return lambda: Browser(app)
