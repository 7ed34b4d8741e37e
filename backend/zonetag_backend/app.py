"""The server in one object: broker, writer and pages together.  With the commands, the outermost file."""

from collections.abc import Callable
from types import TracebackType

from sqlalchemy import Engine

from zonetag_backend.config import Config
from zonetag_backend.events import Events


class Backend:
    """`async with Backend(config, clock) as backend:` serves until the block is left.

    `config` from `zonetag_backend.config.load(None, {"data": ..., "broker.url": ..., "http.port": 0})`;
    `clock` gives UTC in ms.
    """

    def __init__(self, config: Config, clock: Callable[[], int]) -> None:
        self.config = config
        self.clock = clock
        self.events = Events()
        self.engine: Engine
        # the store, once entered

    @property
    def url(self) -> str:
        """Address of the pages, once entered (with the port that was taken, for port 0)."""
        raise NotImplementedError

    def counters(self) -> dict[str, int | dict[str, int]]:
        """Since the start: reports, windows, observations, rejected {reason: windows}, duplicates, refused, malformed."""
        raise NotImplementedError

    async def __aenter__(self) -> "Backend":
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError
