"""From a file to the rows of a roster."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zonetag_backend.roster import columns, text_file, workbook
from zonetag_backend.roster.rows import EMPTY, MOST_ROWS, NO_HEAD, OLD_EXCEL, TOO_LARGE, TOO_MANY, Refused, Row
from zonetag_backend.roster.workbook import Cell

MOST_BYTES = 4 << 20
# Names that spreadsheets give by themselves, and that say nothing of a class.
_NO_UNIT = re.compile(r"(sheet|trang tính|trang_tính|bảng|feuil|table)\s*\d*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it was understood."""

    rows: list[Row]
    read: tuple[tuple[str, str], ...]
    # what a column holds (of roster.columns), and its head in the file; each pair once
    ignored: tuple[str, ...]
    # heads of columns that are not read, each once


def read(content: bytes) -> list[Row]:
    """The people in a file.  Refused."""
    return look(content).rows


def look(content: bytes) -> Looked:
    """The people in a file, and what of it was read: XLSX by its first bytes, else CSV.  Refused."""
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE)
    if not content.strip():
        raise Refused(EMPTY)
    if content.startswith(workbook.OLD_MAGIC):
        raise Refused(OLD_EXCEL)
    if content.startswith(workbook.MAGIC):
        found = [_rows(cells, name) for name, cells in workbook.sheets_of(content)]
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
    known = dict.fromkeys(pair for each in sheets for pair in each.read)
    ignored = dict.fromkeys(head for each in sheets for head in each.ignored)
    return Looked(people, tuple(known), tuple(ignored))


def _rows(cells: Sequence[Sequence[Cell]], sheet: str) -> Looked | None:
    """The people of one sheet; none when it has no head."""
    heads = (columns.columns_of(text for text, _ in row) for row in cells[: columns.SEARCHED])
    at, known = next(((at, each) for at, each in enumerate(heads) if each is not None), (0, None))
    if known is None:
        return None
    unit_of_sheet = "" if _NO_UNIT.fullmatch(sheet.strip()) else sheet
    people = []
    for line, row in enumerate(cells[at + 1 :], at + 2):
        texts = [_clean(text) for text, _ in row]
        used = (known.name, known.family, known.given, known.unit, known.code, known.tag)
        formula = any(which is not None and which < len(row) and row[which][1] for which in used)
        name, code, tag = known.whole_name(texts), columns.cell(texts, known.code), columns.cell(texts, known.tag)
        if not (name or code or tag or formula):
            continue  # an empty line, a heading between, a sum
        unit = columns.cell(texts, known.unit) or ("" if known.unit is not None else _clean(unit_of_sheet))
        people.append(Row(sheet, line, name, unit, code, tag, formula))
    head = [_clean(text) for text, _ in cells[at]]
    return Looked(people, tuple((name, head[where]) for name, where in known.used), known.ignored(head))


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
