"""The seam between the carrier of the link (link.py) and whatever connects to tags (sources/central.py)."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class NoTalk(Exception):
    """No connection came about, or what was connected to is no tag: `code` of carriage.ENDED."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Talk(Protocol):
    """A connection to a tag, its `up` characteristic subscribed."""

    @property
    def mtu(self) -> int:
        """Of ATT, 23 to 247."""

    async def write(self, part: bytes) -> None:
        """Write one part to `down`, without response; ConnectionError when the connection is over."""

    async def part(self) -> bytes:
        """The next part of `up`; ConnectionError when the connection is over."""


class Central(Protocol):
    """Connects to tags."""

    def talk(self, eid: bytes, limit_s: float) -> AbstractAsyncContextManager[Talk]:
        """A connection to who advertises this identifier now, until the block is left; NoTalk within the limit."""
