"""From the link on the console to the set-up, in a real browser; and every new page on a phone and on a desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from rig.browsing import PASSWORD, add
from rig.databases import new_database
from rig.office import Office
from rig.pages import KEYRING, Served
from rig.windows import SIZES, window, wrong

from zonetag_backend.events import Events
from zonetag_backend.roles import ABSOLUTE_MS
from zonetag_backend.store import links, tag_list, tags
from zonetag_backend.store.engine import writing


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    """Pages at a real address, with nothing set up."""
    office = Office(new_database(tmp_path / "bare.db"))
    served = Served(office, Events())
    served.start()
    yield served
    served.close()
    office.engine.dispose()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A window; a live part on its way while the session changed is refused, as it must be."""
    with window(chromium, ignored=("401 (Unauthorized)", "EventSource's response")) as page:
        yield page


def fits(page: Any) -> None:
    """Nothing is wider than the window, on a phone or a desk."""
    for size in SIZES:
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.url


def test_from_the_console_s_link_to_the_set_up(empty: Served, page: Any) -> None:
    office = empty.office
    with writing(office.engine) as connection:
        token = links.make(connection, None, "admin", office.now, links.FIRST_MS, "system")
    page.goto(f"{empty.url}/login")
    fits(page)
    page.goto(f"{empty.url}/start/{token}")
    fits(page)
    page.fill("[name=name]:visible", "sếp")
    page.fill("[name=new]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".secret")
    fits(page)
    telephone = pyotp.TOTP(page.inner_text(".secret").replace(" ", ""))
    page.fill("[name=code]", telephone.at(office.now // 1000))
    page.keyboard.press("Enter")
    page.wait_for_selector(".codes")
    fits(page)
    page.click("main a.button")
    page.wait_for_url("**/setup")  # nothing is there, so that is what comes next
    fits(page)
    page.fill("[name=title]", "Văn phòng Sở Thông tin")
    page.click("main button.go")
    page.wait_for_selector("select[name=place]")
    fits(page)
    page.click("main button.go")
    page.wait_for_selector(".command")
    assert "zonetag gateway enrol cua-chinh" in page.inner_text("main")
    fits(page)
    page.click("main a[href='/setup?step=tag']")
    page.wait_for_selector("input[type=file]")
    fits(page)
    for path in ("/accounts", "/account", "/book/van-phong"):
        page.goto(f"{empty.url}{path}")
        fits(page)
    page.click("header form button")
    page.wait_for_url("**/login")
    office.now += 60_000
    page.fill("[name=name]", "sếp")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/code")
    fits(page)
    page.fill("[name=code]", telephone.at(office.now // 1000))
    page.keyboard.press("Enter")
    page.wait_for_url("**/book/van-phong")
    page.goto("about:blank")  # or the page that is open asks for its live part in between
    empty.sign_in(page.context, "auditor")
    page.goto(f"{empty.url}/audit?lang=en")
    fits(page)
    assert "made a site" in page.inner_text("main")
    page.goto("about:blank")
    empty.sign_in(page.context, "health")
    for path in ("/reasons/ca-1", "/consents"):
        page.goto(f"{empty.url}{path}")
        fits(page)


def test_what_was_typed_when_the_session_was_over_comes_back(served: Served, page: Any) -> None:
    office = served.office
    add(office, "an")
    with writing(office.engine) as connection:
        spare = tags.add_tag(connection, KEYRING, "K-01", office.now).id
        tag_list.keep_for_visitors(connection, spare, True)

    def sign_in() -> None:
        page.fill("[name=name]", "an")
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")

    page.goto(f"{served.url}/login?next=/visitors")
    sign_in()
    page.wait_for_url("**/visitors")
    page.fill("[name=name]", "Trần Thị Khách")
    office.now += ABSOLUTE_MS
    page.click("main button.go")
    page.wait_for_selector(".fault")
    assert wrong(page) == []
    page.click(".fault a.go")
    page.wait_for_url("**/login?*")
    sign_in()
    page.wait_for_url("**/typed")
    assert "Trần Thị Khách" in page.inner_text("main dl")
    assert wrong(page) == []
    page.click("main button.go")
    page.wait_for_url("**/visitors?done=lent")
    assert "Trần Thị Khách" in page.inner_text("main [role=status]")
