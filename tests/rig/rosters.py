"""Lists of people as files, and what is read of them."""

import io
from collections.abc import Sequence

from openpyxl import Workbook

from zonetag_backend.roster.reading import read


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, lines in sheets:
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(list(line))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def people(content: bytes) -> list[tuple[str, str, str, str]]:
    return [(row.name, row.unit, row.code, row.tag) for row in read(content)]
