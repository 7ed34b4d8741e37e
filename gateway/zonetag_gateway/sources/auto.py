"""Real Bluetooth by the best way that works here.

In this order, for each adapter by itself (owner.py): the management socket, which shows everything at a fraction of
the cost, where this process may use it; bleak, passive and active together, which shows everything; bleak passive,
which shows our own tags; bleak active, which is all that a bluetoothd without advertisement monitors has.
"""

from collections.abc import Sequence
from typing import Any

from zonetag_gateway.config import Config
from zonetag_gateway.mgmt_socket import Connect, connect
from zonetag_gateway.source import Clock
from zonetag_gateway.sources import live, scanning
from zonetag_gateway.sources.backend import Backend
from zonetag_gateway.sources.bleak import Scanning
from zonetag_gateway.sources.mgmt import Managed

MODES = (f"{scanning.PASSIVE}+{scanning.ACTIVE}", scanning.PASSIVE, scanning.ACTIVE)


def make(config: Config, clock: Clock) -> "Auto":
    """The source that [source] describes."""
    source = config.source
    return Auto(source.adapters, source.scanning, config.company, clock, **live.settings(config, clock))


class Auto(live.Live):
    """Whatever works best, as a source."""

    def __init__(
        self,
        adapters: Sequence[str],
        mode: str,
        company: int,
        clock: Clock,
        *,
        connect: Connect = connect,
        **settings: Any,
    ) -> None:
        """`mode`: a value of source.scanning; other than "auto", it is the only one.  `settings` as of Live."""

        def backends() -> Sequence[Backend]:
            if mode != scanning.AUTO:
                return (Scanning(mode, company),)
            return (Managed(company, connect), *(Scanning(one, company) for one in MODES))

        super().__init__(adapters, backends, clock, **settings)
