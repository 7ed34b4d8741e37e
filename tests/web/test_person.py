"""A person's day: stays and places as a timeline and as tables."""

import re

from rig.office import Office, at
from rig.pages import Get

from zonetag_backend.store.person_day import Spell
from zonetag_backend.web.timeline import HOUR_MS, timeline_of


def test_places_cut_at_an_hour_are_one_spell(office: Office, get: Get) -> None:
    person, tag = office.person("Nguyễn Thị An", "Phòng Một", "CB1")
    office.visit(tag, at("08:00"), at("10:30"))
    office.presence(tag, "Cửa chính", at("08:00"), at("08:01"))
    office.presence(tag, "Phòng họp", at("08:02"), at("09:02"))
    office.presence(tag, "Phòng họp", at("09:02"), at("10:02"))
    office.presence(tag, "Phòng họp", at("10:10"), at("10:30"))  # after a gap: another spell
    answer = get(f"/person/{person}.json").json()
    assert [(spell["place"], spell["from"][11:16], spell["to"][11:16]) for spell in answer["places"]] == [
        ("Cửa chính", "08:00", "08:01"),
        ("Phòng họp", "08:02", "10:02"),
        ("Phòng họp", "10:10", "10:30"),
    ]
    assert (answer["name"], answer["unit"], answer["code"], answer["in"]) == (
        "Nguyễn Thị An",
        "Phòng Một",
        "CB1",
        False,
    )
    assert answer["tags"][0]["until"] is None
    page = get(f"/person/{person}").text
    assert page.count("<rect") == 4
    assert "2 giờ" in page


def test_what_somebody_else_did_with_the_tag_is_not_shown(office: Office, get: Get) -> None:
    first, tag = office.person("Nguyễn Thị An")
    second, _ = office.person("Trần Văn Bình")
    with office.engine.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM wearing WHERE tag = {tag}")
    office.wear(tag, first, 0, at("10:00"))
    office.wear(tag, second, at("10:00"))
    office.visit(tag, at("09:00"), at("11:00"))
    office.presence(tag, "Phòng họp", at("09:30"), at("10:30"))
    one, two = (get(f"/person/{who}.json").json() for who in (first, second))
    assert [(s["from"][11:16], s["to"][11:16]) for s in one["places"]] == [("09:30", "10:00")]
    assert [(s["from"][11:16], s["to"][11:16]) for s in two["places"]] == [("10:00", "10:30")]
    assert [stay["came"][11:16] for stay in two["stays"]] == ["10:00"]


def test_another_day_and_an_empty_one(office: Office, get: Get) -> None:
    person, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("08:00", 19), at("09:00", 19))
    assert len(get(f"/person/{person}.json?day=2026-11-19").json()["stays"]) == 1
    assert get(f"/person/{person}.json").json()["stays"] == []
    assert "Ngày này không nghe thấy thẻ nào" in get(f"/person/{person}").text


def test_a_removed_name_has_a_page_still(office: Office, get: Get) -> None:
    person, tag = office.person("")
    office.visit(tag, at("08:00"), at("14:29"))
    assert "Tên đã xóa" in get(f"/person/{person}").text
    assert "Tên đã xóa" in get("/book/van-phong").text


def test_bars_lie_within_the_line_whatever_the_times() -> None:
    midnight = at("00:00")
    spells = [
        Spell("s", "a", "room", midnight, midnight + 1),
        Spell("s", "b", "room", midnight + 23 * HOUR_MS, midnight + 24 * HOUR_MS),
        Spell("s", "c", "entrance", midnight + 24 * HOUR_MS - 1, midnight + 24 * HOUR_MS),
    ]
    for chosen in ([spells[0]], [spells[2]], spells):
        timeline = timeline_of([], chosen, midnight, midnight + 24 * HOUR_MS)
        assert timeline is not None
        for row in timeline.rows:
            for bar in row.bars:
                assert bar.left >= 0
                assert bar.left + bar.width <= 100.001
                assert bar.width > 0
        assert 2 <= len(timeline.ticks) <= 9
    assert timeline_of([], [], midnight, midnight + 24 * HOUR_MS) is None


def test_no_style_attribute_stands_in_a_page(office: Office, get: Get) -> None:
    person, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("08:00"), at("14:29"))
    for path in (f"/person/{person}", "/book/van-phong", "/gateways", "/rejected"):
        page = get(path).text
        assert not re.search(r"<[^>]*\sstyle=|<style|<script(?![^>]*\ssrc=)|\son\w+=", page), path
