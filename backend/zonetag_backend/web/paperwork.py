"""What the pages of papers and of adoption need of the settings: who writes, and how people are told."""

from dataclasses import dataclass, field

from starlette.requests import Request

from zonetag_backend import papers
from zonetag_backend.config import Config
from zonetag_backend.letterhead import head_of
from zonetag_backend.notices.settings import senders
from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.languages import language_of


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """Of the settings, what papers are written with."""

    head: Letterhead = field(default_factory=Letterhead)
    retention_days: int = 21
    channels: tuple[str, ...] = ()
    # ways of reminders; none: nobody can be reminded
    signed: str = "Zonetag"
    # who signs reminders
    language: str = "vi"
    # of reminders
    every_days: int = 7
    # nobody is reminded more often

    @classmethod
    def of(cls, config: Config) -> "PaperSettings":
        """From the settings of a server; ConfigError when a secret cannot be read."""
        told = config.notices
        ways = tuple(sorted(senders(told)))
        return cls(config.office, config.retention_days, ways, told.office, told.language, told.reminder_days)


def settings_of(request: Request) -> PaperSettings:
    """Those of the application that a request came to."""
    settings = request.app.state.papers
    assert isinstance(settings, PaperSettings)
    return settings


def desk_for(request: Request) -> papers.Desk:
    """What every paper needs to know, in the language of the request."""
    settings, desk = settings_of(request), desk_of(request)
    with reading(desk.engine) as connection:
        head = head_of(settings.head, connection)
    return papers.Desk(head, settings.retention_days, language_of(request), desk.clock())


def link_of(request: Request) -> str:
    """What a poster's QR code opens: what is held about whoever scans it, if the office names nothing else."""
    return settings_of(request).head.link or f"{request.base_url}mine"
