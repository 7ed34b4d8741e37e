"""What is under way for somebody and takes a while: how far it is, and that they want it no more.  In memory.

After a start of the server nothing is under way: what was not committed was undone by the database.
"""

import re
from dataclasses import dataclass, field
from threading import Event, Lock

from zonetag_backend.roster.telling import Stopped

KEY = re.compile(r"[0-9a-f]{16}")  # as the page makes it for its form
MOST = 100  # that are remembered; each is some words


@dataclass(slots=True)
class Work:
    """One of them; written by the thread that does it, read by others."""

    actor: str
    # who began it, as in the audit log
    stage: str = ""
    # of roster.telling; empty until it has begun
    done: int = 0
    total: int = 0
    stopping: bool = False
    over: Event = field(default_factory=Event)
    where: str = ""
    # the page with what came of it; empty: nothing did

    def tell(self, stage: str, done: int, total: int) -> None:
        """How far it is; Stopped when it is wanted no more."""
        self.stage, self.done, self.total = stage, done, total
        if self.stopping:
            raise Stopped


class Works:
    """All of this process."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._lock = Lock()
        self._known: dict[str, Work] = {}

    def begin(self, key: str, actor: str) -> Work | None:
        """A new one; none when there is one of that key already: a form that was sent twice."""
        work = Work(actor)
        if not KEY.fullmatch(key):
            return work  # of somebody who does not want to be told
        with self._lock:
            if key in self._known:
                return None
            if len(self._known) >= MOST:
                oldest = next((key for key, each in self._known.items() if each.over.is_set()), next(iter(self._known)))
                del self._known[oldest]
            self._known[key] = work
        return work

    def find(self, key: str, actor: str) -> Work | None:
        """Somebody's own."""
        with self._lock:
            work = self._known.get(key)
        return work if work is not None and work.actor == actor else None
