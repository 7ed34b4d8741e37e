"""A table over as many A4 pages as it needs: head on each, rows kept whole, quick for thousands of rows."""

from collections.abc import Sequence

from zonetag_backend.reports.pdf_columns import widths
from zonetag_backend.reports.pdf_page import BOTTOM, FACE, LEADING, POINT_MM, Page
from zonetag_backend.reports.table import NUMBER, TEXT, Cell, Paper, Table, written

SIZE = 10.5  # points
PAD = 1.2  # mm, within a cell
_MOST_LINES = 12  # of a cell; a longer text is cut with an ellipsis


def _together(text: str) -> str:
    """A dash does not begin a line."""
    return text.replace(" - ", "\u00a0- ").replace(" – ", "\u00a0– ")


class Grid:
    """Draws rows at the page's y, from margin to margin."""

    def __init__(self, page: Page, table: Table) -> None:
        self._page = page
        self._columns = table.columns
        self._widths: list[float] = []
        self._line = SIZE * POINT_MM * LEADING
        self._advances: dict[tuple[str, str], float] = {}

    def draw(self, paper: Paper) -> None:
        """The head, every row, the row that sums up; or the words for nothing."""
        page, table = self._page, paper.table
        rows, total = self._texts(paper, table.rows), self._texts(paper, (table.total,) if table.total else ())
        self._widths = widths(table.columns, [*rows, *total], page.epw, PAD, self._styled)
        page.set_auto_page_break(False)
        page.set_draw_color(110)
        page.set_line_width(0.15)
        self._head()
        for row in rows:
            self._row(row)
        for row in total:
            self._row(row, "B")
        if not rows:
            self._nothing(paper.empty)
        page.set_auto_page_break(True, BOTTOM)

    def _texts(self, paper: Paper, rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
        return [
            [
                _together(self._page.shown(written(value, column, paper.language, paper.day)))
                for column, value in zip(self._columns, row, strict=True)
            ]
            for row in rows
        ]

    def _nothing(self, text: str) -> None:
        """The words for no row, across the whole table."""
        page = self._page
        height = 2 * self._line
        page.rect(page.l_margin, page.get_y(), page.epw, height)
        page.set_font(FACE, "", 12)
        page.cell(page.epw, height, page.shown(text), align="C", new_x="LMARGIN", new_y="NEXT")

    def _head(self) -> None:
        self._put([self._wrapped(c.head, w, "B") for c, w in zip(self._columns, self._widths, strict=True)], "B", True)

    def _row(self, texts: list[str], style: str = "") -> None:
        cells = [self._wrapped(text, width, style) for text, width in zip(texts, self._widths, strict=True)]
        height = max(map(len, cells)) * self._line + 2 * PAD
        if self._page.get_y() + height > self._page.h - BOTTOM:
            self._page.add_page()
            self._head()
        self._put(cells, style, False)

    def _put(self, cells: list[list[str]], style: str, head: bool) -> None:
        page = self._page
        page.set_font(FACE, style, SIZE)
        y = page.get_y()
        height = max(map(len, cells)) * self._line + 2 * PAD
        x = page.l_margin
        page.set_fill_color(232, 238, 244)
        for column, width, lines in zip(self._columns, self._widths, cells, strict=True):
            page.rect(x, y, width, height, style="DF" if head else "D")
            above = (height - len(lines) * self._line) / 2 if head else PAD
            for number, line in enumerate(lines):
                if not line:
                    continue
                left = PAD
                if head or column.kind != TEXT:
                    room = width - self._width(line, style)
                    left = room - PAD if column.kind == NUMBER and not head else room / 2
                page.text(x + left, y + above + (number + 0.78) * self._line, line)
            x += width
        page.set_y(y + height)

    def _wrapped(self, text: str, width: float, style: str) -> list[str]:
        """Text in lines that fit, broken between words, and within a word that is wider than the column."""
        room = width - 2 * PAD
        if self._width(text, style) <= room:
            return [text]
        lines: list[str] = []
        line = ""
        for whole in text.split(" "):
            word = whole
            grown = f"{line} {word}" if line else word
            if self._width(grown, style) <= room:
                line = grown
                continue
            if line:
                lines.append(line)
            while self._width(word, style) > room:
                cut = next((n for n in range(len(word) - 1, 1, -1) if self._width(word[:n], style) <= room), 1)
                lines.append(word[:cut])
                word = word[cut:]
            line = word
        lines.append(line)
        return lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], "…"]

    def _styled(self, text: str, bold: bool) -> float:
        return self._width(text, "B" if bold else "")

    def _width(self, text: str, style: str) -> float:
        """In mm: the sum of its letters, each measured once."""
        total = 0.0
        for letter in text:
            width = self._advances.get((letter, style))
            if width is None:
                width = self._advances[letter, style] = self._page.width_of(letter, SIZE, style)
            total += width
        return total
