"""What a notice of exposure says, in both languages, with why in plain words.  Pure.

It never says who was ill, nor when exactly or where two people met, from which that could be guessed: the day, how
long, and by what it is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from zonetag_backend.errors import BadValue

LANGUAGES = ("vi", "en")
ILLNESSES = {  # as people say it
    "covid-19": {"vi": "COVID-19", "en": "COVID-19"},
    "influenza": {"vi": "cúm", "en": "influenza"},
    "measles": {"vi": "sởi", "en": "measles"},
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One day that is a reason for a notice."""

    day_ms: int
    evidence: str
    # "direct" or "place"
    minutes: float
    # close, expected; for "place" those together
    probability: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent."""

    subject: str
    text: str


def notice(name: str, reasons: Sequence[Reason], *, profile: str, language: str, zone: tzinfo, office: str) -> Notice:
    """The notice to somebody of that name; ValueError without a reason, BadValue for a language that there is not."""
    if not reasons:
        raise ValueError("nobody is told without a reason")
    if language not in LANGUAGES:
        raise BadValue(f"a notice is written in one of {', '.join(LANGUAGES)}")
    illness = ILLNESSES.get(profile, {}).get(language, profile)
    lines = [_LINES[language][_kind(reason)].format(**_words(reason, language, zone)) for reason in reasons]
    text = _TEXTS[language]["text"].format(
        name=name, illness=illness, why="\n".join(f"- {line}" for line in lines), office=office
    )
    return Notice(_TEXTS[language]["subject"].format(illness=illness), text)


def _kind(reason: Reason) -> str:
    """What of a time at one place is sure is never that two were close: only that for this illness the place counts."""
    return "room" if reason.evidence == "place" and reason.probability >= 1 else reason.evidence


def _words(reason: Reason, language: str, zone: tzinfo) -> dict[str, str]:
    at = datetime.fromtimestamp(reason.day_ms // 1000, UTC).astimezone(zone)
    day = f"ngày {at:%d/%m/%Y}" if language == "vi" else f"{at.day} {_MONTHS[at.month - 1]} {at.year}"
    sure = next(words for least, words in _SURE[language] if round(reason.probability, 2) >= least)
    return {"day": day, "minutes": f"{max(1, round(reason.minutes))}", "sure": sure}


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_SURE = {
    "vi": ((0.8, "gần như chắc chắn"), (0.5, "nhiều khả năng"), (0.0, "có thể")),
    "en": ((0.8, "almost certainly"), (0.5, "probably"), (0.0, "possibly")),
}
_LINES = {
    "vi": {
        "direct": "{day}: thẻ của anh/chị và thẻ của một người sau đó được xác định mắc bệnh đã nghe thấy nhau; {sure}"
        " hai người đã ở gần nhau khoảng {minutes} phút.",
        "place": "{day}: anh/chị và một người sau đó được xác định mắc bệnh cùng ở một nơi khoảng {minutes} phút;"
        " {sure} hai người đã ở gần nhau.",
        "room": "{day}: anh/chị và một người sau đó được xác định mắc bệnh cùng ở một nơi khoảng {minutes} phút;"
        " với bệnh này, cùng ở một nơi đã đủ để có thể lây.",
    },
    "en": {
        "direct": "{day}: your tag and the tag of a person who was later found to be ill heard each other; you were"
        " {sure} close to each other for about {minutes} minutes.",
        "place": "{day}: you and a person who was later found to be ill were in the same place for about {minutes}"
        " minutes; you were {sure} close to each other.",
        "room": "{day}: you and a person who was later found to be ill were in the same place for about {minutes}"
        " minutes; with this illness being in the same place is enough to catch it.",
    },
}
_TEXTS = {
    "vi": {
        "subject": "Thông báo: anh/chị có thể đã tiếp xúc với người mắc {illness}",
        "text": "Kính gửi {name},\n\nAnh/chị có thể đã tiếp xúc gần với một người mắc {illness}. Vì sao anh/chị nhận"
        " được thông báo này:\n{why}\n\nĐây là ước tính từ tín hiệu của thẻ, không phải kết luận rằng anh/chị đã nhiễm"
        " bệnh."
        " Đề nghị anh/chị theo dõi sức khỏe, hạn chế tiếp xúc và liên hệ cán bộ y tế của cơ quan để được hướng dẫn."
        "\n\n{office}",
    },
    "en": {
        "subject": "Notice: you may have been in contact with somebody ill with {illness}",
        "text": "Dear {name},\n\nYou may have been in close contact with somebody ill with {illness}. Why you receive"
        " this notice:\n{why}\n\nThis is an estimate from the signals of tags, not a finding that you are infected."
        " Please watch your health, keep your distance from others and ask the health officer of your office what to"
        " do.\n\n{office}",
    },
}
