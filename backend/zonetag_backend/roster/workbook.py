"""An XLSX as cells, with its size and its parts looked at before any of it is read.

openpyxl reads row by row; defusedxml below it refuses entities and document types.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # it has no types
from openpyxl.xml import DEFUSEDXML

from zonetag_backend.roster import columns
from zonetag_backend.roster.rows import (
    DAMAGED,
    MACROS,
    MOST_COLUMNS,
    MOST_ROWS,
    MOST_TEXT,
    NOT_A_LIST,
    TOO_LARGE,
    TOO_MANY,
    Refused,
)
from zonetag_backend.roster.telling import EVERY, READ, Tell, silent

assert DEFUSEDXML, "openpyxl without defusedxml would follow entities"

MAGIC = b"PK\x03\x04"
OLD_MAGIC = b"\xd0\xcf\x11\xe0"  # .xls, or an XLSX under a password
MOST_PARTS = 2000  # files in the archive
MOST_UNPACKED = 48 << 20  # bytes of all of them
MOST_SHEETS_BYTES = 16 << 20  # of all sheets: 800 a person; one without its dimensions is read twice
MOST_WORDS = 16 << 20  # bytes of the shared texts, which are held in memory
MOST_SHEETS = 200  # a school has a sheet a class
_MACROS = ("vbaproject.bin", "macrosheets/", "activex/", "embeddings/")

Cell = tuple[str, bool]
"""A text, and whether it is a formula's."""


def sheets_of(content: bytes, tell: Tell = silent) -> Iterator[tuple[str, list[list[Cell]]]]:
    """Name and rows of each sheet that can be seen.  Refused by name; memory and time have their bounds."""
    _look(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        left = MOST_ROWS + columns.SEARCHED
        for sheet in book.worksheets[:MOST_SHEETS]:
            if sheet.sheet_state != "visible":
                continue
            rows: list[list[Cell]] = []
            sheet.reset_dimensions()  # what the file says of its size is nothing to go by
            for row in sheet.iter_rows(max_col=MOST_COLUMNS):
                left -= 1
                if left < 0:
                    raise Refused(TOO_MANY)
                rows.append([_cell(each) for each in row])
                if left % EVERY == 0:
                    tell(READ, MOST_ROWS + columns.SEARCHED - left, 0)
            yield sheet.title[:MOST_TEXT], rows
    except DefusedXmlException:
        raise Refused(MACROS) from None
    # What openpyxl raises on damaged files is not documented; these were seen.
    except (
        ParseError,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ):
        raise Refused(DAMAGED) from None


def _look(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise Refused(DAMAGED) from None
    names = [part.filename.lower() for part in parts]
    if "xl/workbook.xml" not in names:
        raise Refused(NOT_A_LIST)
    if any(sign in name for name in names for sign in _MACROS):
        raise Refused(MACROS)
    # What a part unpacks to is bounded by what the archive says of it: zipfile reads no more.
    sizes = [(part.filename.lower(), part.file_size) for part in parts]
    words = sum(size for name, size in sizes if name.endswith("sharedstrings.xml"))
    sheets = sum(size for name, size in sizes if "worksheets/" in name)
    whole = sum(size for _, size in sizes)
    if len(parts) > MOST_PARTS or whole > MOST_UNPACKED or words > MOST_WORDS or sheets > MOST_SHEETS_BYTES:
        raise Refused(TOO_LARGE)


def _cell(cell: object) -> Cell:
    value, kind = getattr(cell, "value", None), getattr(cell, "data_type", "n")
    if value is None:
        return "", False
    if kind == "f":
        return "", True
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # a staff number that Excel took for a number
    return str(value)[:MOST_TEXT], False
