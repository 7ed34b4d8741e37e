"""What goes out of a case: notices, lists as files, a file for another office and what it finds there."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openpyxl import load_workbook
from rig.ill import outbreak
from rig.office import Office, at
from rig.pages import KEYRING, Somebody, as_somebody
from rig.sms_gateway import SmsGateway
from sqlalchemy import update

from zonetag_backend.events import Events
from zonetag_backend.notices import settings as notice_settings
from zonetag_backend.store import audit_log, schema, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.tracing import abroad
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import CaseSettings

DAY_MS = 86_400_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))  # another office's
HEAD = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "xét nghiệm dương tính"}


def pages(office: Office, **others: str) -> Somebody:
    """Pages of an office with these settings `notices.*`."""
    values = {name: str(default) for name, (default, _) in notice_settings.SETTINGS.items()} | others
    cases = CaseSettings(notices=notice_settings.from_values(values), signing_key=lambda: KEY)
    return as_somebody(make_app(office.engine, office.clock, Events(), keyring=KEYRING, cases=cases), office)


@pytest.fixture
def gateway() -> Iterator[SmsGateway]:
    """A gateway to SMS."""
    made = SmsGateway()
    yield made
    made.close()


@pytest.fixture
def told(office: Office, gateway: SmsGateway, tmp_path: Path) -> Somebody:
    """Pages that can tell people by webhook."""
    (tmp_path / "secret").write_text("a secret of sixteen characters")
    ways = {"notices.webhook_url": gateway.url, "notices.webhook_secret_file": str(tmp_path / "secret")}
    return pages(office, **ways, **{"notices.office": "Sở Thông tin"})


def exports(office: Office) -> list[tuple[str, str]]:
    with reading(office.engine) as connection:
        found = list(audit_log.entries(connection))
    return [(each.about, each.reason) for each in found if each.action == "export.make"]


def test_notices_go_out_once(told: Somebody, office: Office, gateway: SmsGateway) -> None:
    ill, ones, _ = outbreak(office, 3, 2)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    assert "3 people were not told" in told(f"{path}/notices?lang=en").text
    assert gateway.came == [], "nothing goes out by itself"
    for _ in range(3):
        assert told.post(f"{path}/notices", language="vi").headers["location"] == f"{path}/notices"
    assert sorted(each["code"] for each in gateway.came) == ["CB100", "CB101", "CB102"]
    twin = told(f"{path}/notices.json").json()
    assert {(each["person"], each["state"]) for each in twin["notices"]} == {(str(who), "sent") for who in ones}
    said = {each["code"]: each["text"] for each in gateway.came}
    assert twin["preview"]["vi"]["text"] in said.values(), "the preview is what goes out"
    assert all("Nguyễn Thị Ánh" not in text and "08:30" not in text for text in said.values())
    assert "Everybody was written to" in told(f"{path}/notices?lang=en").text


def test_what_was_not_taken_is_said(told: Somebody, office: Office, gateway: SmsGateway) -> None:
    ill, _, _ = outbreak(office, 2, 0)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    gateway.answers = [500, 500]
    told.post(f"{path}/notices", language="en")
    states = [(each["state"], each["tries"]) for each in told(f"{path}/notices.json").json()["notices"]]
    assert states == [("tried", 1)] * 2
    assert "not taken, 1 try; tried again" in told(f"{path}/notices?lang=en").text
    office.now += 120_000
    told.post(f"{path}/notices", language="en")
    assert {each["state"] for each in told(f"{path}/notices.json").json()["notices"]} == {"sent"}


@pytest.mark.parametrize("language", ["", "fr", "vi' OR 1"])
def test_a_notice_has_a_language_that_there_is(
    told: Somebody, office: Office, language: str, gateway: SmsGateway
) -> None:
    ill, _, _ = outbreak(office)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    assert told.post(f"{path}/notices", language=language).status_code == 400
    assert gateway.came == []


def test_a_closed_case_tells_nobody(told: Somebody, office: Office, gateway: SmsGateway) -> None:
    ill, _, _ = outbreak(office)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    told.post(path, act="close")
    assert told.post(f"{path}/notices", language="vi").status_code == 400
    assert gateway.came == []


def test_without_a_way_the_text_is_there_all_the_same(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office, 2, 0)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    twin = get(f"{path}/notices.json").json()
    assert (twin["ways"], twin["notices"], set(twin["preview"])) == ([], [], {"vi", "en"})
    assert "No way to send is set" in get(f"{path}/notices?lang=en").text
    assert get.post(f"{path}/notices", language="vi").status_code == 400


def test_who_was_told_by_telephone_is_kept(get: Somebody, office: Office) -> None:
    ill, ones, _ = outbreak(office, 2, 0)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    first = ones[0]
    before = get(f"{path}/notices?lang=vi").text
    assert before.count("Đã báo qua điện thoại") == 2, "each has a text of their own and a button"
    for answer in ("", "sẽ ở nhà <b>", ""):
        said = get.post(f"{path}/notices", spoken=str(first), answer=answer)
        assert said.headers["location"] == f"{path}/notices#p{first}"
    twin = get(f"{path}/notices.json").json()["notices"]
    assert [(each["person"], each["channel"], each["state"], each["answer"]) for each in twin] == [
        (str(first), "phone", "sent", "sẽ ở nhà <b>")
    ]
    assert "sẽ ở nhà &lt;b&gt;" in get(f"{path}/notices?lang=vi").text
    for wrong in ({"spoken": str(ill)}, {"spoken": "x"}, {"spoken": str(first), "answer": "a" * 201}):
        assert get.post(f"{path}/notices", **wrong).status_code == 400
    get.post(path, act="close")
    assert get.post(f"{path}/notices", spoken=str(ones[1])).status_code == 400


def test_who_was_told_by_telephone_is_not_written_to(told: Somebody, office: Office, gateway: SmsGateway) -> None:
    ill, ones, _ = outbreak(office, 2, 0)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    told.post(f"{path}/notices", spoken=str(ones[0]))
    assert "1 person was not told" in told(f"{path}/notices?lang=en").text
    told.post(f"{path}/notices", language="vi")
    assert [each["code"] for each in gateway.came] == ["CB101"]


@pytest.mark.both_databases
def test_what_waits_is_withdrawn_when_somebody_was_told_by_telephone(
    told: Somebody, office: Office, gateway: SmsGateway
) -> None:
    ill, ones, _ = outbreak(office, 2, 0)
    path = told.post("/cases", person=str(ill), **HEAD).headers["location"]
    gateway.answers = [500, 500]
    told.post(f"{path}/notices", language="vi")
    for answer in ("", "biết rồi"):  # said twice it is withdrawn once
        told.post(f"{path}/notices", spoken=str(ones[0]), answer=answer)
    office.now += 120_000
    told.post(f"{path}/notices", language="vi")
    assert [each["code"] for each in gateway.came] == ["CB101"], "the other one, whom nobody called"
    states = {
        (each["person"], each["channel"]): each["state"] for each in told(f"{path}/notices.json").json()["notices"]
    }
    first, other = map(str, ones)
    assert states == {(first, "phone"): "sent", (first, "webhook"): "withdrawn", (other, "webhook"): "sent"}
    assert "withdrawn: told by telephone" in told(f"{path}/notices?lang=en").text
    assert "đã rút lại" in told(f"{path}/notices?lang=vi").text
    with reading(office.engine) as connection:
        kept = [each.reason for each in audit_log.entries(connection) if each.reason.startswith("spoken")]
    assert sorted(kept) == ["spoken", "spoken, withdrawn: 1"]


def test_a_secret_that_is_missing_is_said(office: Office) -> None:
    get = pages(office, **{"notices.webhook_url": "https://sms.example/"})
    ill, _, _ = outbreak(office)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    assert "notices.webhook_secret_file" in get(f"{path}/notices?lang=en").text


def test_the_workbook_has_real_dates(office: Office) -> None:
    get = pages(office)
    ill, _, _ = outbreak(office, 2, 3)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    answer = get(f"{path}/export/case.xlsx?lang=vi")
    called = f'attachment; filename="ca-benh-{path.removeprefix("/cases/")}-2026-11-20.xlsx"'
    assert answer.headers["content-disposition"] == called
    book = load_workbook(io.BytesIO(answer.content))
    contacts, places = book.worksheets
    rows = list(contacts.iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["Phân loại", "F1", "F1", "F2", "F2", "F2"]
    assert rows[1][6] == datetime(2026, 11, 18, 8, 30)  # noqa: DTZ001 - a spreadsheet's times have no zone
    assert all(0 < row[column] < 1 for row in rows[1:] for column in (12, 13, 15)), "no contact is certain"
    shown = {each["name"]: each["probability"] for each in get(f"{path}.json").json()["contacts"]}
    assert {row[1]: row[13] for row in rows[1:]} == {name: min(each, 0.99) for name, each in shown.items()}
    assert contacts["G2"].number_format == "dd/mm/yyyy hh:mm"
    for sheet in (contacts, places):
        assert sheet.freeze_panes == "A2"
        assert sheet.print_title_rows == "$1:$1"
    assert places["A2"].value == "Văn phòng Sở Thông tin", "as people call the site"
    assert places["C2"].value == datetime(2026, 11, 18, 8, 30)  # noqa: DTZ001 - these times have no zone either
    assert exports(office) == [(f"case {path.removeprefix('/cases/')}", "case.xlsx")]


@pytest.mark.parametrize(
    ("language", "head", "between", "point"), [("vi", "Phân loại", ";", ","), ("en", "Generation", ",", ".")]
)
def test_csv_opens_by_a_double_click(office: Office, language: str, head: str, between: str, point: str) -> None:
    get = pages(office)
    ill, _, _ = outbreak(office, 1, 1)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    raw = get(f"{path}/export/contacts.csv?lang={language}").content
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig")), delimiter=between))
    assert rows[0][0] == head
    assert rows[1][6] == "2026-11-18 08:30:00"
    assert point in rows[1][12], "the probability of the day"
    assert get(f"{path}/export/places.csv").content.startswith(b"\xef\xbb\xbf")
    assert get(f"{path}/export/keys.txt").status_code == 404


def heard_as(office: Office, eid: bytes, start_ms: int) -> None:
    """A gateway heard an identifier that nobody here has."""
    office.rejected("gw-hop", "unknown", 1, start_ms)
    with writing(office.engine) as connection:
        connection.execute(update(schema.rejected).values(eid=eid))


def test_another_office_finds_the_case(office: Office, tmp_path: Path) -> None:
    """Signed there with its key, imported here: where it was, and who was there."""
    get = pages(office)
    _, tag = office.person("Trần Văn Bình", "Phòng Công nghệ", "CB100")
    office.presence(tag, "Phòng họp", at("09:30", 19), at("10:20", 19))
    eid = bytes(range(8, 16))
    heard_as(office, eid, at("10:00", 19))
    came = abroad.Abroad("Sở Y tế", "covid-19", at("00:00", 18), at("14:00"), ((eid, at("09:58", 19) // 1000),))
    data, key = abroad.pack(came, THEIRS), abroad.public_hex(THEIRS)

    def send(**fields: Any) -> Any:
        file = fields.pop("file", data)
        form = {"csrf": get.csrf(), "key": key, "reason": "Sở Y tế đề nghị", **fields}
        return get("/imports?lang=en", method="POST", data=form, files={"file": ("case.zonetag", file)})

    assert "from that office" in send(key="0" * 64).text
    assert "cut on its way" in send(file=data[:-1]).text
    for since, until, said in ((-800, -790, "longer ago"), (10, 20, "cannot be"), (-5, 99_999_999, "cannot be")):
        days = replace(came, since_ms=office.now + since * DAY_MS, until_ms=office.now + until * DAY_MS)
        assert said in send(file=abroad.pack(days, THEIRS)).text
    own = send(file=abroad.pack(came, KEY), key=abroad.public_hex(KEY))
    assert (own.status_code, "this office itself" in own.text) == (400, True)
    assert get("/cases?lang=en").status_code == 200
    assert "few words" in send(reason="").text
    assert "Choose the file" in get.post("/imports?lang=en", key=key, reason="because").text
    answer = send()
    assert answer.status_code == 303, answer.text
    twin = get(f"{answer.headers['location']}.json").json()
    [match] = twin["matches"]
    assert (match["place"], match["from"]) == ("Phòng họp", "2026-11-19T10:00:00+07:00")
    assert [who["name"] for who in match["people"]] == ["Trần Văn Bình"]
    assert "Sở Y tế" in get("/cases").text
    assert send().headers["location"] == answer.headers["location"], "twice is once"
    other = get.named("hai", "health")
    assert other(answer.headers["location"]).headers["location"].startswith("/reasons/")


def test_too_large_a_file_is_refused(office: Office) -> None:
    get = pages(office)
    form = {"csrf": get.csrf(), "key": "0" * 64, "reason": "because of it"}
    answer = get("/imports", method="POST", data=form, files={"file": ("case.zonetag", bytes(2 << 20))})
    assert answer.status_code == 413


def test_the_file_for_another_office_is_what_it_can_read(office: Office, tmp_path: Path) -> None:
    get = pages(office)
    ill, _, _ = outbreak(office)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    twin = get(f"{path}/export.json").json()
    assert "case.zonetag" in twin["files"]
    empty = get(f"{path}/export/case.zonetag?lang=en")
    assert (empty.status_code, "could find nobody" in empty.text) == (409, True), "no tag of theirs has a key"
    with writing(office.engine) as connection:
        new = tags.add_tag(connection, KEYRING, "B-9", at("00:00", 10))
        tags.hand_out(connection, KEYRING, new.id, ill, at("00:00", 17))
    came = abroad.unpack(get(f"{path}/export/case.zonetag").content, twin["key"])
    assert came.profile == "covid-19"
    assert came.since_ms == at("00:00", 18)
    assert came.until_ms <= office.now
    assert len(came.sent) > 84


def test_an_office_without_a_key_has_no_such_file(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office)
    path = get.post("/cases", person=str(ill), **HEAD).headers["location"]
    assert "case.zonetag" not in get(f"{path}/export.json").json()["files"]
    assert get(f"{path}/export/case.zonetag").status_code == 404
