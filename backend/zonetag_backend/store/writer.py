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
from zonetag_backend.relay import Sites
from zonetag_backend.rules import RELAYED
from zonetag_backend.signatures import REVOKED, Signatures
from zonetag_backend.store import apart, chain, refusals, relayed, repair, roster, signing_keys, status
from zonetag_backend.store.asking import Gaps
from zonetag_backend.store.came import (
    Came,
    HealthCame,
    LossCame,
    RefusedCame,
    ReportCame,
    Signed,
    StateCame,
    UplinkCame,
    signer,
)
from zonetag_backend.store.engine import writing
from zonetag_backend.store.ingest import Judged, write, write_meaning
from zonetag_backend.store.link_desk import Desk
from zonetag_backend.store.progress import Progress
from zonetag_backend.store.sightings import sightings
from zonetag_protocol import report
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.carriage import Downlink

MAX_UNHELD = 10_000  # boots kept in mind


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
    unsigned: Counter[str] = field(default_factory=Counter)
    # messages of registered gateways whose signature does not let them in, by reason
    repaired: int = 0
    # windows kept apart for their time, and believed since their gateway knew it
    gaps: int = 0
    # boots of which reports are missing, each time that begins
    lost: int = 0
    # reports of which a gateway said that it no longer has them

    def count(self, other: "Counts") -> None:
        """Another group's too."""
        self.reports += other.reports
        self.windows += other.windows
        self.observations += other.observations
        self.rejected += other.rejected
        self.duplicates += other.duplicates
        self.refused += other.refused
        self.unsigned += other.unsigned
        self.repaired += other.repaired
        self.gaps += other.gaps
        self.lost += other.lost


@dataclass(slots=True)
class Done(Counts):
    """What a committed group did."""

    acknowledgements: list[tuple[str, Acknowledgement]] = field(default_factory=list)
    # beside the site of the gateway
    sites: set[str] = field(default_factory=set)
    # whose book may have changed
    relayed: set[str] = field(default_factory=set)
    # gateways that heard a tag which another site heard at once
    full: list[tuple[str, str]] = field(default_factory=list)
    # gateways and reasons of which no more rows are kept this hour
    judged: list[Judged] = field(default_factory=list)
    # the reports themselves, for whoever shows at once what was heard
    downlinks: list[tuple[str, Downlink]] = field(default_factory=list)
    # to tags, beside the site of the gateway
    moved: set[int] = field(default_factory=set)
    # tags that are new, or whose clock stands elsewhere than was thought
    apart_ms: int | None = None
    # from when on contact records were received that other clocks may explain; none: there were none

    def add(self, other: "Done") -> None:
        """Another group's too."""
        self.count(other)
        self.acknowledgements += other.acknowledgements
        self.sites |= other.sites
        self.relayed |= other.relayed
        self.full += other.full
        self.judged += other.judged
        self.downlinks += other.downlinks
        self.moved |= other.moved
        self.apart_ms = min((at for at in (self.apart_ms, other.apart_ms) if at is not None), default=None)


class Writer:
    """Writes groups, one at a time, from one thread."""

    def __init__(
        self,
        engine: Engine,
        ingest: Ingest,
        *,
        allow_unsigned: bool = False,
        far: Sites | None = None,
        desk: Desk | None = None,
    ) -> None:
        """`allow_unsigned`: take reports of gateways that were never enrolled; `far`: which sites are (all).

        `desk` calls tags over their links; none: nobody does.
        """
        self._desk = desk
        self._far = Sites() if far is None else far
        self._room = apart.Room()
        self._unheld: set[repair.Boot] = set()  # boots of which no report waits for the time
        self._engine = engine
        self._ingest = ingest
        self._allow_unsigned = allow_unsigned
        self._roster: roster.Roster | None = None
        self._signatures = Signatures((), allow_unsigned=False)
        self._progress = Progress()
        self._gaps = Gaps(engine, self._progress)

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
        self._progress.forget()
        if self._desk is not None:
            self._desk.forget()
        self._room.forget()
        self._unheld.clear()

    def _write(self, group: Sequence[Came], now_ms: int) -> Done:
        done = Done()
        safe: dict[tuple[str, str, int], list[int]] = {}  # seqs to acknowledge, by site, gateway and boot
        with writing(self._engine) as connection:
            self._read_registry(connection, done)
            believed = self._believed(connection, group, done, now_ms)
            reports = [each for each in believed if isinstance(each, ReportCame)]
            losses = [each for each in believed if isinstance(each, LossCame)]
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
            self._sift(connection, judged, done, now_ms)
            write(connection, judged, self._roster.absence_ms, now_ms, self._room)
            self._mend(connection, judged, done, now_ms)
            done.judged = judged
            for came in group:
                if isinstance(came, StateCame):
                    status.note_state(connection, came.gateway, came.site, came.online, now_ms)
                elif isinstance(came, HealthCame):
                    status.note_health(connection, came.gateway, came.site, came.health, now_ms)
                    if self._desk is not None:
                        self._desk.note_health(came.gateway, came.health)
            if self._desk is not None:
                self._desk.see(sighting for each in judged for sighting in sightings(each, self._ingest))
                ups = [(each.site, each.uplink) for each in believed if isinstance(each, UplinkCame)]
                done.downlinks = self._desk.work(connection, ups, now_ms)
                done.apart_ms = now_ms if self._desk.apart else None
            for lost in losses:
                done.lost += self._gaps.lose(connection, lost.loss, now_ms)
        done.full = self._room.settle()
        for lost in losses:
            safe.setdefault((lost.site, lost.loss.gateway, lost.loss.boot), [])
        acknowledged = [
            (site, self._progress.committed(gateway, boot, seqs)) for (site, gateway, boot), seqs in safe.items()
        ]
        done.acknowledgements, done.gaps = self._gaps.asking(acknowledged, now_ms)
        return done

    def _read_registry(self, connection: Connection, done: Done) -> None:
        """Take over what people changed since the last group."""
        if self._roster is None or self._roster.revision != roster.revision(connection):
            before = self._roster
            self._roster = roster.read(connection)
            if before is not None:
                done.moved |= {each.id for each in self._roster.tags} - {each.id for each in before.tags}
            self._ingest.take(self._roster.tags)
            keys = signing_keys.all_keys(connection)
            self._signatures = Signatures(keys, allow_unsigned=self._allow_unsigned)

    def _believed(self, connection: Connection, group: Sequence[Came], done: Done, now_ms: int) -> list[Signed]:
        """Rule: known gateway, its own signature.  Of the others nothing is stored but that they knocked, and why."""
        assert self._roster is not None
        self._signatures.rest()
        believed: list[Signed] = []
        strangers: Counter[tuple[str, str]] = Counter()
        refused: Counter[tuple[str, str]] = Counter()
        for each in group:
            if isinstance(each, RefusedCame):
                refused[each.gateway, each.code] += 1
            if not isinstance(each, Signed):
                continue
            name, about, at_ms = signer(each, now_ms)
            post = self._roster.posts.get(name)
            if self._signatures.is_revoked(name):
                refused[name, REVOKED] += 1
                done.unsigned[REVOKED] += 1
            elif post is None or post.site != each.site:
                strangers[name, each.site] += isinstance(each, ReportCame)
            elif code := self._signatures.refusal(name, each.opened, about, at_ms):
                refused[name, code] += 1
                done.unsigned[code] += 1
            else:
                believed.append(each)
        for (gateway, site), n in strangers.items():
            status.count(connection, gateway, site, refused=n)
            done.refused += n
        refusals.count(connection, refused, now_ms)
        return believed

    def _sift(self, connection: Connection, judged: Sequence[Judged], done: Done, now_ms: int) -> None:
        """Rule: at one site.  It looks at all that was heard, so it comes after the others."""
        assert self._roster is not None
        ground = relayed.Ground(self._roster.posts, self._roster.absence_ms, self._far)
        found = relayed.sift(connection, judged, self._ingest, ground, now_ms)
        if found.new or found.old:
            done.observations -= found.new + found.old
            done.rejected[RELAYED] += found.new + found.old
            done.sites |= found.sites
            done.relayed |= found.gateways

    def _mend(self, connection: Connection, judged: Sequence[Judged], done: Done, now_ms: int) -> None:
        """Hold what a wrong clock has spoilt, and judge again what can be given its time now."""
        assert self._roster is not None
        self._unheld -= repair.hold(connection, [(each.report, each.verdict) for each in judged], now_ms)
        boots = {(each.report.gateway, each.report.boot): each for each in judged}
        if len(self._unheld) > MAX_UNHELD:
            self._unheld.clear()
        there = repair.waiting(connection, boots.keys() - self._unheld)
        self._unheld |= boots.keys() - there
        for name in there:
            mended = []
            for held in repair.curable(connection, *name) or ():
                verdict = repair.placed(held, self._ingest.judge(held.report, boots[name].post, now_ms))
                done.moved |= verdict.moved
                repair.note(connection, held, verdict)
                mended.append(Judged(held.report, b"", boots[name].post, verdict))
            self._sift(connection, mended, done, now_ms)
            write_meaning(connection, mended, self._roster.absence_ms, now_ms)
            done.repaired += sum(len(each.verdict.observations) for each in mended)

    def _judge(self, each: ReportCame, now_ms: int, done: Done) -> Judged:
        assert self._roster is not None
        post = self._roster.posts[each.report.gateway]
        verdict = self._ingest.judge(each.report, post, now_ms)
        done.reports += 1
        done.moved |= verdict.moved
        done.windows += each.report.columns.n
        done.observations += len(verdict.observations)
        done.rejected.update(rejection.reason for rejection in verdict.rejections)
        done.sites.add(post.site)
        return Judged(each.report, each.hash, post, verdict)


def _name(of: report.Report) -> chain.Name:
    return of.gateway, of.boot, of.seq
