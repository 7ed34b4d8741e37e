"""From a file to the rows of a roster."""

import re
import unicodedata
from collections.abc import Sequence

from zonetag_backend.roster import columns, text_file, workbook
from zonetag_backend.roster.rows import EMPTY, MOST_ROWS, NO_HEAD, OLD_EXCEL, TOO_LARGE, TOO_MANY, Refused, Row
from zonetag_backend.roster.workbook import Cell

MOST_BYTES = 4 << 20
# Names that spreadsheets give by themselves, and that say nothing of a class.
_NO_UNIT = re.compile(r"(sheet|trang tính|trang_tính|bảng|feuil|table)\s*\d*", re.IGNORECASE)


def read(content: bytes) -> list[Row]:
    """The people in a file: XLSX by its first bytes, else CSV.  Refused."""
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
    if all(rows is None for rows in found):
        raise Refused(NO_HEAD)
    people = [row for rows in found for row in rows or ()]
    if len(people) > MOST_ROWS:
        raise Refused(TOO_MANY)
    if not people:
        raise Refused(EMPTY)
    return people


def _rows(cells: Sequence[Sequence[Cell]], sheet: str) -> list[Row] | None:
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
    return people


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
