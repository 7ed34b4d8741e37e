"""The page `/metrics` in Prometheus' text format 0.0.4.  Pure.  No tag in any label, nothing that tells people apart.

`FAMILIES` is the list of names; docs, dashboard and alert rules are checked against it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "zonetag_gateway_"
REASONS = ("flood", "surplus", "disk", "reports")  # there from the start, so that a rate sees the first one
TAGS = "tags"  # kind of the adverts that made windows: tags and badges

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a page is made of."""

    health: Mapping[str, Any]
    # as health.health gives it
    version: str
    # of the program
    limit_bytes: int
    # spool.max_mb
    connected: bool
    # to the broker
    last_advert_age_s: float
    # since the last report with adverts; since the start when there was none
    uptime_s: float
    # since the start


@dataclass(frozen=True, slots=True)
class Family:
    """One metric."""

    name: str
    # without PREFIX
    kind: str
    # "counter" or "gauge"
    help: str
    # for people
    values: Callable[[Scene], list[tuple[Labels, float]]]


def _one(value: Callable[[Scene], float]) -> Callable[[Scene], list[tuple[Labels, float]]]:
    return lambda scene: [((), value(scene))]


def _told(*path: str) -> Callable[[Scene], list[tuple[Labels, float]]]:
    """A value of the health by its path."""

    def value(scene: Scene) -> float:
        found: Any = scene.health
        for key in path:
            found = found[key]
        return float(found)

    return _one(value)


def _info(scene: Scene) -> list[tuple[Labels, float]]:
    mqtt = str(scene.health["broker"]["version"])
    return [((("version", scene.version), ("source", str(scene.health["source"])), ("mqtt", mqtt)), 1)]


def _adverts(scene: Scene) -> list[tuple[Labels, float]]:
    tallies: Mapping[str, int] = scene.health["tallies"]
    kinds = {name.partition(".")[2]: n for name, n in tallies.items() if name.startswith("adverts.")}
    kinds["malformed"] = tallies.get("malformed", 0)
    kinds[TAGS] = tallies.get("adverts", 0) - sum(kinds.values()) - tallies.get("dropped.flood", 0)
    return [((("kind", kind),), float(n)) for kind, n in sorted(kinds.items())]


def _dropped(scene: Scene) -> list[tuple[Labels, float]]:
    tallies: Mapping[str, int] = scene.health["tallies"]
    dropped = dict.fromkeys(REASONS, 0)
    dropped |= {name.partition(".")[2]: n for name, n in tallies.items() if name.startswith("dropped.")}
    return [((("reason", reason),), float(n)) for reason, n in sorted(dropped.items())]


def _updates(scene: Scene) -> list[tuple[Labels, float]]:
    """Updates by how they ended; there from the start, so that a rate sees the first one."""
    counts: Mapping[str, int] = scene.health.get("commands", {})
    ends = {name.partition(".")[2]: n for name, n in counts.items() if name.startswith("update.")}
    return [((("outcome", end),), float(n)) for end, n in sorted(ends.items())]


def _steps(key: str) -> Callable[[Scene], list[tuple[Labels, float]]]:
    """Counts by step of the recovery; none of a source that has no recovery."""
    return lambda scene: [((("step", step),), float(n)) for step, n in sorted(scene.health.get(key, {}).items())]


def _adapters(value: Callable[[str, Mapping[str, Any]], list[tuple[Labels, float]]]) -> Callable[[Scene], Any]:
    """Values of each adapter by itself; none of a source that has no adapter."""

    def values(scene: Scene) -> list[tuple[Labels, float]]:
        told: Mapping[str, Mapping[str, Any]] = scene.health.get("adapters", {})
        return [row for name, one in sorted(told.items()) for row in value(name, one)]

    return values


def _age(name: str, one: Mapping[str, Any]) -> list[tuple[Labels, float]]:
    age = one["last_advert_age_s"]
    return [] if age is None else [((("adapter", name),), float(age))]


def _adapter_steps(name: str, one: Mapping[str, Any]) -> list[tuple[Labels, float]]:
    return [((("adapter", name), ("step", step)), float(n)) for step, n in sorted(one["recovery"].items())]


FAMILIES = (
    Family("info", "gauge", "Always 1; the labels tell what runs.", _info),
    Family("uptime_seconds", "gauge", "Since the gateway started.", _one(lambda scene: scene.uptime_s)),
    Family("adverts_total", "counter", "Adverts heard, by kind; tags = tags and badges.", _adverts),
    Family(
        "last_advert_age_seconds",
        "gauge",
        "Since anything was heard, known with each report.",
        _one(lambda scene: scene.last_advert_age_s),
    ),
    Family("recovery_steps_total", "counter", "Steps taken against silence.", _steps("recovery")),
    Family("recovery_failed_total", "counter", "Those that were not possible.", _steps("recovery_failed")),
    Family(
        "adapter_info",
        "gauge",
        "Always 1; by which way this adapter hears, empty while it does not.",
        _adapters(lambda name, one: [((("adapter", name), ("backend", str(one["backend"]))), 1.0)]),
    ),
    Family(
        "adapter_adverts_total",
        "counter",
        "Adverts that this adapter has heard.",
        _adapters(lambda name, one: [((("adapter", name),), float(one["adverts"]))]),
    ),
    Family("adapter_last_advert_age_seconds", "gauge", "Since this adapter heard anything.", _adapters(_age)),
    Family(
        "adapter_recovery_steps_total", "counter", "Steps against this adapter's silence.", _adapters(_adapter_steps)
    ),
    Family(
        "windows_total",
        "counter",
        "Windows that adverts were folded into.",
        _one(lambda scene: scene.health["tallies"].get("windows", 0)),
    ),
    Family(
        "dropped_total",
        "counter",
        "Lost for good: adverts (flood, surplus, disk) or whole reports (reports: over spool.max_mb).",
        _dropped,
    ),
    Family("reports_sent_total", "counter", "Reports sent, each once.", _told("sent")),
    Family("reports_resent_total", "counter", "Sendings again.", _told("resent")),
    Family("reports_acknowledged_total", "counter", "Reports that the backend has.", _told("acknowledged")),
    Family("reports_refused_total", "counter", "Publishes that the broker has refused aloud.", _told("refused")),
    Family("acknowledgements_ignored_total", "counter", "Of nothing that was sent.", _told("acks_ignored")),
    Family("acknowledgements_malformed_total", "counter", "That could not be read.", _told("acks_malformed")),
    Family("updates_total", "counter", "Updates of this program, by how they ended.", _updates),
    Family("spool_reports", "gauge", "Reports that wait on the disk.", _told("spool", "reports")),
    Family("spool_bytes", "gauge", "Bytes of the spool in use.", _told("spool", "bytes")),
    Family("spool_limit_bytes", "gauge", "spool.max_mb.", _one(lambda scene: scene.limit_bytes)),
    Family("spool_held_reports", "gauge", "Reports in memory because the disk refuses.", _told("spool", "held")),
    Family("broker_connected", "gauge", "1 while connected.", _one(lambda scene: scene.connected)),
    Family("broker_connects_total", "counter", "Connections that came about.", _told("broker", "connects")),
    Family("clock_synchronised", "gauge", "1 when the system calls its clock synchronised.", _told("synchronised")),
    Family("clock_seconds", "gauge", "The gateway's UTC.", _one(lambda scene: scene.health["utc_ms"] / 1000)),
)


def names() -> list[str]:
    """Every metric's whole name."""
    return [PREFIX + family.name for family in FAMILIES]


def page(scene: Scene) -> str:
    """The whole page."""
    lines = []
    for family in FAMILIES:
        name = PREFIX + family.name
        lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
        lines += [f"{name}{_braces(labels)} {_number(value)}" for labels, value in family.values(scene)]
    return "\n".join(lines) + "\n"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"
