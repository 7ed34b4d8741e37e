"""What every page works with, and what it may answer when it cannot."""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from zonetag_backend.doors import Doors
from zonetag_backend.events import Events
from zonetag_backend.keys import Keyring
from zonetag_backend.store.book import Database
from zonetag_backend.subjectsettings import SubjectSettings
from zonetag_backend.web.casework import Casework
from zonetag_backend.web.typed import Drafts
from zonetag_backend.web.works import Works


@dataclass(frozen=True, slots=True)
class Desk:
    """The things a page reads from; one for the whole application."""

    engine: Database
    clock: Callable[[], int]
    # UTC in ms; may run faster than the wall's
    events: Events
    demo: bool = False
    # nobody signs in, and everybody is a health officer: of the simulated office alone
    keyring: Keyring | None = None
    # seals secrets of second factors; pages without accounts need none
    second_officer: bool = False
    # whether contacts are shown only when another officer has agreed
    doors: Doors = field(default_factory=Doors)
    # who has just held a tag close
    casework: Casework | None = None
    subjects: SubjectSettings = field(default_factory=SubjectSettings)
    # rights of those whose data is held
    works: Works = field(default_factory=Works)
    # what takes a while
    drafts: Drafts = field(default_factory=Drafts)
    # what was typed when a session was over

    @property
    def cases(self) -> Casework:
        """Tracing and sending."""
        assert self.casework is not None, "make_app gives one"
        return self.casework

    @property
    def keys(self) -> Keyring:
        """The keyring, on pages that cannot do without."""
        assert self.keyring is not None, "make_app(keyring=...) is wanted"
        return self.keyring


class Fault(Exception):
    """A request that no page can answer; `code` is a key of faults.TEXTS, `status` the HTTP status."""

    def __init__(self, code: str, status: int, about: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.about = about  # what was asked for, as it was asked; shown, so it may be anything


def desk_of(request: Request) -> Desk:
    """The desk of the application that a request came to."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk
