"""The seam between an adapter's owner (owner.py) and a way of hearing with it (bleak.py, mgmt.py)."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol


class Ear(Protocol):
    """What a backend tells.  From the event loop's thread only."""

    def advert(self, data: bytes, rssi: int) -> None:
        """An advert was heard just now: AD structures, dBm."""

    def odd(self, what: str) -> None:
        """Something came that is no advert: "no_rssi" or "malformed"."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan that has begun."""

    adapter: str
    # hci0
    how: str
    # for people and health: "mgmt", "passive+active", ...
    whole: bool
    # an advert that never changes is heard again and again
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    # set when what it hears with has gone away


class Backend(Protocol):
    """One way of hearing."""

    @property
    def name(self) -> str:
        """As in `source.kind` or `source.scanning`."""

    def scan(self, wanted: str, ear: Ear) -> AbstractAsyncContextManager[Scan]:
        """Scan with the adapter `wanted` ("": the first that can) until the block is left.

        SourceError when it does not begin.
        """
