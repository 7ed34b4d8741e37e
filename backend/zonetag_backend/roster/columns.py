"""Which column of a list holds what, by the words at its head, in Vietnamese or English."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_backend.names import folded

NAME, FAMILY, GIVEN, UNIT, CODE, TAG = "name", "family", "given", "unit", "code", "tag"

# Column -> heads, small and without diacritics, as `_plain` makes them.
_HEADS = {
    NAME: "ho va ten|ho ten|hoten|ho, ten|ho & ten|ho va ten can bo|ho ten can bo|ho ten hoc sinh|ho va ten hoc sinh"
    "|ten nhan vien|ho ten nhan vien|ho va ten nhan vien|ho va ten cong chuc|ho va ten cbcc|ho va ten cbccvc"
    "|ho ten cbccvc|ho va ten nguoi lao dong|ho va ten giao vien|ho ten giao vien|ho va ten khai sinh"
    "|ho, chu dem va ten|ho, chu dem va ten khai sinh|ho, chu dem, ten|ho, ten dem va ten|ten hoc sinh|ten can bo"
    "|can bo|name|full name|fullname|person|employee|employee name|student",
    FAMILY: "ho dem|ho va dem|ho|ho va|ho, dem|ho va ten dem|ho lot|ho va chu lot|ho ten dem|ho ten lot|ho va ten lot"
    "|ho va chu dem|ho, chu dem|ho chu dem|ho chu lot|family name|surname|last name|family and middle name",
    GIVEN: "ten|ten goi|given name|first name",
    UNIT: "don vi|phong|phong ban|phong/ban|lop|bo phan|to|khoa|ban|don vi cong tac|phong, ban|co quan|unit|department"
    "|phong lam viec|noi cong tac|noi lam viec|co quan cong tac|to bo mon|to chuyen mon|phong chuyen mon|ten don vi"
    "|ten lop|khoi|class|team|office",
    CODE: "ma so|ma|ma nv|ma nhan vien|ma can bo|ma cb|ma hs|ma hoc sinh|ma so can bo|ma so nhan vien|so hieu|msnv"
    "|ma so hoc sinh|so hieu can bo|ma cbcc|ma so cbcc|ma cbccvc|ma so cbccvc|ma dinh danh"
    "|staff number|staff no|staff id|code|employee id|id|number|student id|employee number",
    TAG: "so the|the|ma the|so the deo|tag|tag number|tag no|tag id|badge",
}
_COLUMN = {head: column for column, heads in _HEADS.items() for head in heads.split("|")}
_NUMBER = frozenset(("stt", "tt", "so tt", "so thu tu", "s tt", "no", "#"))  # heads of the column that numbers people
_NOTE = re.compile(r"\(.*?\)|[*:.]")
_AND = re.compile(r"\s*[,/;–-]\s*|\s+(?:va|hoac|and|or)\s+")  # "Phòng, ban, đơn vị"
SEARCHED = 20  # rows in which the head may stand: titles come before it


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row each thing stands; none: nowhere."""

    name: int | None
    family: int | None
    given: int | None
    unit: int | None
    code: int | None
    tag: int | None

    @property
    def used(self) -> tuple[tuple[str, int], ...]:
        """Each column that is read, and where it stands, as on the sheet."""
        every = zip((NAME, FAMILY, GIVEN, UNIT, CODE, TAG), self._at(), strict=True)
        return tuple(sorted(((name, at) for name, at in every if at is not None), key=lambda each: each[1]))

    def ignored(self, head: Sequence[str]) -> tuple[str, ...]:
        """What stands at the head of columns that are not read."""
        known = set(self._at())
        return tuple(" ".join(text.split()) for at, text in enumerate(head) if at not in known and text.strip())

    def _at(self) -> tuple[int | None, ...]:
        return self.name, self.family, self.given, self.unit, self.code, self.tag

    def whole_name(self, cells: Sequence[str]) -> str:
        """Family, middle and given name in one."""
        if self.name is None:
            return f"{cell(cells, self.family)} {cell(cells, self.given)}".strip()
        # "Họ và tên" over two columns, of which only the first has a head: the given name stands beside it.
        return f"{cell(cells, self.name)} {cell(cells, self.given)}".strip()


def cell(cells: Sequence[str], at: int | None) -> str:
    """The text of a column in a row; empty when the row is shorter."""
    return cells[at] if at is not None and at < len(cells) else ""


def columns_of(cells: Sequence[str]) -> Columns | None:
    """The columns whose heads stand in this row; none when nothing there says where names are."""
    found: dict[str, int] = {}
    bare: list[int] = []
    for at, text in enumerate(cells):
        head = _plain(text)
        column = _column(head)
        if column is not None:
            found.setdefault(column, at)
        elif not head:
            bare.append(at)
    if NAME not in found and GIVEN in found and FAMILY not in found and _before(cells, found[GIVEN]).startswith("ho "):
        found[FAMILY] = found[GIVEN] - 1  # whatever it says more, names must not lose their first half
    if NAME not in found and GIVEN in found and FAMILY not in found:
        found[NAME] = found.pop(GIVEN)  # "Tên" alone is the whole name
    if NAME not in found and not {FAMILY, GIVEN} <= set(found):
        return None
    if NAME in found and GIVEN not in found and found[NAME] + 1 in bare:
        found[GIVEN] = found[NAME] + 1
    if NAME in found and FAMILY in found:
        found.pop(FAMILY)
    return Columns(*(found.get(each) for each in (NAME, FAMILY, GIVEN, UNIT, CODE, TAG)))


def number_at(head: Sequence[str]) -> int | None:
    """The column that numbers people from 1; none when there is none."""
    return next((at for at, text in enumerate(head) if _plain(text) in _NUMBER), None)


def has_numbers(text: str) -> bool:
    """Whether a digit stands in it, as in what an office gives out."""
    return any(each.isdigit() for each in text)


def _column(head: str) -> str | None:
    """What a head names, also when it names it in several words for the same."""
    parts = {_COLUMN.get(part) for part in _AND.split(head) if part}
    return _COLUMN.get(head) or (parts.pop() if len(parts) == 1 else None)


def _before(cells: Sequence[str], at: int) -> str:
    return _plain(cells[at - 1]) if at else ""


def _plain(text: str) -> str:
    return " ".join(_NOTE.sub(" ", folded(text)).split())
