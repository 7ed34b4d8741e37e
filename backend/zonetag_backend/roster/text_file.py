"""A CSV as cells: whatever Excel, LibreOffice or an old program wrote, by its bytes alone."""

import codecs
import csv
import unicodedata
from collections.abc import Iterator

from zonetag_backend.roster import columns
from zonetag_backend.roster.rows import DAMAGED, MOST_COLUMNS, MOST_ROWS, MOST_TEXT, NOT_A_LIST, TOO_MANY, Refused

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, with whose mark it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = ";,\t|"
_ALLOWED = "\t\n\r\x0b\x0c"
_LOOKED = 4096  # bytes by which UTF-16 without a mark is known


def decoded(content: bytes) -> str:
    """The text of a file: by its mark, else UTF-8, else UTF-16 by its zeros, else Windows-1258 (old Vietnamese).

    Refused("not-a-list") for what is no text.
    """
    text = _by_mark(content)
    if any(unicodedata.category(c) == "Cc" and c not in _ALLOWED for c in set(text)):
        raise Refused(NOT_A_LIST)
    return unicodedata.normalize("NFC", text)


def _by_mark(content: bytes) -> str:
    try:
        for mark, name in _BOMS:
            if content.startswith(mark):
                return content.decode(name)
        # Of UTF-16 nearly every other byte is small, even in Vietnamese; of any other text none is zero.
        start = content[:_LOOKED]
        if b"\x00" in start:
            return content.decode("utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be")
    except UnicodeDecodeError:
        raise Refused(DAMAGED) from None
    for name in ("utf-8", "cp1258"):
        try:
            return content.decode(name)
        except UnicodeDecodeError:
            continue
    raise Refused(NOT_A_LIST)


def cells_of(content: bytes) -> list[list[str]]:
    """Rows of cells, separated by whatever makes a head that names people; by commas when nothing does."""
    text = decoded(content)
    return _split(text, next((mark for mark in _SEPARATORS if _has_head(text, mark)), ","))


def _has_head(text: str, separator: str) -> bool:
    head = "\n".join(text.split("\n", columns.SEARCHED)[: columns.SEARCHED])
    try:
        found = [(columns.columns_of(row), row) for row in _rows(head, separator)]
    except csv.Error:
        return False
    # A row in one piece says "name" whatever the separator is, and is believed last.
    return any(each is not None and (len(row) > 1 or separator == _SEPARATORS[-1]) for each, row in found)


def _split(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in _rows(text, separator):
            rows.append(row)
            if len(rows) > MOST_ROWS + columns.SEARCHED:
                raise Refused(TOO_MANY)
    except csv.Error:
        raise Refused(DAMAGED) from None
    return rows


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    for row in csv.reader(text.splitlines(keepends=True), delimiter=separator):
        yield [cell[:MOST_TEXT] for cell in row[:MOST_COLUMNS]]
