"""The form with which somebody agrees to wear a tag, or says no: what for, what, how long, and every right.

Each purpose is agreed to by itself, as the ledger of consent has them.
"""

from zonetag_backend.reports.letterhead import MOTTO, MOTTO_LINE, Letterhead
from zonetag_backend.reports.pdf_page import FACE, Page, rule
from zonetag_backend.reports.words import LANGUAGES

VERSION = "ZT-01"  # of the text, for the ledger of consent: another one when what is agreed to changes
_DOTS = "." * 40
_BOX, _YES_NO, _ROW = 4.0, 26.0, 8.0  # mm


def render(head: Letterhead, retention_days: int, language: str) -> bytes:
    """The file: one page."""
    at = LANGUAGES.index(language)
    office = head.name or _DOTS
    page = Page(language=language)
    page.bare = True
    page.set_title(_TITLE[at])
    page.add_page()
    page.set_auto_page_break(False)
    page.lines(MOTTO, size=13, style="B", align="C")
    page.lines(MOTTO_LINE, size=13, style="B", align="C")
    wide = page.width_of(MOTTO_LINE, 13, "B")
    rule(page, page.l_margin + (page.epw - wide) / 2, wide)
    page.ln(4)
    page.lines(_TITLE[at], size=14, style="B", align="C", after=3)
    page.lines(_TO[at].format(office=office), size=13, align="C", after=2)
    for lines in _ABOUT[at]:
        _blanks(page, lines)
    page.ln(2)
    for head_line, text in _PARTS[at]:
        page.lines(head_line, size=12, style="B")
        page.lines(text.format(office=head.name or _OFFICE[at], days=retention_days), size=12, align="J", after=1)
    _choices(page, at)
    page.ln(3)
    half = page.epw / 2
    page.set_x(page.l_margin + half)
    page.lines(_DATED[at], size=12, style="I", align="C", width=half)
    y = page.get_y() + 1
    for position, (who, how) in enumerate(_SIGNS[at]):
        page.set_xy(page.l_margin + position * half, y)
        page.lines(who, size=12, style="B", align="C", width=half)
        page.set_x(page.l_margin + position * half)
        page.lines(how, size=11, style="I", align="C", width=half)
    page.set_y(-14)
    page.set_font(FACE, "", 9)
    page.cell(0, 5, _FORM[at].format(version=VERSION))
    return page.finished()


def _blanks(page: Page, names: tuple[str, ...]) -> None:
    """Names with dots behind them, side by side, to the margin."""
    room = page.epw / len(names)
    dot = page.width_of(".", 12)
    y = page.get_y()
    for position, name in enumerate(names):
        many = int((room - page.width_of(f"{name}: ", 12) - 4) / dot)
        page.set_xy(page.l_margin + position * room, y)
        page.lines(f"{name}: {'.' * many}", size=12, width=room, after=1)
    page.set_x(page.l_margin)


def _choices(page: Page, at: int) -> None:
    """For each purpose a box for yes and one for no."""
    page.ln(1)
    page.set_line_width(0.2)
    first = page.epw - 2 * _YES_NO
    for position, texts in enumerate(((_AGREE[at][0], *_AGREE[at][1:]), *((text, "", "") for text in _PURPOSES[at]))):
        page.set_font(FACE, "B" if position == 0 else "", 12)
        y = page.get_y()
        page.cell(first, _ROW, texts[0], border=1)
        for column, text in enumerate(texts[1:]):
            page.cell(_YES_NO, _ROW, text, border=1, align="C")
            if position:
                x = page.l_margin + first + (column + 0.5) * _YES_NO - _BOX / 2
                page.rect(x, y + (_ROW - _BOX) / 2, _BOX, _BOX)
        page.set_xy(page.l_margin, y + _ROW)


_TITLE = ("PHIẾU ĐỒNG Ý ĐEO THẺ VÀ XỬ LÝ DỮ LIỆU CÁ NHÂN", "CONSENT TO WEARING A TAG AND TO USE OF PERSONAL DATA")
_OFFICE = ("Cơ quan", "The office")  # whose name nobody has set
_TO = ("Kính gửi: {office}", "To: {office}")
_ABOUT = (
    (("Họ và tên",), ("Đơn vị",), ("Mã số", "Số thẻ")),
    (("Name",), ("Unit",), ("Staff number", "Tag")),
)
_PARTS = (
    (
        ("1. Mục đích", "Theo dõi ra vào cơ quan; báo ngay cho người đã ở gần người mắc bệnh truyền nhiễm. Dữ liệu"
         " không được dùng cho mục đích nào khác, kể cả chấm công hay kỷ luật."),
        ("2. Dữ liệu", "Họ tên, đơn vị, mã số; thẻ được ghi nhận ở đâu, lúc nào; những thẻ nào đã ở gần nhau. Đây là"
         " dữ liệu cá nhân nhạy cảm."),
        ("3. Thời hạn", "{days} ngày, sau đó dữ liệu tự động bị xóa vĩnh viễn."),
        ("4. Ai được xem", "Lễ tân xem sổ ra vào; cán bộ y tế chỉ xem tiếp xúc khi có ca bệnh và phải ghi lý do. Mọi"
         " lần xem đều được ghi lại."),
        ("5. Quyền của anh/chị", "Không đồng ý, hoặc rút lại đồng ý bất cứ lúc nào, không bị thiệt thòi; xem, nhận bản"
         " sao, sửa, hạn chế, xóa dữ liệu. Gửi yêu cầu tại trang “Dữ liệu của tôi” hoặc bằng giấy tại quầy lễ tân."
         " {office} xác nhận trong 2 ngày làm việc và trả lời trong thời hạn luật định (10 đến 20 ngày)."),
    ),
    (
        ("1. What for", "To tell at once whoever was near somebody with an infectious disease; to keep the in-out book."
         " The data serve nothing else, neither attendance nor discipline."),
        ("2. What", "Name, unit, staff number; where and when the tag was heard; which tag heard which. These are"
         " sensitive personal data."),
        ("3. How long", "{days} days; then everything is deleted for good, by itself."),
        ("4. Who sees it", "Reception sees the in-out book; the health officer sees contacts only for a case and with"
         " a reason. Every look is recorded."),
        ("5. Your rights", "Say no, or withdraw at any time, without any disadvantage; see, get a copy, correct,"
         " restrict or erase what is kept. Ask on the page “My data” or on paper at the desk. {office} confirms"
         " within 2 working days, and answers within the time of the law (10 to 20 days)."),
    ),
)  # fmt: skip
_AGREE = (("Tôi cho phép xử lý dữ liệu để", "Đồng ý", "Không"), ("My data may be used for", "I agree", "No"))
# As zonetag_backend.store.consent_ledger has them, in its order.
_PURPOSES = (
    (
        "Ghi sổ ra vào: thẻ được ghi nhận ở đâu, lúc nào",
        "Truy vết tiếp xúc: những thẻ nào đã ở gần thẻ của tôi",
        "Khai báo y tế",
        "Nhắc đeo thẻ",
    ),
    (
        "the in-out book: when and where my tag was heard",
        "contact tracing: whose tags were near mine",
        "health declarations",
        "reminders to wear the tag",
    ),
)
_DATED = ("............, ngày ..... tháng ..... năm .........", "Date: ..................................")
_SIGNS = (
    (("Người nhận phiếu", "(Ký, ghi rõ họ tên)"), ("Người viết phiếu", "(Ký, ghi rõ họ tên)")),
    (("Received by", "(Signature and full name)"), ("Signed by", "(Signature and full name)")),
)
_FORM = (
    "Mẫu phiếu {version} (ghi số này khi nhập vào sổ đồng ý).",
    "Form {version} (which the ledger of consent asks for).",
)
