"""What the pages of cases need beside the desk, and the work that may take longer than a page may: tracing, sending.

Work is done in a thread of its own; the page that asked waits a moment and otherwise shows that it goes on.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_backend.errors import BackendError
from zonetag_backend.notices.settings import NoticeSettings, senders
from zonetag_backend.store import audit, case_news, cases, notices
from zonetag_backend.store.cases import Case
from zonetag_backend.store.engine import Database, Transaction, reading, writing
from zonetag_backend.store.retention import horizon_ms
from zonetag_backend.store.tracing import traced
from zonetag_backend.tracing.profile import DAY_MS, PROFILES, Profile, infectious

PATIENCE_S = 2.0  # for so long a page waits for work before it shows that it goes on
AT_ONCE = 2  # traces; each is a processor's whole work
LOOK_EVERY_S = 300.0  # whether something came for an open case
AGAIN_MS = 1_800_000  # an open case is traced by itself no sooner than this after its last trace
SHARE = 20  # nor sooner than so many times what that took
SYSTEM = "system"  # who traces by itself, in the audit log
KEPT_MS = 600_000  # what was found out for a page that keeps nothing in the database, it shows so long again

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """Of the settings, what cases are worked with."""

    profiles: Mapping[str, Profile] = field(default_factory=lambda: PROFILES)
    retention_days: int = 21
    notices: NoticeSettings | None = None
    # none: nobody can be told
    signing_key: Callable[[], Ed25519PrivateKey] | None = None
    # with which a case for another office is signed

    def window(self, case: Case, now_ms: int) -> tuple[int, int]:
        """The infectious days of a case, as far as anything of them is kept or has been."""
        low, high = infectious(self.profiles.get(case.profile, PROFILES["covid-19"]), case.onset_ms)
        return max(low, self.floor_ms(now_ms)), min(high, now_ms + DAY_MS)

    def floor_ms(self, now_ms: int) -> int:
        """What ended before this is not told any more."""
        return horizon_ms(now_ms, self.retention_days)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a trace says otherwise than the one before: people."""

    new: tuple[int, ...]
    gone: tuple[int, ...]
    other: tuple[int, ...]
    # still there, by another generation, probability or days


@dataclass(slots=True)
class Work:
    """One piece of work; the thread fills it in."""

    started_ms: int
    took_ms: int = 0
    # once done
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = False
    changes: Changes | None = None
    # of a trace that was not the first
    about: object = None
    # what an answer hangs on: when that is another, it is asked anew
    answer: object = None
    # of a question, once done


class Casework:
    """All work of one server; one piece for each case at a time."""

    def __init__(self, engine: Database, clock: Callable[[], int], settings: CaseSettings) -> None:
        self.settings = settings
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._work: dict[tuple[str, int], Work] = {}

    def trace(self, which: int, actor: str) -> None:
        """Trace a case anew; waits a moment for it."""
        self._start("trace", which, lambda work: self._trace(which, actor, work))

    def look(self, now_ms: int) -> int | None:
        """Trace one open case anew for which something came, the one traced longest ago; its id, none: there is none.

        Nobody is told by it: who was found newly is told when the officer says so.
        """
        if any(kind == "trace" and not work.done.is_set() for (kind, _), work in self._all()):
            return None  # one at a time by itself, and none beside an officer's
        with reading(self._engine) as connection:
            found = [each for each in cases.cases(connection, self.settings.floor_ms(now_ms)) if each.closed_ms is None]
            for case in sorted(found, key=lambda each: each.traced_ms or 0):
                window = self.settings.window(case, now_ms)
                if (
                    window[0] < window[1]
                    and self._rested(case, now_ms)
                    and case_news.came(connection, case, window, now_ms)
                ):
                    break
            else:
                return None
        self._start("trace", case.id, lambda work: self._trace(case.id, SYSTEM, work))
        return case.id

    def _rested(self, case: Case, now_ms: int) -> bool:
        work = self.tracing(case.id)
        started_ms, took_ms = (work.started_ms, work.took_ms) if work is not None else (0, 0)
        return now_ms - max(case.traced_ms or 0, started_ms) >= max(AGAIN_MS, SHARE * took_ms)

    def _all(self) -> list[tuple[tuple[str, int], Work]]:
        with self._lock:
            return list(self._work.items())

    def ask(self, which: int, about: object, question: Callable[[], object]) -> Work:
        """The answer of a question about a case, asked anew when it is old or hangs on something else than `about`.

        Waits a moment for it; the answer is of `about` only if that is the work's own.
        """
        now_ms = self._clock()
        with self._lock:
            asked = {key: work for key, work in self._work.items() if key[0] == "ask" and work.done.is_set()}
            for key, work in asked.items():  # people's data, which nobody may need again
                if (
                    work.failed
                    or not 0 <= now_ms - work.started_ms < KEPT_MS
                    or (key[1] == which and work.about != about)
                ):
                    del self._work[key]
            kept = self._work.get(("ask", which))
        if kept is None:
            self._start("ask", which, lambda work: _answer(work, about, question))
        else:
            kept.done.wait(PATIENCE_S)
        with self._lock:
            return self._work[("ask", which)]

    def send(self, which: int) -> None:
        """Send what is due; waits a moment for it.  What is not taken is tried again by the server itself."""
        self._start("send", which, lambda work: self._send())

    def tracing(self, which: int) -> Work | None:
        """The last trace of a case in this run of the server, done or not."""
        return self._work.get(("trace", which))

    def sending(self, which: int) -> bool:
        """Whether notices of a case are just going out."""
        work = self._work.get(("send", which))
        return work is not None and not work.done.is_set()

    def _start(self, kind: str, which: int, does: Callable[[Work], None]) -> None:
        with self._lock:
            work = self._work.get((kind, which))
            if work is None or work.done.is_set():
                work = self._work[kind, which] = Work(self._clock())
                thread = threading.Thread(target=self._run, args=(kind, which, work, does), daemon=True)
                thread.start()
        work.done.wait(PATIENCE_S)

    def _run(self, kind: str, which: int, work: Work, does: Callable[[Work], None]) -> None:
        try:
            with self._room:
                does(work)
        except Exception:  # whatever it is, the page says that it failed, and the log what
            log.exception("case %d: %s failed", which, kind)
            work.failed = True
        finally:
            work.took_ms = max(self._clock() - work.started_ms, 0)
            work.done.set()

    def _trace(self, which: int, actor: str, work: Work) -> None:
        now_ms = self._clock()
        # Read apart from the writing: the longest trace must not keep reports from being written.
        with reading(self._engine) as connection:
            case = cases.case_of(connection, which)
            before = _told(connection, which) if case.traced_ms is not None else None
            profile = self.settings.profiles.get(case.profile)
            if profile is None:
                raise BackendError(f"there is no profile {case.profile} in the settings any more")
            window = self.settings.window(case, now_ms)
            floor_ms = self.settings.floor_ms(now_ms)
            found = traced(connection, case.person, window, profile, floor_ms=floor_ms, others_until=now_ms)
        with writing(self._engine) as connection:
            case = cases.case_of(connection, which)  # erased meanwhile: nothing is kept of it
            if actor == SYSTEM and case.closed_ms is not None:
                return  # closed meanwhile: it stays as the officer left it
            cases.keep_exposures(connection, which, found, now_ms)
            audit.record(connection, now_ms, actor, "case.change", which, "traced")
            after = _told(connection, which)
        if before is not None:
            both = before.keys() & after.keys()
            other = tuple(sorted(who for who in both if before[who] != after[who]))
            work.changes = Changes(tuple(sorted(after.keys() - both)), tuple(sorted(before.keys() - both)), other)

    def _send(self) -> None:
        if self.settings.notices is not None:
            notices.send_due(self._engine, senders(self.settings.notices), self._clock)


def _answer(work: Work, about: object, question: Callable[[], object]) -> None:
    work.about = about
    work.answer = question()


def _told(connection: Transaction, which: int) -> dict[int, list[tuple[int, int, str, float]]]:
    found: dict[int, list[tuple[int, int, str, float]]] = {}
    for generation in (1, 2):
        for who, days in cases.exposures_of(connection, which, generation).items():
            found.setdefault(who, []).extend(
                (generation, day.day_ms, day.evidence, round(day.probability, 2)) for day in days
            )
    return found
