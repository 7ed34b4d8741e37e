"""gateway.toml: what may stand in it, checked whole, with every fault told at once.

The dataclasses below are the list of settings: each field carries the check of its setting in its metadata, and
deploy/gateway.example.toml documents each of them (a test compares the two).  Relative paths count from the folder of
the configuration file.
"""

# ruff: noqa: RUF009  # `_setting` makes a dataclass field, as `field` does; nothing mutable is shared

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from dataclasses import field as plain_field
from pathlib import Path
from typing import Any

from zonetag_gateway import checks
from zonetag_gateway.checks import Check, Wrong
from zonetag_gateway.errors import ConfigFaults, Fault
from zonetag_gateway.heartbeat import EID_BYTES, UID_BYTES
from zonetag_gateway.recovery import LABELS, Rung

LIVE = ("auto", "bleak", "mgmt")  # kinds of source that are real Bluetooth


def _setting(check: Check, default: Any = MISSING) -> Any:
    return plain_field(default=default, metadata={"check": check})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """[source]: what hears the adverts."""

    kind: str = _setting(checks.one_of(*LIVE, "replay", "simulated"), "auto")
    adapters: tuple[str, ...] = _setting(checks.texts, ())
    # names as hci0; none = the first that can scan
    scanning: str = _setting(checks.one_of("auto", "passive+active", "passive", "active"), "auto")
    file: tuple[Path, ...] = _setting(checks.paths, ())
    # captures to replay, one after the other
    speed: float = _setting(checks.speed, 1.0)
    # of a replay: 1.0 = as it was; math.inf = as fast as it goes
    air: tuple[str, int] = _setting(checks.address, ("127.0.0.1", 8766))
    # where the simulator listens: host, port


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsConfig:
    """[windows]: how adverts are folded."""

    length_s: float = _setting(checks.number(0.5, 60), 4.0)
    silence_s: float = _setting(checks.number(0.5, 60), 3.0)
    change_db: int = _setting(checks.whole(0, 100), 12)
    # 0 = never close early
    max_open: int = _setting(checks.whole(16, 65_536), 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    """[report]: how windows are batched."""

    every_s: float = _setting(checks.number(0.5, 300), 5.0)
    max_windows: int = _setting(checks.whole(1, 4096), 2000)
    close_at_once: bool = _setting(checks.yes_or_no, True)
    # a tag that is held close is reported without waiting for `every_s` (arrivals.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """[spool]: where reports wait until the backend has them."""

    path: Path = _setting(checks.path, Path("/var/lib/zonetag-gateway/spool.db"))
    max_mb: int = _setting(checks.whole(1, 1_000_000), 512)
    # MB of 1,000,000 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """[broker]: where reports go."""

    url: checks.BrokerUrl = _setting(checks.broker_url)
    username: str = _setting(checks.text, "")
    password_file: Path | None = _setting(checks.readable_file, None)
    ca: Path | None = _setting(checks.readable_file, None)
    cert: Path | None = _setting(checks.readable_file, None)
    key: Path | None = _setting(checks.readable_file, None)
    mqtt_version: str = _setting(checks.one_of("auto", "5", "3.1.1"), "auto")
    in_flight: int = _setting(checks.whole(1, 100), 10)
    resend_s: float = _setting(checks.number(1, 3600), 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """[identity]: who this gateway is, once it is enrolled."""

    folder: Path | None = _setting(checks.optional_path, None)
    # what `zonetag-gateway enrol` has filled (identity.py); None = reports go unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthConfig:
    """[health]: how often the gateway says how it is."""

    every_s: float = _setting(checks.number(1, 3600), 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """[metrics]: the page for Prometheus."""

    listen: tuple[str, int] | None = _setting(checks.optional_address, None)
    # host, port; None = no page


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryConfig:
    """[recovery]: what may be done when nothing is heard (recovery.py)."""

    highest: str = _setting(checks.one_of(*LABELS), Rung.POWER_CYCLE.label)
    reboots_per_day: int = _setting(checks.whole(1, 24), 2)
    heartbeat: bytes = _setting(checks.identifier(EID_BYTES, UID_BYTES), b"")
    # identifier of the badge at the gateway; empty = none


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackConfig:
    """[feedback]: the sign at the door (feedback.py)."""

    led: Path | None = _setting(checks.optional_path, None)
    # the file `brightness` of a light or buzzer; None = no sign


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """[remote]: commands over the broker (SPEC.md section 8.4)."""

    enabled: bool = _setting(checks.yes_or_no, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """[link]: connections to tags that the backend calls (link.py)."""

    enabled: bool = _setting(checks.yes_or_no, False)
    adapter: str = _setting(checks.text, "")
    # name as hci1; "" = the first of source.adapters
    connections: int = _setting(checks.whole(1, 8), 4)
    budget_s: float = _setting(checks.number(10, 300), 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAssistantConfig:
    """[homeassistant]: the gateway's own health in Home Assistant."""

    discovery: bool = _setting(checks.yes_or_no, False)
    prefix: str = _setting(checks.topic_prefix, "homeassistant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration of one gateway."""

    site: str = _setting(checks.name)
    name: str = _setting(checks.name)
    company: int = _setting(checks.whole(0, 0xFFFF), 0xFFFF)
    source: SourceConfig
    windows: WindowsConfig
    report: ReportConfig
    spool: SpoolConfig
    broker: BrokerConfig
    identity: IdentityConfig
    health: HealthConfig
    metrics: MetricsConfig
    homeassistant: HomeAssistantConfig
    recovery: RecoveryConfig
    remote: RemoteConfig
    feedback: FeedbackConfig
    link: LinkConfig


SECTIONS: dict[str, type] = {
    "source": SourceConfig,
    "windows": WindowsConfig,
    "report": ReportConfig,
    "spool": SpoolConfig,
    "broker": BrokerConfig,
    "identity": IdentityConfig,
    "health": HealthConfig,
    "metrics": MetricsConfig,
    "homeassistant": HomeAssistantConfig,
    "recovery": RecoveryConfig,
    "remote": RemoteConfig,
    "feedback": FeedbackConfig,
    "link": LinkConfig,
}

Overrides = Mapping[str, Mapping[str, object]]
"""Section -> setting -> value that stands in place of the file's (from the command line)."""


def load(path: Path, overrides: Overrides | None = None) -> Config:
    """Read and check `path`; ConfigFaults with every fault of it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        fault = Fault("unreadable", "", f"cannot be read: {error.strerror}; copy gateway.example.toml there")
        raise ConfigFaults(str(path), (fault,)) from error
    except ValueError as error:  # TOML and UTF-8 alike
        raise ConfigFaults(str(path), (Fault("not-toml", "", f"is not TOML: {error}"),)) from error
    return parse(table, path.parent, overrides, str(path))


def parse(
    table: Mapping[str, object], folder: Path, overrides: Overrides | None = None, name: str = "the configuration"
) -> Config:
    """Check a table as tomllib gives it; ConfigFaults with every fault of it."""
    faults: list[Fault] = []
    sections: dict[str, object] = {}
    for section, cls in SECTIONS.items():
        settings = table.get(section, {})
        if not isinstance(settings, Mapping):
            faults.append(Fault("wrong-type", section, f"is a section: write [{section}] on a line of its own"))
            settings = {}
        settings = {**settings, **(overrides or {}).get(section, {})}
        sections[section] = _read(cls, settings, section + ".", folder, faults)
    top = {key: value for key, value in table.items() if key not in SECTIONS}
    config: Config | None = _read(Config, top, "", folder, faults, given=sections)
    faults.extend(_conflicts(sections))
    if faults or config is None:
        raise ConfigFaults(name, tuple(faults))
    return config


def _read(
    cls: type,
    table: Mapping[str, object],
    prefix: str,
    folder: Path,
    faults: list[Fault],
    *,
    given: Mapping[str, object] | None = None,
) -> Any:
    """An instance of `cls` from its settings, or None with at least one fault appended."""
    values: dict[str, object] = dict(given or {})
    before = len(faults)
    known = [f for f in fields(cls) if f.name not in values]
    for f in known:
        if f.name not in table:
            if f.default is MISSING:
                faults.append(Fault("missing", prefix + f.name, "must be set"))
            continue
        try:
            values[f.name] = f.metadata["check"](table[f.name], folder)
        except Wrong as wrong:
            faults.append(Fault(wrong.code, prefix + f.name, str(wrong)))
    for key in table:
        if key not in {f.name for f in known}:
            names = ", ".join(f.name for f in known)
            faults.append(Fault("unknown-setting", prefix + key, f"is no setting; there are: {names}"))
    return None if len(faults) > before or None in (given or {}).values() else cls(**values)


def _conflicts(sections: Mapping[str, object]) -> list[Fault]:
    """What is wrong between settings that are each right."""
    found = []
    source, broker = sections["source"], sections["broker"]
    if isinstance(source, SourceConfig) and source.kind == "replay" and not source.file:
        found.append(Fault("conflict", "source.file", 'must name a capture when source.kind is "replay"'))
    if isinstance(broker, BrokerConfig):
        if (broker.cert is None) != (broker.key is None):
            found.append(Fault("conflict", "broker.cert", "goes together with broker.key: set both or neither"))
        if (broker.ca or broker.cert) and not broker.url.tls:
            found.append(Fault("conflict", "broker.url", "must begin with mqtts:// when ca or cert is set"))
        if broker.password_file and not broker.username:
            found.append(Fault("conflict", "broker.username", "must be set when password_file is"))
    return found


def setting_names() -> list[str]:
    """Every setting, as "section.setting" (or "setting" at the top), in the order of the documentation."""
    names = [f.name for f in fields(Config) if not is_dataclass(f.type) and f.name not in SECTIONS]
    for section, cls in SECTIONS.items():
        names += [f"{section}.{f.name}" for f in fields(cls)]
    return names
