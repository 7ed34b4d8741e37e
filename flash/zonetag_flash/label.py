"""Labels: number, QR of the number, the wearer's name if wished; a sheet of them on A4, to be cut or on label paper.

The QR holds the printed number alone, which opens nothing: no key and no identifier.
"""

from dataclasses import dataclass
from pathlib import Path

import font_roboto
import segno
from fpdf import FPDF

# A grid of common label paper: 3 by 8 on A4, 63.5 x 33.9 mm each (as Avery L7159); mm.
COLUMNS, ROWS = 3, 8
WIDTH, HEIGHT = 63.5, 33.9
LEFT, TOP = 7.2, 12.9
GAP = 2.5  # between columns
QR = 24.0
MARGIN = 3.0


@dataclass(frozen=True, slots=True)
class Label:
    """What is printed for one tag."""

    number: str
    wearer: str = ""


def write(labels: list[Label], path: Path) -> None:
    """Write labels as PDF; one label gives a page of its own size, several a grid on A4."""
    single = len(labels) == 1
    pdf = FPDF(unit="mm", format=(HEIGHT, WIDTH) if single else "A4", orientation="landscape" if single else "portrait")
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_font("Roboto", "", font_roboto.Roboto)
    pdf.add_font("Roboto", "B", font_roboto.RobotoBold)
    pdf.set_title("Zonetag")
    for position, label in enumerate(labels):
        cell = position % (COLUMNS * ROWS)
        if cell == 0:
            pdf.add_page()
        x = 0.0 if single else LEFT + (cell % COLUMNS) * (WIDTH + GAP)
        y = 0.0 if single else TOP + (cell // COLUMNS) * HEIGHT
        _draw(pdf, label, x, y)
    pdf.output(str(path))


def _draw(pdf: FPDF, label: Label, x: float, y: float) -> None:
    code = segno.make(label.number, error="m", micro=False)
    modules = [bytes(row) for row in code.matrix_iter(border=0)]
    size = QR / len(modules)
    top = y + (HEIGHT - QR) / 2
    pdf.set_fill_color(0)
    for row, line in enumerate(modules):
        for column, dark in enumerate(line):
            if dark:
                pdf.rect(x + MARGIN + column * size, top + row * size, size, size, style="F")
    text = x + MARGIN + QR + MARGIN
    room = WIDTH - QR - 3 * MARGIN
    pdf.set_xy(text, top)
    pdf.set_font("Roboto", "", 7)
    pdf.cell(room, 4, "zonetag")
    pdf.set_xy(text, top + 5)
    _fitting(pdf, label.number, room, "B", 18)
    pdf.cell(room, 9, label.number)
    if label.wearer:
        pdf.set_xy(text, top + 15)
        pdf.set_font("Roboto", "", 9)
        pdf.multi_cell(room, 4, label.wearer[:60], align="L", max_line_height=4)


def _fitting(pdf: FPDF, text: str, room: float, style: str, points: int) -> None:
    """Choose the largest size up to `points` at which `text` fits into `room`."""
    while points > 6:
        pdf.set_font("Roboto", style, points)
        if pdf.get_string_width(text) <= room:
            return
        points -= 1
