"""The working days before the demo begins, made by the same simulator and taken in by the backend's own ways.

What gateways would have reported and carried then becomes the very bytes that a broker would bring: reports, and the
sealed sessions of the link in which the tags' contact logs come home.  The writer resolves, judges and writes them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from zonetag_backend.demo.registry import SITE, TIMEZONE
from zonetag_backend.ingest import Ingest
from zonetag_backend.keys import Keyring
from zonetag_backend.simulate import rhythm
from zonetag_backend.simulate.air_link import TagLinks
from zonetag_backend.simulate.between import between
from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.office import Office
from zonetag_backend.simulate.plan import BRICK_DB
from zonetag_backend.simulate.radio import links
from zonetag_backend.simulate.tag import MOVING_MS, REST_MS
from zonetag_backend.simulate.tagend import TagEnd
from zonetag_backend.simulate.thinned import Heard, windows
from zonetag_backend.store.came import Came, HealthCame
from zonetag_backend.store.engine import Database
from zonetag_backend.store.link_desk import Desk
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import read
from zonetag_protocol import carriage, envelope, report, topics
from zonetag_protocol.carriage import Downlink, Uplink

DAY_S = 86_400
LENGTH_S = 35_100.0  # of an office's day
_CHUNK_S = 600  # of one report; no report spans more than 655 s
_FETCH_S = 3600  # a log is fetched again after so long
_FUTURE_MS = 300_000
_SEARCH_EPOCHS = 3
_EID, _AUTH = slice(13, 21), slice(25, 31)  # of an advert
_SATURDAY = 5
_UP_MS = 100 * DAY_S * 1000  # so long the gateways had been running


class Stopped(Exception):
    """Somebody wants the demo to end before it has begun."""


def working_days(start_ms: int, count: int) -> list[int]:
    """How many days before the one that begins at `start_ms` the last `count` working days were, the earliest first."""
    found: list[int] = []
    back = 0
    while len(found) < count:
        back += 1
        day = datetime.fromtimestamp(start_ms / 1000 - back * DAY_S, UTC).astimezone(ZoneInfo(TIMEZONE))
        if day.weekday() < _SATURDAY:
            found.insert(0, back)
    return found


def day_of(office: Office, back: int, length_s: float) -> Day:
    """A day of the office, so many days ago; 0 is the one that is to come."""
    numbers = (office.seed, back) if back else (office.seed,)
    tracks, times = office.tracks, [office.adverts_of(i) for i in range(len(office.tags))]
    if back:
        tracks = office.day(back, length_s)
        times = [
            rhythm.of_walker(dice(office.seed, "rhythm", i, back), t.walks, MOVING_MS / 1000, REST_MS / 1000, length_s)
            for i, t in enumerate(tracks)
        ]
    # Tags hear each other only within: between two people there, no wall of brick can stand.
    inner = tuple(wall for wall in office.plan.walls if wall.loss_db < BRICK_DB)
    air = between(inner, tracks, length_s, *numbers)
    return Day(office.tags, tracks, times, air, -float(back * DAY_S), length_s, numbers)


@dataclass
class History:
    """Past days on their way into a database."""

    office: Office
    logs: list[ContactLog]
    start_ms: int
    # UTC of the office's second 0
    stopped: Callable[[], bool] = lambda: False
    _now_s: float = 0.0
    _sequence: dict[str, int] = field(default_factory=dict)
    _previous: dict[str, bytes] = field(default_factory=dict)

    def lay(self, engine: Database, keyring: Keyring, days: list[int], tell: Callable[[float], None]) -> list[Day]:
        """Lay down `days` (how long ago, the earliest first), telling how much is done, 0 to 1.  Stopped."""
        ingest = Ingest(keyring.open, _SEARCH_EPOCHS, _FUTURE_MS)
        writer = Writer(engine, ingest, allow_unsigned=True, desk=Desk(ingest, _FETCH_S))
        self._links = TagLinks(self.office.tags, self.logs, lambda: self._now_s, self._now_ms)
        laid = []
        for number, back in enumerate(days):
            day = day_of(self.office, back, LENGTH_S)
            for owner, log in enumerate(self.logs):
                log.live(day.heard(owner), day.since_s)
                self._go_on((number + 0.4 * owner / len(self.logs)) / len(days), tell)
            self._report(writer, day, partial(self._part_done, number, len(days), tell))
            laid.append(day)
        if days:
            tell(1.0)
        return laid

    def _part_done(self, before: int, days: int, tell: Callable[[float], None], part: float) -> None:
        self._go_on((before + part) / days, tell)

    def _go_on(self, done: float, tell: Callable[[float], None]) -> None:
        if self.stopped():
            raise Stopped
        tell(done)

    def _now_ms(self) -> int:
        return self.start_ms + round(self._now_s * 1000)

    def _report(self, writer: Writer, day: Day, done: Callable[[float], None]) -> None:
        """Everything the gateways heard, ten minutes at a time, and the links that follow from it."""
        heard = {link.receiver.name: windows(day, link) for link in links(self.office.plan, self.office.seed)}
        able: list[Came] = [HealthCame(SITE, name, '{"link":{}}') for name in heard]
        at = dict.fromkeys(heard, 0)
        for chunk in range(int(LENGTH_S // _CHUNK_S) + 1):
            begin_s = float(chunk * _CHUNK_S)
            group: list[Came] = list(able)
            for name, rows in heard.items():
                first = at[name]
                while at[name] < len(rows) and rows[at[name]].first_s < begin_s + _CHUNK_S:
                    at[name] += 1
                group.append(self._came(name, day, begin_s, rows[first : at[name]]))
            self._now_s = day.since_s + begin_s + _CHUNK_S
            said = writer.write(group, self._now_ms()).downlinks
            self._carry(writer, [down for _, down in said])
            done(0.4 + 0.6 * begin_s / LENGTH_S)

    def _came(self, gateway: str, day: Day, begin_s: float, rows: list[Heard]) -> Came:
        since_ms = round((day.since_s + begin_s) * 1000)
        base = report.Base(self.start_ms + since_ms, _UP_MS + since_ms, True)
        columns = report.columns_of([self._window(day, begin_s, row) for row in rows])
        sequence = self._sequence[gateway] = self._sequence.get(gateway, 0) + 1
        previous = self._previous.get(gateway, report.FIRST_PREVIOUS)
        tallies = {"adverts": sum(row.adverts for row in rows)}
        payload = report.encode(report.Report(gateway, 1, sequence, previous, base, columns, tallies))
        self._previous[gateway] = report.hash_of(payload)
        return read(topics.topic(SITE, gateway, topics.REPORT), envelope.wrap(payload, topics.REPORT))

    @staticmethod
    def _window(day: Day, begin_s: float, row: Heard) -> report.Window:
        advert = day.tags[row.tag].advert(day.since_s + row.first_s)
        first, last = (round((at - begin_s) * 1000) // report.TICK_MS for at in (row.first_s, row.last_s))
        return report.Window(
            report.KIND_ZONETAG, advert[_EID], advert[_AUTH], first, last - first, row.adverts, *row[4:]
        )

    def _carry(self, writer: Writer, said: list[Downlink]) -> None:
        """What gateways carry between the backend and the tags that it called, until all has been said."""
        ends: dict[bytes, TagEnd] = {}
        sent: dict[bytes, int] = {}
        while said:
            ups = []
            for down in said:
                if down.number == 0 and (called := self._links.called(down.eid)) is not None:
                    ends[down.session] = self._links.answer(called)
                if (end := ends.get(down.session)) is not None:
                    ups += list(_answers(end, down, sent))
            said = [down for _, down in writer.write(ups, self._now_ms()).downlinks] if ups else []


def _answers(end: TagEnd, down: Downlink, sent: dict[bytes, int]) -> Iterator[Came]:
    """What comes back of a message to a tag."""
    messages = tuple(said for message in down.messages for said in end.take(message))
    number = sent[down.session] = sent.get(down.session, -1) + 1
    up = Uplink(down.gateway, down.session, number, messages, carriage.OVER if down.over or end.over else "")
    payload = envelope.wrap(carriage.encode_up(up), topics.UPLINK)
    yield read(topics.topic(SITE, down.gateway, topics.UPLINK), payload)
