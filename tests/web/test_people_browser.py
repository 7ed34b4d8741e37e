"""Import, handing out and visitors in a real browser: phone and desk, keyboard alone, nothing for axe to say."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.office import Office
from rig.pages import KEYRING, Served
from rig.pictures import png
from rig.windows import DESK, PHONE, window, wrong

from zonetag_backend.store import tag_list, tags
from zonetag_backend.store.engine import writing

LONG = "Nguyễn Thị " + "Khánh" * 18
ROSTER = f"""Họ và tên;Đơn vị;Mã số;Số thẻ
Nguyễn Thị Ánh;Phòng Hành chính;NV001;A-001
Đỗ Văn Đức;Phòng Hành chính;NV002;
Trần Bình An;Phòng Kế toán;NV003;A-002
Lê Hoàng Dũng;Phòng Kế toán;NV004;
<script>alert(1)</script>;Phòng Kế toán;NV005;
{LONG};Văn phòng;NV006;
;Văn phòng;NV007;
Phạm Thu Hà;Văn phòng;NV001;
"""


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    """A window of the administrator."""
    with window(chromium, reduced_motion="reduce") as page:
        served.sign_in(page.context, "admin")
        yield page


@pytest.fixture
def office(office: Office) -> Office:
    """An office with tags that nobody wears yet, two of them for visitors."""
    with writing(office.engine) as connection:
        for number in ("A-001", "A-002", "A-003", "A-004", "K-01", "K-02"):
            which = tags.add_tag(connection, KEYRING, number, office.now).id
            tag_list.keep_for_visitors(connection, which, number.startswith("K"))
    return office


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """A list of people, as a file."""
    file = tmp_path / "danh-sach.csv"
    file.write_text(ROSTER, encoding="utf-8-sig")
    return file


def good(page: Any, picture: str = "") -> None:
    """Nothing is wider than the window, on a phone and on a desk, and axe finds nothing.

    With ZONETAG_PICTURES=FOLDER the desk's view goes there, for the documents.
    """
    assert wrong(page, (PHONE, DESK)) == []
    folder = os.environ.get("ZONETAG_PICTURES")
    if folder and picture:
        page.screenshot(path=Path(folder) / f"{picture}.png")


def by_keyboard(page: Any, text: str, most: int = 60) -> None:
    """Go to the button or link of this text with the Tab key alone, and press Enter."""
    for _ in range(most):
        page.keyboard.press("Tab")
        at = page.evaluate("document.activeElement.innerText || document.activeElement.value || ''")
        if text in at:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"the Tab key does not reach {text!r} on {page.url}")


def test_a_list_is_imported_and_a_tag_handed_out(served: Served, page: Any, roster: Path) -> None:
    page.goto(f"{served.url}/people")
    good(page)
    by_keyboard(page, "Nhập danh sách")
    page.wait_for_url("**/people/import")
    good(page)
    page.set_input_files("[name=file]", roster)
    by_keyboard(page, "Xem trước")
    page.wait_for_selector(".problems")
    good(page, "import")
    assert page.locator(".problems").count() == 2
    by_keyboard(page, "Nhập 6 dòng")
    page.wait_for_url("**/people*")
    good(page, "people")
    page.fill("[name=q]", "do duc")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Đỗ Văn Đức")
    # Three steps from here: the button, the number, Enter.
    by_keyboard(page, "Giao thẻ")
    page.wait_for_url("**/tags/give?person=*")
    good(page, "give")
    page.keyboard.type("a-003")  # the field has the focus; a scanner types like this, with Enter at the end
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/*done=*")
    assert "A-003" in page.inner_text("main")
    good(page)
    page.goto(f"{served.url}/tags")
    good(page, "tags")
    page.click("a[href$='tag=A-004']")
    page.wait_for_url("**/tags/give?tag=A-004")
    good(page)
    page.click("main ul.choices button >> nth=0")
    page.wait_for_url("**/people/*done=*")
    page.goto(f"{served.url}/people?lang=en")
    good(page)


def test_on_which_side_of_a_door_a_gateway_hangs(served: Served, page: Any) -> None:
    page.goto(f"{served.url}/gateways")
    page.select_option("[name=gateway]", "gw-cua")
    page.select_option("[name=side]", "outside")
    by_keyboard(page, "Lưu")
    page.wait_for_url("**/gateways?done=side")
    assert page.locator("li.gateway dd", has_text="phía ngoài cửa").count() == 1
    good(page)


def test_a_list_that_takes_long_says_so_and_is_not_sent_twice(served: Served, page: Any, roster: Path) -> None:
    page.goto(f"{served.url}/people/import")
    page.set_input_files("[name=file]", roster)
    # The form goes nowhere here, as if the answer took for ever.
    page.evaluate("document.querySelector('form.sheet').addEventListener('submit', (event) => event.preventDefault())")
    page.click("form.sheet button.go")
    page.wait_for_selector(".slow progress")
    page.wait_for_selector("form.sheet button.go[disabled]")
    assert "Đang đọc danh sách" in page.inner_text(".slow [role=status]")


# The form is sent as ever, but its answer is put aside: while a page is being left, nobody can look at it from here.
ASIDE = """() => {
  const form = document.querySelector("form[data-work]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    window.answer = fetch(form.action, { method: "POST", body }).then((answer) => answer.text());
  });
}"""


def test_an_import_is_stopped_by_keyboard_and_nothing_has_changed(served: Served, page: Any, roster: Path) -> None:
    page.goto(f"{served.url}/people/import")
    page.set_input_files("[name=file]", roster)
    page.click("form.sheet button.go")
    page.wait_for_selector(".problems")
    work = page.get_attribute("form[data-work]", "data-work")
    page.evaluate(ASIDE)
    with writing(served.office.engine):  # as if another wrote for long; the import waits half a minute for them
        by_keyboard(page, "Nhập 6 dòng")
        page.wait_for_selector(".slow progress")
        page.wait_for_function("async (work) => (await (await fetch(`${work}.json`)).json()).known", arg=work)
        by_keyboard(page, "Dừng")
        page.wait_for_selector(".slow button[disabled]")
        page.wait_for_selector("text=Đang dừng")
    good(page, "import-works")
    assert "Đã dừng: chưa thay đổi gì." in page.evaluate("window.answer")
    page.goto(f"{served.url}{work}")
    assert "Đã kết thúc" in page.inner_text("main")
    good(page)
    page.goto(f"{served.url}/people?q=do+duc")
    assert page.locator("text=Đỗ Văn Đức").count() == 0


def test_visitors_and_the_plan(served: Served, page: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.png"
    file.write_bytes(png(900, 500))
    page.goto(f"{served.url}/plan/van-phong")
    good(page)
    page.set_input_files("[name=file]", file)
    page.click("text=Gửi ảnh")
    page.wait_for_selector("svg.plan")
    for number, (x, y) in enumerate((("20", "60"), ("70", "40"))):
        page.fill(f"[name=x] >> nth={number}", x)
        page.fill(f"[name=y] >> nth={number}", y)
        page.click(f"text=Đặt vào đó >> nth={number}")
        page.wait_for_selector(f".spot >> nth={number}")
    good(page, "plan")
    served.sign_in(page.context, "reception")
    page.goto(f"{served.url}/visitors")
    good(page)
    page.fill("[name=name]", LONG)
    page.fill("[name=host]", "Lê Hoàng Dũng, phòng Kế toán")
    page.keyboard.press("Enter")  # a free tag's number stands there already
    page.wait_for_url("**/visitors?done=lent")
    good(page, "visitors")
    by_keyboard(page, "Đã trả")
    page.wait_for_url("**/visitors?done=returned")
    good(page)
