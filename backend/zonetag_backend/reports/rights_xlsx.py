"""A copy of somebody's data as a workbook: a sheet a subject, real times, and no formula whatever text begins with."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from zonetag_backend.reports.table import shown

_WIDEST = 60  # characters
_ISO = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d.*)?\Z")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One subject."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    # ISO 8601 texts become times, without their offset, or days


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The file."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for of in sheets:
        sheet = book.create_sheet(shown(of.title)[:31])
        for at, row in enumerate([of.heads, *of.rows], 1):
            for position, value in enumerate(row, 1):
                cell = sheet.cell(at, position)
                cell.alignment = Alignment(wrap_text=True, vertical="top")
                cell.font = Font("Times New Roman", 11, bold=at == 1)
                time = _time(value)
                if time is not None:
                    cell.value = time
                    cell.number_format = "hh:mm dd/mm/yyyy" if isinstance(time, datetime) else "dd/mm/yyyy"
                elif isinstance(value, str):
                    cell.value = shown(value)[:32_000]
                    cell.data_type = "s"
                    cell.quotePrefix = cell.value.startswith(("=", "+", "-", "@"))
                else:
                    cell.value = value
        for position, _ in enumerate(of.heads, 1):
            longest = max((len(str(row[position - 1])) for row in [of.heads, *of.rows]), default=0)
            sheet.column_dimensions[get_column_letter(position)].width = max(10, min(_WIDEST, longest + 2))
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = "9"  # A4
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _time(value: Any) -> date | None:
    """A time, or a day, that a spreadsheet can reckon with."""
    if not isinstance(value, str) or not _ISO.match(value):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None) if "T" in value else date.fromisoformat(value)
    except ValueError:
        return None
