"""A paper as PDF: a letter where it has one, and the table."""

from zonetag_backend.reports.fonts import Family
from zonetag_backend.reports.letterhead import Letter, in_words
from zonetag_backend.reports.pdf_page import FACE, LEADING, Page, letterhead, office_lines
from zonetag_backend.reports.pdf_table import Grid
from zonetag_backend.reports.table import Paper, shown
from zonetag_backend.reports.words import word

INDENT = 10.0  # mm, of a letter's paragraphs
PARAGRAPH = 2.2  # mm between them: 6 points at least
SIGN_MM = 35.0  # what a place to sign needs
OFFICE_MM = 75.0


def render(paper: Paper, family: Family | None = None) -> bytes:
    """The file."""
    page = Page(landscape=paper.landscape, family=family, language=paper.language)
    page.set_title(shown(paper.table.title))
    page.set_lang(paper.language)
    page.set_creation_date(paper.made)
    page.foot_left = word(paper.language, "made", at=f"{paper.made:%H:%M %d/%m/%Y}")
    page.head_line = " · ".join((paper.table.title, *paper.facts[:1]))
    page.number_at_head = paper.letter is not None
    page.add_page()
    if paper.letter is None:
        office_lines(page, paper.head, OFFICE_MM)
        page.ln(4)
    else:
        _letter(page, paper, paper.letter)
        page.first_page = page.page_no() + 1
        page.add_page()
        page.lines("Phụ lục", size=14, style="B", align="C")
    _title(page, paper)
    Grid(page, paper.table).draw(paper)
    if paper.kept_until is not None:
        page.ln(2)
        page.set_x(page.l_margin)
        page.lines(word(paper.language, "kept", until=f"{paper.kept_until:%d/%m/%Y}"), size=10)
    if paper.signs:
        _signs(page, paper)
    return page.finished()


def _title(page: Page, paper: Paper) -> None:
    page.lines(paper.table.title, size=14, style="B", align="C")
    if paper.letter is not None:
        number = paper.letter.number or "........"
        symbol = paper.head.symbol or "........"
        of = f" của {paper.head.name}" if paper.head.name else ""
        letter = f"(Kèm theo Công văn số {number}/{symbol} {in_words(paper.made)}{of})"
        page.lines(letter, size=13, style="I", align="C")
    for fact in paper.facts:
        page.lines(fact, size=12, align="C")
    page.ln(3)


def _letter(page: Page, paper: Paper, letter: Letter) -> None:
    head = paper.head
    letterhead(page, head, letter.number, letter.subject, paper.made.date())
    page.lines(f"Kính gửi: {head.addressee or '................................'}", size=14, align="C", after=4)
    for paragraph in letter.paragraphs:
        page.set_font(FACE, "", 14)
        with (
            page.text_columns(text_align="J", line_height=LEADING) as column,
            column.paragraph(first_line_indent=INDENT, bottom_margin=PARAGRAPH) as lines,
        ):
            lines.write(page.shown(paragraph))
    page.ln(4)
    if page.will_page_break(45):
        page.add_page()
    top, half = page.get_y(), page.epw / 2
    page.lines("Nơi nhận:", size=12, style="BI", width=half)
    copies = [each.rstrip(";.") for each in head.recipients]
    for position, each in enumerate(copies):
        page.set_x(page.l_margin)
        page.lines(f"- {each}{'.' if position == len(copies) - 1 else ';'}", size=11, width=half)
    bottom = page.get_y()
    page.set_xy(page.l_margin + half, top)
    page.lines((head.signer_title or "THỦ TRƯỞNG CƠ QUAN").upper(), size=13, style="B", align="C", width=half)
    page.set_xy(page.l_margin + half, page.get_y() + 25)
    page.lines(head.signer, size=14, style="B", align="C", width=half)
    page.set_xy(page.l_margin, max(bottom, page.get_y()))


def _signs(page: Page, paper: Paper) -> None:
    if page.will_page_break(SIGN_MM):
        page.add_page()
    page.ln(6)
    places = paper.signs if len(paper.signs) > 1 else ("", *paper.signs)  # one alone signs at the right
    top, width = page.get_y(), page.epw / len(places)
    for position, who in enumerate(places):
        if not who:
            continue
        page.set_xy(page.l_margin + position * width, top)
        page.lines(who, size=12, style="B", align="C", width=width)
        page.set_x(page.l_margin + position * width)
        page.lines(word(paper.language, "sign"), size=11, style="I", align="C", width=width)
