"""The pictures of the documents: `make pictures`.  Each shows the page of its name, in Vietnamese, of a full office.

Given a folder, they go there instead of docs/pictures.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from rig.full_office import full_office, open_the_case
from rig.office import Office
from rig.pages import KEYRING, Served, as_somebody
from rig.papers import HEAD, WAYS
from rig.screens import hold, open_screen
from rig.sms_gateway import SmsGateway

from zonetag_backend.events import Events
from zonetag_backend.notices import settings as notice_settings
from zonetag_backend.roles import ADMIN, HEALTH
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import CaseSettings
from zonetag_backend.web.paperwork import PaperSettings

DOCS = Path(__file__).parents[2] / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
SIZE: Any = {"width": 1280, "height": 800}
TALL = {"case": 1400, "case-notices": 1100}
HELD = 7  # the tag that is held to the door
PAPERWORK = PaperSettings(HEAD, 21, WAYS, "Văn phòng Sở Thông tin", "vi", 7)
ROSTER = "Họ và tên,Đơn vị,Mã số,Số thẻ\n" + "".join(
    f"{line}\n"
    for line in (
        "Nguyễn Thị Hồng Ánh,Phòng Pháp chế,CB301,T-901",
        "Trần Đức Bình,Phòng Pháp chế,CB302,",
        "Đặng Thị Mỹ Duyên,Phòng Pháp chế,CB302,",
        "Lê Quang Đạo,Phòng Pháp chế,CB304,T-999",
        ",Phòng Pháp chế,CB305,",
        "Võ Hoài Ưng,Lớp 6A2,HS301,T-902",
    )
)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    with tempfile.TemporaryDirectory() as name:
        office = full_office(Path(name), hard=())
        case = open_the_case(office)
        letter(office, folder)
        served, gateway = Served(office, Events()), SmsGateway()
        (Path(name) / "secret").write_text("a secret of sixteen characters")
        ways = {"notices.webhook_url": gateway.url, "notices.webhook_secret_file": str(Path(name) / "secret")}
        values = {key: str(default) for key, (default, _) in notice_settings.SETTINGS.items()} | ways
        cases = CaseSettings(notices=notice_settings.from_values({**values, "notices.office": "Sở Thông tin"}))
        rest: Any = {"doors": served.doors, "paperwork": PAPERWORK, "cases": cases}
        served.app = make_app(office.engine, office.clock, served.events, keyring=KEYRING, **rest)
        served.start()
        try:
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--lang=vi"])
                take(served, chromium, office, case, folder, Path(name))
                chromium.close()
        finally:
            served.close()
            gateway.close()
            office.engine.dispose()


def take(served: Served, chromium: Any, office: Office, case: str, folder: Path, scratch: Path) -> None:
    """All that are of pages."""
    shots: tuple[tuple[str, str, str, Callable[[Any], object]], ...] = (
        ("book", HEALTH, "/book/van-phong", bool),
        ("tags", ADMIN, "/tags", bool),
        ("adoption", ADMIN, "/adoption", bool),
        ("case", HEALTH, case, bool),
        ("case-notices", HEALTH, f"{case}/notices", lambda page: page.click("form .go")),
        ("roster-import", ADMIN, "/people/import", lambda page: preview(page, scratch)),
    )
    context = chromium.new_context(viewport=SIZE, locale="vi-VN", reduced_motion="reduce")
    page = context.new_page()
    for name, role, path, then in shots:
        served.sign_in(context, role)
        page.goto(f"{served.url}{path}?lang=vi")
        then(page)
        page.set_viewport_size({**SIZE, "height": TALL.get(name, SIZE["height"])})
        page.screenshot(path=folder / f"{name}.png")
    page.set_viewport_size(SIZE)
    context.clear_cookies(name="zonetag")
    context.add_cookies([{"name": "zonetag", "value": open_screen(office), "url": served.url}])
    page.goto(f"{served.url}/screen/{office.places['Cửa chính']}?lang=vi")
    page.wait_for_selector("[data-state=live]")
    hold(served.doors, office, HELD)
    page.wait_for_selector("#heard li")
    page.screenshot(path=folder / "screen.png")


def preview(page: Any, scratch: Path) -> None:
    """A list with problems, looked at before it is taken over."""
    file = scratch / "danh-sach.csv"
    file.write_text(ROSTER, encoding="utf-8-sig")
    page.set_input_files("[name=file]", file)
    page.click("main form button")
    page.wait_for_selector(".problems")


def letter(office: Office, folder: Path) -> None:
    """The first page of the report upwards."""
    app = make_app(office.engine, office.clock, Events(), keyring=KEYRING, paperwork=PAPERWORK)
    made = as_somebody(app, office)("/papers/adoption?number=12&lang=vi", ADMIN)
    where = folder / "letter"
    todo = ["pdftoppm", "-r", "75", "-f", "1", "-singlefile", "-png", "-", str(where)]
    subprocess.run(todo, input=made.content, check=True, timeout=60)


if __name__ == "__main__":
    main()
