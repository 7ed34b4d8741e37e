"""Windows of a real Chromium, and what can be wrong with a page in one.  `wrong` has its control in test_every_page."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rig.components import Require, missing

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect, sync_playwright
except ModuleNotFoundError:  # there is none for this machine's processor
    expect = sync_playwright = None  # type: ignore[assignment]  # then the tests skip

__all__ = ["DESK", "PHONE", "SIZES", "chromium", "expect", "tab_to", "too_wide", "window", "wrong"]

WAIT_MS = 120_000
PHONE: Any = {"width": 390, "height": 844}
DESK: Any = {"width": 1366, "height": 850}
SIZES = (DESK, PHONE)

# No sandbox because a build machine runs as root; the others keep it from looking for its maker's servers.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium(require: Require) -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright.  While it runs, this thread has a loop of events."""
    path = require("chromium", "apt-get install chromium")
    if sync_playwright is None:
        missing("playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        expect.set_options(timeout=WAIT_MS)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def window(chromium: Any, size: Any = DESK, *, ignored: Iterable[str] = (), **options: Any) -> Iterator[Any]:
    """A window of somebody's own.  Whatever its console says in anger fails the test, but what holds one of `ignored`.

    `page.angry` is what it has said so far.
    """
    context = chromium.new_context(viewport=size, locale="vi-VN", **options)
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.angry = []
    page.on("console", lambda said: page.angry.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.angry.append(str(error)))
    yield page
    context.close()
    assert [text for text in page.angry if not any(each in text for each in ignored)] == []


def wrong(page: Any, sizes: tuple[Any, ...] = SIZES) -> list[str]:
    """What stands out of the window at each size, and what axe finds at the last."""
    found = too_wide(page, sizes)
    told = Axe().run(page).response["violations"]
    return [*found, *(f"{page.url} {each['id']}: {each['nodes'][0]['html']}" for each in told)]


def too_wide(page: Any, sizes: tuple[Any, ...] = SIZES) -> list[str]:
    """What stands out of the window at each size."""
    found = []
    for size in sizes:
        page.set_viewport_size(size)
        if page.evaluate("document.documentElement.scrollWidth - window.innerWidth") > 0:
            found.append(f"{page.url} is wider than {size['width']}")
    return found


def tab_to(page: Any, selector: str) -> None:
    """Go on with the tabulator until that has the focus."""
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector} on {page.url}")
