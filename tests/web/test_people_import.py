"""A roster is looked at before anything changes, and taken over once."""

import html
import io
import re
from pathlib import Path

import httpx
import pytest
from openpyxl import Workbook, load_workbook
from rig.office import Office
from rig.pages import KEYRING, Get
from sqlalchemy import func, select

from zonetag_backend.roster import plan as planning
from zonetag_backend.roster import rows as r
from zonetag_backend.store import registry, schema, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.pages.importing import PROBLEMS, REFUSALS

HEAD = ["STT", "Họ và tên", "Đơn vị", "Mã số", "Số thẻ"]


def roster(*people: tuple[str, str, str, str]) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["DANH SÁCH CÁN BỘ"])
    sheet.append(HEAD)
    for number, person in enumerate(people, 1):
        sheet.append([number, *person])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def look(get: Get, content: bytes, name: str = "danh-sach.xlsx", **headers: str) -> httpx.Response:
    return get(
        "/people/import",
        role="admin",
        method="POST",
        data={"csrf": get.csrf("admin")},
        files={"file": (name, content)},
        headers=headers,
    )


def take(get: Get, page: str) -> httpx.Response:
    """Send what the preview holds."""
    fields = dict(re.findall(r'name="(digest|rows)" value="([^"]*)"', page))
    return get.post("/people/import", role="admin", **{name: html.unescape(value) for name, value in fields.items()})


def everybody(office: Office) -> list[tuple[str, str, str | None]]:
    with reading(office.engine) as connection:
        p = schema.person.c
        return sorted((name, unit, code) for name, unit, code in connection.execute(select(p.name, p.unit, p.code)))


def problems(get: Get, content: bytes) -> list[tuple[int, list[str]]]:
    twin = look(get, content, accept="application/json").json()
    return [(row["line"], row["problems"]) for row in twin["rows"] if row["problems"]]


def test_two_hundred_people_with_tags_and_again(office: Office, get: Get) -> None:
    with writing(office.engine) as connection:
        for n in range(200):
            tags.add_tag(connection, KEYRING, f"A-{n:03}", office.now)
    people = [(f"Nguyễn Văn {chr(65 + n % 26)}{n}", f"Phòng {n % 7}", f"NV{n:03}", f"A-{n:03}") for n in range(200)]
    page = look(get, roster(*people))
    assert page.status_code == 200
    assert everybody(office) == []  # looking changes nothing
    taken = take(get, page.text)
    assert taken.status_code == 303
    told = get(f"{taken.headers['location']}&lang=en", role="admin").text
    assert "200 rows are taken over: 200 new people, 0 changed, 200 tags handed out." in told
    assert "200 people wear a tag and have not agreed" in told
    assert everybody(office) == sorted((name, unit, code) for name, unit, code, _ in people)
    with reading(office.engine) as connection:
        assert connection.scalar(select(func.count()).where(schema.wearing.c.until_ms.is_(None))) == 200
        entries = connection.exec_driver_sql("SELECT action, count(*) FROM audit GROUP BY action").all()
    assert {("people.import", 1), ("tag.give", 200), ("agreement.missing", 200)} <= {tuple(each) for each in entries}
    again = look(get, roster(*people))
    assert 'name="rows"' not in again.text  # all as it is: there is nothing to take over
    # Sent once more by a browser's "back": the register has changed, so it is looked at again.
    assert take(get, page.text).status_code == 400
    assert len(everybody(office)) == 200


def test_by_staff_number_a_row_changes_what_is_there(office: Office, get: Get) -> None:
    with writing(office.engine) as connection:
        registry.add_person(connection, "Lê Thị An", "Văn phòng", "NV1")
        registry.add_person(connection, "Trần Bình", "Văn phòng")
    sent = roster(
        ("Lê Thị Ngọc An", "Kế toán", "NV1", ""), ("Trần Bình", "Văn phòng", "NV2", ""), ("Đỗ Cúc", "", "", "")
    )
    page = look(get, sent)
    assert "Lê Thị An" in page.text  # what it was before
    taken = take(get, page.text)
    assert taken.status_code == 303
    told = get(taken.headers["location"], role="admin").text
    assert "Đã nhập 3 dòng: 1 người mới, 2 người thay đổi, giao 0 thẻ." in told
    assert "chưa đồng ý" not in told
    assert everybody(office) == [
        ("Lê Thị Ngọc An", "Kế toán", "NV1"),
        ("Trần Bình", "Văn phòng", "NV2"),
        ("Đỗ Cúc", "", None),
    ]
    assert 'name="rows"' not in look(get, sent).text


def test_every_problem_is_shown_and_the_others_are_taken(office: Office, get: Get) -> None:
    with writing(office.engine) as connection:
        known = registry.add_person(connection, "Lê An", "Văn phòng", "NV1")
        for _ in range(2):
            registry.add_person(connection, "Trần Bình", "Văn phòng")
        for number in ("A-1", "A-2", "A-3"):
            tags.add_tag(connection, KEYRING, number, office.now)
        tags.hand_out(connection, KEYRING, tags.find_tag(connection, "A-1"), known, office.now)
        tags.retire(connection, KEYRING, tags.find_tag(connection, "A-2"), office.now)
    sent = roster(
        ("", "Văn phòng", "NV9", ""),
        ("x" * 201, "", "", ""),
        ("Ai\u202eĐó", "", "", ""),
        ("Một", "y" * 201, "", ""),
        ("Hai", "", "9" * 65, ""),
        ("=1+1", "", "", ""),
        ("Ba", "Tổ 1", "NV3", ""),
        ("Bốn", "Tổ 1", "NV3", ""),
        ("Năm", "Tổ 1", "", ""),
        ("năm", "tổ 1", "", ""),
        ("Trần Bình", "Văn phòng", "", ""),
        ("Phạm Sáu", "", "NV1", ""),
        ("Bảy", "", "", "Z-9"),
        ("Tám", "", "", "A-1"),
        ("Chín", "", "", "A-2"),
        ("Mười", "", "", "a-3"),
        ("Mười một", "", "", "A-3"),
    )
    found = problems(get, sent)
    assert found == [
        (3, [r.NO_NAME]),
        (4, [r.BAD_NAME]),
        (5, [r.BAD_NAME]),
        (6, [r.BAD_UNIT]),
        (7, [r.BAD_CODE]),
        (8, [r.FORMULA]),
        (10, [r.TWICE]),
        (12, [r.TWICE]),
        (13, [r.AMBIGUOUS]),
        (14, [r.CODE_TAKEN]),
        (15, [r.TAG_UNKNOWN]),
        (16, [r.TAG_WORN]),
        (17, [r.TAG_UNFIT]),
        (19, [r.TAG_TWICE]),
    ]
    assert {code for _, codes in found for code in codes} == set(PROBLEMS)
    page = look(get, sent)
    assert "do Lê An đeo" in page.text
    assert take(get, page.text).status_code == 303
    assert {name for name, _, _ in everybody(office)} == {"Lê An", "Trần Bình", "Ba", "Năm", "Mười"}


def test_of_one_sheet_a_row_is_its_number_alone(office: Office, get: Get) -> None:
    page = look(get, roster(("Trần Bình", "Tổ 1", "NV1", ""), ("Lê An", "Tổ 1", "NV1", ""))).text
    assert re.findall(r"<td>([^<]*)</td>\s*<th scope=\"row\"", page) == ["4", "3"]
    assert "dòng 3." in page
    assert "Sheet" not in page
    assert everybody(office) == []


def test_hostile_names_are_text(get: Get) -> None:
    page = look(get, "Họ và tên;Đơn vị\n<script>alert(1)</script>;'\"><x>\n".encode())
    assert "<script>alert" not in page.text
    assert "<x>" not in page.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_refused_file_says_why(get: Get, language: str) -> None:
    page = get(
        f"/people/import?lang={language}",
        role="admin",
        method="POST",
        data={"csrf": get.csrf("admin")},
        files={"file": ("x.xls", b"\xd0\xcf\x11\xe0")},
    )
    assert page.status_code == 400
    assert "XLSX" in page.text
    assert REFUSALS.keys() == {
        r.EMPTY,
        r.TOO_LARGE,
        r.TOO_MANY,
        r.MACROS,
        r.OLD_EXCEL,
        r.NOT_A_LIST,
        r.DAMAGED,
        r.NO_HEAD,
    }


@pytest.mark.parametrize(
    "rows",
    ["x", "{}", "[1]", "[[]]", '[["a"]]', '[["",1,"A","","",5,false]]', '[["","1","A","","","",false]]', "[" * 5000],
)
def test_rows_that_no_preview_wrote(office: Office, get: Get, rows: str) -> None:
    assert get.post("/people/import", role="admin", rows=rows, digest="x").status_code == 400
    assert everybody(office) == []


def test_forms_without_a_file_or_token(office: Office, get: Get) -> None:
    assert get.post("/people/import", role="admin", file="text").status_code == 400
    assert get.post("/people/import", role="admin").status_code == 400
    assert get("/people/import", role="admin", method="POST", files={"file": ("x.csv", b"x")}).status_code == 403
    assert look(get, b"x" * (13 << 20)).status_code == 413


def test_the_template_is_a_workbook(get: Get) -> None:
    answer = get("/people/import/template", role="admin")
    assert "attachment" in answer.headers["content-disposition"]
    assert [cell.value for cell in load_workbook(io.BytesIO(answer.content)).worksheets[0][1]] == HEAD[1:]


def test_twenty_thousand_rows(office: Office, get: Get) -> None:
    lines = [f"Nguyễn Văn {chr(65 + n % 26)}{n};Lớp {n % 40};{n}" for n in range(20_000)]
    page = look(get, "\n".join(["Họ và tên;Lớp;Mã số", *lines]).encode("utf-8-sig"), "a.csv")
    assert page.text.count("<tr>") < 250
    assert take(get, page.text).status_code == 303
    assert len(everybody(office)) == 20_000


def test_a_plan_changes_its_mark_with_the_register() -> None:
    rows = [r.Row("", 2, "Lê An", "", "1", "")]
    empty = planning.plan(rows, [], [])
    other = planning.plan(rows, [planning.Known(7, "Lê An", "", "1", ())], [])
    assert empty.digest == planning.plan(rows, [], []).digest != other.digest
    assert (empty.count(planning.NEW), other.count(planning.SAME)) == (1, 1)


def fields(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(fields(inner) for inner in value.values()))
    return set().union(*(fields(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_field_is_documented(root: Path, office: Office, get: Get) -> None:
    who, _ = office.person("Lê An")
    text = (root / "docs/en/pages.md").read_text(encoding="utf-8")
    twins = [get(f"{path}.json", role="admin").json() for path in ("/people", f"/people/{who}", "/tags", "/tags/give")]
    twins += [get(f"{path}.json", role="reception").json() for path in ("/visitors", "/plan/van-phong")]
    twins.append(look(get, roster(("Trần Bình", "", "", "")), accept="application/json").json())
    assert [name for twin in twins for name in fields(twin) if f"`{name}`" not in text] == []
