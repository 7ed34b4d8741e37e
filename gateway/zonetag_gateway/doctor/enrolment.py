"""Check of who this gateway is: its keys, and how long its certificate lasts.  Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from zonetag_gateway.doctor.findings import Finding, fail, ok, warn
from zonetag_gateway.errors import GatewayError
from zonetag_gateway.source import Moment

SOON_MS = 15 * 86_400_000  # half of the time in which renewing is tried in vain (renewal.py)
ENROL = "At the server: zonetag gateway enrol NAME; then here what it prints"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An identity that can be read."""

    name: str
    # of the gateway
    from_ms: int
    # UTC: the certificate counts from here
    until_ms: int
    # to here


def enrolment(seen: Enrolled | GatewayError | None, now: Moment) -> Finding:
    """`seen`: the identity, why it cannot be used, or None when the configuration names none."""
    if seen is None:
        return warn(
            "identity", "this gateway is not enrolled: a server takes its reports only if its settings say so", ENROL
        )
    if isinstance(seen, GatewayError):
        return fail("identity", seen.what, seen.to_do)
    if now.utc_ms < seen.from_ms:
        return fail(
            "identity",
            f"the certificate of {seen.name} counts from {_day(seen.from_ms)}, and the clock says {_day(now.utc_ms)}",
            "Set the clock: sudo timedatectl set-ntp true; sudo systemctl restart zonetag-gateway",
        )
    if now.utc_ms >= seen.until_ms:
        return fail("identity", f"the certificate of {seen.name} has ended on {_day(seen.until_ms)}", ENROL)
    if seen.until_ms - now.utc_ms < SOON_MS:
        return warn(
            "identity",
            f"the certificate of {seen.name} ends on {_day(seen.until_ms)} and was not renewed",
            "See why: journalctl -u zonetag-gateway | grep renew; is the server's enrolment on, and its address right?",
        )
    return ok("identity", f"enrolled as {seen.name}, certificate until {_day(seen.until_ms)}")


def _day(utc_ms: int) -> str:
    return f"{datetime.fromtimestamp(utc_ms / 1000, UTC):%Y-%m-%d}"
