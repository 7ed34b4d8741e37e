"""Which ways out there are, by the settings `notices.*`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zonetag_backend.errors import ConfigError
from zonetag_backend.notices.email import Email, Mail
from zonetag_backend.notices.outgoing import Sender
from zonetag_backend.notices.webhook import Webhook
from zonetag_backend.reports.notice import LANGUAGES

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MOST_DAYS = 90
LEAST_SECRET = 16  # bytes of a webhook's secret


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """How people are told."""

    webhook_url: str
    # empty: no webhook
    webhook_secret_file: Path | None
    mail_url: str
    # empty: no e-mail
    mail_username: str
    mail_password_file: Path | None
    mail_from: str
    mail_to: str
    # with {code}, which the staff number takes the place of
    language: str
    office: str
    # who signs
    reminder_days: int = 7
    # nobody is reminded of a tag more often than once in so many days


def from_values(text: Mapping[str, str], office: str = "") -> NoticeSettings:
    """The settings, checked before, by their names; `office` signs where they name none."""

    def path(name: str) -> Path | None:
        return Path(text[name]).expanduser() if text[name] else None

    return NoticeSettings(
        webhook_url=text["notices.webhook_url"],
        webhook_secret_file=path("notices.webhook_secret_file"),
        mail_url=text["notices.mail_url"],
        mail_username=text["notices.mail_username"],
        mail_password_file=path("notices.mail_password_file"),
        mail_from=text["notices.mail_from"],
        mail_to=text["notices.mail_to"],
        language=text["notices.language"],
        office=text["notices.office"] or office or "Zonetag",
        reminder_days=int(text["reminders.every_days"]),
    )


def senders(of: NoticeSettings) -> dict[str, Sender]:
    """The ways out, by channel; ConfigError when a secret cannot be read or a part is missing."""
    found: dict[str, Sender] = {}
    if of.webhook_url:
        if of.webhook_secret_file is None:
            raise ConfigError(
                "notices.webhook_url needs notices.webhook_secret_file, with which what is sent is signed"
            )
        secret = _secret(of.webhook_secret_file).encode()
        if len(secret) < LEAST_SECRET:
            raise ConfigError(f"{of.webhook_secret_file}: a secret of at least {LEAST_SECRET} characters wanted")
        found["webhook"] = Webhook(of.webhook_url, secret)
    if of.mail_url:
        if not of.mail_from or not of.mail_to:
            raise ConfigError("notices.mail_url needs notices.mail_from and notices.mail_to")
        password = _secret(of.mail_password_file) if of.mail_password_file else ""
        found["email"] = Email(Mail(of.mail_url, of.mail_username, password, of.mail_from, of.mail_to))
    return found


def webhook_fault(value: object) -> str:
    """What is wrong with notices.webhook_url; empty if nothing."""
    if value == "":
        return ""
    url = urlsplit(value) if isinstance(value, str) else None
    if url is None or url.scheme not in ("http", "https") or not url.hostname:
        return "https://HOST/PATH wanted"
    if url.username or url.password:
        return "no user and password in the URL: it signs what it sends"
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        return "names and illnesses go only over https, or to this machine itself"
    return ""


def mail_fault(value: object) -> str:
    """What is wrong with notices.mail_url; empty if nothing."""
    if value == "":
        return ""
    url = urlsplit(value) if isinstance(value, str) else None
    if url is None or url.scheme not in ("smtp", "smtps") or not url.hostname or url.username:
        return "smtp://HOST[:PORT] or smtps://HOST[:PORT] wanted"
    return ""


def recipient_fault(value: object) -> str:
    """What is wrong with notices.mail_to; empty if nothing."""
    if value == "" or (isinstance(value, str) and value.count("{code}") == 1 and value.count("@") == 1):
        return ""
    return "an address wanted in which {code} stands for the staff number, as {code}@office.example"


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value.isprintable() else "text of one line, in quotes, wanted"


def _language(value: object) -> str:
    return "" if value in LANGUAGES else f"one of {', '.join(LANGUAGES)} wanted"


def _days(value: object) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_DAYS
    return "" if fits else f"a whole number from 1 to {_MOST_DAYS} wanted"


def _file(value: object) -> str:
    fault = _text(value)
    return fault or ("there is no such file" if value and not Path(str(value)).expanduser().is_file() else "")


# Name -> (default, check), as in zonetag_backend.config.
SETTINGS: dict[str, tuple[object, Callable[[object], str]]] = {
    "notices.webhook_url": ("", webhook_fault),
    "notices.webhook_secret_file": ("", _file),
    "notices.mail_url": ("", mail_fault),
    "notices.mail_username": ("", _text),
    "notices.mail_password_file": ("", _file),
    "notices.mail_from": ("", _text),
    "notices.mail_to": ("", recipient_fault),
    "notices.language": ("vi", _language),
    "notices.office": ("", _text),
    "reminders.every_days": (7, _days),
}


def _secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
