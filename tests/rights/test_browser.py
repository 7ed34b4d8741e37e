"""Rights pressed to their end in a real browser: a worker on a telephone in Vietnamese, the office, two officers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from rig.accounts import sign_in
from rig.everything import MARKS, NAME, Everything
from rig.pages import KEYRING, Served
from rig.reader import Reader
from rig.windows import DESK, window

from zonetag_backend.cli import main
from zonetag_backend.events import Events
from zonetag_backend.store.engine import reading
from zonetag_backend.store.schema import metadata
from zonetag_backend.web.app import make_app

TELEPHONE: Any = {"width": 360, "height": 740}
KINDS = ("copy", "correct", "restrict", "withdraw", "erase")


@pytest.fixture
def served(whole: Everything) -> Iterator[Served]:
    served = Served(whole.office, Events(), app=whole.app)
    served.start()
    yield served
    served.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a window of somebody's own, by default a telephone."""
    with ExitStack() as stack:
        yield lambda size=TELEPHONE: stack.enter_context(window(chromium, size))


def fits(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.url
    assert page.evaluate("document.documentElement.lang") == "vi"


def code_of(served: Served, admin: Any, number: str) -> str:
    """A code from the desk, read from the slip."""
    admin.goto(f"{served.url}/codes")
    admin.fill("[name=tag]", number)
    admin.keyboard.press("Enter")
    return str(admin.inner_text(".slip code").strip())


def entered(served: Served, phone: Any, number: str, code: str) -> None:
    phone.goto(f"{served.url}/mine")
    phone.fill("[name=tag]", number)
    phone.fill("[name=code]", code)
    phone.keyboard.press("Enter")
    phone.wait_for_selector(".mine")


def test_a_worker_asks_for_everything_and_is_erased_everywhere(
    opened: Callable[..., Any], served: Served, whole: Everything, reader: Reader, capsys: pytest.CaptureFixture[str]
) -> None:
    admin, phone = opened(), opened()
    served.sign_in(admin.context, "admin")
    number = whole.values["number"]
    refused = {"act": "refuse", "answer": "đã gửi lại tại /mine"}
    whole.get.post(f"/requests/{whole.values['request']}", role="admin", **refused)
    entered(served, phone, number, code_of(served, admin, number))
    assert NAME in phone.inner_text("h1")
    fits(phone)
    for kind in KINDS:
        phone.check(f"[name=kind][value={kind}]")
        phone.click("#requests button.go")
        phone.wait_for_selector(".done")
        fits(phone)
    due = phone.inner_text("#requests .lines")
    for day in ("30/11/2026", "05/12/2026", "10/12/2026"):  # 10, 15 and 20 days
        assert day in due, due
    # The office sees each with its deadline, the next one first: to say within two working days that it is there.
    admin.goto(f"{served.url}/requests")
    rows = admin.locator("table.asked tbody tr:has(time)")
    assert rows.count() == len(KINDS)
    assert "24/11/2026" in rows.nth(0).inner_text()
    fits(admin)
    erase = admin.locator("table.asked a", has_text="Xóa")
    erase.first.click()
    admin.wait_for_selector("form.sheet input[type=checkbox]")
    fits(admin)
    admin.check("form.sheet input[type=checkbox]")
    admin.locator("form.sheet:has([value=do]) button.go").click()
    admin.wait_for_selector(".done")
    # On her telephone nothing is there any more, on no page, paper, export and in no command.
    phone.reload()
    phone.wait_for_selector("[name=tag]")
    assert NAME not in phone.content()
    assert [url for _, url, body in whole.answers() if MARKS.search(reader.text(body))] == []
    for words in ("person list", "tag list", "case list", "audit export", "case trace {case}"):
        main([*words.format(**whole.values).split(), "--data", str(whole.folder)])
        assert not MARKS.search(capsys.readouterr().out), words
    # Backups that are there erase her again when they are put back.
    assert whole.erased == [whole.xuyen]
    for path in whole.folder.glob("zonetag.db*"):
        data = path.read_bytes()
        assert "Xuyến".encode() not in data, path
        assert b"RX77" not in data, path
    with reading(whole.office.engine) as connection:
        for table in metadata.sorted_tables:
            for column in table.c:
                if column.references(metadata.tables["person"].c.id):
                    assert connection.execute(table.select().where(column == whole.xuyen)).first() is None, table.name


def test_the_control_of_the_bytes(whole: Everything) -> None:
    """Until she is erased she is in the database's files, so that looking for her there proves something."""
    data = b"".join(path.read_bytes() for path in whole.folder.glob("zonetag.db*"))
    assert "Xuyến".encode() in data
    assert b"RX77" in data


def test_contacts_are_shown_when_a_second_officer_has_agreed(opened: Callable[..., Any], whole: Everything) -> None:
    app = make_app(whole.office.engine, whole.office.clock, Events(), keyring=KEYRING, second_officer=True)
    served = Served(whole.office, Events(), app=app)
    served.start()
    try:
        case = f"/cases/{whole.values['case']}"
        pages = {}
        for name in ("lan", "minh"):
            pages[name] = opened(DESK)
            token = sign_in(whole.office.engine, "health", whole.office.now, name=name)
            pages[name].context.add_cookies([{"name": "zonetag", "value": token, "url": served.url}])
        lan, minh = pages["lan"], pages["minh"]
        lan.goto(f"{served.url}{case}")
        assert "/reasons/" in lan.url
        lan.fill("[name=reason]", "gọi điện cho người tiếp xúc")
        lan.click("button.go")
        lan.wait_for_selector("h1:has-text('Cần cán bộ thứ hai'), p.sheet")
        assert not MARKS.search(lan.content())
        lan.goto(f"{served.url}/consents")
        own = lan.locator("div.sheet", has_text="gọi điện cho người tiếp xúc")
        assert (own.count(), own.locator("form").count()) == (1, 0)  # nobody agrees to their own
        lan.goto(f"{served.url}{case}")
        assert "/reasons/" in lan.url
        minh.goto(f"{served.url}/consents")
        assert "gọi điện cho người tiếp xúc" in minh.inner_text("main")
        assert "account:" not in minh.inner_text("main")
        asked = minh.locator("div.sheet", has_text="gọi điện cho người tiếp xúc")
        asked.locator("button.go").click()
        asked.wait_for(state="detached")
        lan.goto(f"{served.url}{case}")
        lan.wait_for_selector("h1")
        assert lan.url.endswith(case)
        assert MARKS.search(lan.content())
        minh.goto(f"{served.url}{case}")  # who agreed has no reason of their own by that
        assert "/reasons/" in minh.url
    finally:
        served.close()
