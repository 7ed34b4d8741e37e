"""Papers and adoption in a real browser: both languages, a phone and a desk, by keyboard, and axe finds nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.components import Require, missing
from rig.office import Office, at
from rig.pages import Served
from rig.papers import HEAD, WAYS, clock_of

from zonetag_backend.events import Events
from zonetag_backend.web.paperwork import PaperSettings

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ModuleNotFoundError:  # there is none for this machine's processor
    sync_playwright = None  # type: ignore[assignment]  # then the tests skip

WAIT_MS = 30_000
SIZES = ({"width": 390, "height": 844}, {"width": 1366, "height": 850})
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAGES = (("/papers", "admin"), ("/adoption", "admin"), ("/adoption/reminders", "admin"), ("/papers", "reception"))


@pytest.fixture(scope="module")
def browser(require: Require) -> Iterator[Any]:
    """Debian's Chromium."""
    path = require("chromium", "apt-get install chromium")
    if sync_playwright is None:
        missing("playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


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
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A window of an administrator; whatever its console says in anger fails the test."""
    context = browser.new_context(viewport=SIZES[1], locale="vi-VN")
    context.set_default_timeout(WAIT_MS)
    served.sign_in(context, "admin")
    page = context.new_page()
    angry: list[str] = []
    page.on("console", lambda said: angry.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: angry.append(str(error)))
    yield page
    context.close()
    assert angry == []


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_is_wider_than_the_window_and_axe_finds_nothing(served: Served, page: Any, language: str) -> None:
    for path, role in PAGES:
        served.sign_in(page.context, role)
        page.goto(f"{served.url}{path}?lang={language}")
        for size in SIZES:
            page.set_viewport_size(size)
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, (path, size)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_axe_would_have_found_a_fault(served: Served, page: Any) -> None:
    """The control: a field without words."""
    page.goto(f"{served.url}/papers?lang=vi")
    page.evaluate("document.querySelector('select[name=unit]').closest('label').firstChild.remove()")
    assert "select-name" in Axe().run(page).generate_report()


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
        assert taken.value.suggested_filename == f"adoption-2026-11-20.{form}"


def tab_to(page: Any, selector: str) -> None:
    """Go on with the tabulator until that has the focus."""
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the tabulator does not come to {selector}")
