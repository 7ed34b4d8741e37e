"""Rows of a roster, and what may be wrong with them."""

from dataclasses import dataclass

# What is wrong with a row, or with a file.  Codes; the pages have words for them.
NO_NAME = "no-name"
BAD_NAME = "bad-name"  # too long, or with characters that cannot be printed
BAD_UNIT = "bad-unit"
BAD_CODE = "bad-code"
FORMULA = "formula"  # a formula stands where a text should
TWICE = "twice"  # the staff number, or name and unit, stands further up in the file
AMBIGUOUS = "ambiguous"  # several people of the register fit
CODE_TAKEN = "code-taken"  # somebody who is called otherwise has this staff number
TAG_UNKNOWN = "tag-unknown"
TAG_WORN = "tag-worn"  # by somebody else
TAG_TWICE = "tag-twice"  # further up in the file
TAG_UNFIT = "tag-unfit"  # lost, out of use, or kept for visitors

# Why a file is refused whole.
EMPTY = "empty"
TOO_LARGE = "too-large"
TOO_MANY = "too-many"  # rows
MACROS = "macros"
OLD_EXCEL = "old-excel"  # the binary format .xls
NOT_A_LIST = "not-a-list"  # neither XLSX nor text
DAMAGED = "damaged"
NO_HEAD = "no-head"  # no row that names a column of names

MOST_ROWS = 20_000  # people; an office with more imports them in parts
MOST_COLUMNS = 40
# Characters of a cell that are kept; a longer one is refused as a name later.  What looks for heads, units and sums
# takes time by the square of a cell's length.
MOST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Row:
    """A person as they stand in the file; texts may be empty."""

    sheet: str
    # empty in a CSV, and where all rows stand on one sheet
    line: int
    # as a spreadsheet numbers them, from 1
    name: str
    unit: str
    code: str
    tag: str
    # printed number
    formula: bool = False

    @property
    def where(self) -> str:
        """Sheet and line; the line alone where there is one sheet."""
        return f"{self.sheet}: {self.line}" if self.sheet else str(self.line)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file that is no person."""

    sheet: str
    # empty as in Row
    line: int
    text: str

    @property
    def where(self) -> str:
        """As of a row."""
        return f"{self.sheet}: {self.line}" if self.sheet else str(self.line)


class Refused(Exception):
    """A file that is not read; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
