"""The pages in a real browser: live, in both languages, on a phone's width, by keyboard, with a silent console."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import Served
from rig.windows import expect, window, wrong

from zonetag_backend.events import BOOK, Change


def becomes(page: Any, selector: str, text: str) -> None:
    """Wait until the element's text is that."""
    expect(page.locator(selector)).to_have_text(text)


def lines(page: Any, count: int) -> None:
    """Wait until the book has so many lines."""
    expect(page.locator("table.book tbody tr")).to_have_count(count)


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """A new window of a health officer."""
    with window(chromium) as page:
        served.sign_in(page.context)
        yield page


def fill(office: Office) -> int:
    """Some people of whom one has left; the tag of the first."""
    person, first = office.person("Nguyễn Thị Ánh", "Phòng Hành chính – Tổng hợp", "CB001")
    del person
    office.visit(first, at("07:30"), at("14:29"))
    office.presence(first, "Phòng họp", at("14:00"), at("14:29"))
    for number, name in enumerate(("Đỗ Văn Đức", "Trần Văn Dũng", "Lê " + "Rất" * 30 + " Dài", "<script>x</script>")):
        _, tag = office.person(name, "Phòng Công nghệ thông tin", f"CB1{number}")
        office.visit(tag, at("07:45"), at("14:28"))
    _, gone = office.person("Hoàng Thị Bình", "Thanh tra")
    office.visit(gone, at("07:40"), at("11:30"), corrected=at("12:00"))
    office.correction(gone, at("12:00"), at("07:40"), at("11:00"))
    office.gateway_status("gw-cua", True, '{"spool": {"reports": 2}, "tallies": {"adverts": 5800}}')
    office.gateway_status("gw-moi", True, "{}", refused=3)
    office.rejected("gw-cua", "unknown", 1523, at("14:00"))
    return first


def test_the_book_changes_without_a_reload(served: Served, page: Any) -> None:
    tag = fill(served.office)
    page.goto(f"{served.url}/book/van-phong")
    page.wait_for_selector('#connection[data-state="live"]')
    assert page.inner_text("#count-in") == "5"
    page.evaluate("window.mark = 'same page'")
    served.office.heard_on(tag, at("14:10"))
    served.events.publish(Change("van-phong", BOOK))
    becomes(page, "#count-in", "4")
    assert page.evaluate("window.mark") == "same page"
    assert page.inner_text("#connection-text") == "Trực tiếp"


def test_a_lost_connection_is_said_and_comes_back(served: Served, page: Any) -> None:
    fill(served.office)
    page.goto(f"{served.url}/book/van-phong")
    page.wait_for_selector('#connection[data-state="live"]')
    served.stop()
    page.wait_for_selector('#connection[data-state="lost"]')
    assert "Mất kết nối" in page.inner_text("#connection-text")
    served.office.now = at("14:31")
    served.start_again()
    page.wait_for_selector('#connection[data-state="live"]')
    becomes(page, "#now", "14:31")
    # What a browser says of a server that is not there is no fault of the page.
    page.angry[:] = [text for text in page.angry if "ERR_" not in text and "EventSource" not in text]


def test_search_narrows_while_typing(served: Served, page: Any) -> None:
    fill(served.office)
    page.goto(f"{served.url}/book/van-phong")
    page.wait_for_selector('#connection[data-state="live"]')
    page.fill("#q", "do duc")
    lines(page, 1)
    assert "Đỗ Văn Đức" in page.inner_text("table.book tbody")
    page.wait_for_url("**?q=do+duc")
    assert page.evaluate("document.activeElement.id") == "q"
    page.select_option("#unit", "Thanh tra")
    page.wait_for_selector(".empty")
    served.events.publish(Change("van-phong", BOOK))  # what was asked for stays asked for
    page.fill("#q", "")
    lines(page, 1)
    assert "Hoàng Thị Bình" in page.inner_text("table.book tbody")


def test_without_scripts_the_pages_still_serve(served: Served, chromium: Any) -> None:
    fill(served.office)
    with window(chromium, java_script_enabled=False) as page:
        served.sign_in(page.context)
        page.goto(f"{served.url}/book/van-phong")
        page.fill("#q", "anh")
        page.press("#q", "Enter")
        page.wait_for_url("**q=anh**")
        assert page.locator("table.book tbody tr").count() == 1
        for path in ("/book/van-phong", "/inside/van-phong", "/gateways"):
            page.goto(f"{served.url}{path}?lang=vi")
            assert page.inner_text("#connection") == "Tính đến 14:30", "what it is, not that it would follow"
            assert not page.locator("#print:visible").count()


def test_long_names_fit_and_axe_finds_nothing_by_dark_either(served: Served, page: Any) -> None:
    """By light, and in English: test_every_page."""
    fill(served.office)
    page.emulate_media(color_scheme="dark")
    person = page.request.get(f"{served.url}/book/van-phong.json").json()["people"][0]["person"]
    for path in ("/book/van-phong", f"/person/{person}", "/gateways", "/rejected", "/book/van-phong?day=2026-01-01"):
        page.goto(f"{served.url}{path}")
        assert wrong(page) == []


def test_the_keyboard_alone_reaches_everything(served: Served, page: Any) -> None:
    fill(served.office)
    page.goto(f"{served.url}/book/van-phong")
    page.wait_for_selector('#connection[data-state="live"]')
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached: list[str] = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached.index("q") < reached.index("unit") < reached.index("count in")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
