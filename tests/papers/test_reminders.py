"""Reminders: whom, how often, never twice, never against their wish."""

import threading

import pytest
from rig.office import Office, at
from rig.pages import Get
from rig.papers import clock_of

from zonetag_backend.errors import BadValue
from zonetag_backend.notices.outgoing import NotSent, Outgoing
from zonetag_backend.notices.schedule import WAITS_MS
from zonetag_backend.reports.reminder import CAUSES, reminder
from zonetag_backend.store import adoption, audit_log, erasure, reminders, restrictions, retention
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.reminders import DAY_MS, compose, due, send_due


class Receiver:
    """A way out that keeps what it was given."""

    channel = "webhook"

    def __init__(self) -> None:
        self.got: list[Outgoing] = []
        self.refuse = False

    def send(self, notice: Outgoing, now_ms: int) -> str:
        if self.refuse:
            raise NotSent("503")
        self.got.append(notice)
        return "200"


@pytest.fixture
def staff(office: Office) -> dict[str, int]:
    """One heard, one nearly flat, one silent, one who has a new tag, one without; and one who wants none."""
    found = {}
    for name, heard, battery in (("heard", "14:00", 7), ("flat", "14:00", 0), ("silent", "", 7), ("off", "", 7)):
        person, tag = office.person(name, "", name)
        found[name] = person
        clock_of(office, tag, at(heard) if heard else at("08:00", 1), battery)
    found["new"], tag = office.person("new", "", "new")
    with writing(office.engine) as connection:
        connection.exec_driver_sql("UPDATE wearing SET since_ms = ? WHERE tag = ?", (at("08:00", 19), tag))
        reminders.set_off(connection, found["off"], True, by="account:admin", now_ms=office.now)
    return found


def put(
    office: Office, causes: tuple[str, ...] = CAUSES, *, ways: tuple[str, ...] = ("webhook",), days: int = 7
) -> int:
    with writing(office.engine) as connection:
        return compose(
            connection, ways, causes, language="vi", signed="Văn phòng", every_days=days, by="x", now_ms=office.now
        )


def test_who_is_reminded_and_why(office: Office, staff: dict[str, int]) -> None:
    with reading(office.engine) as connection:
        found = due(adoption.members(connection), CAUSES, office.now, 7)
    assert {each.member.name: each.cause for each in found} == {"flat": "flat", "silent": "silent"}
    assert put(office, ("flat",)) == 1
    assert put(office, ()) == 0


def test_the_page_counts_and_names_the_same_as_are_reminded(office: Office, staff: dict[str, int]) -> None:
    with reading(office.engine) as connection:
        told = adoption.tally(connection, office.now)
        quiet = adoption.some(connection, adoption.QUIET, office.now)
        members, count = adoption.remindable(connection, CAUSES, office.now, 7 * DAY_MS)
    assert {each.name for each in quiet} == {"silent", "off"}, "but who was handed one within the week"
    assert told.quiet == 2
    assert ({each.name for each in members}, count) == ({"flat", "silent"}, 2)
    with reading(office.engine) as connection:  # the control: after the week it has been silent like the others
        later = adoption.some(connection, adoption.QUIET, office.now + 7 * DAY_MS)
    assert "new" in {each.name for each in later}


def test_nobody_is_reminded_twice_within_the_days(office: Office, staff: dict[str, int]) -> None:
    way = Receiver()
    assert put(office) == 2
    assert put(office) == 0
    assert send_due(office.engine, {"webhook": way}, office.clock) == (2, 0)
    assert send_due(office.engine, {"webhook": way}, office.clock) == (0, 0)
    office.now += 6 * DAY_MS
    assert put(office, ("silent",)) == 1, "of the others the one whose tag has been silent for a week by now"
    office.now += DAY_MS
    assert put(office, ("silent",)) >= 1, "the control: after the days they are reminded again"
    assert {each.code for each in way.got} == {"flat", "silent"}
    assert "sắp hết pin" in next(each.subject for each in way.got if each.code == "flat")


def test_two_at_once_put_each_in_line_once(office: Office, staff: dict[str, int]) -> None:
    together = threading.Barrier(2)
    made: list[int] = []

    def press() -> None:
        together.wait(30)
        made.append(put(office))

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for each in pressing:
        each.start()
    for each in pressing:
        each.join(60)
    assert sorted(made) == [0, 2]


def test_two_programs_send_each_once(office: Office, staff: dict[str, int]) -> None:
    way = Receiver()
    put(office)
    together = threading.Barrier(2)

    def send() -> None:
        together.wait(30)
        send_due(office.engine, {"webhook": way}, office.clock)

    sending = [threading.Thread(target=send) for _ in range(2)]
    for each in sending:
        each.start()
    for each in sending:
        each.join(60)
    assert sorted(each.code for each in way.got) == ["flat", "silent"]


def test_what_was_not_taken_is_tried_later_under_the_same_number(office: Office, staff: dict[str, int]) -> None:
    way = Receiver()
    put(office, ("flat",))
    way.refuse = True
    assert send_due(office.engine, {"webhook": way}, office.clock) == (0, 1)
    way.refuse = False
    assert send_due(office.engine, {"webhook": way}, office.clock) == (0, 0)
    assert send_due(office.engine, {"webhook": way}, lambda: office.now + WAITS_MS[0]) == (1, 0)
    with reading(office.engine) as connection:
        [(tries, number)] = connection.exec_driver_sql("SELECT tries, id FROM reminder").all()
    assert (tries, number) == (2, way.got[0].id)


def test_what_a_slow_try_says_last_does_not_undo_what_another_has_sent(office: Office, staff: dict[str, int]) -> None:
    """Else it is sent a third time."""
    taking = Receiver()

    class Slow(Receiver):
        def send(self, notice: Outgoing, now_ms: int) -> str:
            assert send_due(office.engine, {"webhook": taking}, lambda: office.now + WAITS_MS[0]) == (1, 0)
            raise NotSent("no answer", silent=True)

    assert put(office, ("flat",)) == 1
    assert send_due(office.engine, {"webhook": Slow()}, office.clock) == (0, 1)
    assert send_due(office.engine, {"webhook": taking}, lambda: office.now + WAITS_MS[2]) == (0, 0)
    assert len(taking.got) == 1


def test_who_is_restricted_while_others_are_reminded_gets_none(office: Office, staff: dict[str, int]) -> None:
    class Meddler(Receiver):
        def send(self, notice: Outgoing, now_ms: int) -> str:
            [other] = {"flat", "silent"} - {notice.code}
            with writing(office.engine) as connection:
                restrictions.restrict(connection, staff[other], office.now)
            return super().send(notice, now_ms)

    way = Meddler()
    assert put(office) == 2
    assert send_due(office.engine, {"webhook": way}, office.clock) == (1, 0)


def test_who_wants_none_gets_none_even_of_what_waits(office: Office, staff: dict[str, int]) -> None:
    way = Receiver()
    put(office)
    with writing(office.engine) as connection:
        assert reminders.set_off(connection, staff["silent"], True, by="account:admin", now_ms=office.now)
        assert not reminders.set_off(connection, staff["silent"], True, by="account:admin", now_ms=office.now)
    send_due(office.engine, {"webhook": way}, office.clock)
    assert [each.code for each in way.got] == ["flat"]


def test_erasure_and_retention_take_them(office: Office, staff: dict[str, int]) -> None:
    put(office)
    with writing(office.engine) as connection:
        erasure.erase(connection, staff["silent"])
        erasure.erase(connection, staff["off"])
        left = connection.exec_driver_sql("SELECT person FROM reminder").scalars().all()
        assert left == [staff["flat"]]
        assert connection.exec_driver_sql("SELECT count(*) FROM reminder_off").scalar() == 0
    retention.expire(office.engine, office.now + 22 * DAY_MS, 21)
    with reading(office.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reminder").scalar() == 0


def test_over_the_pages(office: Office, staff: dict[str, int], get: Get) -> None:
    shown = get("/adoption/reminders?cause=silent", role="admin").text
    assert "silent" in shown
    assert "không có tín hiệu trong 7 ngày qua" in shown
    with reading(office.engine) as connection:
        assert reminders.counts(connection).waiting == 0, "a look sends nothing"
    assert get("/adoption/reminders", role="health").status_code == 403
    sent = get.post("/adoption/reminders", role="admin", cause="silent")
    assert sent.headers["location"] == "/adoption/reminders?done=1"
    with reading(office.engine) as connection:
        assert reminders.counts(connection).waiting == 1
        actions = [each.action for each in audit_log.entries(connection)]
    assert "reminder.send" in actions
    assert get.post(f"/adoption/off/{staff['silent']}", role="admin", act="off").status_code == 303
    assert get("/adoption.json", role="admin").json()["reminders"] == {"waiting": 0, "sent": 0, "failed": 0, "off": 2}
    assert get.post(f"/adoption/off/{staff['off']}", role="admin", act="on").status_code == 303
    assert get.post("/adoption/off/1", role="admin", act="on").status_code == 404


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("cause", CAUSES)
def test_what_it_says(language: str, cause: str) -> None:
    told = reminder("An {x}", "A-001", cause, language=language, office="Văn phòng")
    assert "An {x}" in told.text
    assert "A-001" in told.text
    assert ("tự nguyện" if language == "vi" else "voluntary") in told.text
    with pytest.raises(BadValue):
        reminder("An", "A-001", cause, language="xx", office="x")
