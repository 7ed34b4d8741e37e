"""Slips that visitors get with a tag: four on A4, to be cut; blank, or with the tag and name filled in."""

from datetime import date

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.table import shown
from zonetag_backend.reports.words import LANGUAGES

_DOTS = "." * 34
QR = 26.0  # mm
_MARGIN = 10.0


def render(head: Letterhead, link: str, kept_until: date, language: str, tag: str = "", name: str = "") -> bytes:  # noqa: PLR0917  # one each of what a slip says
    """The file: one slip when a tag is given, else four blank ones."""
    words = _TEXTS[LANGUAGES.index(language)]
    page = Page()
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
    for number in range(1 if tag else 4):
        x, y = number % 2 * width + _MARGIN, number // 2 * height + _MARGIN
        room = width - 2 * _MARGIN
        lines = (
            (shown(head.name).upper() or "ZONETAG", 11, "B", "C"),
            (words["title"], 15, "B", "C"),
            (f"{words['tag']}: {tag or _DOTS}", 14 if tag else 11, "B" if tag else "", "L"),
            (f"{words['name']}: {name or _DOTS}", 11, "", "L"),
            (f"{words['host']}: {_DOTS}", 11, "", "L"),
            (f"{words['time']}: {_DOTS}", 11, "", "L"),
            (words["please"], 10.5, "", "L"),
            (words["kept"].format(until=f"{kept_until:%d/%m/%Y}"), 10, "", "L"),
        )
        page.set_xy(x, y)
        for text, size, style, align in lines:
            page.set_x(x)
            page.lines(text, size=size, style=style, align=align, width=room, after=1.6)
        page.qr(link, x + (room - QR) / 2, y + height - 2 * _MARGIN - QR, QR)
    return page.finished()


_TEXTS = (
    {
        "title": "PHIẾU MƯỢN THẺ KHÁCH",
        "tag": "Số thẻ",
        "name": "Họ và tên",
        "host": "Gặp",
        "time": "Giờ đến",
        "please": "Xin đeo thẻ trong thời gian ở cơ quan và trả lại tại quầy lễ tân khi ra về. Đeo thẻ là tự nguyện.",
        "kept": "Họ tên và giờ ra vào được lưu đến hết ngày {until}, sau đó tự động bị xóa. Quét mã để biết thêm.",
    },
    {
        "title": "VISITOR'S TAG",
        "tag": "Tag",
        "name": "Name",
        "host": "Visits",
        "time": "Arrived",
        "please": "Please wear the tag while you are here, and give it back at the desk on leaving. It is voluntary.",
        "kept": "Your name and times are kept until {until}, then deleted by themselves. Scan to learn more.",
    },
)
