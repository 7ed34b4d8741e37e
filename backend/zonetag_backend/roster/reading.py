"""From a file to the rows of a roster."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zonetag_backend.roster import columns, furniture, text_file, workbook
from zonetag_backend.roster.rows import EMPTY, MOST_ROWS, NO_HEAD, OLD_EXCEL, TOO_LARGE, TOO_MANY, Line, Refused, Row
from zonetag_backend.roster.telling import READ, Tell, silent
from zonetag_backend.roster.workbook import Cell

MOST_BYTES = 4 << 20
# Names that spreadsheets give by themselves, or people to any list, and that say nothing of a class.
_NO_UNIT = re.compile(
    r"(sheet|trang tính|trang_tính|bảng|feuil|table)\s*\d*|((ds|danh sách|d\.s)[\s_.-]*)?(cbccvc|cbcc|cb|cán bộ"
    r"|cán bộ công chức|công chức|viên chức|nv|nhân viên|nhân sự|hs|học sinh|gv|giáo viên|tổng hợp|chung)?\s*\d*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it was understood."""

    rows: list[Row]
    read: tuple[tuple[str, str], ...]
    # what a column holds (of roster.columns), and its head in the file; each pair once
    ignored: tuple[str, ...]
    # heads of columns that are not read, each once
    units: tuple[Line, ...] = ()
    # between people, each the unit of those below it who have none
    aside: tuple[Line, ...] = ()
    # that are nobody: sums, signatures


def read(content: bytes) -> list[Row]:
    """The people in a file.  Refused."""
    return look(content).rows


def look(content: bytes, tell: Tell = silent) -> Looked:
    """The people in a file, and what of it was read: XLSX by its first bytes, else CSV.  Refused."""
    tell(READ, 0, 0)
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    if not content.strip():
        raise Refused(EMPTY)
    if content.startswith(workbook.OLD_MAGIC):
        raise Refused(OLD_EXCEL)
    if content.startswith(workbook.MAGIC):
        found = [_rows(cells, name) for name, cells in workbook.sheets_of(content, tell)]
    else:
        found = [_rows([[(each, False) for each in row] for row in text_file.cells_of(content)], "")]
    sheets = [each for each in found if each is not None]
    if not sheets:
        raise Refused(NO_HEAD)
    people = [row for each in sheets for row in each.rows]
    if len(people) > MOST_ROWS:
        raise Refused(TOO_MANY)
    if not people:
        raise Refused(EMPTY)
    if len({row.sheet for row in people}) == 1:
        people = [replace(row, sheet="") for row in people]  # where there is one sheet, its name says nothing
        sheets = [replace(each, units=_here(each.units), aside=_here(each.aside)) for each in sheets]
    return Looked(
        _spelt(people),
        tuple(dict.fromkeys(pair for each in sheets for pair in each.read)),
        tuple(dict.fromkeys(head for each in sheets for head in each.ignored)),
        tuple(line for each in sheets for line in each.units),
        tuple(line for each in sheets for line in each.aside),
    )


def _spelt(people: Sequence[Row]) -> list[Row]:
    """One unit has one spelling, that which most have: "Phòng Nội vụ" and "PHÒNG NỘI VỤ" are not two."""
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for row in people:
        units[row.unit.casefold()][row.unit] += 1
    best = {folded: spellings.most_common(1)[0][0] for folded, spellings in units.items()}
    return [replace(row, unit=best[row.unit.casefold()]) for row in people]


def _here(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(replace(line, sheet="") for line in lines)


def _rows(cells: Sequence[Sequence[Cell]], sheet: str) -> Looked | None:
    """The people of one sheet; none when it has no head."""
    lines = [[_clean(text) for text, _ in row] for row in cells]
    heads = (columns.columns_of(line) for line in lines[: columns.SEARCHED])
    at, known = next(((at, each) for at, each in enumerate(heads) if each is not None), (0, None))
    if known is None:
        return None
    number = columns.number_at(lines[at])
    below = cells[at + 1 :]
    counts = [number is not None and number < len(row) and row[number][1] for row in below]
    said = [
        ["=" if formula else text for text, (_, formula) in zip(*pair, strict=True)]
        for pair in zip(lines[at + 1 :], below, strict=True)
    ]
    unit = "" if known.unit is not None else _unit_above(lines[:at], sheet)
    people: list[Row] = []
    units: list[Line] = []
    aside: list[Line] = []
    kinds = furniture.kinds(said, counts, known, number)
    for where, kind in enumerate(kinds, at + 1):
        texts = lines[where]
        if kind == furniture.HEADING:
            unit = furniture.unit_of(texts)
            units.append(Line(sheet, where + 1, unit))
        elif kind == furniture.ASIDE:
            aside.append(Line(sheet, where + 1, " · ".join(filter(None, texts))))
        elif kind == furniture.PERSON:
            row = _person(Row(sheet, where + 1, "", unit, "", ""), texts, cells[where], known)
            people += [row] if row else []
    read = tuple((name, lines[at][where]) for name, where in known.used)
    return Looked(people, read, known.ignored(lines[at]), tuple(units), tuple(aside))


def _unit_above(titles: Sequence[Sequence[str]], sheet: str) -> str:
    """The class that a title above the list names, else what the sheet is called when that says something."""
    named = next(filter(None, (furniture.class_in(text) for line in titles for text in line)), "")
    return named if _NO_UNIT.fullmatch(sheet.strip()) else _clean(sheet)


def _person(row: Row, texts: Sequence[str], cells: Sequence[Cell], known: columns.Columns) -> Row | None:
    """Whoever stands in that line; `row` holds where, and the unit when the line says none."""
    used = (known.name, known.family, known.given, known.unit, known.code, known.tag)
    formula = any(which is not None and which < len(cells) and cells[which][1] for which in used)
    name, code, tag = known.whole_name(texts), columns.cell(texts, known.code), columns.cell(texts, known.tag)
    if not (name or code or tag or formula):
        return None  # a number that nobody has, a head's second line
    unit = columns.cell(texts, known.unit) or row.unit
    return Row(row.sheet, row.line, name, unit, code, tag, formula)


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
