"""The workbook that an office fills in."""

import io

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

HEADS = ("Họ và tên", "Đơn vị", "Mã số", "Số thẻ")
_WIDTHS = (32, 28, 16, 14)
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def template() -> bytes:
    """An empty list with its head; staff and tag numbers are texts, so that zeros before them stay."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new workbook has one sheet
    sheet.title = "Sheet1"  # a name that is nobody's class
    sheet.append(HEADS)
    for column, (letter, width) in enumerate(zip("ABCD", _WIDTHS, strict=True), 1):
        sheet.column_dimensions[letter].width = width
        sheet.column_dimensions[letter].number_format = "@"
        sheet.cell(1, column).font = Font(bold=True)
    sheet.freeze_panes = "A2"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
