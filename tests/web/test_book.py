"""The in-out book: who is in, who left, in which order, narrowed how, corrected when."""

import json
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import Get


def people(get: Get, query: str = "") -> list[dict[str, Any]]:
    answer = get(f"/book/van-phong.json{query}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["people"]
    return found


def test_in_and_left_follow_the_absence_time(office: Office, get: Get) -> None:
    _, stays = office.person("Nguyễn Thị An", "Phòng Một")
    _, leaves = office.person("Trần Văn Bình", "Phòng Hai")
    office.visit(stays, at("07:30"), at("14:21"))
    office.visit(leaves, at("07:31"), at("14:20"))
    office.now = at("14:30")  # the absence time is ten minutes: exactly ten have passed for the second
    answer = get("/book/van-phong.json").json()
    assert answer["counts"] == {"in": 1, "came": 2, "left": 1, "unworn_tags": 0}
    first, second = answer["people"]
    assert (first["name"], first["in"], first["stays"][0]["left"]) == ("Nguyễn Thị An", True, None)
    assert (second["in"], second["stays"][0]["left"]) == (False, "2026-11-20T14:20:00+07:00")
    assert answer["now"] == "2026-11-20T14:30:00+07:00"
    assert answer["site"]["absence_s"] == 600


@pytest.mark.both_databases
def test_names_stand_as_vietnamese_offices_sort_them(office: Office, get: Get) -> None:
    wanted = [
        "Lê Văn An", "Trần Thị An", "Vũ Thị Ánh", "Lê Văn Ân", "Đỗ Văn Dung", "Đỗ Văn Dũng", "Bùi Thị Đào",
        "Hồ Thị Hà", "Đặng Văn Hạ", "An Văn Hồng", "An Văn Yến",
    ]  # fmt: skip
    for name in sorted(wanted, key=hash):
        _, tag = office.person(name)
        office.visit(tag, at("08:00"), at("09:00"))
    assert [each["name"] for each in people(get)] == wanted


@pytest.mark.parametrize("query", ["nguyen thi an", "AN NGUYỄN", "a-001", "cb7", "hanh chinh an"])
def test_search_finds_without_diacritics(office: Office, get: Get, query: str) -> None:
    _, tag = office.person("Nguyễn Thị An", "Phòng Hành chính", "CB7")
    _, other = office.person("Đỗ Văn Đức", "Thanh tra")
    office.visit(tag, at("08:00"), at("14:25"))
    office.visit(other, at("08:00"), at("14:25"))
    assert [each["name"] for each in people(get, f"?q={query}")] == ["Nguyễn Thị An"]
    assert [each["name"] for each in people(get, "?q=do duc")] == ["Đỗ Văn Đức"]
    assert people(get, "?q=nobody") == []


def test_filters_by_unit_and_state_keep_the_counts(office: Office, get: Get) -> None:
    for name, unit, last in (("A", "Một", "14:29"), ("B", "Một", "09:00"), ("C", "Hai", "14:29")):
        _, tag = office.person(name, unit)
        office.visit(tag, at("08:00"), at(last))
    assert [each["name"] for each in people(get, "?show=in")] == ["A", "C"]
    assert [each["name"] for each in people(get, "?show=left")] == ["B"]
    assert [each["name"] for each in people(get, "?unit=M%E1%BB%99t")] == ["A", "B"]
    assert get("/book/van-phong.json?show=left").json()["counts"]["came"] == 3


def test_visits_of_one_person_share_a_line(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("07:30"), at("11:32"))
    office.visit(tag, at("13:01"), at("14:29"))
    office.presence(tag, "Cửa chính", at("11:31"), at("11:32"))
    office.presence(tag, "Phòng họp", at("14:00"), at("14:29"))
    office.presence(tag, "Cửa chính", at("14:10"), at("14:12"))
    (line,) = people(get)
    assert [(stay["came"][11:16], stay["left"] and stay["left"][11:16], stay["place"]) for stay in line["stays"]] == [
        ("07:30", "11:32", "Cửa chính"),
        ("13:01", None, "Phòng họp"),
    ]
    page = get("/book/van-phong").text
    assert page.count('class="came"') == 2
    assert "Phòng họp" in page


@pytest.mark.both_databases
def test_a_tag_that_changes_hands_makes_a_stay_for_each(office: Office, get: Get) -> None:
    first, tag = office.person("Nguyễn Thị An")
    second, _ = office.person("Trần Văn Bình")
    with office.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM wearing WHERE tag = {tag}")
    office.wear(tag, first, 0, at("10:00"))
    office.wear(tag, second, at("10:05"))
    office.visit(tag, at("08:00"), at("14:29"))
    a, b = people(get)
    assert (a["name"], a["in"], a["stays"][0]["left"]) == ("Nguyễn Thị An", False, "2026-11-20T10:00:00+07:00")
    assert (b["name"], b["in"], b["stays"][0]["came"]) == ("Trần Văn Bình", True, "2026-11-20T10:05:00+07:00")


def test_a_tag_that_nobody_wears_is_shown_and_not_counted(office: Office, get: Get) -> None:
    office.visit(office.tag("K-07"), at("08:00"), at("14:29"))
    answer = get("/book/van-phong.json").json()
    assert answer["counts"] == {"in": 0, "came": 0, "left": 0, "unworn_tags": 1}
    assert answer["people"][0]["person"] is None
    assert "K-07" in get("/book/van-phong").text


@pytest.mark.both_databases
def test_a_correction_shows_what_the_book_said_before(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("07:30"), at("11:57"), corrected=at("12:40"))
    office.correction(tag, at("12:40"), at("07:30"), at("11:32"))
    office.correction(tag, at("12:40", 19), at("07:30", 19), at("11:32", 19))  # of another day
    ((stay,),) = [line["stays"] for line in people(get)]
    assert stay["corrections"] == [
        {"at": "2026-11-20T12:40:00+07:00", "came": "2026-11-20T07:30:00+07:00", "last": "2026-11-20T11:32:00+07:00"}
    ]
    page = get("/book/van-phong").text
    assert "trước đây ghi: 07:30–11:32" in page
    assert "sửa lúc 12:40" in page


@pytest.mark.both_databases
def test_a_stay_over_midnight_belongs_to_both_days(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("06:00", 17), at("07:00", 17))
    office.visit(tag, at("22:00", 18), at("02:00", 20))
    office.now = at("09:00")
    assert [len(people(get, f"?day=2026-11-{day}")) for day in (16, 17, 18, 19, 20, 21)] == [0, 1, 1, 1, 1, 0]
    assert "18/11 22:00" in get("/book/van-phong?day=2026-11-19").text


def test_a_day_is_a_day_of_the_site(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("00:30"), at("01:00"))  # still the 19th in UTC
    assert len(people(get)) == 1
    assert people(get, "?day=2026-11-19") == []


def test_pages_of_a_long_list(office: Office, get: Get) -> None:
    for number in range(103):
        _, tag = office.person(f"Người {number:03}")
        office.visit(tag, at("08:00"), at("14:29"))
    first, second = get("/book/van-phong").text, get("/book/van-phong?page=2").text
    assert ("Người 099" in first, "Người 100" in first) == (True, False)
    assert ("Người 099" in second, "Người 102" in second) == (False, True)
    assert get("/book/van-phong?page=99").text.count("<tr id=") == 3
    assert len(people(get)) == 103


def test_the_fragment_alone_and_nothing_when_nothing_changed(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("08:00"), at("14:29"))
    htmx = {"HX-Request": "true"}
    fragment = get("/book/van-phong?q=an&unit=", headers=htmx)
    assert "<html" not in fragment.text
    assert fragment.headers["hx-replace-url"] == "/book/van-phong?q=an"
    have = json.loads(fragment.text.split("hx-headers='")[1].split("'")[0])
    assert get("/book/van-phong?q=an", headers=htmx | have).status_code == 204
    office.now = at("14:45")
    changed = get("/book/van-phong?q=an", headers=htmx | have)
    assert changed.status_code == 200
    assert 'id="count-left">1<' in changed.text


def test_an_empty_book_says_what_to_do(get: Get) -> None:
    page = get("/book/van-phong").text
    assert "Chưa ghi nhận ai" in page
    assert "zonetag tag" in page
    assert "Ngày này chưa đến" in get("/book/van-phong?day=2026-12-01").text
    assert "Nobody was heard that day" in get("/book/van-phong?day=2026-11-01&lang=en").text
