"""What hears adverts: real Bluetooth, capture files, the simulator.  Each is imported only when it is chosen."""

import importlib
from typing import Protocol, cast

from zonetag_gateway.central import Central
from zonetag_gateway.config import LIVE, Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Clock, Source


class _Module(Protocol):
    def make(self, config: Config, clock: Clock) -> Source: ...


def make(config: Config, clock: Clock) -> Source:
    """The source that `config.source.kind` names; SourceError when what it needs is not installed.

    Each module of this package has a `make` of the same form.
    """
    kind = config.source.kind
    try:
        module = cast(_Module, importlib.import_module(f"zonetag_gateway.sources.{kind}"))
    except ModuleNotFoundError as error:
        raise SourceError(
            f'source "{kind}" needs the Python package {error.name}, which is not installed',
            "Install the gateway's packages: pip install 'zonetag[gateway]'",
        ) from error
    return module.make(config, clock)


def make_central(config: Config) -> Central | None:
    """What connects to tags, if [link] wants it and the source is real Bluetooth or the simulator."""
    if not config.link.enabled:
        return None
    # Each needs packages that the others do without.
    if config.source.kind == "simulated":
        from zonetag_gateway.sources import simulated_central  # noqa: PLC0415  # see above

        return simulated_central.make(config)
    if config.source.kind not in LIVE:
        return None
    from zonetag_gateway.sources import central  # noqa: PLC0415  # see above

    return central.make(config)
