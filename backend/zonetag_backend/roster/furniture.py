"""What stands in an office's list beside its people: numbers of columns, units between, sums, signatures.  Pure.

Lists are made to be printed and signed.  A line that is no person is named in the preview, never dropped unseen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_backend.names import folded
from zonetag_backend.roster.columns import Columns, cell, columns_of, has_numbers

PERSON, HEADING, ASIDE, BLANK = "person", "heading", "aside", "blank"

# "12", "12.", "(12)" number people; "I", "IV.", "A" number units.
_ORDINAL = re.compile(r"\(?\d{1,5}[.)]?")
_INDEX = re.compile(r"[IVXLC]{1,6}[.)]?|[A-ZĐa-zđ][.)]?")
# A line under the head that numbers the columns: "(1) (2) (3)", "A B 1 2", "3=1+2".
_COLUMN_NUMBER = re.compile(r"\(?(\d{1,2}|[A-Za-zĐđ])([=+-]\d{1,2})*\)?")
_NUMBERED_AT = 3  # lines under the head in which columns may be numbered: a head of two or three lines comes before it

# How a line begins that ends a list; small and without diacritics.
_END = re.compile(
    r"\W*(tong cong|tong so|tong\b|cong:|cong \d|danh sach (nay )?(gom|co) |nguoi lap|lap bieu|nguoi ky|thu truong"
    r"|hieu truong|pho hieu truong|chu tich|pho chu tich|giam doc|chanh van phong|truong phong|giao vien chu nhiem|gvcn"
    r"|ke toan truong|ky,|ky ten|ky va |noi nhan|tm\. |kt\. |tl\. |xac nhan|ghi chu:"
    r"|.*\bngay\b.{1,12}\bthang\b.{1,12}\bnam\b)"
)
# Lines of a title, which are no unit although they stand above people.
_TITLE = re.compile(
    r"\W*(nam hoc|hoc ky|giao vien chu nhiem|gvcn|danh sach|cong hoa xa hoi|doc lap|truong "
    r"|ubnd (xa|phuong|quan|huyen|tinh)|\(?tinh den|\(?kem theo|si so|tong)"
)
_CLASS = re.compile(r"\blớp:?\s+(\d{1,2}[^\s,;()]{0,8})", re.IGNORECASE)
# How units begin, with diacritics: "Tô" and "Phong" are names, "Tổ" and "Phòng" are none.
_UNIT = re.compile(
    r"(phòng|ban|bộ phận|tổ|khối|lớp|khoa|đội|trung tâm|văn phòng|lãnh đạo|ủy ban|ubnd|hđnd|chi cục|sở|hội|đảng ủy|trạm"
    r"|công an|department|class|team|office)\b"
)
_COUNT = re.compile(r"\s*[:(–-]\s*\d+\s*\w*\s*\)?$")


def class_in(text: str) -> str:
    """The class that a title names, as "6A1" of "DANH SÁCH HỌC SINH LỚP 6A1"; else empty."""
    found = _CLASS.search(text)
    return found[1].rstrip(".:-") if found else ""


def unit_of(texts: Sequence[str]) -> str:
    """The unit that a heading names, without what it counts: "Phòng Nội vụ" of "II Phòng Nội vụ (12 người)"."""
    text = max(texts, key=len)
    return class_in(text) or _COUNT.sub("", text)


@dataclass(frozen=True, slots=True)
class _List:
    known: Columns
    number: int | None
    # the column that numbers people; none when there is none
    last: int
    # the last line that has a number, from 0; -1 when people are not numbered

    def kind(self, line: Sequence[str], at: int, ordinal: bool, ended: bool) -> str:
        """Of one line.  `ordinal`: it is numbered as people are; `ended`: the list has said that it is over."""
        texts = [text for text in line if text]
        if not texts:
            return BLANK
        if at < _NUMBERED_AT and len(texts) > 1 and all(_COLUMN_NUMBER.fullmatch(text) for text in texts):
            return ASIDE
        if ordinal:
            return PERSON
        if columns_of(line) is not None:
            return ASIDE  # the head once more, as on the next page
        marked = has_numbers(cell(line, self.known.code)) or has_numbers(cell(line, self.known.tag))
        if ended and not marked:
            return ASIDE
        words = [text for where, text in enumerate(line) if text and not self._index(where, text)]
        if len(words) != 1 or marked:
            return PERSON
        if self.last < 0:
            return HEADING if _UNIT.match(words[0].casefold()) else PERSON
        title = _TITLE.match(folded(words[0])) and not class_in(words[0])
        return ASIDE if at > self.last or title else HEADING

    def _index(self, where: int, text: str) -> bool:
        return where == self.number and bool(_INDEX.fullmatch(text))


def kinds(lines: Sequence[Sequence[str]], formulas: Sequence[bool], known: Columns, number: int | None) -> list[str]:
    """What each line under the head is.

    `formulas`: whether one stands where people are numbered; `number`: that column, none when there is none.
    """
    ordinal = [
        number is not None and (formula or bool(_ORDINAL.fullmatch(cell(line, number))))
        for line, formula in zip(lines, formulas, strict=True)
    ]
    people = sum(is_one or _described(line, known) for line, is_one in zip(lines, ordinal, strict=True))
    if 3 * sum(ordinal) < people:  # people are not numbered here; a third, since short lists have a long foot
        ordinal = [False] * len(lines)
    each = _List(known, number, max((at for at, is_one in enumerate(ordinal) if is_one), default=-1))
    found, ended = [], False
    for at, line in enumerate(lines):
        ended = ended or (at > each.last and _ends(line))
        found.append(each.kind(line, at, ordinal[at], ended))
    return found


def _described(line: Sequence[str], known: Columns) -> bool:
    return bool(known.whole_name(line)) and any(cell(line, at) for at in (known.unit, known.code, known.tag))


def _ends(line: Sequence[str]) -> bool:
    return any(_END.match(folded(text)) for text in line if text)
