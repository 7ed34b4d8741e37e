"""Settings of the server: defaults, then a TOML file, then the command line.  All faults are told at once.

Every setting is documented in deploy/server.example.toml.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from zonetag_backend import relay, subjectsettings
from zonetag_backend.errors import ConfigError
from zonetag_backend.httpconfig import Http, host_fault, names_fault
from zonetag_backend.httpconfig import faults as http_faults
from zonetag_backend.keyfile import SOURCES
from zonetag_backend.notices import settings as notices
from zonetag_backend.reports import letterhead
from zonetag_backend.tracing import profile

MQTT_VERSIONS = ("auto", "5", "3.1.1")
MQTT_PORT, MQTTS_PORT = 1883, 8883  # IANA
_CLIENT_ID_MAX = 64  # characters; a broker need not take more than 23, every one in use takes more


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach the MQTT broker."""

    host: str
    port: int
    tls: bool
    username: str
    # empty for none
    password_file: Path | None
    ca: Path | None
    # none: the system's own
    cert: Path | None
    key: Path | None
    mqtt_version: str
    # one of MQTT_VERSIONS
    client_id: str
    # the same for ever: the broker keeps this one's messages while it is away

    @property
    def url(self) -> str:
        """Where it is, without user or password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that can be set."""

    data: Path
    # folder of the database and the key file, unless those say otherwise
    database: str
    # SQLAlchemy URL
    key_file: Path
    key_source: str
    # one of keyfile.SOURCES
    passphrase_file: Path | None
    retention_days: int
    # how long anything about people is kept
    backup_dir: Path | None
    # where the server backs up to by itself; none: it does not
    backup_every_h: int
    backup_keep_days: int
    # how long a backup may be restored, at most retention_days
    broker: Broker
    http: Http
    # of the pages
    checkpoint_dir: Path | None
    # where the audit log's signed checkpoints go; none: they stay in the database
    audit_retention_days: int
    second_officer: bool
    # whether contacts are shown only when another officer has agreed
    queue: int
    # messages that wait between the broker's thread and the writer's
    search_epochs: int
    # how far from where its clock should be a tag is looked for, epochs of 1024 s either way
    future_s: int
    # a capture time further ahead than this is a wrong clock
    near_sites: tuple[str, ...]
    # groups of sites, by name, that hear the same tags
    allow_unsigned: bool
    # whether reports of gateways that were never enrolled are taken
    link_every_s: int
    # a tag's log is fetched so often at most; 0 = never, and no tag is called
    enrolment_listen: tuple[str, int] | None
    # where gateways are enrolled: host and port; none: they are not
    enrolment_url: str
    # how gateways reach that; empty: as it listens

    @property
    def host(self) -> str:
        """Address on which the pages are served."""
        return self.http.host

    @property
    def port(self) -> int:
        """Their port; 0 takes a free one."""
        return self.http.port

    @property
    def pages_url(self) -> str:
        """Where they are opened, if the port is not a free one."""
        return self.http.url(self.http.port)

    subjects: subjectsettings.SubjectSettings
    # rights of those whose data is held
    notices: notices.NoticeSettings
    # how people are told of an exposure
    office: letterhead.Letterhead
    # who writes papers
    profiles: Mapping[str, profile.Profile]
    # what counts as a contact, by disease

    @property
    def signing_key_file(self) -> Path:
        """With which acknowledgements are signed."""
        return self.data / "backend-signing.key"


def default_data(environment: Mapping[str, str] | None = None) -> Path:
    """The data folder by the XDG rule: $XDG_DATA_HOME/zonetag, or ~/.local/share/zonetag."""
    base = (os.environ if environment is None else environment).get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "zonetag"


def load(path: Path | None = None, given: Mapping[str, object] | None = None) -> Config:
    """Settings from a file and, over them, `given` ("broker.url": ...; None counts as not given).

    ConfigError with one line a fault.
    """
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = _flat(tomllib.loads(path.read_text()))
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}. Give the right file with --config.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
    values |= {name: value for name, value in (given or {}).items() if value is not None}
    profiles, faults = profile.settings_of(values)
    values = {name: value for name, value in values.items() if not name.startswith(profile.PREFIX)}
    faults += [
        f"{name} is no setting; deploy/server.example.toml shows all of them" for name in values if name not in SETTINGS
    ]
    taken: dict[str, object] = {}
    for name, (default, check) in SETTINGS.items():
        value = values.get(name, default)
        fault = check(value)
        if fault:
            # What holds an "@" may hold a password, and this is printed.
            shown = "..." if "@" in str(value) else repr(value)
            faults.append(f"{name} = {shown}: {fault}")
        taken[name] = value
    faults = faults or http_faults(taken)
    if faults:
        where = f"{path}:\n" if path else ""
        raise ConfigError(where + "\n".join(faults))
    return _config(taken, profile.with_settings(profiles))


def _config(taken: Mapping[str, object], profiles: Mapping[str, profile.Profile]) -> Config:
    text = {name: str(value) for name, value in taken.items()}
    number = {name: value for name, value in taken.items() if isinstance(value, int)}
    data = Path(text["data"]).expanduser() if text["data"] else default_data()
    url = urlsplit(text["broker.url"])
    tls = url.scheme == "mqtts"
    database = text["database"] or str(data / "zonetag.db")
    return Config(
        data=data,
        database=database if "://" in database else f"sqlite:///{Path(database).expanduser().absolute()}",
        key_file=_path(text["key_file"]) or data / "tag-keys.key",
        retention_days=number["retention.days"],
        backup_dir=_path(text["backup.dir"]),
        backup_every_h=number["backup.every_h"],
        backup_keep_days=min(number["backup.keep_days"], number["retention.days"]),
        key_source=text["key_source"],
        passphrase_file=_path(text["passphrase_file"]),
        broker=Broker(
            host=url.hostname or "",
            port=url.port or (MQTTS_PORT if tls else MQTT_PORT),
            tls=tls,
            username=text["broker.username"],
            password_file=_path(text["broker.password_file"]),
            ca=_path(text["broker.ca"]),
            cert=_path(text["broker.cert"]),
            key=_path(text["broker.key"]),
            mqtt_version=text["broker.mqtt_version"],
            client_id=text["broker.client_id"],
        ),
        http=Http(
            host=text["http.host"],
            port=number["http.port"],
            cert=_path(text["http.tls_cert"]),
            key=_path(text["http.tls_key"]),
            given_names=tuple(names) if isinstance(names := taken["http.names"], list) else (),
        ),
        checkpoint_dir=_path(text["audit.checkpoint_dir"]),
        audit_retention_days=number["audit.retention_days"],
        second_officer=taken["contacts.second_officer"] is True,
        subjects=subjectsettings.from_values(taken),
        notices=notices.from_values(text, text["office.name"]),
        office=letterhead.from_values(taken),
        profiles=profiles,
        queue=number["ingest.queue"],
        search_epochs=number["ingest.search_epochs"],
        future_s=number["ingest.future_s"],
        near_sites=tuple(near) if isinstance(near := taken["ingest.near_sites"], list) else (),
        allow_unsigned=text["ingest.unsigned"] == "allow",
        link_every_s=number["link.every_s"],
        enrolment_listen=listen_address(text["enrolment.listen"]),
        enrolment_url=text["enrolment.url"].rstrip("/"),
    )


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


Check = Callable[[object], str]  # what is wrong with a value; empty if nothing


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "text in quotes wanted"


def _file(value: object) -> str:
    if not isinstance(value, str):
        return "the path of a file, in quotes, wanted"
    return "there is no such file" if value and not Path(value).expanduser().is_file() else ""


def _between(low: int, high: int) -> Check:
    def check(value: object) -> str:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return "" if fits else f"a whole number from {low} to {high} wanted"

    return check


def _one_of(*allowed: str) -> Check:
    return lambda value: "" if value in allowed else f"one of {', '.join(allowed)} wanted"


def _broker_url(value: object) -> str:
    wanted = "mqtt://HOST[:PORT] or mqtts://HOST[:PORT] wanted"
    if not isinstance(value, str):
        return wanted
    try:
        url = urlsplit(value)
        fits = url.scheme in ("mqtt", "mqtts") and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        return wanted
    if url.username or url.password:
        return "user and password stand in broker.username and broker.password_file, not in the URL"
    return "" if fits and not url.path.strip("/") and not url.query else wanted


def _listen(value: object) -> str:
    wanted = "ADDRESS:PORT wanted, as 0.0.0.0:8770; empty for no enrolment"
    if not isinstance(value, str):
        return wanted
    return "" if not value or listen_address(value) is not None else wanted


def listen_address(text: str) -> tuple[str, int] | None:
    """Host and port of "ADDRESS:PORT", an IPv6 address in brackets; none for anything else."""
    try:
        url = urlsplit(f"//{text}")
        return (url.hostname, url.port) if url.hostname and url.port is not None and url.netloc == text else None
    except ValueError:
        return None


def _enrolment_url(value: object) -> str:
    wanted = "https://HOST[:PORT] wanted, as gateways reach this server"
    if not isinstance(value, str):
        return wanted
    try:
        url = urlsplit(value)
        fits = url.scheme == "https" and url.hostname and not url.path.strip("/") and not url.query and not url.username
        return "" if not value or (fits and (url.port is None or url.port > 0)) else wanted
    except ValueError:
        return wanted


def _client_id(value: object) -> str:
    fits = isinstance(value, str) and 0 < len(value) <= _CLIENT_ID_MAX and value.isprintable()
    return "" if fits else f"1 to {_CLIENT_ID_MAX} characters wanted"


def _yes_or_no(value: object) -> str:
    return "" if isinstance(value, bool) else "true or false wanted, without quotes"


# Name -> (default, check).  Empty text means "not set".
SETTINGS: dict[str, tuple[object, Check]] = {
    "data": ("", _text),
    "database": ("", _text),
    "key_file": ("", _text),
    "key_source": ("auto", _one_of(*SOURCES)),
    "passphrase_file": ("", _file),
    "retention.days": (21, _between(1, 400)),
    "backup.dir": ("", _text),
    "backup.every_h": (24, _between(1, 168)),
    "backup.keep_days": (7, _between(1, 400)),
    "broker.url": ("mqtt://127.0.0.1:1883", _broker_url),
    "broker.username": ("", _text),
    "broker.password_file": ("", _file),
    "broker.ca": ("", _file),
    "broker.cert": ("", _file),
    "broker.key": ("", _file),
    "broker.mqtt_version": ("auto", _one_of(*MQTT_VERSIONS)),
    "broker.client_id": ("zonetag-backend", _client_id),
    "http.host": ("127.0.0.1", host_fault),
    "http.port": (8765, _between(0, 65535)),
    "http.tls_cert": ("", _file),
    "http.tls_key": ("", _file),
    "http.names": ([], names_fault),
    "audit.checkpoint_dir": ("", _text),
    "audit.retention_days": (730, _between(30, 3650)),
    "contacts.second_officer": (False, _yes_or_no),
    "ingest.queue": (256, _between(16, 65536)),
    "ingest.search_epochs": (3, _between(1, 32)),
    "ingest.future_s": (300, _between(1, 86400)),
    "ingest.near_sites": ([], relay.faults),
    "ingest.unsigned": ("refuse", _one_of("refuse", "allow")),
    "link.every_s": (900, _between(0, 86400)),
    "enrolment.listen": ("", _listen),
    "enrolment.url": ("", _enrolment_url),
    **notices.SETTINGS,
    **subjectsettings.SETTINGS,
    **letterhead.SETTINGS,
}
