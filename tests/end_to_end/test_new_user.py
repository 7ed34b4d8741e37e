"""The first day of somebody who has only the documents: from an empty folder to what the auditor reads.

Real `zonetag serve` on a terminal, mosquitto, an enrolled `zonetag-gateway`, and Chromium: every step asserts what the
person sees.  The pages are Vietnamese, as they are for whoever says nothing else.
"""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from rig.brokers import Mosquitto
from rig.components import Require
from rig.newcomer import PROBLEMS, Morning, Tags, Terminal, name_of, press, roster, typed, welcome
from rig.programs import Program
from rig.windows import window

Start = Callable[..., Program]

PEOPLE, TAGS, WORN = 200, 24, 20
NEW = PEOPLE + 1
HEARD = range(1, 13)
ERASED = 1  # the second in the list
REASON = "xét nghiệm dương tính"


@pytest.fixture
def person(chromium: Any, require: Require) -> Iterator[Callable[[], Any]]:
    """`person()`: somebody at a browser of their own."""
    require("pdftotext", "apt-get install poppler-utils")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(window(chromium))


@pytest.fixture
def broker(require: Require, tmp_path: Path) -> Iterator[Mosquitto]:
    """The broker that the documents have people install."""
    broker = Mosquitto(require("mosquitto", "apt-get install mosquitto"), tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def office(tmp_path: Path, broker: Mosquitto, port: int) -> Iterator[Terminal]:
    """`zonetag ca init`, `server.toml`, `zonetag serve`."""
    data, secret = tmp_path / "data", tmp_path / "passphrase"
    (tmp_path / "stick").mkdir()
    secret.write_text("hai mươi con chữ ở đây")
    config = tmp_path / "server.toml"
    config.write_text(
        f'data = "{data}"\n[broker]\nurl = "{broker.url}"\n[http]\nport = 0\n[enrolment]\nlisten = "127.0.0.1:{port}"\n'
    )
    where = ("--config", str(config))
    typed("zonetag", "ca", "init", "--root-out", str(tmp_path / "stick"), "--passphrase-file", str(secret), *where)
    served = Terminal("zonetag", "serve", *where)
    yield served
    assert served.close() == 0


def seen(page: Any) -> str:
    """What stands in the page's main part, as one reads it."""
    return re.sub(r"\s+", " ", str(page.inner_text("main")))


def test_the_first_day(
    office: Terminal, person: Callable[[], Any], broker: Mosquitto, start: Start, tmp_path: Path
) -> None:
    link = office.wait_for(r"(http://127\.0\.0\.1:\d+)/start/[\w-]{43}")
    url = link[1]
    admin, tags = person(), Tags(TAGS)
    welcome(admin, link[0], "sếp")
    gateway = set_up(admin, tags.bundle(tmp_path / "data"))
    import_people(admin)
    hand_out(admin)
    health, auditor = (invite(admin, person(), name, role) for name, role in (("y tế", "health"), ("soát", "auditor")))
    hear_the_morning(admin, gateway, broker, start, tags, tmp_path)
    case = enter_a_case(health)
    assert "Không tìm thấy người tiếp xúc." in print_case(health, tmp_path)[0]
    report(admin, tmp_path)
    erase(admin)
    nobody_finds(health, case)
    read_the_log(auditor, url)


def set_up(page: Any, bundle: str) -> str:
    """Site, gateway and its token, tags; what the page says to type at the gateway."""
    page.wait_for_url("**/setup")
    page.fill("[name=title]", "Ủy ban nhân dân phường")
    press(page, "Tiếp tục")
    page.wait_for_selector("select[name=place]")
    press(page, "Tiếp tục")
    press(page, "Tạo mã ghi danh")
    page.wait_for_selector("#token")
    said = re.search(r"zonetag-gateway (enrol https://127\.0\.0\.1:\d+ \S+)", page.inner_text("main"))
    assert said
    press(page, "Tiếp tục")
    page.set_input_files("[name=file]", {"name": "bundle.jsonl", "mimeType": "", "buffer": bundle.encode()})
    press(page, "Đưa vào")
    page.wait_for_selector(".done")
    assert f"{TAGS} thẻ mới" in seen(page)
    return said[1]


def import_people(page: Any) -> None:
    """The office's own list, with what is wrong in it said before anything changes."""
    press(page, "Nhập danh sách")
    file = {"name": "danh sách.xlsx", "mimeType": "", "buffer": roster(PEOPLE, WORN)}
    page.set_input_files("[name=file]", file)
    press(page, "Xem trước")
    page.wait_for_selector(".problems")
    told = seen(page)
    assert f"{NEW} người mới" in told
    assert f"{WORN} thẻ sẽ giao" in told
    assert f"{PROBLEMS} dòng có lỗi" in told
    assert "Ngày sinh" in told, "what is not read is named"
    assert len(page.query_selector_all(".problems")) == PROBLEMS
    press(page, f"Nhập {NEW} dòng")
    page.wait_for_url("**/people?*")
    assert f"{WORN} người đang đeo thẻ mà chưa đồng ý" in seen(page)
    page.fill("[name=q]", "nv001")
    page.press("[name=q]", "Enter")
    page.wait_for_url("**q=nv001**")
    assert f"{name_of(0)} NV001 T-0001" in seen(page)


def hand_out(page: Any) -> None:
    """One more tag by hand, to somebody who is found without diacritics."""
    page.goto(page.url.split("/people")[0] + "/tags/give")
    page.fill("[name=tag]", f"T-{WORN + 1:04}")
    press(page, "Tiếp tục")
    page.fill("[name=q]", "NV021")
    press(page, "Tìm")
    page.click(f".choices button:has-text('{name_of(WORN)}')")
    page.wait_for_selector("[role=status]")
    told = seen(page)
    assert name_of(WORN) in told
    assert f"T-{WORN + 1:04}" in told


def invite(admin: Any, page: Any, name: str, role: str) -> Any:
    """An account by a one-time link, opened by whom it is for."""
    admin.click("header summary:has-text('Quản trị')")
    admin.click("header a[href='/accounts']")
    admin.fill("[name=name]", name)
    admin.check(f"[name=role][value={role}]")
    press(admin, "Tạo liên kết")
    admin.wait_for_selector(".command")
    link = re.search(r"http://127\.0\.0\.1:\d+/start/[\w-]{43}", admin.inner_text("main"))
    assert link
    welcome(page, link[0])
    return page


def hear_the_morning(page: Any, gateway: str, broker: Mosquitto, start: Start, tags: Tags, folder: Path) -> None:
    """The gateway is enrolled and hears; the book that is open fills by itself."""
    page.click("header a[href='/']")
    page.wait_for_selector(".empty")
    config, identity = folder / "gateway.toml", folder / "identity"
    typed("zonetag-gateway", *gateway.split(), "--dir", str(identity))
    with Morning(tags, HEARD) as air:
        config.write_text(
            f'site = "van-phong"\nname = "cua-chinh"\n[source]\nkind = "simulated"\nair = "127.0.0.1:{air.port}"\n'
            f'[spool]\npath = "{folder / "spool.db"}"\nmax_mb = 16\n[broker]\nurl = "{broker.url}"\n'
            f'[identity]\nfolder = "{identity}"\n'
        )
        code, _ = start("zonetag-gateway", "run", "--config", str(config), "--drain", "60").end()
        assert code == 0
    page.wait_for_selector(f"main tbody tr:has-text('{name_of(0)}')")  # of itself: nobody has loaded the page anew
    assert re.search(rf"{len(HEARD)} Đang ở trong", seen(page))


def enter_a_case(page: Any) -> str:
    """Somebody who was there is ill; half a minute beside each other makes no contact, and the page says what to do."""
    page.click("header a[href='/cases']")
    page.fill("[name=q]", "nguyen thi a anh")
    press(page, "Tìm")
    fill_case(page, page.get_attribute("[name=day]", "max"))
    assert "Chưa tìm thấy ai" in seen(page)
    page.click("#zones ~ * summary, #zones summary")
    told = seen(page)
    assert "Cửa chính" in told
    assert name_of(ERASED) in told
    assert "account:" not in told
    return str(page.url)


def fill_case(page: Any, day: str) -> None:
    """The form of a person who was found, and the wait until the case is traced."""
    page.check("[name=person]")
    page.fill("[name=day]", day)
    page.fill("[name=reason]", REASON)
    press(page, "Nhập và truy vết")
    page.wait_for_selector("#zones")


def print_case(page: Any, folder: Path) -> tuple[str, list[str]]:
    """The list of contacts on paper and in a spreadsheet: the PDF's text, and the names in the spreadsheet."""
    pdf, xlsx = (take(page, text, folder) for text in ("Bản in (PDF)", "Tệp Excel"))
    book = load_workbook(xlsx)
    return text_of(pdf), [str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row if cell]


def take(page: Any, text: str, folder: Path) -> Path:
    """The file that a button or link of that text hands over."""
    with page.expect_download() as coming:
        press(page, text)
    file = folder / str(coming.value.suggested_filename)
    coming.value.save_as(file)
    return file


def text_of(pdf: Path) -> str:
    """What stands on a paper."""
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    return re.sub(r"\s+", " ", done.stdout)


def report(page: Any, folder: Path) -> None:
    """Letter and table for the province, which the office then sends as it sends its letters."""
    page.click("header a[href='/adoption']")
    page.wait_for_selector(".tallies")
    assert re.search(
        rf"Tổng số người {NEW} .*Đã cấp thẻ {WORN + 1} .*Có tín hiệu trong 7 ngày {len(HEARD)} ", seen(page)
    )
    page.fill("[name=number]", "12")
    letter = text_of(take(page, "PDF", folder))
    assert "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM" in letter
    assert "ỦY BAN NHÂN DÂN PHƯỜNG" in letter, "who writes is known from the set-up"
    assert f"Tổng số {NEW} người; đã cấp thẻ cho {WORN + 1} người" in letter
    rows = [row[1:4] for row in load_workbook(take(page, "XLSX", folder)).worksheets[0].iter_rows(values_only=True)]
    assert ("Văn phòng", 51, 6) in rows


def erase(page: Any) -> None:
    """Somebody asked on paper to be erased."""
    page.click("header summary:has-text('Dữ liệu cá nhân')")
    page.click("header a[href='/requests']")
    page.fill("[name=who]", f"NV{ERASED + 1:03}")
    page.check("[name=kind][value=erase]")
    press(page, "Ghi nhận yêu cầu")
    page.click("main a[href^='/requests/']")
    assert name_of(ERASED) in seen(page)
    page.check("main form input[type=checkbox]")
    press(page, "Thực hiện")
    page.wait_for_url("**/requests?*")
    assert "Yêu cầu đã được giải quyết." in seen(page)
    page.click("header a[href='/people']")
    page.fill("[name=q]", name_of(ERASED))
    page.press("[name=q]", "Enter")
    page.wait_for_url("**q=**")
    assert name_of(ERASED) not in seen(page)


def nobody_finds(page: Any, case: str) -> None:
    """The one who was erased is nobody's contact and at no place any more."""
    page.goto(case)
    page.click("#zones ~ * summary, #zones summary")
    told = seen(page)
    assert name_of(ERASED + 1) in told
    assert name_of(ERASED) not in told


def read_the_log(page: Any, url: str) -> None:
    """Who did all that, and who looked at whom and why; the auditor sees no data of people beside it."""
    page.goto(url)
    page.wait_for_url("**/audit")
    told = seen(page)
    for actor, act, reason in (
        ("sếp (Quản trị)", "ghi danh một trạm thu", "đã tạo mã"),
        ("sếp (Quản trị)", "nhập danh sách người", f"{NEW} người mới"),
        ("y tế (Cán bộ y tế)", "mở một ca bệnh", REASON),
        ("y tế (Cán bộ y tế)", "xem tiếp xúc của một ca bệnh", REASON),
        ("sếp (Quản trị)", "xóa dữ liệu một người", ""),
    ):
        row = page.locator("main tbody tr").filter(has_text=actor).filter(has_text=act).filter(has_text=reason)
        assert row.count() >= 1, (actor, act, reason, told)
    assert name_of(ERASED) not in told
    press(page, "Kiểm tra chuỗi ngay")
    page.wait_for_selector(".done")
    assert "nguyên vẹn" in seen(page)
    press(page, "Các lần xem tiếp xúc")
    page.wait_for_url("**action=**")
    assert "y tế (Cán bộ y tế)" in seen(page)
    for path in ("/people", "/cases"):
        assert page.request.get(url + path).status == 403


def test_the_demo_s_office(start: Start, person: Callable[[], Any], port: int, tmp_path: Path) -> None:
    """`make demo`: the book fills while one looks at it, and the case that it names has an F1 list to print."""
    demo = start("zonetag", "demo", "--days", "2", "--no-open", "--port", str(port))
    line = demo.wait_for("For a first case, now: ")
    found = re.search(r"now: (\S+)cases, (.+) \((NV\d+)\), first symptoms on (\d\d)/(\d\d)/(\d{4})", line)
    assert found, line
    url, name, code, day, month, year = found.groups()
    page = person()
    page.goto(url)
    page.wait_for_selector("main tbody tr >> nth=4")  # nobody loads it anew
    assert "đang ở trong" in seen(page)
    page.click("header a[href='/cases']")
    page.fill("[name=q]", code)
    press(page, "Tìm")
    fill_case(page, f"{year}-{month}-{day}")
    f1 = page.locator("section:has(#f1) tbody tr th").all_inner_texts()
    assert f1
    assert page.locator("svg").count() >= 2, "graph and timeline"
    paper, cells = print_case(page, tmp_path)
    assert f"DANH SÁCH NGƯỜI TIẾP XÚC Ca bệnh: {name}" in paper
    for each in f1:
        who = each.split("\n")[0].rsplit(" NV", 1)[0].strip()
        assert who in cells, (who, cells)
    page.goto("about:blank")  # or its live part complains that the server has gone
    assert demo.end(signal.SIGINT)[0] == 0, demo.errors
