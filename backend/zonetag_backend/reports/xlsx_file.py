"""A paper as a workbook: real dates and numbers, the head frozen and repeated on each page, and no formula."""

import io
from datetime import date, datetime

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.page import PageMargins
from openpyxl.worksheet.worksheet import Worksheet

from zonetag_backend.reports.pdf_page import BOTTOM, LEFT, RIGHT, TOP
from zonetag_backend.reports.table import CLOCK, NUMBER, TEXT, Cell, Column, Paper, shown, written
from zonetag_backend.reports.words import word

FACE = "Times New Roman"
HEAD_ROW = 5  # title, facts, how long it is kept, an empty one, head
_NARROWEST, _WIDEST, _SPARE = 6, 48, 3  # characters
_USUAL = 0.97  # of the rows fit into their column in one line
_LINE_HEIGHT = 15.5  # points
_LINE = Border(*[Side(style="thin", color="999999")] * 4)
_SHADE = PatternFill("solid", fgColor="E8EEF4")
_NOT_IN_A_TITLE = str.maketrans("[]:*?/\\'", "        ")  # that a sheet's name may not hold


def render(paper: Paper) -> bytes:
    """The file."""
    table = paper.table
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new workbook has one sheet
    sheet.title = shown(table.title).translate(_NOT_IN_A_TITLE)[:31].strip() or "Zonetag"
    book.properties.title = shown(table.title)
    book.properties.creator = "Zonetag"
    book.properties.created = book.properties.modified = paper.made
    _text(sheet.cell(1, 1), table.title, Font(FACE, 14, bold=True))
    _text(sheet.cell(2, 1), " · ".join(paper.facts), Font(FACE, 11))
    if paper.kept_until is not None:
        _text(sheet.cell(3, 1), word(paper.language, "kept", until=f"{paper.kept_until:%d/%m/%Y}"), Font(FACE, 11))
    for position, column in enumerate(table.columns, 1):
        cell = sheet.cell(HEAD_ROW, position)
        _text(cell, column.head, Font(FACE, 11, bold=True))
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        cell.border, cell.fill = _LINE, _SHADE
    plain, strong = Font(FACE, 11), Font(FACE, 11, bold=True)
    lines = [(row, plain) for row in table.rows] + ([(table.total, strong)] if table.total else [])
    for at, (row, font) in enumerate(lines, HEAD_ROW + 1):
        for position, (column, value) in enumerate(zip(table.columns, row, strict=True), 1):
            cell = sheet.cell(at, position)
            _fill(cell, column, value, paper.day)
            cell.font, cell.border = font, _LINE
    if not table.rows:
        _text(sheet.cell(HEAD_ROW + 1, 1), paper.empty, plain)
    _page(sheet, paper)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _page(sheet: Worksheet, paper: Paper) -> None:
    table = paper.table
    rows = [
        [written(value, column, paper.language, paper.day) for column, value in zip(table.columns, row, strict=True)]
        for row in (*table.rows, *([table.total] if table.total else []))
    ]
    wide = [_width(column, [row[position] for row in rows]) for position, column in enumerate(table.columns)]
    for position, width in enumerate(wide, 1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    # Not every program makes a row as high as its wrapped text.
    heads = [column.head for column in table.columns]
    for at, texts in enumerate([heads, *rows], HEAD_ROW):
        lines = max(-(-len(text) // width) for text, width in zip(texts, wide, strict=True))
        if lines > 1:
            sheet.row_dimensions[at].height = _LINE_HEIGHT * lines
    sheet.freeze_panes = f"A{HEAD_ROW + 1}"
    sheet.print_title_rows = f"{HEAD_ROW}:{HEAD_ROW}"
    last = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A{HEAD_ROW}:{last}{HEAD_ROW + max(1, len(table.rows))}"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if paper.landscape else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_margins = PageMargins(*(mm / 25.4 for mm in (LEFT, RIGHT, TOP, BOTTOM)), header=0.4, footer=0.4)
    sheet.oddHeader.left.text = shown(paper.head.name).replace("&", "&&")
    sheet.oddFooter.left.text = word(paper.language, "made", at=f"{paper.made:%H:%M %d/%m/%Y}")
    sheet.oddFooter.right.text = word(paper.language, "page", page="&P", pages="&N")


def _width(column: Column, texts: list[str]) -> int:
    """In characters: what most rows want, and the longest word of the head; one long name is broken into lines."""
    lengths = sorted(map(len, texts))
    usual = lengths[int(_USUAL * (len(lengths) - 1))] if lengths else 0
    head = max(*map(len, column.head.split(" ")), len(column.head) // 2)
    return max(_NARROWEST, min(_WIDEST, max(usual, head) + _SPARE))


def _text(cell: SheetCell, text: str, font: Font) -> None:
    if text:
        cell.value = shown(text)
        cell.data_type = "s"  # whatever it begins with
        cell.quotePrefix = cell.value.startswith(("=", "+", "-", "@"))  # also when somebody edits the cell
    cell.font = font


def _fill(cell: SheetCell, column: Column, value: Cell, day: date | None) -> None:
    if isinstance(value, str):
        _text(cell, value, Font(FACE, 11))
        left = column.kind == TEXT
        cell.alignment = Alignment("left" if left else "center", "top", wrap_text=left, indent=int(left))
        return
    cell.value = value
    cell.alignment = Alignment("center" if isinstance(value, date) else "general", "top")
    if isinstance(value, datetime):
        cell.number_format = "hh:mm" if column.kind == CLOCK or value.date() == day else "hh:mm dd/mm/yyyy"
    elif isinstance(value, date):
        cell.number_format = "dd/mm/yyyy"
    elif column.kind == NUMBER and isinstance(value, float):
        cell.number_format = "#,##0.0"
    elif column.kind == NUMBER:
        cell.number_format = "#,##0"
