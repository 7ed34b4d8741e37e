"""What somebody sees of themselves, and how they get in."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import openpyxl
from rig.mine import Bench
from rig.office import at
from rig.pages import KEYRING
from sqlalchemy import func, insert, select

from zonetag_backend.reports import rights_xlsx
from zonetag_backend.store import audit, cases, declarations, mine_codes
from zonetag_backend.store import mine as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema import metadata, person
from zonetag_backend.store.schema.audit import audit as log
from zonetag_backend.store.schema.contacts import contact_log


def test_a_code_opens_once_and_shows_this_person_alone(bench: Bench) -> None:
    code = bench.code()
    answer = bench.enter("t-1", code.lower().replace("-", " "))
    assert answer.status_code == 303
    page = bench.mine(answer.cookies["zonetag"])
    assert page.status_code == 200
    for text in ("Nguyễn Thị An", "Phòng Hành chính", "T-1", "07:30–11:40", "Cửa chính", "deleted on 11 Dec 2026"):
        assert text in page.text, text
    assert "Bình" not in page.text
    assert "T-2" not in page.text
    again = bench.enter("T-1", code)
    assert again.status_code == 401
    assert "cookies" not in again.headers


def test_the_session_is_short_and_sees_nothing_else(bench: Bench) -> None:
    token = bench.session()
    for path in (f"/person/{bench.an}", f"/person/{bench.binh}", "/book/van-phong", "/requests", "/codes", "/audit"):
        assert bench.mine(token, path).status_code == 403, path
    bench.office.now += mine_codes.SESSION_MS - 1
    assert "Nguyễn Thị An" in bench.mine(token).text
    bench.office.now += 1
    assert "Nguyễn Thị An" not in bench.mine(token).text


def test_the_button_ends_it(bench: Bench) -> None:
    token = bench.session()
    assert bench.mine(token, "/mine/end", act="end").status_code == 303
    assert "Nguyễn Thị An" not in bench.mine(token).text


def test_a_code_ends_after_five_tries_a_day_or_a_new_one(bench: Bench) -> None:
    code = bench.code()
    for _ in range(mine_codes.TRIES):
        assert bench.enter("T-1", "AAAAA-AAAAA").status_code == 401
    assert bench.enter("T-1", code).status_code == 401  # right, and too late
    first, second = bench.code(), bench.code()
    assert bench.enter("T-1", first).status_code == 401
    assert bench.enter("T-1", second).status_code == 303  # the control: a right one opens
    late = bench.code()
    bench.office.now += mine_codes.CODE_MS
    assert bench.enter("T-1", late).status_code == 401


def test_tries_at_once_are_counted_each(bench: Bench) -> None:
    bench.code()
    with writing(bench.office.engine):
        pass
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: bench.enter("T-1", f"AAAAA-AAAA{n}"), range(8)))
    with reading(bench.office.engine) as connection:
        tries = connection.scalar(select(metadata.tables["mine_code"].c.tries))
    assert tries == mine_codes.TRIES


def test_a_guesser_of_many_tags_is_made_to_wait(bench: Bench) -> None:
    code = bench.code()
    for n in range(mine_codes.MOST_WRONG):
        assert bench.enter(f"X-{n}", "AAAAA-AAAAA").status_code == 401
    assert bench.enter("T-1", code).status_code == 429
    bench.office.now += mine_codes.WRONG_MS + 1
    assert bench.enter("T-1", code).status_code == 303


def test_a_wrong_tag_and_a_wrong_code_look_alike(bench: Bench) -> None:
    bench.code()
    wrong = {bench.enter(number, "AAAAA-AAAAA").text for number in ("T-1", "T-2", "nobody")}
    assert len(wrong) == 1


def test_no_code_rests_in_clear_and_letters_cannot_be_mistaken(bench: Bench) -> None:
    code = bench.code().replace("-", "")
    with reading(bench.office.engine) as connection:
        kept = connection.execute(select(metadata.tables["mine_code"])).one()
    assert code not in str(kept)
    assert kept.hash.startswith("$argon2id$")
    assert not set(mine_codes.LETTERS) & set("0O1IL2Z5S8B")
    assert len(code) == mine_codes.LENGTH


def test_every_table_about_a_person_is_told(bench: Bench) -> None:
    """A new table that refers to a person is told in /mine, or named in TOLD with the reason why not."""
    about = {table.name for table in metadata.sorted_tables for column in table.c if column.references(person.c.id)}
    assert about == set(store.TOLD)
    parts = {name for name in store.TOLD.values() if name}
    assert parts <= set(store.Mine.__slots__)


def test_contacts_are_counted_and_not_named(bench: Bench) -> None:
    with writing(bench.office.engine) as connection:
        other = connection.scalar(select(metadata.tables["tag"].c.id).where(metadata.tables["tag"].c.number == "T-2"))
        row = {"tag": bench.tag, "epoch": 1, "eid": bytes(8), "at": 1, "peer": other, "start_ms": at("09:00")}
        rest = {"count": 3, "rssi_max": -60, "cells": bytes(16), "trusted": True, "received_ms": at("10:00")}
        connection.execute(insert(contact_log).values(**row, **rest))
    page = bench.mine(bench.session())
    assert "1 other tags were near" in page.text
    assert "Bình" not in page.text


def test_who_looked_is_told_by_role(bench: Bench) -> None:
    assert bench.get(f"/person/{bench.an}", role="health").status_code == 200
    page = bench.mine(bench.session())
    assert "Health officer" in page.text
    assert "(<bdi>health</bdi>)" not in page.text
    with reading(bench.office.engine) as connection:
        found = connection.scalar(select(func.count()).select_from(log).where(log.c.action == "mine.read"))
    assert found == 1
    assert "mine.read" in audit.ACTIONS


def test_the_copy_holds_what_the_page_shows(bench: Bench) -> None:
    token = bench.session()
    as_json = bench.mine(token, "/mine/copy/json")
    told = json.loads(as_json.content)
    assert told["person"]["name"] == "Nguyễn Thị An"
    assert told["visits"][0]["came"] == "2026-11-20T07:30:00+07:00"
    assert '"du-lieu-cua-toi-2026-' in as_json.headers["content-disposition"], "and nobody's name"
    assert "Bình" not in as_json.text
    book = openpyxl.load_workbook(io.BytesIO(bench.mine(token, "/mine/copy/xlsx?lang=en").content))
    assert book["Visits"]["C2"].value.hour == 7
    assert [cell.value for cell in book["Visits"][1]] == ["Site", "Tag", "Came", "Heard last"]
    day = rights_xlsx.workbook([rights_xlsx.Sheet("x", ["Day"], [["2026-11-20"]])])
    assert openpyxl.load_workbook(io.BytesIO(day))["x"]["A2"].is_date
    assert (book["Visits"].freeze_panes, book["Visits"].print_title_rows) == ("A2", "$1:$1")
    in_vietnamese = openpyxl.load_workbook(io.BytesIO(bench.mine(token, "/mine/copy/xlsx?lang=vi").content))
    first = [str(cell.value) for sheet in in_vietnamese for cell in sheet[1]]
    assert {"Cơ sở", "Đơn vị", "Không có."} & set(first)
    assert not [word for word in first if word.isascii() and len(word) > 4], "every head is in words of the language"
    assert {"Person", "Tags", "Visits", "Places", "Requests", "Who looked"} <= set(book.sheetnames)
    assert bench.mine(token, "/mine/copy/exe").status_code == 404
    assert bench.get("/mine/copy/json", role="admin").status_code == 403


def test_what_was_noted_of_a_call_is_told_to_whoever_was_called(bench: Bench) -> None:
    now = bench.office.now
    with writing(bench.office.engine) as connection:
        which = cases.open_case(connection, bench.binh, "covid-19", now, "onset", by="x", reason="ill", now_ms=now)
        for way in ("webhook", cases.PHONE):
            cases.add_notice(connection, which, bench.an, channel=way, language="vi", text="a\n\nb", now_ms=now)
        cases.spoken(connection, which, bench.an, "sẽ ở nhà <b>", now)
    token = bench.session()
    told = json.loads(bench.mine(token, "/mine/copy/json").content)["notices"]
    assert {each["channel"]: each["answer"] for each in told} == {"webhook": "", "phone": "sẽ ở nhà <b>"}
    assert "Answer: <bdi>sẽ ở nhà &lt;b&gt;</bdi>" in bench.mine(token).text
    sheet = openpyxl.load_workbook(io.BytesIO(bench.mine(token, "/mine/copy/xlsx?lang=en").content))["Notices"]
    assert "sẽ ở nhà <b>" in [cell.value for cell in sheet["E"]]


def test_a_declaration_is_opened_for_whoever_made_it(bench: Bench) -> None:
    with writing(bench.office.engine) as connection:
        n = len(declarations.questions(connection))
        answers = dict.fromkeys(range(n), False) | {0: True}
        declarations.declare(connection, KEYRING, bench.an, "van-phong", "2026-11-20", answers, at("07:31"))
    told = json.loads(bench.mine(bench.session(), "/mine/copy/json").content)["declarations"]
    assert [each["yes"] for each in told[0]["answers"]].count(True) == 1


def test_the_slip_of_a_code_says_where_to_go(bench: Bench) -> None:
    number = mine_number(bench)
    slip = bench.get.post("/codes", role="reception", tag=number.replace("-", "").lower()).text
    assert f"<bdi>{number}</bdi>" in slip, "as it is printed, however it was typed"
    assert "/mine</code>" in slip
    assert "<svg" in slip


def mine_number(bench: Bench) -> str:
    with reading(bench.office.engine) as connection:
        return mine_codes.number_of(connection, bench.an)
