"""Every address of the pages, by the role it is for, in both languages: it answers, fits, and axe finds nothing."""

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from rig.ill import outbreak
from rig.office import Office, at
from rig.pages import KEYRING, Get, Served
from rig.pictures import png
from rig.screens import open_screen
from rig.windows import too_wide, window, wrong

from zonetag_backend.roles import ADMIN, AUDITOR, CODE, ENROL, FULL, HEALTH, RECEPTION, SCREEN
from zonetag_backend.store import links, mine_codes, tags
from zonetag_backend.store.engine import writing
from zonetag_backend.web.app import ROUTES
from zonetag_backend.web.rights import RIGHTS

ODD = ("<script>alert(1)</script>", "\u202eمرحبا\u202c Nguyễn", "Lê " + "Rất" * 32, "'\"&amp;{{7*7}}%s%n", "Z̸͑a̷lgo 👩‍💻")
# A worker at their own data is walked through in tests/mine.
# Addresses that are no page to look at: streams, pictures, files; and /, which leads to another.
NO_PAGES = {
    "/", "/live", "/screen/{place}/live", "/plan/{site}/picture", "/static/{name}", "/healthz",
    "/people/import/template", "/cases/{case}/export/{file}", "/mine/copy/{form}", "/imports/{case}",
}  # fmt: skip
FIRST = (HEALTH, ADMIN, RECEPTION, AUDITOR, SCREEN, CODE, ENROL, "")


def role_of(path: str) -> str:
    """Whose page it is: of those who may, the first."""
    return next((role for role in FIRST if role in RIGHTS[path]["GET"].roles), "")


@pytest.fixture
def filled(office: Office, get: Get) -> dict[str, str]:
    """People with odd names, one of them ill; what stands in addresses for each parameter."""
    ill, _, _ = outbreak(office, 3, 2, ODD)
    for tag in range(1, office.tags + 1):
        office.visit(tag, at("07:30"), at("14:29"))
    office.gateway_status("gw-cua", True, "{}")
    office.rejected("gw-cua", "unknown", 7, at("14:00"))
    with writing(office.engine) as connection:
        spare = tags.add_tag(connection, KEYRING, "T-900", office.now).id
        token = links.make(connection, None, ADMIN, office.now, links.FIRST_MS, "system")
    about = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": ODD[0]}
    case = get.post("/cases", person=str(ill), **about).headers["location"].rpartition("/")[2]
    get.post("/requests", ADMIN, who="CB001", kind="correct", text=ODD[1])
    with writing(office.engine) as connection:
        mine_codes.issue(connection, ill, office.now)
    asked = re.search(r'href="/requests/(\d+)"', get("/requests", ADMIN).text)
    assert asked
    return {
        "site": "van-phong",
        "person": str(ill),
        "place": str(office.places["Cửa chính"]),
        "token": token,
        "account": "1",
        "case": case,
        "tag": str(spare),
        "request": asked[1],
        "picture": png(4, 4).hex(),
        "screen": open_screen(office),
        "work": "0123456789abcdef",
    }


@pytest.fixture
def page(chromium: Any, served: Served, filled: dict[str, str]) -> Iterator[Any]:
    """A window; a link that is used up is no fault."""
    assert served
    assert filled
    with window(chromium, ignored=("404", "410"), reduced_motion="reduce") as page:
        yield page


def addresses() -> list[str]:
    """Those of ROUTES that show a page."""
    return [
        route.path
        for route in ROUTES
        if "GET" in RIGHTS[route.path] and route.path not in NO_PAGES and not route.path.startswith("/papers/")
    ]


def sign_in(served: Served, page: Any, role: str, filled: dict[str, str]) -> None:
    """As somebody of that role, or as a stranger."""
    page.goto("about:blank")  # the page before may still ask for news, which a stranger is refused
    page.context.clear_cookies(name="zonetag")
    if role == SCREEN:
        page.context.add_cookies([{"name": "zonetag", "value": filled["screen"], "url": served.url}])
    elif role:
        served.sign_in(page.context, role)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_fits_and_axe_finds_nothing(
    served: Served, page: Any, filled: dict[str, str], language: str
) -> None:
    """The width in both languages; for axe they are alike, and it takes longest."""
    seen = 0
    for path in addresses():
        role = role_of(path)
        if role in (CODE, ENROL):
            continue  # half signed in: tests of accounts walk through these
        sign_in(served, page, role, filled)
        answer = page.goto(f"{served.url}{path.format(**filled)}?lang={language}")
        # A link that has been used, say: what is left of it is the page of faults, looked at too.
        assert answer.status in (200, 404, 410), (path, answer.status)
        assert page.evaluate("document.documentElement.lang") == language
        assert (wrong if language == "vi" else too_wide)(page) == [], path
        seen += answer.status == 200
    assert seen >= 30


def test_what_is_wrong_with_a_page_is_reported(served: Served, page: Any) -> None:
    """The control: a page that is right, and each fault planted in it by itself."""
    page.goto(f"{served.url}/login?lang=en")
    assert wrong(page) == []
    for plant, said in (
        ("main.append(document.createElement('button'))", "button-name"),
        ("main.append(Object.assign(document.createElement('img'), {src: '/static/icon.svg'}))", "image-alt"),
        ("main.style.color = '#ddd'", "color-contrast"),
        ("document.querySelector('label').replaceWith(document.createElement('input'))", "label"),
        ("document.documentElement.lang = ''", "html-has-lang"),
        ("main.style.width = '500px'", "wider than 390"),
    ):
        page.reload()
        page.evaluate(f"(() => {{ const main = document.querySelector('main'); {plant}; }})()")
        found = wrong(page)
        assert any(said in each for each in found), (said, found)


def test_every_address_bears_odd_input(get: Get, filled: dict[str, str]) -> None:
    """Whatever stands in the address and in what is asked: an answer, never a fault of ours, never markup."""
    languages = cycle(("vi", "en"))
    for path in (route.path for route in ROUTES if "GET" in RIGHTS[route.path] and "live" not in route.path):
        role = role_of(path)
        good = path.format(**{"name": "zonetag.css", "file": "case.json", "form": "json"} | filled)
        bad = [re.sub(r"{\w+}", quote(odd, safe=""), path) for odd in ODD] if "{" in path else []
        for url in (good, *bad, *(f"{good}?{query}" for query in queries())):
            half = role in (CODE, ENROL)
            spoken = f"{url}{'&' if '?' in url else '?'}lang={next(languages)}"
            answer = get(spoken, HEALTH if half else role, role if half else FULL)
            assert answer.status_code < 500, (url, answer.status_code)
            assert "<script>alert" not in answer.text or "json" in answer.headers["content-type"], url


def queries() -> Iterator[str]:
    """What nobody would ask, in one query each."""
    names = ("q", "unit", "day", "page", "show", "person", "tag", "form", "site", "step", "done", "since", "who")
    for odd in (*ODD[:2], "-1", "99999999999999999999999", "9999-12-31", "0001-01-01", ""):
        yield "&".join(f"{name}={quote(odd, safe='')}" for name in names)
