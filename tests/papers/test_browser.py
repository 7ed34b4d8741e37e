"""Papers and adoption in a real browser: both languages, a phone and a desk, by keyboard, and axe finds nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import Served
from rig.papers import HEAD, WAYS, clock_of
from rig.windows import tab_to, window, wrong

from zonetag_backend.events import Events
from zonetag_backend.web.paperwork import PaperSettings

PAGES = (("/papers", "admin"), ("/adoption", "admin"), ("/adoption/reminders", "admin"), ("/papers", "reception"))


@pytest.fixture
def served(office: Office) -> Iterator[Served]:
    """The pages of an office with staff, hostile and long names among them."""
    names = (
        ("Nguyễn Thị Hồng Ưỡng", "Phòng Kỹ thuật", "14:00", 7),
        ("Lê Văn Đức", "Phòng Kỹ thuật", "14:00", 0),
        ("<script>alert(1)</script>", "<b>", "", 7),
        ("Rất" * 33, "Ban giám đốc", "", 7),
    )
    for name, unit, heard, battery in names:
        _, tag = office.person(name, unit, f"NV{office.tags}")
        clock_of(office, tag, at(heard) if heard else at("08:00", 1), battery)
    office.gateway_status("gw-cua", True, '{"tallies": {"phones.bluezone": 90}}')
    office.report("gw-cua", 30)
    served = Served(office, Events(), paperwork=PaperSettings(HEAD, 21, WAYS, "Văn phòng Sở Thông tin", "vi", 7))
    served.start()
    yield served
    served.close()


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """A window of an administrator."""
    with window(chromium) as page:
        served.sign_in(page.context, "admin")
        yield page


def test_nothing_is_wider_than_the_window_and_axe_finds_nothing(served: Served, page: Any) -> None:
    for path, role in PAGES:
        served.sign_in(page.context, role)
        page.goto(f"{served.url}{path}?lang=vi")
        assert wrong(page) == []


def test_reminders_by_keyboard_alone(served: Served, page: Any) -> None:
    page.goto(f"{served.url}/adoption?lang=vi")
    tab_to(page, "main form[action='/adoption/reminders'] button")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Lê Văn Đức" in page.inner_text("main")
    assert "sắp hết pin" in page.inner_text("main")
    tab_to(page, "main button.go")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Đã đưa vào hàng đợi" in page.inner_text("main")
    assert "Hiện không cần nhắc ai" in page.inner_text("main")


def test_a_paper_is_taken_by_a_click(served: Served, page: Any) -> None:
    page.goto(f"{served.url}/papers?lang=vi")
    for form in ("pdf", "xlsx", "csv"):
        with page.expect_download() as taken:
            page.click(f"form[action='/papers/adoption'] button[value={form}]")
        assert taken.value.suggested_filename == f"bao-cao-su-dung-the-2026-11-20.{form}"
