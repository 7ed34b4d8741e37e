"""Papers over the pages: who may, what is recorded, what they hold."""

import csv
import io
from collections.abc import Callable

import openpyxl
import pytest
from rig.office import Office, at
from rig.pages import Get
from rig.papers import clock_of
from sqlalchemy import insert

from zonetag_backend.store import audit_log, declarations, registry, rows
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.cases import case_exposure, case_record
from zonetag_backend.store.schema.office import visitor
from zonetag_backend.web.rights import RIGHTS

TABLES = ("/papers/book/van-phong", "/papers/evacuation/van-phong", "/papers/adoption", "/papers/labels")
ROLE = {"/papers/adoption": "admin", "/papers/labels": "admin"}


def exports(office: Office) -> list[tuple[str, str, str]]:
    with reading(office.engine) as connection:
        found = list(audit_log.entries(connection))
    return [(each.actor, each.about, each.reason) for each in found if each.action == "export.make"]


@pytest.fixture
def day(office: Office) -> Office:
    """Three came, one of them left; one tag was worn by nobody."""
    for name, unit, came, last in (
        ("Trần Văn Bình", "Phòng Kỹ thuật", "07:31", "14:29"),
        ("Lê Thị Ánh", "Ban giám đốc", "07:30", "14:28"),
        ("=2+3", "", "08:00", "11:00"),
    ):
        _, tag = office.person(name, unit, f"NV{office.tags}")
        office.visit(tag, at(came), at(last))
        office.presence(tag, "Phòng họp", at(last) - 60_000, at(last))
        clock_of(office, tag, at(last), 0 if name.startswith("L") else 7)
    tag = office.tag("K-001")
    office.visit(tag, at("09:00"), at("09:30"))
    return office


def test_the_book_of_a_day(day: Office, get: Get, read: Callable[[bytes], str]) -> None:
    made = get("/papers/book/van-phong?day=2026-11-20", role="reception")
    assert made.headers["content-type"] == "application/pdf"
    wanted = "so-ra-vao-2026-11-20-Van-phong-So-Thong-tin.pdf"
    assert made.headers["content-disposition"] == f'attachment; filename="{wanted}"'
    text = read(made.content)
    assert [text.index(name) for name in ("=2+3", "Lê Thị Ánh", "Trần Văn Bình", "không có người đeo")] == sorted(
        text.index(name) for name in ("=2+3", "Lê Thị Ánh", "Trần Văn Bình", "không có người đeo")
    )
    assert "3 người vào, 1 người đã ra" in text
    assert "lưu đến hết ngày 11/12/2026" in text
    assert exports(day) == [("account:reception", "book van-phong 2026-11-20", "pdf")]


@pytest.mark.parametrize("path", TABLES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_form_has_the_same_rows(day: Office, get: Get, path: str, language: str) -> None:
    role = ROLE.get(path, "reception")
    told = get(f"{path}.json?lang={language}", role=role).json()["rows"]
    text = get(f"{path}?form=csv&lang={language}", role=role).content.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=";" if language == "vi" else ","))
    sheet = openpyxl.load_workbook(io.BytesIO(get(f"{path}?form=xlsx&lang={language}", role=role).content)).active
    cells = list(sheet.iter_rows(min_row=6, values_only=True))[: len(told)]
    assert len(told) == len(lines) - 1 == len(cells)
    assert len(told) >= 2
    for from_json, from_csv, from_sheet in zip(told, lines[1:], cells, strict=True):
        assert len(from_json) == len(from_csv) == len(from_sheet)
        for value, cell, seen in zip(from_json.values(), from_csv, from_sheet, strict=True):
            if isinstance(value, str) and "T" not in value:
                assert cell.removeprefix("'") == value == (seen or "")
    assert get(f"{path}?form=pdf&lang={language}", role=role).content.startswith(b"%PDF-")


def test_who_is_inside(day: Office, get: Get, read: Callable[[bytes], str]) -> None:
    text = read(get("/papers/evacuation/van-phong", role="reception").content)
    assert "Trần Văn Bình" in text
    assert "=2+3" not in text
    assert "2 người" in text


def test_empty_papers(office: Office, get: Get, read: Callable[[bytes], str]) -> None:
    assert "Không ai vào trong ngày này." in read(get("/papers/book/van-phong", role="reception").content)
    assert "Nobody is inside." in read(get("/papers/evacuation/van-phong?lang=en", role="reception").content)
    assert "Chưa có người nào" in read(get("/papers/adoption", role="admin").content)
    assert "Chưa có thẻ nào." in read(get("/papers/labels", role="admin").content)
    assert get("/adoption", role="admin").status_code == 200
    assert "Chưa nhập người nào" in get("/adoption", role="admin").text


def test_contacts_of_a_case_want_a_reason(day: Office, get: Get, read: Callable[[bytes], str]) -> None:
    ill, _ = day.person("Phạm Thị Đào", "Phòng Kỹ thuật", "F0")
    near, _ = day.person("Võ Thị Ngọc Ưng", "Phòng Kỹ thuật", "F1")
    with writing(day.engine) as connection:
        values = {"profile": "covid-19", "onset_ms": at("00:00", 18), "basis": "onset", "opened_ms": day.now}
        connection.execute(
            insert(case_record).values(id=77, person=ill, opened_by="account:health", reason="x", **values)
        )
        row = (77, ill, near, at("00:00", 19), "direct", 1, at("09:05", 19), at("09:40", 19), 21.4, 15.0, 30.0, 0.92)
        later = (77, ill, near, at("00:00", 20), "place", 1, at("08:00"), at("08:10"), 10.0, 10.0, 10.0, 0.5)
        rows.insert(connection, case_exposure, [(*row, day.now), (*later, day.now)])
    assert get("/papers/case/77").headers["location"].startswith("/reasons/77?next=")
    get.post("/reasons/77", reason="truy vết ca bệnh", next="/papers/case/77")
    text = read(get("/papers/case/77").content)
    for wanted in ("F1", "Võ Thị Ngọc Ưng", "Phạm Thị Đào", "19/11/2026", "09:05", "09:40", "21", "92", "COVID-19"):
        assert wanted in text, wanted
    assert "lưu đến hết ngày 11/12/2026" in text
    assert exports(day)[-1] == ("account:health", "case 77", "pdf")
    told = get("/papers/case/77.json").json()["rows"]
    assert [(each["generation"], each["probability"], each["overall"]) for each in told] == [
        ("F1", 92, 96),
        ("F1", 50, 96),
    ], "each day's, and as the page has it"
    [contact] = get("/cases/77.json").json()["contacts"]
    assert contact["probability"] == pytest.approx(0.96)
    for role in ("admin", "reception", "auditor"):
        assert get("/papers/case/77", role=role).status_code == 403


@pytest.mark.parametrize("path", ["/papers/case/1x", "/papers/case/99999999999999999999", "/papers/book/none"])
def test_what_is_not_there(office: Office, get: Get, path: str) -> None:
    assert get(path).status_code == 404
    assert get("/papers/book/van-phong?form=doc").status_code == 404
    assert get("/papers/poster?place=roof", role="admin").status_code == 404
    assert get("/papers/visitor?tag=none", role="reception").status_code == 404
    assert get("/papers/consent?form=xlsx", role="admin").status_code == 404


def test_the_report_upwards(day: Office, get: Get, read: Callable[[bytes], str]) -> None:
    with writing(day.engine) as connection:
        registry.add_person(connection, "Không Thẻ", "Ban giám đốc", "NV9")
    text = read(get("/papers/adoption?number=12", role="admin").content)
    assert "Số: 12/VP-STTTT" in text
    assert "Tổng số 4 người; đã cấp thẻ cho 3 người (75%)" in " ".join(text.split())
    assert "1 thẻ sắp hết pin; 1 người chưa có thẻ" in " ".join(text.split())
    assert "Không Thẻ" not in text, "counts alone"
    rows_ = get("/papers/adoption.json", role="admin").json()["rows"]
    assert [each["unit"] for each in rows_] == ["Ban giám đốc", "Phòng Kỹ thuật", "(chưa ghi đơn vị)"]
    assert rows_[0] | {"no": 1} == {
        "no": 1, "unit": "Ban giám đốc", "staff": 2, "issued": 1, "share": 50.0, "heard": 1, "flat": 1, "uncovered": 1,
    }  # fmt: skip


def test_labels_and_slips(day: Office, get: Get, read: Callable[[bytes], str]) -> None:
    assert "Lê Thị Ánh" not in read(get("/papers/labels", role="admin").content)
    assert "Lê Thị" in read(get("/papers/labels?names=yes", role="admin").content)
    one = read(get("/papers/labels?tag=K-001", role="admin").content)
    assert "K-001" in one
    assert "A-001" not in one
    # The desk looks nobody up by a slip: it names visitors alone.
    assert "Trần Văn Bình" not in read(get("/papers/visitor?tag=A-001", role="reception").content)
    guest, tag = day.person("Phạm Khách")
    with writing(day.engine) as connection:
        rows.insert(connection, visitor, [(guest, "", "", at("08:00"))])
    assert tag == 5
    assert "Phạm Khách" in read(get("/papers/visitor?tag=A-005", role="reception").content)
    assert read(get("/papers/consent", role="admin").content)
    assert "https://zonetag.example.vn/mine" in read(get("/papers/poster?place=lift", role="admin").content)


def test_the_index_shows_what_a_role_may_print(day: Office, get: Get) -> None:
    paths = [path for path in RIGHTS if path.startswith("/papers/")]
    for role in ("reception", "health", "admin"):
        text = get("/papers", role=role).text
        for path in paths:
            shown = f'action="{path.split("{", maxsplit=1)[0]}' in text
            may = role in RIGHTS[path]["GET"].roles
            assert shown == (may and path != "/papers/case/{case}"), (role, path)
    assert get("/papers", role="auditor").status_code == 403


def test_phones_beside(day: Office, get: Get) -> None:
    day.gateway_status("gw-cua", True, '{"tallies": {"phones.bluezone": 90}}')
    day.report("gw-cua", 30)
    day.gateway_status("gw-hop", True, '{"tallies": {"phones.bluezone": "many"}}')
    told = {each["gateway"]: each["bluezone"] for each in get("/adoption.json", role="admin").json()["phones"]}
    assert told == {"gw-cua": 3.0, "gw-hop": None}


def test_the_poster_of_the_declaration_opens_its_page(office: Office, get: Get, read: Callable[[bytes], str]) -> None:
    path = "/papers/poster?place=declaration&site=van-phong"
    assert get(path, role="admin").status_code == 404, "while declarations are off there"
    assert "declaration" not in get("/papers", role="admin").text
    with writing(office.engine) as connection:
        declarations.switch(connection, "van-phong", True, office.now, "test")
        token = declarations.link_of(connection, "van-phong")
    assert f"/declare/{token}" in read(get(path, role="admin").content)
    assert 'value="declaration"' in get("/papers", role="admin").text
    assert get(path.replace("van-phong", "nowhere"), role="admin").status_code == 404
