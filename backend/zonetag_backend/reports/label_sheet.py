"""Labels of tags on A4, to be cut or on label paper: number, QR code of the number, the wearer's name if wished.

The QR code holds the printed number alone, which opens nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_backend.reports.pdf_page import FACE, Page
from zonetag_backend.reports.table import shown

# A grid of common label paper: 3 by 8 on A4, 63.5 x 33.9 mm each; mm.
COLUMNS, ROWS = 3, 8
WIDTH, HEIGHT = 63.5, 33.9
SIDE, HEAD, GAP = 7.2, 12.9, 2.5
QR, MARGIN = 24.0, 3.0
_NAME = 60  # characters


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed for one tag."""

    number: str
    wearer: str = ""


def render(labels: Sequence[Label], empty: str) -> bytes:
    """The file; a sheet with the words for nothing when there is no tag."""
    page = Page()
    page.bare = True
    page.set_title("Zonetag")
    page.set_auto_page_break(False)
    if not labels:
        page.add_page()
        page.lines(empty, size=12)
    for position, label in enumerate(labels):
        cell = position % (COLUMNS * ROWS)
        if cell == 0:
            page.add_page()
        _draw(page, label, SIDE + cell % COLUMNS * (WIDTH + GAP), HEAD + cell // COLUMNS * HEIGHT)
    return page.finished()


def _draw(page: Page, label: Label, x: float, y: float) -> None:
    top = y + (HEIGHT - QR) / 2
    page.qr(label.number, x + MARGIN, top, QR)
    text, room = x + 2 * MARGIN + QR, WIDTH - QR - 3 * MARGIN
    page.set_xy(text, top)
    page.set_font(FACE, "", 8)
    page.cell(room, 4, "zonetag")
    size = 18.0
    while size > 6 and page.width_of(label.number, size, "B") > room:
        size -= 1
    page.set_font(FACE, "B", size)
    page.set_xy(text, top + 5)
    page.cell(room, 9, label.number)
    if label.wearer:
        page.set_xy(text, top + 15)
        name = shown(label.wearer)
        page.lines(name if len(name) <= _NAME else name[: _NAME - 1] + "…", size=9, width=room)
