"""The screen at the door, the evacuation list and the declaration in a real browser: legible, bounded, by keyboard."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import KEYRING, Served
from rig.screens import hold, open_screen
from rig.windows import DESK, PHONE, expect, window, wrong

from zonetag_backend.doors import NOBODY
from zonetag_backend.events import BOOK, Change
from zonetag_backend.store import declarations
from zonetag_backend.store.engine import reading, writing

SCREEN = {"width": 1920, "height": 1080}
# At three metres a letter is read at ease when its height is 1/200 of the distance: 15 mm.  On the smallest monitor
# that is meant, 22 inches (274 mm high at 1080 lines), capitals of 0.7 of the font's size: 85 px.
# The rest, for whoever steps nearer, a third of that.
GREETING_PX, OTHER_PX = 85, 28


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A window as large as the screen at the door."""
    with window(chromium, SCREEN) as page:
        yield page


def filled(office: Office) -> list[int]:
    """People in two units, three of them in; their tags."""
    tags = []
    for name, unit, last in (
        ("Nguyễn Thị Ánh", "Phòng Hành chính", "14:29"),
        ("Trần Văn Đức", "Phòng Hành chính", "14:28"),
        ("Lê Thị Bình", "Thanh tra", "14:27"),
        ("Hoàng Văn Em", "Thanh tra", "11:00"),
    ):
        _, tag = office.person(name, unit)
        office.visit(tag, at("07:30"), at(last))
        office.presence(tag, "Cửa chính", at("11:00"), at("11:00") if last == "11:00" else at(last))
        tags.append(tag)
    return tags


def show_screen(served: Served, page: Any, *, still: bool = False, **how: Any) -> None:
    """Open it; `still`: a greeting stays until the test ends its six seconds."""
    token = open_screen(served.office, **how)
    page.context.add_cookies([{"name": "zonetag", "value": token, "url": served.url}])
    if still:
        page.add_init_script(
            "window.later = []; const real = setTimeout;"
            "window.setTimeout = (act, ms) => ms === 6000 ? later.push(act) : real(act, ms);"
        )
    page.goto(f"{served.url}/screen/{served.office.places['Cửa chính']}")
    page.wait_for_selector('body[data-state="live"]')


def greet(served: Served, tag: int, mark: int = 0) -> None:
    hold(served.doors, served.office, tag, mark=mark)
    served.events.publish(Change("van-phong", BOOK))


def no_violation(page: Any) -> None:
    assert wrong(page, ()) == []


def size_of(page: Any, selector: str) -> float:
    return float(page.locator(selector).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))


def test_a_greeting_is_read_from_three_metres_and_goes_again(served: Served, page: Any) -> None:
    tags = filled(served.office)
    show_screen(served, page, still=True)
    expect(page.locator("#inside")).to_have_text("3")
    assert size_of(page, ".ask") >= GREETING_PX
    for selector in (".visitors", ".inside", "h1", "#now", "#sound"):
        assert size_of(page, selector) >= OTHER_PX * (0.99 if selector != "#sound" else 0.9), selector
    greet(served, tags[0])
    card = page.locator("#heard li.heard")
    expect(card.locator("b")).to_have_text("Ánh")
    assert "Nguyễn" not in page.content()
    assert size_of(page, "#heard b") >= GREETING_PX
    assert page.locator("#idle").is_hidden()
    no_violation(page)
    page.evaluate("later.forEach((act) => act())")
    expect(card).to_have_count(0)
    assert page.locator("#idle").is_visible()
    no_violation(page)


def test_every_answer_has_its_own_look_and_the_page_stays_small(served: Served, page: Any) -> None:
    tags = filled(served.office)
    show_screen(served, page, still=True)
    for tag in (*tags[:2], served.office.tag()):
        greet(served, tag)
    greet(served, NOBODY, mark=1)
    expect(page.locator("#heard li")).to_have_count(4)
    expect(page.locator("#heard li.desk")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0, "four fit on the screen"
    no_violation(page)
    nodes = page.evaluate("document.querySelectorAll('*').length")
    for mark in range(2, 40):
        greet(served, NOBODY, mark=mark)
    expect(page.locator("#heard li")).to_have_count(4)
    assert page.evaluate("document.querySelectorAll('*').length") <= nodes
    page.evaluate("later.forEach((act) => act())")
    expect(page.locator("#heard li")).to_have_count(0)


def test_no_greeting_twice_after_a_lost_connection(served: Served, page: Any) -> None:
    tags = filled(served.office)
    show_screen(served, page)
    greet(served, tags[0])
    expect(page.locator("#heard li")).to_have_count(1)
    served.stop()
    page.wait_for_selector('body[data-state="lost"]')
    assert "Mất kết nối" in page.inner_text("#lost")
    expect(page.locator("#heard li")).to_have_count(0)
    served.start_again()
    page.wait_for_selector('body[data-state="live"]')
    greet(served, tags[1])
    expect(page.locator("#heard b")).to_have_text("Đức")
    page.angry[:] = [text for text in page.angry if "ERR_" not in text and "EventSource" not in text]


def test_sound_wants_one_touch(served: Served, page: Any) -> None:
    tags = filled(served.office)
    page.add_init_script(
        "window.played = 0; const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (...given) { window.played += 1; return start.apply(this, given); };"
    )
    show_screen(served, page, still=True)
    greet(served, tags[0])
    expect(page.locator("#heard li")).to_have_count(1)
    assert page.evaluate("window.played") == 0, "the control: nobody has touched the page"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "sound"
    page.keyboard.press("Enter")
    expect(page.locator("#sound")).to_have_text("Đã bật âm thanh")
    assert page.evaluate("window.played") == 2
    greet(served, tags[1])
    expect(page.locator("#heard li")).to_have_count(2)
    page.wait_for_function("window.played === 4")


def test_the_evacuation_list_is_held_while_people_are_ticked_off(served: Served, page: Any) -> None:
    filled(served.office)
    served.sign_in(page.context, "reception")
    page.set_viewport_size(DESK)
    page.goto(f"{served.url}/inside/van-phong")
    page.wait_for_selector('#connection[data-state="live"]')
    names = "table.roll th.name label"
    expect(page.locator(names)).to_have_text(["Nguyễn Thị Ánh", "Trần Văn Đức", "Lê Thị Bình"])
    served.office.now = at("14:38")  # Bình's and Đức's tags are out of reach: before any tick, the list follows
    served.events.publish(Change("van-phong", BOOK))
    expect(page.locator(names)).to_have_text(["Nguyễn Thị Ánh"])
    page.keyboard.press("Tab")
    page.locator(".box input").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#held").is_visible()
    no_violation(page)
    served.office.now = at("14:50")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("document.body.dispatchEvent(new CustomEvent('zonetag-changed'))")
    page.evaluate("fetch('/healthz')")  # whatever the list had asked would have been asked before this
    page.wait_for_timeout(0)
    assert not [url for url in asked if "/inside/" in url]
    expect(page.locator(names)).to_have_text(["Nguyễn Thị Ánh"])
    assert page.locator(".box input").first.is_checked()
    page.emulate_media(media="print")
    assert page.locator(".top").is_hidden()
    box = page.locator(".box input").first.bounding_box()
    assert box["width"] >= 22, "6 mm"


def test_somebody_declares_with_a_telephone_by_keyboard_alone(served: Served, page: Any) -> None:
    filled(served.office)
    office = served.office
    with writing(office.engine) as connection:
        declarations.switch(connection, "van-phong", True, office.now, "test")
        token = declarations.link_of(connection, "van-phong")
    page.set_viewport_size(PHONE)
    page.goto(f"{served.url}/declare/{token}?lang=vi")
    no_violation(page)
    page.locator("[name=tag]").focus()
    page.keyboard.type("a-001")
    for _ in range(5):
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowDown")  # from the first choice to yes
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".done")
    assert "Nguyễn" not in page.content()
    no_violation(page)
    with reading(office.engine) as connection:
        [told] = declarations.read(connection, KEYRING, "van-phong", "2026-11-20")
    assert (told.name, told.worries) == ("Nguyễn Thị Ánh", 5)


def test_nothing_is_wider_than_the_window_and_axe_is_content(served: Served, page: Any) -> None:
    filled(served.office)
    office = served.office
    with writing(office.engine) as connection:
        declarations.switch(connection, "van-phong", True, office.now, "test")
        person = declarations.wearer(connection, "A-001", office.now)
        assert person is not None
        answers = dict.fromkeys(range(5), True)
        declarations.declare(connection, KEYRING, person, "van-phong", "2026-11-20", answers, office.now)
    open_screen(office)
    for role, path in (
        ("admin", "/screens"),
        ("admin", "/questions"),
        ("health", "/declarations/van-phong"),
        ("health", "/book/van-phong"),
        ("reception", "/inside/van-phong"),
        ("reception", f"/screen/{office.places['Cửa chính']}"),
    ):
        served.sign_in(page.context, role)
        page.goto(f"{served.url}{path}")
        assert wrong(page, (SCREEN, DESK, PHONE)) == []
