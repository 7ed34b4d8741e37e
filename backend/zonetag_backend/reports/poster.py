"""Posters for the entrance and the lift: a few large words and a QR code, on A4."""

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.table import shown
from zonetag_backend.reports.words import LANGUAGES

ENTRANCE, LIFT = "entrance", "lift"
PLACES = (ENTRANCE, LIFT)
QR = 62.0  # mm
BLUE = (20, 71, 122)


def render(place: str, head: Letterhead, link: str, language: str) -> bytes:
    """The file; `link` is what the QR code opens."""
    words = _TEXTS[place][LANGUAGES.index(language)]
    page = Page()
    page.bare = True
    page.set_margins(20, 20, 20)
    page.set_auto_page_break(False)
    page.set_title(words[0])
    page.add_page()
    page.set_text_color(*BLUE)
    page.lines(shown(head.name).upper() or "ZONETAG", size=18, style="B", align="C", after=10)
    page.set_text_color(0)
    page.lines(words[0], size=44, style="B", align="C", after=8)
    for line in words[1:-1]:
        page.lines(line, size=22, align="C", after=5)
    y = page.h - 30 - QR
    page.qr(link, (page.w - QR) / 2, y, QR)
    page.set_xy(page.l_margin, y + QR + 4)
    page.lines(words[-1], size=15, align="C")
    page.lines(link, size=10, align="C")
    return page.finished()


# Place -> for each language: head, lines, what stands under the code.
_TEXTS = {
    ENTRANCE: (
        (
            "Xin đeo thẻ",
            "Đưa thẻ lại gần đèn ở cửa; đèn sáng là thẻ đã được ghi nhận.",
            "Khách đến làm việc: xin mượn thẻ tại quầy lễ tân và trả lại khi ra về.",
            "Việc đeo thẻ là tự nguyện. Thẻ không biết anh/chị là ai và không ghi âm, ghi hình.",
            "Quét mã để xem cơ quan lưu gì và lưu trong bao lâu",
        ),
        (
            "Please wear a tag",
            "Hold the tag near the light at the door; when it lights up, the tag was heard.",
            "Visitors: borrow a tag at the desk, and give it back when you leave.",
            "Wearing it is voluntary. A tag does not know who you are, and records no sound and no picture.",
            "Scan to see what is kept, and for how long",
        ),
    ),
    LIFT: (
        (
            "Anh/chị đã đeo thẻ chưa?",
            "Đeo thẻ bên ngoài túi áo, không để trong cặp.",
            "Thẻ hỏng, thất lạc hay sắp hết pin: xin báo bộ phận phụ trách thẻ.",
            "Giữ khoảng cách, đeo khẩu trang khi đông người.",
            "Quét mã để xem cơ quan lưu gì và lưu trong bao lâu",
        ),
        (
            "Are you wearing your tag?",
            "Wear it outside your pocket, not in your bag.",
            "Broken, lost or nearly flat: tell those who look after tags.",
            "Keep your distance, and wear a mask where many are.",
            "Scan to see what is kept, and for how long",
        ),
    ),
}
