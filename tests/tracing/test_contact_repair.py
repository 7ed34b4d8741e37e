"""Contact records of before a change of battery, judged again by the clocks of their time: real frames, real tables."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from rig.registry import T0, Office, make_office, take
from rig.reports import NOW_MS, Gateway, Tag, sealed
from sqlalchemy import event

from zonetag_backend.events import Events
from zonetag_backend.ingest import Ingest
from zonetag_backend.mqtt import Incoming
from zonetag_backend.store import contact_log, roster, tags
from zonetag_backend.store.contact_repair import Repair
from zonetag_backend.store.engine import writing
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import Subscriber
from zonetag_backend.tracing.contacts import judge
from zonetag_protocol import rotation
from zonetag_protocol.contact import Contact

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAYS = 21
CHANGED_MS = NOW_MS + HOUR_MS
BACK_MS = CHANGED_MS + 5 * HOUR_MS  # when the battery was in
LATER_MS = BACK_MS + HOUR_MS
RESERVED_MS = 20 * MINUTE_MS  # how far ahead of where it stood a clock resumes
CELLS = bytes([0xFF] * 16)


class Room:
    """Two tags beside a gateway, which logs what the first one heard of the second."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.one, self.other = office.add_tag("A-1"), office.add_tag("A-2", ppm=40)
        self.writer: Writer = office.writer()
        self.gateway = Gateway("gw1")
        self.moved: set[int] = set()  # tags of which a committed group said that their clock stands elsewhere
        self.both(NOW_MS, 6)
        self.both(CHANGED_MS - MINUTE_MS, 6)
        self.before = [self.heard(NOW_MS + n * MINUTE_MS) for n in (18, 21, 40)]

    def both(self, from_ms: int, count: int) -> None:
        """The gateway hears both, every slot."""
        for at in range(from_ms, from_ms + count * 5000, 5000):
            windows = [self.office.tag(which).window(at) for which in (self.one, self.other)]
            self.moved |= take(self.writer, self.gateway.report(*windows), now_ms=at + 5000).moved

    def heard(self, at_ms: int, sent_ms: int | None = None) -> Contact:
        """What the first tag notes; `sent_ms`: when it was sent, if somebody played it back."""
        t = self.office.tag(self.one).t_ms(at_ms) // 1000
        advert = self.office.tag(self.other).advert(at_ms if sent_ms is None else sent_ms)
        return Contact(rotation.epoch_of(t), rotation.slot_of(t), advert[13:21], advert[25:31], -50, 9, CELLS)

    def change_battery(self, which: int) -> None:
        """It stands still, resumes a little ahead of where it stood, and is heard again until that is believed."""
        old = self.office.tag(which)
        resumed_ms = old.t_ms(CHANGED_MS) + RESERVED_MS
        self.office.tags[which] = Tag(old.master, BACK_MS - resumed_ms)
        self.both(BACK_MS, 30)

    def fetch(self, *records: Contact, now_ms: int = LATER_MS) -> None:
        """The log comes, as over the link: judged by the clocks as they stand now."""
        judging = Ingest(self.office.keyring.open, 3, 300_000)
        with writing(self.office.database) as connection:
            judging.take(roster.read(connection).tags)
            contact_log.write(connection, *judge(judging, self.one, records, now_ms))

    def repair(self, days: int = DAYS) -> Repair:
        return Repair(self.office.database, self.office.keyring.open, 3, days)

    def rows(self, table: str) -> list[tuple[object, ...]]:
        return self.office.rows(f"SELECT * FROM {table} ORDER BY tag, epoch, eid, at")

    def starts(self) -> list[int]:
        """When the epochs of the log began."""
        return [int(str(row[0])) for row in self.office.rows("SELECT start_ms FROM contact_log ORDER BY start_ms")]


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Room]:
    office = make_office(tmp_path / "office", url=database_url)
    yield Room(office)
    office.database.dispose()


Side = Callable[[Room], int]
SIDES: dict[str, Side] = {"who heard": lambda room: room.one, "who was heard": lambda room: room.other}


@pytest.mark.both_databases
@pytest.mark.parametrize("side", SIDES)
def test_records_of_before_a_change_of_battery_are_understood_once(room: Room, side: str) -> None:
    room.change_battery(SIDES[side](room))
    after = room.heard(BACK_MS + 30 * MINUTE_MS)
    room.fetch(*room.before, after)
    # The control: without the pass they stay apart, however often they come.
    room.fetch(*room.before, after)
    assert len(room.rows("contact_log")) == 1
    assert len(room.rows("contact_rejected")) == 3
    repair = room.repair()
    assert (repair.run(LATER_MS), repair.moved) == (3, 3)
    assert room.rows("contact_rejected") == []
    for start_ms, n in zip(room.starts()[:3], (18, 21, 40), strict=True):
        assert start_ms - 10_000 <= NOW_MS + n * MINUTE_MS < start_ms + 1_034_000
    log = room.rows("contact_log")
    assert [repair.run(LATER_MS), repair.run(LATER_MS), room.repair().run(LATER_MS)] == [0, 0, 0]
    room.fetch(*room.before, after)
    assert (room.rows("contact_log"), room.rows("contact_rejected")) == (log, [])


@pytest.mark.parametrize("side", SIDES)
def test_what_is_forged_played_back_or_nobodys_stays_apart(room: Room, side: str) -> None:
    true, other = room.before[1:]
    echo = room.heard(NOW_MS + 30 * MINUTE_MS)
    own = room.office.tag(room.one).advert(NOW_MS + 30 * MINUTE_MS)
    before = [
        true._replace(auth=bytes(6)),
        true._replace(eid=bytes(8)),
        other._replace(auth=other.auth[:5] + bytes([other.auth[5] ^ 1])),
        room.heard(NOW_MS + 50 * MINUTE_MS, sent_ms=NOW_MS + 45 * MINUTE_MS),
        echo._replace(eid=own[13:21], auth=own[25:31]),
    ]
    room.change_battery(SIDES[side](room))
    # What the other sent before, played back after.
    frame = room.before[0]
    late = room.heard(BACK_MS + 40 * MINUTE_MS)._replace(eid=frame.eid, auth=frame.auth)
    room.fetch(*before, late)
    apart = room.rows("contact_rejected")
    assert len(apart) == 6
    assert [room.repair().run(LATER_MS) for _ in range(2)] == [0, 0]
    assert room.rows("contact_rejected") == apart
    assert room.rows("contact_log") == []


@pytest.mark.both_databases
@pytest.mark.parametrize("side", SIDES)
def test_a_clock_that_becomes_known_has_records_judged_at_once(room: Room, side: str) -> None:
    """They came while the gateway had not heard yet how the clock stands since."""
    which = SIDES[side](room)
    assert room.moved == set()
    old = room.office.tag(which)
    room.office.tags[which] = Tag(old.master, BACK_MS - old.t_ms(CHANGED_MS) - RESERVED_MS)
    after = [room.heard(BACK_MS + n * MINUTE_MS) for n in (2, 3)]
    room.fetch(*after, now_ms=BACK_MS + 4 * MINUTE_MS)
    assert len(room.rows("contact_rejected")) == 2
    repair = room.repair()
    assert (repair.look(LATER_MS), repair.run(LATER_MS)) == (0, 0)  # the controls: nothing was noted, nothing is known
    room.both(BACK_MS + 5 * MINUTE_MS, 30)
    assert room.moved == {which}
    repair.note(room.moved)
    assert (repair.look(LATER_MS), repair.look(LATER_MS)) == (2, 0)
    assert (len(room.rows("contact_log")), room.rows("contact_rejected")) == (2, [])


@pytest.mark.parametrize("side", SIDES)
def test_records_that_come_when_their_clock_is_known_are_judged_at_once(room: Room, side: str) -> None:
    """Of many that are kept apart, those that came."""
    nobodys = [room.before[0]._replace(eid=bytes([n] * 8)) for n in range(50)]
    room.fetch(*nobodys, now_ms=BACK_MS)
    room.change_battery(SIDES[side](room))
    room.fetch(*room.before, now_ms=LATER_MS)
    repair = room.repair()
    repair.note((), LATER_MS + 1)
    assert repair.look(LATER_MS) == 0  # the control: later than they came
    repair.note((), LATER_MS)
    repair.note((), LATER_MS + MINUTE_MS)
    assert repair.look(LATER_MS) == 3
    assert len(room.rows("contact_rejected")) == 50


def test_a_tag_that_is_registered_late_has_its_records_judged(room: Room) -> None:
    master, at = bytes(range(16)), NOW_MS + 30 * MINUTE_MS
    advert = Tag(master, NOW_MS - HOUR_MS - T0 * 1000).advert(at)
    room.fetch(room.heard(at)._replace(eid=advert[13:21], auth=advert[25:31]))
    room.both(LATER_MS - MINUTE_MS, 1)
    assert room.moved == set()
    with writing(room.office.database) as connection:
        new = tags.add_tag(connection, room.office.keyring, "A-3", NOW_MS - HOUR_MS, t0=T0, master=master)
    room.both(LATER_MS, 1)
    assert room.moved == {new.id}
    repair = room.repair()
    repair.note(room.moved)
    assert repair.look(LATER_MS) == 1


class Hears:
    """A way back to the broker on which nothing is said: how many messages were worked on."""

    def __init__(self) -> None:
        self.done_with = threading.Semaphore(0)

    def publish(self, topic: str, payload: bytes) -> bool:
        return True

    def done(self, message: Incoming) -> None:
        self.done_with.release()


def test_the_server_tells_of_a_clock_after_its_reports_are_written(room: Room) -> None:
    old = room.office.tag(room.one)
    room.office.tags[room.one] = Tag(old.master, BACK_MS - old.t_ms(CHANGED_MS) - RESERVED_MS)
    after = [room.heard(BACK_MS + n * MINUTE_MS) for n in (2, 3)]
    room.fetch(*after, now_ms=BACK_MS + 4 * MINUTE_MS)
    repair, told = room.repair(), threading.Event()

    def note(moved: Iterable[int], came_ms: int | None) -> None:
        repair.note(moved, came_ms)
        told.set()

    back = Hears()
    subscriber = Subscriber(room.office.writer(), Events(), lambda: LATER_MS, 64, clocks=note)
    subscriber.start(back)
    for n in range(30):
        made = room.gateway.report(room.office.tag(room.one).window(BACK_MS + n * 5000))
        subscriber.put(Incoming(room.gateway.topic(), sealed(made), 1, n, 1))
    for _ in range(30):
        assert back.done_with.acquire(timeout=60)
    assert told.wait(60)
    subscriber.stop()
    assert repair.look(LATER_MS) == 2


def test_nothing_noted_asks_nothing_and_a_failed_look_forgets_nothing(room: Room) -> None:
    room.change_battery(room.one)
    room.fetch(*room.before)
    repair = room.repair()
    asked: list[str] = []
    event.listen(room.office.database, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert (repair.look(LATER_MS), asked) == (0, [])
    repair.note(room.moved)
    with writing(room.office.database) as connection:
        connection.exec_driver_sql("ALTER TABLE contact_rejected RENAME TO away")
    with pytest.raises(Exception, match="contact_rejected"):
        repair.look(LATER_MS)
    with writing(room.office.database) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO contact_rejected")
    assert repair.look(LATER_MS) == 3


def test_both_changed_at_once(room: Room) -> None:
    room.change_battery(room.one)
    room.change_battery(room.other)
    room.fetch(*room.before)
    assert room.repair().run(LATER_MS) == 3


def test_a_log_that_comes_days_after_two_changes_of_battery(room: Room) -> None:
    room.change_battery(room.one)
    between = [room.heard(LATER_MS + n * HOUR_MS) for n in (1, 12)]
    for day in (1, 2):
        room.both(LATER_MS + day * DAY_MS, 3)
    old, at = room.office.tag(room.one), LATER_MS + 3 * DAY_MS
    room.office.tags[room.one] = Tag(old.master, at - old.t_ms(LATER_MS + 2 * DAY_MS) - RESERVED_MS)
    for day in (3, 4):
        room.both(LATER_MS + day * DAY_MS, 30)
    later = LATER_MS + 5 * DAY_MS
    room.fetch(*room.before, *between, now_ms=later)
    assert len(room.rows("contact_rejected")) == 5
    assert room.repair().run(later) == 5
    assert len({start // 1_024_000 for start in room.starts()}) >= 4


def test_nothing_is_judged_from_beyond_retention(room: Room) -> None:
    room.change_battery(room.one)
    room.fetch(*room.before)
    late = NOW_MS + 2 * DAY_MS
    assert room.repair(days=1).run(late) == 0
    assert room.repair(days=3).run(late) == 3  # the control


@pytest.mark.both_databases
def test_a_run_is_bounded_and_the_next_goes_on(room: Room) -> None:
    room.change_battery(room.one)
    room.fetch(*room.before, *(room.before[0]._replace(eid=bytes([n] * 8)) for n in range(4)))
    repair = room.repair()
    runs = [repair.run(LATER_MS, at_once=2) for _ in range(5)]
    assert (sum(runs), max(runs) <= 2) == (3, True)
    assert len(room.rows("contact_rejected")) == 4


def test_a_tag_that_is_out_of_use_is_left_alone(room: Room) -> None:
    room.change_battery(room.one)
    room.fetch(*room.before)
    with writing(room.office.database) as connection:
        tags.retire(connection, room.office.keyring, room.other, LATER_MS)
    assert room.repair().run(LATER_MS) == 0
