"""Pages of cases in a real browser: by keyboard alone, on a phone and a desk, and axe finds nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.ill import outbreak
from rig.pages import Served
from rig.windows import DESK, PHONE, tab_to, window, wrong

TABS = ("", "/sources", "/notices", "/export")
LONG = "Lê " + "Rất" * 32


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """A window of a health officer."""
    with window(chromium) as page:
        served.sign_in(page.context)
        yield page


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def enter(served: Served, page: Any, first: int = 3, second: int = 4) -> str:
    """Enter a case with the keyboard alone; its address."""
    outbreak(served.office, first, second, ("Nguyễn Thị Ánh", LONG, "<script>x</script>"))
    page.goto(f"{served.url}/cases")
    tab_to(page, "input[name=q]")
    page.keyboard.type("anh")
    with page.expect_navigation():
        press(page, "Enter")
    tab_to(page, "input[name=person]")
    tab_to(page, "input[name=day]")
    page.keyboard.type("11202026")
    tab_to(page, "input[name=reason]")
    page.keyboard.type("xét nghiệm dương tính")
    tab_to(page, "main button.go")
    with page.expect_navigation():
        press(page, "Enter")
    page.wait_for_selector("#zones")
    return str(page.url)


def test_a_case_by_keyboard_alone(served: Served, page: Any) -> None:
    url = enter(served, page)
    assert page.locator("#f1").inner_text().startswith("F1: người tiếp xúc gần")
    assert page.locator("main .count b").all_inner_texts()[:2] == ["3", "4"]
    assert page.locator("svg.graph g.g1").count() == 3
    assert page.locator("svg.graph g.g2").count() == 4
    tab_to(page, "details summary")
    press(page, "Enter")
    assert page.locator("details[open] li").count() == 3
    page.goto(url)
    tab_to(page, "button[value=trace]")
    with page.expect_navigation():
        press(page, "Enter")
    assert "Giống lần truy vết trước" in page.inner_text("main")
    tab_to(page, "a[download]")
    with page.expect_download() as taken:
        press(page, "Enter")
    assert taken.value.suggested_filename.endswith(".xlsx")


def test_nothing_is_wider_than_the_window_and_axe_finds_nothing(served: Served, page: Any) -> None:
    url = enter(served, page)
    for path in (f"{served.url}/cases", f"{served.url}/cases?q=a", *(url + tab for tab in TABS)):
        page.goto(path)
        assert wrong(page) == []


def test_on_a_phone_the_drawing_begins_at_the_first_f1(served: Served, page: Any) -> None:
    page.set_viewport_size(PHONE)
    url = enter(served, page, 2, 30)  # the trace comes into the open page; F1 stand in the middle of 30 F2

    def seen(box: str) -> bool:
        script = """box => {
          const frame = document.querySelector(".drawing").getBoundingClientRect();
          const { left, right, top, bottom } = document.querySelector(box).getBoundingClientRect();
          return left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom;
        }"""
        return bool(page.evaluate(script, box))

    page.wait_for_selector(".drawing[data-begun]")
    assert seen(".graph .g1")
    page.goto(url)
    page.wait_for_selector(".drawing[data-begun]")
    assert seen(".graph .g1")
    page.evaluate("document.querySelector('.drawing').scrollTo(0, 0)")
    assert not seen(".graph .g1")  # the control: so it was
    page.set_viewport_size(DESK)
    page.reload()
    assert page.evaluate("document.querySelector('.drawing').scrollLeft") == 0
