"""The pages of one's own data in a real browser: a telephone first, both languages, by keyboard, nothing from axe."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rig.mine import Bench
from rig.pages import Served
from rig.windows import window, wrong

from zonetag_backend.events import Events
from zonetag_backend.store import mine_codes, subject_requests
from zonetag_backend.store.engine import writing

TELEPHONE: Any = {"width": 360, "height": 740}
DESK: Any = {"width": 1920, "height": 1080}


@pytest.fixture
def served(bench: Bench) -> Iterator[Served]:
    served = Served(bench.office, Events())
    served.start()
    yield served
    served.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A telephone; a code that is refused is no fault."""
    with window(chromium, TELEPHONE, ignored=("401 (Unauthorized)",)) as page:
        yield page


def is_good(page: Any) -> None:
    """It has its styles, nothing is wider than the window, and axe finds nothing."""
    assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "1248px", "no stylesheet"
    assert wrong(page, (DESK, TELEPHONE)) == []


def test_a_worker_by_keyboard_on_a_telephone(bench: Bench, served: Served, page: Any) -> None:
    page.goto(f"{served.url}/mine")
    is_good(page)
    page.focus("[name=tag]")
    page.keyboard.type("T-1")
    page.keyboard.press("Tab")
    page.keyboard.type("AAAAA-AAAAA")
    page.keyboard.press("Enter")
    page.wait_for_selector(".wrong")
    is_good(page)
    page.focus("[name=tag]")
    page.keyboard.type("T-1")
    page.keyboard.press("Tab")
    with writing(bench.office.engine) as connection:
        code = mine_codes.issue(connection, bench.an, bench.office.now)
    page.keyboard.type(code.lower())
    page.keyboard.press("Enter")
    page.wait_for_selector(".mine")
    assert "Nguyễn Thị An" in page.inner_text("h1")
    assert "lưu 21 ngày" in page.inner_text("footer")
    is_good(page)
    page.goto(f"{served.url}/mine?lang=en")
    is_good(page)
    page.check("[name=kind][value=restrict]")
    page.fill("[name=text]", "<script>alert(1)</script> \u202e")
    page.click("#requests button.go")
    page.wait_for_selector(".done")
    is_good(page)
    with page.expect_download() as download:
        page.click("#copy a[href$=json]")
    assert download.value.suggested_filename.endswith(".json")
    page.click(".head button")
    page.wait_for_selector("[name=tag]")


def test_the_office_on_a_telephone_and_a_large_screen(bench: Bench, served: Served, page: Any) -> None:
    with writing(bench.office.engine) as connection:
        for who, kind in ((bench.an, "correct"), (bench.binh, "erase")):
            subject_requests.ask(
                connection, who, kind, "Tên đệm", how="screen", by="x", now_ms=bench.office.now, zone=ZoneInfo("UTC")
            )
    bench.office.now += 7 * 86_400_000  # overdue: red on red must be read too
    served.sign_in(page.context, "admin")
    for path in ("/requests", "/agreements", "/codes"):
        page.goto(f"{served.url}{path}")
        is_good(page)
    for at in range(2):
        page.goto(f"{served.url}/requests")
        page.locator("table.asked a").nth(at).click()
        page.wait_for_selector("form.sheet")
        is_good(page)
    page.goto(f"{served.url}/codes")
    page.fill("[name=tag]", "T-1")
    page.keyboard.press("Enter")
    page.wait_for_selector(".slip")
    is_good(page)
