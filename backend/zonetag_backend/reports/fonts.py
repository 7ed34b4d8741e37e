"""The letters of papers: Times New Roman where the machine has it, as offices want, or one that covers Vietnamese.

No fontconfig: the few places are looked at where Debian's packages put fonts.  Some builds of these families lack
letters of Vietnamese, so each file is asked.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import font_source_serif_pro  # type: ignore[import-untyped]  # it has no types
from fpdf import FPDF
from fpdf.fonts import TTFFont

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))


@dataclass(frozen=True, slots=True)
class Family:
    """Files of one family."""

    name: str
    regular: Path
    bold: Path
    italic: Path
    bold_italic: Path
    slanted: bool = False
    # the italics are the upright letters, to be slanted when they are set


# Name, and its files below a folder of FOLDERS.
KNOWN = (
    ("Times New Roman", ("Times_New_Roman", "Times_New_Roman_Bold", "Times_New_Roman_Italic",
                         "Times_New_Roman_Bold_Italic")),
    ("Liberation Serif", ("LiberationSerif-Regular", "LiberationSerif-Bold", "LiberationSerif-Italic",
                          "LiberationSerif-BoldItalic")),
)  # fmt: skip


# Vowels with the marks that make other letters of them; each takes every tone.
_VOWELS = ("a", "a\u0302", "a\u0306", "e", "e\u0302", "i", "o", "o\u0302", "o\u031b", "u", "u\u031b", "y")
_TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
_SMALL = {unicodedata.normalize("NFC", vowel + tone) for vowel in _VOWELS for tone in _TONES} | {"đ"}
# What a paper needs.
NEEDED = _SMALL | {letter.upper() for letter in _SMALL} | set("…–“”·.,;:()/%'\"0123456789\u00a0")


def covers(path: Path) -> bool:
    """Whether a font is there and has every letter that a paper needs."""
    if not path.is_file():
        return False
    with_it = FPDF()
    with_it.add_font("asked", "", path)
    font = with_it.fonts["asked"]
    assert isinstance(font, TTFFont)  # every font of a file is one
    found = {ord(letter) for letter in NEEDED} <= set(font.cmap)
    font.ttfont.close()  # FPDF leaves it open
    return found


@cache
def find(folders: tuple[Path, ...] = FOLDERS) -> Family:
    """The first family whose four files stand side by side and cover Vietnamese; else Source Serif Pro.

    Its italic lacks Vietnamese letters, as all of Debian's Liberation Serif does, so its upright is slanted for it.
    """
    for name, files in KNOWN:
        for folder in folders:
            for first in sorted(folder.glob(f"*/*/{files[0]}.ttf")) + sorted(folder.glob(f"*/{files[0]}.ttf")):
                regular, bold, italic, both = (first.with_name(f"{file}.ttf") for file in files)
                if all(map(covers, (regular, bold, italic, both))):
                    return Family(name, regular, bold, italic, both)
    regular = Path(font_source_serif_pro.SourceSerifPro).with_suffix(".ttf")
    bold = Path(font_source_serif_pro.SourceSerifProBold).with_suffix(".ttf")
    return Family("Source Serif Pro", regular, bold, regular, bold, slanted=True)
