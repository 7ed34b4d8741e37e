"""Slips that visitors get with a tag: four on A4, to be cut (A6); blank, or one with what is known filled in."""

from dataclasses import dataclass
from datetime import date

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.words import LANGUAGES

QR = 32.0  # mm
_MARGIN = 9.0
_SIZE = 12.0  # points


@dataclass(frozen=True, slots=True)
class Slip:
    """What is filled in; what is empty is written by hand."""

    tag: str = ""
    name: str = ""
    host: str = ""
    # whom they visit
    came: str = ""


def render(head: Letterhead, link: str, kept_until: date, language: str, slip: Slip | None = None) -> bytes:
    """The file: one slip when it is given, else four blank ones."""
    words = _TEXTS[LANGUAGES.index(language)]
    page = Page(language=language)
    page.bare = True
    page.set_auto_page_break(False)
    page.set_margins(0, 0, 0)
    page.set_title(words["title"])
    page.add_page()
    width, height = page.w / 2, page.h / 2
    page.set_dash_pattern(2, 2)
    page.set_line_width(0.1)
    page.line(width, 0, width, page.h)
    page.line(0, height, page.w, height)
    page.set_dash_pattern()
    for number in range(4 if slip is None else 1):
        x, y = number % 2 * width + _MARGIN, number // 2 * height + _MARGIN
        room = width - 2 * _MARGIN
        page.set_xy(x, y)
        _put(page, head.name.upper() or "ZONETAG", 11, "B", "C", room, 1)
        _put(page, words["title"], 16, "B", "C", room, 3)
        for name, text in _filled(slip or Slip()):
            _line(page, words[name], text, room)
        page.ln(1.5)
        page.set_x(x)
        _put(page, words["please"], 11, "", "L", room, 1.6)
        _put(page, words["kept"].format(until=f"{kept_until:%d/%m/%Y}"), 10, "", "L", room, 0)
        page.qr(link, x + (room - QR) / 2, y + height - 2 * _MARGIN - QR, QR)
    return page.finished()


def _filled(slip: Slip) -> tuple[tuple[str, str], ...]:
    return ("tag", slip.tag), ("name", slip.name), ("host", slip.host), ("time", slip.came)


def _line(page: Page, name: str, text: str, room: float) -> None:
    """What is known, or dots to the margin."""
    bold = "B" if text else ""
    if not text:
        text = "." * int((room - page.width_of(f"{name}: ", _SIZE) - 3) / page.width_of(".", _SIZE))
    _put(page, f"{name}: {text}", _SIZE, bold, "L", room, 2.2)


def _put(page: Page, text: str, size: float, style: str, align: str, room: float, after: float) -> None:  # noqa: PLR0917  # one each of how a line looks
    x = page.get_x()
    page.lines(text, size=size, style=style, align=align, width=room, after=after)
    page.set_x(x)


_TEXTS = (
    {
        "title": "PHIẾU MƯỢN THẺ KHÁCH",
        "tag": "Số thẻ",
        "name": "Họ và tên",
        "host": "Gặp",
        "time": "Giờ đến",
        "please": "Xin đeo thẻ trong thời gian ở cơ quan và trả lại tại quầy lễ tân khi ra về. Đeo thẻ là tự nguyện."
        " Nhận thẻ là đồng ý để hệ thống ghi giờ ra vào và người ở gần, chỉ nhằm phòng, chống dịch.",
        "kept": "Họ tên và giờ ra vào được lưu đến hết ngày {until}, sau đó tự động bị xóa. Quét mã để biết thêm.",
    },
    {
        "title": "VISITOR'S TAG",
        "tag": "Tag",
        "name": "Name",
        "host": "Visits",
        "time": "Arrived",
        "please": "Please wear the tag while you are here, and give it back at the desk on leaving. It is voluntary."
        " Taking it, you agree that your times here and whose tags were near are kept, against epidemics alone.",
        "kept": "Your name and times are kept until {until}, then deleted by themselves. Scan to learn more.",
    },
)
