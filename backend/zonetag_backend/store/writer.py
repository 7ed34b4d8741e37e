"""The one who writes: a group of reports and states in one transaction, or not at all.

Idempotent: a report that is in already, by this writer or another one, changes nothing and is acknowledged again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError

from zonetag_backend.errors import StoreUnavailable
from zonetag_backend.ingest import Ingest
from zonetag_backend.store import chain, roster, status
from zonetag_backend.store.engine import writing
from zonetag_backend.store.ingest import Judged, write
from zonetag_backend.store.progress import Progress
from zonetag_protocol import report
from zonetag_protocol.acknowledgement import Acknowledgement


@dataclass(frozen=True, slots=True)
class ReportCame:
    """A report, decoded, as its topic and payload say."""

    site: str
    # of the topic
    report: report.Report
    hash: bytes
    # SHA-256 of its payload


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


Came = ReportCame | StateCame | HealthCame


@dataclass(slots=True)
class Counts:
    """How much was committed, and how much was not."""

    reports: int = 0
    windows: int = 0
    observations: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    # windows, by reason
    duplicates: int = 0
    refused: int = 0
    # reports of gateways that are not registered

    def count(self, other: "Counts") -> None:
        """Another group's too."""
        self.reports += other.reports
        self.windows += other.windows
        self.observations += other.observations
        self.rejected += other.rejected
        self.duplicates += other.duplicates
        self.refused += other.refused


@dataclass(slots=True)
class Done(Counts):
    """What a committed group did."""

    acknowledgements: list[tuple[str, Acknowledgement]] = field(default_factory=list)
    # beside the site of the gateway
    sites: set[str] = field(default_factory=set)
    # whose book may have changed

    def add(self, other: "Done") -> None:
        """Another group's too."""
        self.count(other)
        self.acknowledgements += other.acknowledgements
        self.sites |= other.sites


class Writer:
    """Writes groups, one at a time, from one thread."""

    def __init__(self, engine: Engine, ingest: Ingest) -> None:
        self._engine = engine
        self._ingest = ingest
        self._roster: roster.Roster | None = None
        self._progress = Progress()

    def write(self, group: Sequence[Came], now_ms: int) -> Done:
        """All of it in one transaction.  StoreUnavailable when the database cannot take it now: try again later."""
        try:
            return self._write(group, now_ms)
        except IntegrityError:
            # Another writer put in one of these reports at the same moment: now it can be seen that it did.
            self._forget()
            return self._again(group, now_ms)
        except (OperationalError, InterfaceError) as error:
            self._forget()
            raise StoreUnavailable(
                f"the database cannot be written: {error.orig}. Nothing is lost, the gateways keep what was not"
                " committed. Check the disk's free space and the database."
            ) from error
        except BaseException:
            self._forget()
            raise

    def _again(self, group: Sequence[Came], now_ms: int) -> Done:
        try:
            return self._write(group, now_ms)
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        """What was learned in a transaction that failed was not learned."""
        self._roster = None
        self._ingest.forget()

    def _write(self, group: Sequence[Came], now_ms: int) -> Done:
        done = Done()
        safe: dict[tuple[str, str, int], list[int]] = {}  # seqs to acknowledge, by site, gateway and boot
        with writing(self._engine) as connection:
            self._read_registry(connection)
            reports = self._registered(connection, [each for each in group if isinstance(each, ReportCame)], done)
            self._progress.load(connection, {(each.report.gateway, each.report.boot) for each in reports})
            seen = chain.committed(connection, {_name(each.report) for each in reports})
            judged: list[Judged] = []
            for each in reports:
                safe.setdefault((each.site, each.report.gateway, each.report.boot), []).append(each.report.seq)
                if _name(each.report) in seen:
                    done.duplicates += 1
                    continue
                seen.add(_name(each.report))
                judged.append(self._judge(each, now_ms, done))
            assert self._roster is not None
            write(connection, judged, self._roster.absence_ms, now_ms)
            for came in group:
                if isinstance(came, StateCame):
                    status.note_state(connection, came.gateway, came.site, came.online, now_ms)
                elif isinstance(came, HealthCame):
                    status.note_health(connection, came.gateway, came.site, came.health, now_ms)
        for (site, gateway, boot), seqs in safe.items():
            done.acknowledgements.append((site, self._progress.committed(gateway, boot, seqs)))
        return done

    def _read_registry(self, connection: Connection) -> None:
        """Take over what people changed since the last group."""
        if self._roster is None or self._roster.revision != roster.revision(connection):
            self._roster = roster.read(connection)
            self._ingest.take(self._roster.tags)

    def _registered(self, connection: Connection, reports: list[ReportCame], done: Done) -> list[ReportCame]:
        """Rule: known gateway.  Of the others nothing is stored but that they knocked."""
        assert self._roster is not None
        known: list[ReportCame] = []
        refused: Counter[tuple[str, str]] = Counter()
        for each in reports:
            post = self._roster.posts.get(each.report.gateway)
            if post is not None and post.site == each.site:
                known.append(each)
            else:
                refused[each.report.gateway, each.site] += 1
        for (gateway, site), n in refused.items():
            status.count(connection, gateway, site, refused=n)
            done.refused += n
        return known

    def _judge(self, each: ReportCame, now_ms: int, done: Done) -> Judged:
        assert self._roster is not None
        post = self._roster.posts[each.report.gateway]
        verdict = self._ingest.judge(each.report, post, now_ms)
        done.reports += 1
        done.windows += each.report.columns.n
        done.observations += len(verdict.observations)
        done.rejected.update(rejection.reason for rejection in verdict.rejections)
        done.sites.add(post.site)
        return Judged(each.report, each.hash, post, verdict)


def _name(of: report.Report) -> chain.Name:
    return of.gateway, of.boot, of.seq
