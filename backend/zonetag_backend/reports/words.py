"""The words of papers, in both languages.  What stands in a letter by decree is Vietnamese in both."""

from zonetag_backend.errors import BadValue

LANGUAGES = ("vi", "en")


def word(language: str, name: str, /, **values: object) -> str:
    """A text of a paper."""
    return WORDS[name][LANGUAGES.index(language)].format(**values)


def checked(language: str) -> str:
    """The language, if papers are written in it."""
    if language not in LANGUAGES:
        raise BadValue(f"a paper is written in one of {', '.join(LANGUAGES)}")
    return language


# Name -> (Vietnamese, English).
WORDS = {
    "page": ("Trang {page}/{pages}", "Page {page} of {pages}"),
    "made": ("In lúc {at}", "Printed {at}"),
    "kept": (
        "Dữ liệu trên giấy này được lưu đến hết ngày {until}; sau ngày đó phải hủy cả bản in.",
        "What stands here is kept until {until}; after that day destroy the printed copy too.",
    ),
    "sign": ("(Ký, ghi rõ họ tên)", "(Signature and full name)"),
    "no": ("STT", "No."),
    "name": ("Họ và tên", "Name"),
    "unit": ("Đơn vị", "Unit"),
    "code": ("Mã số", "Staff number"),
    "tag": ("Số thẻ", "Tag"),
    "came": ("Giờ vào", "In"),
    "left": ("Giờ ra", "Out"),
    "last": ("Tín hiệu cuối", "Last heard"),
    "place": ("Vị trí", "Place"),
    "site": ("Cơ sở", "Site"),
    "nobody": ("(không có người đeo)", "(worn by nobody)"),
    "removed": ("(đã xóa tên)", "(name removed)"),
    "inside": ("đang ở trong", "inside"),
    # in-out book
    "book": ("SỔ THEO DÕI RA VÀO CƠ QUAN", "IN-OUT BOOK"),
    "book-day": ("{site}, ngày {day}", "{site}, {day}"),
    "book-count": ("{came} người vào, {left} người đã ra", "{came} people came, {left} have left"),
    "book-none": ("Không ai vào trong ngày này.", "Nobody came on this day."),
    "keeper": ("Người theo dõi", "Kept by"),
    # evacuation list
    "evacuation": ("DANH SÁCH NGƯỜI ĐANG Ở TRONG TÒA NHÀ", "EVACUATION LIST: WHO IS INSIDE"),
    "evacuation-at": ("{site}, lúc {at}", "{site}, at {at}"),
    "evacuation-count": ("{people} người", "{people} people"),
    "evacuation-none": ("Không có ai ở trong.", "Nobody is inside."),
    "found": ("Đã thấy", "Found"),
    "warden": ("Người điểm danh", "Counted by"),
    # contacts of a case
    "case": ("DANH SÁCH NGƯỜI TIẾP XÚC", "LIST OF CONTACTS"),
    "case-who": ("Ca bệnh: {name}", "Case: {name}"),
    "case-day": (
        "{illness}; {basis} ngày {day}; lập danh sách theo dữ liệu truy vết đã lưu",
        "{illness}; {basis} on {day}; from what was traced and kept",
    ),
    "case-count": ("Tổng số: {people}", "In all: {people}"),
    "case-none": ("Không tìm thấy người tiếp xúc.", "No contact was found."),
    "onset": ("khởi phát", "onset"),
    "test": ("xét nghiệm", "test"),
    "generation": ("Phân loại", "Generation"),
    "through": ("Tiếp xúc với", "Through"),
    "day": ("Ngày", "Day"),
    "first": ("Từ", "From"),
    "until": ("Đến", "To"),
    "minutes": ("Số phút", "Minutes"),
    "evidence": ("Căn cứ", "Known by"),
    "probability": ("Xác suất trong ngày (%)", "Probability that day (%)"),
    "overall": ("Xác suất tiếp xúc (%)", "Probability of contact (%)"),
    "direct": ("thẻ ghi nhận nhau", "tag heard tag"),
    "same-place": ("ở cùng nơi", "same place"),
    "health-officer": ("Cán bộ y tế", "Health officer"),
    # adoption
    "adoption": ("TÌNH HÌNH SỬ DỤNG THẺ", "USE OF TAGS"),
    "adoption-at": ("Số liệu đến {at}", "As of {at}"),
    "adoption-none": ("Chưa có người nào trong danh sách.", "Nobody has been entered yet."),
    "no-unit": ("(chưa ghi đơn vị)", "(no unit)"),
    "staff": ("Tổng số người", "Staff"),
    "issued": ("Đã cấp thẻ", "Tags issued"),
    "heard": ("Có tín hiệu 7 ngày qua", "Heard in 7 days"),
    "flat": ("Sắp hết pin", "Nearly flat"),
    "uncovered": ("Chưa có thẻ", "No tag"),
    "share": ("Tỷ lệ có thẻ (%)", "With a tag (%)"),
    "total": ("Cộng", "Total"),
    # labels
    "labels": ("DANH SÁCH THẺ", "LIST OF TAGS"),
    "labels-none": ("Chưa có thẻ nào.", "There is no tag yet."),
    "state": ("Tình trạng", "State"),
    "active": ("đang dùng", "in use"),
    "lost": ("mất", "lost"),
    "retired": ("đã loại bỏ", "retired"),
}
