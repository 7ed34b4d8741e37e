"""What a reminder of the tag says, in both languages.  Pure."""

from zonetag_backend.reports.notice import Notice
from zonetag_backend.reports.words import LANGUAGES, checked

SILENT, FLAT = "silent", "flat"  # why somebody is reminded
CAUSES = (SILENT, FLAT)


def reminder(name: str, tag: str, cause: str, *, language: str, office: str) -> Notice:
    """The reminder to somebody of that name; BadValue for a language that there is not, KeyError for a cause."""
    at = LANGUAGES.index(checked(language))
    subject, text = _SUBJECTS[cause][at], _TEXTS[cause][at]
    return Notice(subject, _FRAME[at].format(name=name, text=text.format(tag=tag), office=office))


_SUBJECTS = {
    SILENT: ("Nhắc đeo thẻ", "Please wear your tag"),
    FLAT: ("Thẻ của anh/chị sắp hết pin", "Your tag's battery is nearly flat"),
}
_TEXTS = {
    SILENT: (
        "Thẻ số {tag} cấp cho anh/chị không có tín hiệu trong 7 ngày qua. Đề nghị anh/chị đeo thẻ khi đến cơ quan; nếu"
        " thẻ hỏng hoặc thất lạc, xin báo bộ phận phụ trách thẻ để được đổi.",
        "Tag {tag}, which was given to you, was not heard for 7 days. Please wear it when you come to the office; if it"
        " is broken or lost, tell those who look after tags, and you will get another.",
    ),
    FLAT: (
        "Thẻ số {tag} của anh/chị sắp hết pin. Đề nghị anh/chị đến bộ phận phụ trách thẻ để thay pin.",
        "The battery of your tag {tag} is nearly flat. Please have it changed by those who look after tags.",
    ),
}
_FRAME = (
    "Kính gửi {name},\n\n{text}\n\nViệc đeo thẻ là tự nguyện. Nếu không muốn nhận lời nhắc này, xin báo bộ phận phụ"
    " trách thẻ.\n\n{office}",
    "Dear {name},\n\n{text}\n\nWearing it is voluntary. If you do not want these reminders, tell those who look after"
    " tags.\n\n{office}",
)
