"""What comes in for the writer: each message of a gateway, read, not yet believed."""

from dataclasses import dataclass

from zonetag_protocol import report, topics
from zonetag_protocol.carriage import Uplink
from zonetag_protocol.envelope import Opened
from zonetag_protocol.loss import Loss


@dataclass(frozen=True, slots=True)
class ReportCame:
    """A report, decoded, as its topic and payload say."""

    site: str
    # of the topic
    report: report.Report
    hash: bytes
    # SHA-256 of its payload
    opened: Opened | None = None
    # its envelope; none counts as unsigned


@dataclass(frozen=True, slots=True)
class LossCame:
    """A gateway says that it no longer has what it was asked for."""

    site: str
    loss: Loss
    opened: Opened


@dataclass(frozen=True, slots=True)
class RefusedCame:
    """A message that says nothing, under the name of its topic."""

    site: str
    gateway: str
    code: str
    # of signatures.CODES


@dataclass(frozen=True, slots=True)
class StateCame:
    """A gateway, or the broker for it, says whether it is online."""

    site: str
    gateway: str
    online: bool


@dataclass(frozen=True, slots=True)
class HealthCame:
    """A gateway's health, JSON of an object."""

    site: str
    gateway: str
    health: str


@dataclass(frozen=True, slots=True)
class UplinkCame:
    """A gateway carries what a tag says over its link."""

    site: str
    # of the topic
    uplink: Uplink
    opened: Opened


Signed = ReportCame | LossCame | UplinkCame  # what bears a gateway's signature
Came = ReportCame | LossCame | StateCame | HealthCame | UplinkCame | RefusedCame


def signer(each: Signed, now_ms: int) -> tuple[str, str, int]:
    """Whose signature it should bear, as what, and of which time it speaks."""
    if isinstance(each, ReportCame):
        return each.report.gateway, topics.REPORT, each.report.base.utc_ms
    if isinstance(each, LossCame):
        return each.loss.gateway, topics.LOST, now_ms
    return each.uplink.gateway, topics.UPLINK, now_ms
