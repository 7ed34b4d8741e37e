"""An A4 page with the office's letters on it: the frame of every PDF."""

import unicodedata
from collections.abc import Callable
from datetime import date

import segno
from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont

from zonetag_backend.reports import fonts
from zonetag_backend.reports.letterhead import MOTTO, MOTTO_LINE, Letterhead, dated
from zonetag_backend.reports.table import shown
from zonetag_backend.reports.words import word

TOP, BOTTOM, LEFT, RIGHT = 20.0, 20.0, 30.0, 15.0  # mm, of Decree 30/2020
FACE = "office"
POINT_MM = 0.352778
LEADING = 1.25  # line height over the size of letters
SLANT = 12  # degrees, of letters that have no italics of their own
BASE = 0.7  # of a line's height: where its letters stand


class Page(FPDF):
    """FPDF with the family of the office, and a foot with the number of the page."""

    def __init__(self, *, landscape: bool = False, family: fonts.Family | None = None, language: str = "vi") -> None:
        super().__init__(unit="mm", format="A4", orientation="landscape" if landscape else "portrait")
        family = family or fonts.find()
        self.set_margins(LEFT, TOP, RIGHT)
        self.set_auto_page_break(True, BOTTOM)
        for style, path in (("", family.regular), ("B", family.bold), ("I", family.italic), ("BI", family.bold_italic)):
            self.add_font(FACE, style, path)
        self._slanted = family.slanted
        self.language = language
        self.foot_left = ""
        self.head_line = ""  # above the second page and those after it, so that loose sheets find their paper again
        self.number_at_head = False  # letters number their pages above, from the second on
        self.first_page = 1  # of a letter, or of its annex, which has numbers of its own
        self.bare = False  # neither foot nor number: posters and labels
        self.set_creator("Zonetag")
        self.set_font(FACE, "", 12)

    def finished(self) -> bytes:
        """The file; the fonts' files are closed, which FPDF leaves open."""
        data = bytes(self.output())
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()
        return data

    def header(self) -> None:
        """The number of the page, in a letter; else what paper this is."""
        number = self.page_no() - self.first_page + 1
        if self.bare or number == 1:
            return
        self.set_y(10)
        if self.number_at_head:
            self.set_font(FACE, "", 13)
            self.cell(0, 6, str(number), align="C")
        else:
            self.set_font(FACE, "", 9)
            self.cell(0, 6, self.shown(self.head_line))
        self.set_y(TOP)

    def footer(self) -> None:
        """When it was printed, and the number of the page."""
        if self.number_at_head or self.bare:
            return
        self.set_y(-14)
        self.set_font(FACE, "", 9)
        self.cell(0, 5, self.foot_left)
        self.set_x(self.l_margin)
        self.cell(0, 5, word(self.language, "page", page=self.page_no(), pages="{nb}"), align="R")

    def lines(
        self, text: str, *, size: float = 12, style: str = "", align: str = "L", width: float = 0, after: float = 0
    ) -> None:
        """A paragraph at x; lines in the middle are made of like length."""
        self.set_font(FACE, style, size)
        text = self.shown(text)
        if align == "C":
            text = self._even(text, (width or self.w - self.r_margin - self.x) - 2 * self.c_margin - 0.1)
        height = size * POINT_MM * LEADING
        if "I" in style and self._slanted:
            self._slant(text, width, height, align)
        else:
            self.multi_cell(width, height, text, align=align, new_x="LEFT", new_y="NEXT")
        if after:
            self.ln(after)

    def _slant(self, text: str, width: float, height: float, align: str) -> None:
        """Upright letters as italics, line by line, so that each leans about its own base."""
        lines = self.multi_cell(width, height, text, align=align, dry_run=True, output=MethodReturnValue.LINES)
        assert isinstance(lines, list)  # as it was asked for
        for line in lines:
            if self.will_page_break(height):
                self.add_page(same=True)
            with self.skew(ax=SLANT, x=self.x, y=self.y + height * BASE):
                self.cell(width, height, line.rstrip(), align=align, new_x="LEFT", new_y="NEXT")

    def shown(self, text: str) -> str:
        """Text as it can be printed: a question mark for what the font lacks."""
        font = self.fonts[FACE]
        assert isinstance(font, TTFFont)  # every font of a file is one
        return "".join(letter if ord(letter) in font.cmap else "?" for letter in shown(text))

    def _even(self, text: str, room: float) -> str:
        """Broken between words into as few lines as fit, and these as short as they can be."""
        words = text.split(" ")
        most = _broken(words, room, self.get_string_width)
        if len(most) < 2:
            return text
        low, high = room / len(most), room
        while high - low > 1:
            middle = (low + high) / 2
            low, high = (
                (low, middle) if len(_broken(words, middle, self.get_string_width)) == len(most) else (middle, high)
            )
        return "\n".join(_broken(words, high, self.get_string_width))

    def width_of(self, text: str, size: float, style: str = "") -> float:
        """In mm."""
        self.set_font(FACE, style, size)
        return float(self.get_string_width(text))

    def height_of(self, text: str, size: float) -> float:
        """Of a paragraph in the middle, from margin to margin, mm."""
        self.set_font(FACE, "", size)
        lines = self._even(self.shown(text), self.epw - 2 * self.c_margin - 0.1).count("\n") + 1
        return lines * size * POINT_MM * LEADING

    def qr(self, text: str, x: float, y: float, size: float) -> None:
        """A QR code, with the quiet zone left to the caller."""
        modules = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=0)]
        step = size / len(modules)
        self.set_fill_color(0)
        for row, line in enumerate(modules):
            column = 0
            while column < len(line):  # dark modules side by side are one rectangle: no hairline between
                run = column
                while run < len(line) and line[run]:
                    run += 1
                if run > column:
                    self.rect(x + column * step, y + row * step, (run - column) * step, step, style="F")
                column = run + 1


def office_lines(page: Page, head: Letterhead, width: float) -> None:
    """The office above, and the office, with the rule under it; at x."""
    x = page.get_x()
    if head.parent:
        page.lines(_capitals(head.parent), size=12, align="C", width=width)
        page.set_x(x)
    page.lines(_capitals(head.name or "Zonetag"), size=12, style="B", align="C", width=width)
    rule(page, x + width / 3, width / 3)


def letterhead(page: Page, head: Letterhead, number: str, subject: str, day: date) -> None:
    """The head of a letter: office and number at the left, motto, place and date at the right."""
    left, gap = 66.0, 3.0
    right = page.epw - left - gap
    top = page.get_y()
    office_lines(page, head, left)
    page.ln(3)
    page.set_x(page.l_margin)
    page.lines(f"Số: {number or '........'}/{head.symbol or '........'}", size=13, align="C", width=left)
    page.set_x(page.l_margin)
    page.lines(f"V/v {subject}", size=12, align="C", width=left)
    bottom = page.get_y()
    x = page.l_margin + left + gap
    page.set_xy(x, top)
    page.lines(MOTTO, size=_fitting(page, MOTTO, right, 13), style="B", align="C", width=right)
    page.set_x(x)
    page.lines(MOTTO_LINE, size=13, style="B", align="C", width=right)
    wide = page.width_of(MOTTO_LINE, 13, "B")
    rule(page, x + (right - wide) / 2, wide)
    page.set_xy(x, page.get_y() + 3)
    page.lines(dated(head.place, day), size=13, style="I", align="C", width=right)
    page.set_xy(page.l_margin, max(bottom, page.get_y()) + 6)


def _broken(words: list[str], room: float, width: Callable[[str], float]) -> list[str]:
    lines = words[:1]
    for each in words[1:]:
        grown = f"{lines[-1]} {each}"
        if width(grown) <= room:
            lines[-1] = grown
        else:
            lines.append(each)
    return lines


def _fitting(page: Page, text: str, room: float, size: float) -> float:
    while size > 9 and page.width_of(text, size, "B") > room - 2.2:
        size -= 0.5
    return size


def rule(page: Page, x: float, width: float) -> None:
    """A thin line under what was written."""
    page.set_line_width(0.2)
    page.line(x, page.get_y() + 0.8, x + width, page.get_y() + 0.8)
    page.ln(1.6)


def _capitals(text: str) -> str:
    return unicodedata.normalize("NFC", text).upper()
