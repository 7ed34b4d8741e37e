"""Posters for entrance, lift and health declaration: a few large words and a QR code, to fill an A4 sheet."""

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.words import LANGUAGES

ENTRANCE, LIFT, DECLARATION = "entrance", "lift", "declaration"
PLACES = (ENTRANCE, LIFT, DECLARATION)
QR = 78.0  # mm: read from two metres
SIDE = 18.0  # mm of margin: a poster is not filed
BLUE = (20, 71, 122)
_TITLE, _TITLE_LEAST, _LINE, _UNDER = 54.0, 36.0, 25.0, 20.0  # points
_GAP = 7.0  # mm between lines


def render(place: str, head: Letterhead, link: str, language: str) -> bytes:
    """The file; `link` is what the QR code opens."""
    words = _TEXTS[place][LANGUAGES.index(language)]
    page = Page(language=language)
    page.bare = True
    page.set_margins(SIDE, SIDE, SIDE)
    page.set_auto_page_break(False)
    page.set_title(words[0])
    page.set_lang(language)
    page.add_page()
    page.set_text_color(*BLUE)
    page.lines(head.name.upper() or "ZONETAG", size=18, style="B", align="C", after=2)
    page.set_draw_color(*BLUE)
    page.set_line_width(0.8)
    page.line(page.l_margin, page.get_y(), page.w - page.r_margin, page.get_y())
    page.ln(9)
    size = _TITLE
    while size > _TITLE_LEAST and page.width_of(words[0], size, "B") > page.epw - 3:
        size -= 1
    page.lines(words[0], size=size, style="B", align="C", after=_GAP)
    page.set_text_color(0)
    for line in words[1:-1]:
        page.lines(line, size=_LINE, align="C", after=_GAP)
    y = page.h - SIDE - 21 - QR
    page.qr(link, (page.w - QR) / 2, y, QR)
    page.set_xy(page.l_margin, y + QR + 4)
    page.lines(words[-1], size=_UNDER, style="B", align="C")
    page.lines(link, size=10, align="C")
    return page.finished()


# Place -> for each language: head, lines, what stands under the code.
_TEXTS = {
    ENTRANCE: (
        (
            "Xin đeo thẻ",
            "Đưa thẻ lại gần màn hình ở cửa; màn hình báo xanh là thẻ đã được ghi nhận.",
            "Khách đến làm việc: xin mượn thẻ tại quầy lễ tân và trả lại khi ra về.",
            "Việc đeo thẻ là tự nguyện. Thẻ không biết anh/chị là ai và không ghi âm, ghi hình.",
            "Quét mã để xem cơ quan lưu gì và lưu trong bao lâu",
        ),
        (
            "Please wear a tag",
            "Hold the tag near the screen at the door; when it turns green, the tag was heard.",
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
    DECLARATION: (
        (
            "Khai báo y tế",
            "Xin khai báo trước khi vào, trên điện thoại của anh/chị, không cần cài ứng dụng.",
            "Chỉ cần số thẻ đang đeo và vài câu hỏi có/không.",
            "Câu trả lời được mã hóa; chỉ cán bộ y tế được xem.",
            "Quét mã để khai báo",
        ),
        (
            "Health declaration",
            "Please declare before you come in, on your own phone; nothing to install.",
            "It takes the number of your tag and a few questions, yes or no.",
            "The answers are encrypted, and only the health officer may read them.",
            "Scan to declare",
        ),
    ),
}
