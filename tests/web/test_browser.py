"""The pages in a real browser: live, in both languages, on a phone's width, by keyboard, with a silent console."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.components import Require, missing
from rig.office import Office, at
from rig.pages import Served

from zonetag_backend.events import BOOK, Change

try:
    from playwright.sync_api import expect, sync_playwright
except ModuleNotFoundError:  # there is none for this machine's processor
    sync_playwright = None  # type: ignore[assignment]  # then the tests skip

WAIT_MS = 30_000
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 850}

# No sandbox because a build machine runs as root; the others keep it from looking for its maker's servers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(require: Require) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    path = require("chromium", "apt-get install chromium")
    if sync_playwright is None:
        missing("playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


def becomes(page: Any, selector: str, text: str) -> None:
    """Wait until the element's text is that."""
    expect(page.locator(selector)).to_have_text(text, timeout=WAIT_MS)


def lines(page: Any, count: int) -> None:
    """Wait until the book has so many lines."""
    expect(page.locator("table.book tbody tr")).to_have_count(count, timeout=WAIT_MS)


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A new window of a health officer; whatever its console says in anger fails the test."""
    context = browser.new_context(viewport=DESK, locale="vi-VN")
    context.set_default_timeout(WAIT_MS)
    served.sign_in(context)
    page = context.new_page()
    angry: list[str] = []
    page.on("console", lambda message: angry.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: angry.append(str(error)))
    page.angry = angry
    yield page
    context.close()
    assert angry == []


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


def test_without_scripts_the_pages_still_serve(served: Served, browser: Any) -> None:
    fill(served.office)
    context = browser.new_context(viewport=DESK, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    served.sign_in(context)
    page = context.new_page()
    page.goto(f"{served.url}/book/van-phong")
    page.fill("#q", "anh")
    page.press("#q", "Enter")
    page.wait_for_url("**q=anh**")
    assert page.locator("table.book tbody tr").count() == 1
    context.close()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(
    served: Served, page: Any, language: str, size: dict[str, int], scheme: str
) -> None:
    fill(served.office)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    person = page.request.get(f"{served.url}/book/van-phong.json").json()["people"][0]["person"]
    for path in ("/book/van-phong", f"/person/{person}", "/gateways", "/rejected", "/book/van-phong?day=2026-01-01"):
        page.goto(f"{served.url}{path}{'&' if '?' in path else '?'}lang={language}")
        assert page.evaluate("document.documentElement.lang") == language
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert page.evaluate(LOW_CONTRAST) == [], path


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


# Text whose contrast with what lies behind it is below 4.5:1 (WCAG 2.2, 1.4.3 AA).
LOW_CONTRAST = """() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest("noscript, option, title")) continue;
    const style = getComputedStyle(element);
    const text = element.closest("svg") ? parse(style.fill) : parse(style.color);
    const [a, b] = [light(text), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) low.push(node.textContent.trim());
  }
  return low;
}"""


def test_faint_text_and_wide_pages_would_be_seen(served: Served, page: Any) -> None:
    """The control: the two measures above find what is planted."""
    fill(served.office)
    page.goto(f"{served.url}/book/van-phong")
    assert page.evaluate(LOW_CONTRAST) == []
    page.evaluate("document.querySelector('h1').style.color = '#999999'")
    assert page.evaluate(LOW_CONTRAST) == ["Văn phòng Sở Thông tin"]
    page.evaluate("document.querySelector('h1').style.width = '200vw'")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0
