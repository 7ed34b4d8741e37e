"""Italics that the form of letters asks for, with letters that have none of their own."""

import math
from dataclasses import replace
from datetime import date

import pytest

from zonetag_backend.reports import fonts
from zonetag_backend.reports.letterhead import Letterhead
from zonetag_backend.reports.pdf_page import SLANT, Page, letterhead


@pytest.mark.parametrize("slanted", [True, False])
def test_the_date_of_a_letter_leans(slanted: bool) -> None:
    page = Page(family=replace(fonts.find(()), slanted=slanted))
    page.set_compression(False)
    page.add_page()
    letterhead(page, Letterhead(name="UBND", place="Đà Nẵng"), "12", "thẻ", date(2026, 3, 5))
    leaning = f"{math.tan(math.radians(SLANT)):.4f}".encode() in page.finished()
    assert leaning is slanted
