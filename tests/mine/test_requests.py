"""Requests with their deadlines, and what carrying them out does; agreements; restriction."""

import datetime as dt
import random
import re
from zoneinfo import ZoneInfo

import pytest
from rig.mine import Bench
from rig.office import at
from rig.pages import KEYRING
from rig.registry import Office as Registry
from rig.registry import make_office, take
from rig.reports import NOW_MS, Gateway
from sqlalchemy import delete, select

from zonetag_backend import dutydays
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.store import book, consent_ledger, registry, restrictions, retention, subject_requests, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema import metadata
from zonetag_backend.store.schema.audit import audit as log
from zonetag_backend.store.tracing import Asker

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def day_of(at_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp((at_ms - 1) / 1000, ZONE).date()


@pytest.mark.parametrize(
    ("asked", "holidays", "wanted"),
    [
        ("2026-11-18", (), "2026-11-20"),  # Wednesday: Thursday, Friday
        ("2026-11-20", (), "2026-11-24"),  # Friday: Monday, Tuesday
        ("2026-11-21", (), "2026-11-24"),  # Saturday
        ("2026-11-20", ("2026-11-23",), "2026-11-25"),
        ("2026-04-29", (), "2026-05-05"),  # 30 April and 1 May are holidays, then a weekend
        ("2027-02-05", ("2027-02-08", "2027-02-09", "2027-02-10", "2027-02-11", "2027-02-12"), "2027-02-16"),
    ],
)
def test_two_working_days(asked: str, holidays: tuple[str, ...], wanted: str) -> None:
    noon = int(dt.datetime.fromisoformat(f"{asked}T23:59:59").replace(tzinfo=ZONE).timestamp() * 1000)
    off = {dt.date.fromisoformat(each) for each in holidays}
    assert day_of(dutydays.acknowledge_by_ms(noon, ZONE, off)) == dt.date.fromisoformat(wanted)


def test_a_deadline_never_falls_on_a_day_off() -> None:
    chance = random.Random(20261120)
    for _ in range(500):
        day = dt.date(2026, 1, 1) + dt.timedelta(days=chance.randrange(800))
        off = {day + dt.timedelta(days=chance.randrange(12)) for _ in range(chance.randrange(6))}
        found = dutydays.working_day_after(day, dutydays.ACKNOWLEDGE_DAYS, off)
        between = [day + dt.timedelta(days=n) for n in range(1, (found - day).days + 1)]
        assert sum(dutydays.is_working(each, off) for each in between) == dutydays.ACKNOWLEDGE_DAYS
        assert dutydays.is_working(found, off)


def test_the_laws_days() -> None:
    wanted = {"copy": 10, "correct": 10, "restrict": 15, "erase": 20, "withdraw": 15}
    for kind, days in wanted.items():
        assert day_of(dutydays.due_ms(kind, at("09:00"), ZONE)) == dt.date(2026, 11, 20) + dt.timedelta(days=days)


def asked(bench: Bench, kind: str, **fields: str) -> str:
    """A request through /mine; its address for the administrator."""
    answer = bench.mine(bench.session(), "/mine/requests", kind=kind, **fields)
    assert answer.status_code == 303, answer.text
    return found_in(bench)


def found_in(bench: Bench) -> str:
    found = re.search(r"/requests/\d+", bench.get("/requests", role="admin").text)
    assert found is not None
    return found[0]


def actions(bench: Bench) -> list[str]:
    with reading(bench.office.engine) as connection:
        return list(connection.scalars(select(log.c.action).order_by(log.c.seq)))


def test_a_request_is_seen_overdue_acknowledged_and_refused(bench: Bench) -> None:
    url = asked(bench, "correct", text="Tên đệm sai")
    page = bench.get("/requests?lang=en", role="admin").text
    assert "overdue" not in page
    assert bench.mine(bench.session(), "/mine/requests", kind="correct").status_code == 400  # it is open still
    bench.office.now = at("00:00", 25)
    bench.get = bench.get.named("sếp", "admin")  # a new session, five days later
    assert 'class="overdue"' in bench.get("/requests?lang=en", role="admin").text
    assert bench.get.post(url, role="admin", act="acknowledge").status_code == 303
    assert 'class="overdue"' not in bench.get("/requests?lang=en", role="admin").text
    assert "Tên đệm sai" in bench.get(url, role="admin").text
    assert bench.get.post(url, role="admin", act="refuse", answer=" ").status_code == 400
    assert bench.get.post(url, role="admin", act="refuse", answer="Giấy tờ ghi như vậy").status_code == 303
    assert "Giấy tờ ghi như vậy" in bench.mine(bench.session()).text
    assert [a for a in actions(bench) if a.startswith("request.") and a != "request.read"] == [
        "request.open",
        "request.acknowledge",
        "request.settle",
    ]


def test_a_correction(bench: Bench) -> None:
    url = asked(bench, "correct")
    assert bench.get.post(url, role="admin", act="do", name="", unit="", code="").status_code == 400
    fields = {"name": "Nguyễn Thị Ân", "unit": "Văn thư", "code": "NV001"}
    assert bench.get.post(url, role="admin", act="do", **fields).status_code == 303
    assert "Nguyễn Thị Ân" in bench.mine(bench.session()).text


def test_an_erasure_takes_the_request_too_and_is_told_to_the_backups(bench: Bench) -> None:
    url = asked(bench, "erase")
    token = bench.session()
    assert bench.get.post(url, role="admin", act="do").status_code == 303
    assert bench.erased == [bench.an]
    assert bench.get(url, role="admin").status_code == 404
    assert "Nguyễn Thị An" not in bench.mine(token).text  # and their session ended
    assert actions(bench)[-2:] == ["person.erase", "request.read"] or "person.erase" in actions(bench)
    with reading(bench.office.engine) as connection:
        for table in metadata.sorted_tables:
            for column in table.c:
                if column.references(metadata.tables["person"].c.id):
                    assert connection.execute(select(table).where(column == bench.an)).first() is None


def test_a_restriction_hides_from_book_person_and_trace_but_not_from_the_fire_list(bench: Bench) -> None:
    bench.office.heard_on(bench.tag, bench.office.now - 60_000)
    before = bench.get("/book/van-phong").text
    assert "Nguyễn Thị An" in before  # the control
    url = asked(bench, "restrict")
    bench.get.post(url, role="admin", act="do")
    for path in ("/book/van-phong", "/book/van-phong.json"):
        page = bench.get(path).text
        assert "Nguyễn Thị An" not in page
        assert "Trần Văn Bình" in page
    assert bench.get(f"/person/{bench.an}", role="health").status_code == 403
    assert "Nguyễn Thị An" in bench.get("/inside/van-phong").text
    window = {bench.binh: (at("00:00"), at("23:00"))}
    with writing(bench.office.engine) as connection:
        assert [e.other for e in Asker(connection, 0)(window)] == []
        own = Asker(connection, 0)({bench.an: (at("00:00"), at("23:00"))})
        assert {e.other for e in own} == {bench.binh}  # a case of their own is traced
    assert "Nguyễn Thị An" in bench.mine(bench.session()).text
    bench.get.post(url, role="admin", act="lift")
    assert "Nguyễn Thị An" in bench.get("/book/van-phong").text
    with writing(bench.office.engine) as connection:
        assert {e.other for e in Asker(connection, 0)(window)} == {bench.an}  # the control of the trace
        assert restrictions.everybody(connection) == frozenset()


def test_a_withdrawal_takes_the_tag_back_and_closes_the_ledger(bench: Bench) -> None:
    with writing(bench.office.engine) as connection:
        consent_ledger.note(
            connection,
            bench.an,
            consent_ledger.PURPOSES,
            given=True,
            how="paper",
            version="01/2026",
            by="cli:x",
            now_ms=at("06:00"),
        )
        assert consent_ledger.missing(connection, bench.an) == ()
    url = asked(bench, "withdraw")
    assert bench.get.post(url, role="admin", act="do").status_code == 303
    with reading(bench.office.engine) as connection:
        assert consent_ledger.given(connection) == {}
        assert len(consent_ledger.entries(connection, bench.an)) == 2 * len(consent_ledger.PURPOSES)
        assert subject_requests.resting(connection) == {bench.tag}
        day = range(at("00:00"), at("23:59"))
        site = book.site_named(connection, "van-phong")
        assert site is not None
        assert bench.an not in {each.person for each in book.stays_of_day(connection, site, day, at("15:00"))}
        kept = book.stays_of_day(connection, site, day, at("15:00"), all_people=True)
        assert bench.an in {each.person for each in kept}  # until its time is over
    assert "Nguyễn Thị An" in bench.get("/requests", role="admin").text  # in the list of those shown to nobody
    assert bench.get.post("/requests", role="admin", act="lift", person=str(bench.binh)).status_code == 404
    assert bench.get.post("/requests", role="admin", act="lift", person=str(bench.an)).status_code == 303
    assert "Nguyễn Thị An" in bench.get("/book/van-phong").text  # who has agreed anew


@pytest.fixture
def heard(tmp_path: object) -> Registry:
    return make_office(tmp_path / "heard")  # type: ignore[operator]  # pytest gives a Path


def test_nothing_is_recorded_of_a_tag_whose_wearer_withdrew_until_another_wears_it(heard: Registry) -> None:
    which = heard.add_tag("A-1")
    with writing(heard.database) as connection:
        an, binh = registry.add_person(connection, "An"), registry.add_person(connection, "Bình")
        tags.hand_out(connection, heard.keyring, which, an, NOW_MS - 1000)
    writer, gateway, tag = heard.writer(), Gateway("gw1"), heard.tag(which)
    assert take(writer, gateway.report(tag.window(NOW_MS))).observations == 1  # the control
    with writing(heard.database) as connection:
        subject_requests.withdraw(connection, heard.keyring, an, how="paper", by="cli:x", now_ms=NOW_MS + 60_000)
    done = take(writer, gateway.report(tag.window(NOW_MS + 120_000)))
    assert (done.observations, dict(done.rejected)) == (0, {"unknown": 1})
    with writing(heard.database) as connection:
        tags.hand_out(connection, heard.keyring, which, binh, NOW_MS + 180_000)
    assert take(writer, gateway.report(tag.window(NOW_MS + 240_000))).observations == 1


def test_nothing_is_agreed_to_until_a_form_is_noted(bench: Bench) -> None:
    page = bench.get("/agreements?lang=en", role="admin").text
    assert "2 people wear a tag and have not agreed" in page
    fields = {"person": str(bench.an), "purpose": "book", "version": "", "act": "give"}
    assert bench.get.post("/agreements", role="admin", **fields).status_code == 400  # which text?
    fields["version"] = "01/2026"
    assert bench.get.post("/agreements", role="admin", **fields).status_code == 303
    assert bench.get.post("/agreements", role="admin", **{**fields, "purpose": "tracing"}).status_code == 303
    assert "1 people wear a tag" in bench.get("/agreements?lang=en", role="admin").text
    assert "Bình" in bench.get("/agreements?show=worn", role="admin").text
    assert "Thị An" not in bench.get("/agreements?show=worn", role="admin").text
    assert actions(bench).count("agreement.give") == 2


def test_the_ledger_only_grows(bench: Bench) -> None:
    def note(given: bool, now_ms: int) -> int:
        with writing(bench.office.engine) as connection:
            return consent_ledger.note(
                connection, bench.an, ["book"], given=given, how="paper", version="1", by="cli:x", now_ms=now_ms
            )

    assert [note(True, 1000), note(True, 2000), note(False, 500), note(True, 600)] == [1, 0, 1, 1]
    with reading(bench.office.engine) as connection:
        kept = consent_ledger.entries(connection, bench.an)
    assert [each.given for each in kept] == [True, False, True]
    assert [each.at_ms for each in kept] == [1000, 1001, 1002]  # in order, also when the clock went back


def test_handing_out_without_agreement_is_recorded(bench: Bench) -> None:
    with writing(bench.office.engine) as connection:
        assert consent_ledger.note_handed_out(connection, bench.an, "cli:x", 1) == ("book", "tracing")
    assert actions(bench)[-1] == "agreement.missing"


def test_settled_requests_are_kept_as_proof_and_then_go(bench: Bench) -> None:
    url = asked(bench, "copy")
    with writing(bench.office.engine) as connection:
        with pytest.raises(AlreadyThere):
            subject_requests.ask(connection, bench.an, "copy", "", how="paper", by="x", now_ms=1, zone=ZONE)
        with pytest.raises(BadValue):
            subject_requests.ask(connection, bench.an, "nothing", "", how="paper", by="x", now_ms=1, zone=ZONE)
    bench.get.post(url, role="admin", act="do", answer="Đã giao bản giấy")
    with writing(bench.office.engine) as connection:  # else the person goes first
        connection.execute(delete(metadata.tables["departed"]))
    end = bench.office.now + subject_requests.KEEP_MS
    assert retention.expire(bench.office.engine, end, 21)["data_request"] == 0
    assert retention.expire(bench.office.engine, end + 1, 21)["data_request"] == 1


def test_a_request_on_paper(bench: Bench) -> None:
    fields = {"who": "NV002", "kind": "restrict", "text": ""}
    assert bench.get.post("/requests", role="admin", **fields).status_code == 303
    assert bench.get.post("/requests", role="admin", **{**fields, "who": "X"}).status_code == 400
    assert "Bình" in bench.get("/requests", role="admin").text
    for role in ("reception", "health", "auditor"):
        assert bench.get("/requests", role=role).status_code == 403


def test_the_desk_is_warned_when_it_hands_a_tag_to_somebody_who_has_not_agreed(bench: Bench) -> None:
    with writing(bench.office.engine) as connection:
        tags.add_tag(connection, KEYRING, "T-3", at("07:00"))

    def give() -> str:
        answer = bench.get.post("/tags/give", role="admin", tag="T-3", person=str(bench.an))
        assert answer.status_code == 303, answer.text
        return bench.get(f"{answer.headers['location']}&lang=en", role="admin").text

    assert "No signed agreement is noted" in give()
    assert actions(bench).count("agreement.missing") == 1
    with writing(bench.office.engine) as connection:
        needed = consent_ledger.NEEDED
        consent_ledger.note(connection, bench.an, needed, given=True, how="paper", version="1", by="x", now_ms=1)
    assert "No signed agreement is noted" not in give()
