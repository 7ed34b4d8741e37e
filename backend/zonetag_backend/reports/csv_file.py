"""A paper as CSV: UTF-8 with a byte-order mark, as a spreadsheet of the language opens it by a double click.

Vietnamese: semicolons between, a comma in numbers; English: commas, and a point.  Dates are ISO 8601.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from zonetag_backend.reports.table import FORMULA, Cell, Paper, shown

BOM = "\ufeff"


def render(paper: Paper) -> bytes:
    """The file."""
    return of_rows([[column.head for column in paper.table.columns], *paper.table.rows], paper.language)


def of_rows(rows: Iterable[Sequence[Cell]], language: str) -> bytes:
    """Rows, the head among them, as a file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if language == "vi" else ",", lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(value, language) for value in row])
    return (BOM + out.getvalue()).encode()


def _cell(value: Cell, language: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        text = shown(value)
        return f"'{text}" if text.lstrip().startswith(FORMULA) else text
    return str(value).replace(".", ",") if language == "vi" else str(value)
