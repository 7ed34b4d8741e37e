"""Posters for entrance, lift and health declaration: a few large words and a QR code, to fill an A4 sheet."""

from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.words import LANGUAGES

ENTRANCE, LIFT, DECLARATION = "entrance", "lift", "declaration"
PLACES = (ENTRANCE, LIFT, DECLARATION)
QR = 78.0  # mm: read from two metres
SIDE = 18.0  # mm of margin: a poster is not filed
BLUE = (20, 71, 122)
# Points: as large as the sheet has room for.  A head is read from three metres, a line of 25 points from two.
_TITLE, _TITLE_LEAST = 60, 36
_LINE, _LINE_LEAST = 34, 20  # the least beside the longest name of an office
_UNDER, _ADDRESS, _ADDRESS_LEAST = 20, 13, 7
_GAP = 7.0  # mm between lines
_QUIET = 6.0  # mm under the code, which is read only with white around it
_FOOT = _QUIET + 12.0  # mm for what stands under the code


def render(place: str, head: Letterhead, link: str, language: str) -> bytes:
    """The file; `link` is what the QR code opens."""
    words = tuple(each.replace("_", "\u00a0") for each in _TEXTS[place][LANGUAGES.index(language)])
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
    size = _fitting(page, words[0], _TITLE, _TITLE_LEAST, "B")
    page.lines(words[0], size=size, style="B", align="C", after=_GAP)
    page.set_text_color(0)
    y = page.h - SIDE - _FOOT - QR
    room, size = y - page.get_y(), _LINE
    while size > _LINE_LEAST and sum(page.height_of(line, size) + _GAP for line in words[1:-1]) > room:
        size -= 1
    for line in words[1:-1]:
        page.lines(line, size=size, align="C", after=_GAP)
    page.qr(link, (page.w - QR) / 2, y, QR)
    page.set_xy(page.l_margin, y + QR + _QUIET)
    page.lines(words[-1], size=_UNDER, style="B", align="C")
    page.lines(link, size=_fitting(page, link, _ADDRESS, _ADDRESS_LEAST), align="C")
    return page.finished()


def _fitting(page: Page, text: str, most: int, least: int, style: str = "") -> int:
    """The largest size at which a text stands in one line."""
    return next((size for size in range(most, least, -1) if page.width_of(text, size, style) < page.epw - 3), least)


# Place -> for each language: head, lines, what stands under the code.  "_": a space at which no line is broken.
_TEXTS = {
    ENTRANCE: (
        (
            "Xin đeo thẻ",
            "Đưa thẻ lại gần màn_hình ở cửa; màn_hình báo xanh là thẻ đã được ghi_nhận.",
            "Khách đến làm_việc: xin mượn thẻ tại quầy lễ_tân và trả lại khi ra_về.",
            "Việc đeo thẻ là tự_nguyện. Thẻ không biết anh/chị là ai và không ghi_âm, ghi_hình.",
            "Quét mã để xem cơ quan lưu gì và lưu trong bao lâu",
        ),
        (
            "Please wear a tag",
            "Hold the tag near the screen at the door; when it turns green, the tag was heard.",
            "Visitors: borrow a tag at the desk, and give it back when you leave.",
            "Wearing it is voluntary. A_tag does not know who you are, and records no sound and no picture.",
            "Scan to see what is kept, and for how long",
        ),
    ),
    LIFT: (
        (
            "Anh/chị đã đeo thẻ chưa?",
            "Đeo thẻ bên ngoài túi_áo, không để trong cặp.",
            "Thẻ hỏng, thất_lạc hay sắp hết_pin: xin báo bộ_phận phụ_trách thẻ.",
            "Giữ khoảng_cách, đeo khẩu_trang khi đông_người.",
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
            "Xin khai_báo trước khi vào, trên điện_thoại của anh/chị, không cần cài ứng_dụng.",
            "Chỉ cần số_thẻ đang đeo và vài câu_hỏi có/không.",
            "Câu trả_lời được mã_hóa; chỉ cán_bộ y_tế được xem.",
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
