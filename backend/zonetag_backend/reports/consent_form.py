"""The form with which somebody agrees to wear a tag, or says no: what for, what, how long, and every right."""

from zonetag_backend.reports.letterhead import MOTTO, MOTTO_LINE, Letterhead
from zonetag_backend.reports.pdf_page import Page
from zonetag_backend.reports.words import LANGUAGES

_DOTS = "." * 60


def render(head: Letterhead, retention_days: int, language: str) -> bytes:
    """The file: one page."""
    at = LANGUAGES.index(language)
    office = head.name or _DOTS[:40]
    page = Page()
    page.bare = True
    page.set_title(_TITLE[at])
    page.add_page()
    page.lines(MOTTO, size=13, style="B", align="C")
    page.lines(MOTTO_LINE, size=13, style="B", align="C", after=5)
    page.lines(_TITLE[at], size=15, style="B", align="C", after=3)
    for line in _ABOUT[at]:
        page.lines(line.format(office=office, dots=_DOTS), size=12)
    page.ln(2)
    for head_line, text in _PARTS[at]:
        page.lines(head_line, size=12, style="B")
        page.lines(text.format(office=office, days=retention_days), size=12, align="J", after=1.5)
    page.ln(1)
    for line in _CHOICES[at]:
        y = page.get_y()
        page.set_line_width(0.3)
        page.rect(page.l_margin, y + 0.9, 4, 4)
        page.set_x(page.l_margin + 7)
        page.lines(line, size=12, width=page.epw - 7, after=1.5)
        page.set_x(page.l_margin)
    page.ln(2)
    half = page.epw / 2
    y = page.get_y()
    for position, (who, how) in enumerate(_SIGNS[at]):
        page.set_xy(page.l_margin + position * half, y)
        page.lines(who, size=12, style="B", align="C", width=half)
        page.set_x(page.l_margin + position * half)
        page.lines(how, size=11, style="I", align="C", width=half)
    return page.finished()


_TITLE = ("PHIẾU ĐỒNG Ý ĐEO THẺ VÀ XỬ LÝ DỮ LIỆU CÁ NHÂN", "CONSENT TO WEARING A TAG AND TO USE OF PERSONAL DATA")
_ABOUT = (
    ("Kính gửi: {office}", "Họ và tên: {dots}", "Đơn vị: {dots}", "Mã số: {dots}"),
    ("To: {office}", "Name: {dots}", "Unit: {dots}", "Staff number: {dots}"),
)
_PARTS = (
    (
        ("1. Mục đích", "Báo ngay cho người đã ở gần người mắc bệnh truyền nhiễm; theo dõi ra vào cơ quan. Dữ liệu"
         " không được dùng cho mục đích nào khác, kể cả chấm công hay kỷ luật."),
        ("2. Dữ liệu", "Họ tên, đơn vị, mã số; thẻ được nghe ở đâu, lúc nào; thẻ nào đã nghe thẻ nào. Đây là dữ liệu cá"
         " nhân nhạy cảm."),
        ("3. Thời hạn", "{days} ngày, sau đó dữ liệu tự động bị xóa vĩnh viễn."),
        ("4. Ai được xem", "Lễ tân xem sổ ra vào; cán bộ y tế chỉ xem tiếp xúc khi có ca bệnh và phải ghi lý do. Mọi"
         " lần xem đều được ghi lại."),
        ("5. Quyền của anh/chị", "Không đồng ý, hoặc rút lại đồng ý bất cứ lúc nào, không bị thiệt thòi; xem, nhận bản"
         " sao, sửa, hạn chế, xóa dữ liệu. {office} xác nhận yêu cầu trong 2 ngày làm việc và thực hiện trong 15 "
         "ngày."),
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
         " restrict or erase what is kept. {office} answers within 2 working days and does it within 15 days."),
    ),
)  # fmt: skip
_CHOICES = (
    ("Tôi đồng ý đeo thẻ và cho xử lý dữ liệu như trên.", "Tôi không đồng ý."),
    ("I agree to wear a tag, and to the use of data as above.", "I do not agree."),
)
_SIGNS = (
    (("Người nhận phiếu", "(Ký, ghi rõ họ tên)"), ("Người viết phiếu", "(Ngày, ký, ghi rõ họ tên)")),
    (("Received by", "(Signature and full name)"), ("Signed by", "(Date, signature and full name)")),
)
