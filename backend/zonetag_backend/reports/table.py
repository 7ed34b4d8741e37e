"""What every form of a paper is made from: one table of rows, and what stands around it.  Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from zonetag_backend.names import printable
from zonetag_backend.reports.letterhead import Letter, Letterhead

TEXT, DATE, TIME, CLOCK, NUMBER = "text", "date", "time", "clock", "number"

Cell = str | date | datetime | int | float | None
"""A text, a date, a time on the site's clocks (naive), a number, or nothing."""

_ZERO = (".0", ",0")  # a column has as many digits after the point in every row
# A cell that begins so is a formula to a spreadsheet (CWE-1236).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    # code, of JSON
    head: str
    kind: str = TEXT
    # TEXT, DATE, TIME, CLOCK (a time whose day stands elsewhere in the row) or NUMBER
    weight: float = 1.0
    # of the paper's width


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, in the order in which they are read."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()
    # a last row that sums up


@dataclass(frozen=True, slots=True)
class Paper:
    """A table on its way to a file."""

    name: str
    # code, of JSON
    language: str
    head: Letterhead
    table: Table
    made: datetime
    # on the site's clocks, naive
    day: date | None = None
    # times of this day are written without it
    facts: tuple[str, ...] = ()
    # lines under the title
    empty: str = ""
    # said when there is no row
    kept_until: date | None = None
    # what is printed here is kept so long, and no longer; none: nothing about people
    signs: tuple[str, ...] = ()
    # under the table, a place to sign for each
    letter: Letter | None = None
    # which the table is the annex of
    landscape: bool = False


def shown(text: str) -> str:
    """Text as it can be printed: composed letters, and nothing that cannot be seen or turns the direction."""
    return printable(unicodedata.normalize("NFC", text))


def number(value: float, language: str) -> str:
    """12.345,6 in Vietnamese, 12,345.6 in English; at most one digit after the point."""
    rounded = round(value, 1)
    text = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.1f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "vi" else text


def written(value: Cell, column: Column, language: str, day: date | None) -> str:
    """A cell as a paper shows it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%H:%M}" if column.kind == CLOCK or value.date() == day else f"{value:%H:%M %d/%m/%Y}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, str):
        return shown(value)
    if column.kind == NUMBER and isinstance(value, float):
        return number(value, language) if value != int(value) else f"{number(value, language)}{_ZERO[language == 'vi']}"
    return number(value, language) if column.kind == NUMBER else str(value)


def twin(paper: Paper) -> dict[str, object]:
    """The same rows as JSON."""

    def plain(value: Cell) -> Cell:
        return value.isoformat() if isinstance(value, date) else value

    columns = paper.table.columns
    rows = [{c.name: plain(v) for c, v in zip(columns, row, strict=True)} for row in paper.table.rows]
    until = None if paper.kept_until is None else paper.kept_until.isoformat()
    return {"paper": paper.name, "title": paper.table.title, "kept_until": until, "rows": rows}
