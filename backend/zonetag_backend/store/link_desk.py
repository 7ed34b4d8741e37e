"""Where the links of all tags come together: whom to call, and what to do with what they say.

Works within the writer's transaction and by its thread.  What it wants said lies in `out`, and may go out once that
transaction is committed; after one that failed, `forget`: every session is over, and its tag is called again later.
"""

import json
import logging
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, update

from zonetag_backend.ingest import Ingest
from zonetag_backend.link import calls
from zonetag_backend.link.calls import Calls, Sighting
from zonetag_backend.link.records import Step
from zonetag_backend.link.session import Session
from zonetag_backend.store import contact_log, tag_link
from zonetag_backend.store.schema import gateway_status, tag_clock
from zonetag_backend.tracing.contacts import CURABLE, judge
from zonetag_protocol import carriage, contact, link
from zonetag_protocol.carriage import Downlink, Uplink
from zonetag_protocol.errors import Forged, Malformed
from zonetag_protocol.rotation import derive_keys

log = logging.getLogger(__name__)

MOST_SESSIONS = 1000
LATE_MS = 15_000  # a status may be under way for so long: a tag waits 10 s for what follows it

# What is counted, by name.
CALLED = "called"
FETCHED = "fetched"  # sessions in which all was said
RECORDS = "records"
UNKNOWN_SESSION = "unknown-session"  # of one that is over, or from before our start
REPEATED = "repeated"  # a message that was here already


@dataclass(slots=True)
class Line:
    """A session under way."""

    id: bytes
    sighting: Sighting
    session: Session
    until_ms: int
    # it is over if nothing has come by then
    heard_ms: int
    # when its gateway heard the tag last
    number: int = 0
    # of the last message downwards
    expected: int = 0
    # number of the next upwards
    complete: bool = False
    # all was said


@dataclass(slots=True)
class Desk:
    """One for a backend."""

    ingest: Ingest
    every_s: int
    counts: Counter[str] = field(default_factory=Counter)
    out: list[tuple[str, Downlink]] = field(default_factory=list)
    # beside the site of the gateway
    apart: bool = False
    # whether records that may be understood by other clocks were kept apart just now
    _lines: dict[bytes, Line] = field(default_factory=dict)
    _by_tag: dict[int, Line] = field(default_factory=dict)
    _calls: Calls | None = None
    _able: set[str] = field(default_factory=set)
    # gateways that take calls
    _with_orders: set[int] = field(default_factory=set)
    _sightings: dict[tuple[int, str], Sighting] = field(default_factory=dict)

    def forget(self) -> None:
        """The transaction failed: nothing of it was done or said."""
        self._lines.clear()
        self._by_tag.clear()
        self._sightings.clear()
        self.out.clear()
        self._calls = None

    def note_health(self, gateway: str, health: str) -> None:
        """Whether a gateway takes calls, it says in its health."""
        if _takes_calls(health):
            self._able.add(gateway)
        else:
            self._able.discard(gateway)

    def see(self, sightings: Iterable[Sighting]) -> None:
        """Tags that were just heard."""
        for each in sightings:
            if each.gateway in self._able:
                self._sightings[each.tag, each.gateway] = each

    def work(
        self, connection: Connection, ups: Sequence[tuple[str, Uplink]], now_ms: int
    ) -> list[tuple[str, Downlink]]:
        """Take what came (site, message), end what is over, call whom to call; what is to be said after the commit."""
        self.out = []
        self.apart = False
        if self._calls is None:
            self._begin(connection)
        for site, up in ups:
            self._take(connection, site, up, now_ms)
        for line in [line for line in self._lines.values() if line.until_ms < now_ms]:
            self._end(line, now_ms)
        if self._sightings:
            self._call(connection, now_ms)
        return self.out

    def _begin(self, connection: Connection) -> None:
        self._calls = Calls(self.every_s)
        for which, at_ms in tag_link.fetched(connection).items():
            self._calls.fetched(which, at_ms)
        for row in connection.execute(select(gateway_status.c.gateway, gateway_status.c.health)):
            self.note_health(row.gateway, row.health)

    def _call(self, connection: Connection, now_ms: int) -> None:
        assert self._calls is not None
        self._with_orders = tag_link.with_orders(connection, now_ms)
        sightings, self._sightings = list(self._sightings.values()), {}
        for each in sightings:
            line = self._by_tag.get(each.tag)
            if line is not None and line.sighting.gateway == each.gateway:
                line.heard_ms = max(line.heard_ms, each.at_ms)
        busy = Counter(line.sighting.gateway for line in self._lines.values())
        # Who waits longest first; of the gateways that hear a tag the one that hears it best.
        sightings.sort(key=lambda s: (self._waited_s(s, now_ms), s.rssi_max), reverse=True)
        for each in sightings:
            if len(self._lines) >= MOST_SESSIONS or busy[each.gateway] >= calls.MOST_AT_GATEWAY:
                continue
            line = self._by_tag.get(each.tag)
            if line is not None and (line.expected or not calls.walked_on(line.sighting, line.heard_ms, each)):
                continue
            if not self._calls.wanted(each, each.tag in self._with_orders, now_ms):
                continue
            if line is not None:
                self._end(line, now_ms)
                busy[line.sighting.gateway] -= 1
            self._open(connection, each, now_ms)
            busy[each.gateway] += 1

    def _waited_s(self, sighting: Sighting, now_ms: int) -> int:
        assert self._calls is not None
        return self._calls.waited_s(sighting.tag, now_ms)

    def _open(self, connection: Connection, sighting: Sighting, now_ms: int) -> None:
        record = self.ingest.tags[self.ingest.index(sighting.tag)]
        if record.sealed_key is None or not record.active:
            return
        k_link = derive_keys(self.ingest.open_key(record.id, record.sealed_key)).link
        end = link.backend_end(k_link, sighting.epoch, secrets.token_bytes(link.NONCE))
        hello = end.begin()
        orders = tag_link.open_orders(connection, sighting.tag, now_ms)
        session = Session(end, tag_link.known(connection, sighting.tag), orders)
        valid_s = calls.valid_s(sighting, now_ms)
        until_ms = now_ms + valid_s * 1000 + calls.IDLE_MS
        line = Line(secrets.token_bytes(carriage.SESSION), sighting, session, until_ms, sighting.at_ms)
        self._lines[line.id] = self._by_tag[sighting.tag] = line
        self.counts[CALLED] += 1
        waited_s = self._waited_s(sighting, now_ms)
        call = Downlink(sighting.gateway, line.id, 0, sighting.eid, waited_s, valid_s, (hello,))
        self.out.append((sighting.site, call))

    def _take(self, connection: Connection, site: str, up: Uplink, now_ms: int) -> None:
        line = self._lines.get(up.session)
        if line is None or line.sighting.gateway != up.gateway:
            self.counts[UNKNOWN_SESSION] += 1
            if not up.ended:
                self.out.append((site, Downlink(up.gateway, up.session, 1, over=True)))
            return
        if up.number < line.expected:
            self.counts[REPEATED] += 1
            return
        if up.number > line.expected:
            self.counts[carriage.LOST] += 1
            self._end(line, now_ms)
            return
        line.expected += 1
        line.until_ms = now_ms + calls.IDLE_MS
        for message in up.messages:
            try:
                step = line.session.take(message, now_ms)
            except (Malformed, Forged) as error:
                self.counts[error.code] += 1
                self._end(line, now_ms)
                return
            self._do(connection, line, step, now_ms)
        if up.ended:
            self.counts["ended-" + up.ended] += 1
            self._end(line, now_ms, tell=False)

    def _do(self, connection: Connection, line: Line, step: Step, now_ms: int) -> None:
        """Write what a step found, and lay out what it says."""
        which, gateway = line.sighting.tag, line.sighting.gateway
        if step.status is not None:
            tag_link.note_status(connection, which, gateway, step.status, now_ms)
            self._confirm(connection, which, step.status.t, now_ms)
        if step.through is not None:
            malformed = self._write_records(connection, which, step.records, now_ms)
            tag_link.note_records(connection, which, step.through, step.passed_over, malformed)
        if step.settled:
            tag_link.note_settled(connection, step.settled, now_ms)
        if step.over:
            line.complete = True
            self.counts[FETCHED] += 1
        if step.over or step.empty:  # who walks away before the goodbye is fetched whole
            tag_link.note_fetched(connection, which, now_ms)
        if step.say:
            line.number += 1
            said = Downlink(gateway, line.id, line.number, messages=tuple(step.say), over=step.over)
            self.out.append((line.sighting.site, said))

    def _confirm(self, connection: Connection, which: int, t: int, now_ms: int) -> None:
        """A tag said its clock, sealed, in answer to a nonce of ours: what frames say of it is then no replay."""
        index = self.ingest.index(which)
        track = self.ingest.tracks[index]
        if track.confirmed or abs(now_ms - t * 1000 - track.offset_ms) > track.slack_ms + LATE_MS:
            return
        self.ingest.tracks[index] = track._replace(confirmed=True)
        clock = update(tag_clock).where(tag_clock.c.tag == which)
        connection.execute(clock.values(confirmed=True))

    def _write_records(self, connection: Connection, which: int, records: Sequence[bytes], now_ms: int) -> int:
        """Judge records and put them in; how many are none."""
        read = []
        for each in records:
            try:
                read.append(contact.unpack(each))
            except Malformed:
                continue
        good, apart = judge(self.ingest, which, read, now_ms)
        contact_log.write(connection, good, apart)
        self.apart |= any(row.reason in CURABLE for row in apart)
        self.counts[RECORDS] += len(read)
        malformed = len(records) - len(read)
        if malformed:
            self.counts[Malformed.code] += malformed
        return malformed

    def _end(self, line: Line, now_ms: int, *, tell: bool = True) -> None:
        assert self._calls is not None
        del self._lines[line.id]
        del self._by_tag[line.sighting.tag]
        self._calls.ended(line.sighting.tag, line.sighting.gateway, line.session.proved, line.complete, now_ms)
        if tell and not line.complete:
            line.number += 1
            over = Downlink(line.sighting.gateway, line.id, line.number, over=True)
            self.out.append((line.sighting.site, over))


def _takes_calls(health: str) -> bool:
    try:
        told = json.loads(health)
    except ValueError:
        return False
    return isinstance(told, dict) and isinstance(told.get("link"), dict)
