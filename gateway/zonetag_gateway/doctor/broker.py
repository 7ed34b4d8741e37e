"""Checks of the way to the broker: name, TCP, then MQTT with the gateway's own settings."""

from collections.abc import Awaitable, Callable

from zonetag_gateway.config import BrokerConfig
from zonetag_gateway.doctor.findings import Finding, fail, ok

Reach = Callable[[str, int], Awaitable[str]]
"""host, port -> "" when TCP connects, else why not."""

Speak = Callable[[], Awaitable[tuple[str, bool]]]
"""-> what MQTT came to ("" = connected), and whether the broker refused the credentials."""


async def broker(settings: BrokerConfig, reach: Reach, speak: Speak) -> list[Finding]:
    """One finding for TCP, and one for MQTT if TCP works."""
    url = settings.url
    where = f"{url.host}:{url.port}"
    if why := await reach(url.host, url.port):
        return [
            fail(
                "broker",
                f"{where} cannot be reached ({why})",
                f"Check broker.url, then the network: getent hosts {url.host}; nc -vz {url.host} {url.port}",
            )
        ]
    reached = ok("broker", f"{where} can be reached")
    why, denied = await speak()
    if denied:
        return [reached, fail("mqtt", why, "Check broker.username and broker.password_file with the broker's operator")]
    if why:
        return [reached, fail("mqtt", why, "Check broker.url (mqtt or mqtts, port) and the certificates of [broker]")]
    return [reached, ok("mqtt", "the broker takes this gateway in")]
