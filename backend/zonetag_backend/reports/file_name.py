"""What the file of a paper is called when it is taken along: words, the day, the site, in plain ASCII.  Pure."""

import re
import unicodedata

from zonetag_backend.reports.words import LANGUAGES

LONGEST = 40  # characters of one part: with all of them no system finds the name too long
_CUT = re.compile(r"[^0-9A-Za-z]+")

# What it is -> (Vietnamese, English).  No name of a person stands in the name of a file.
NAMES = {
    "book": ("so ra vao", "in-out book"),
    "evacuation": ("danh sach so tan", "evacuation list"),
    "contacts": ("tiep xuc ca benh", "contacts of case"),
    "places": ("noi va gio ca benh", "places of case"),
    "case": ("ca benh", "case"),
    "adoption": ("bao cao su dung the", "use of tags"),
    "labels": ("nhan the", "labels of tags"),
    "poster-entrance": ("ap phich cua ra vao", "poster entrance"),
    "poster-lift": ("ap phich thang may", "poster lift"),
    "poster-declaration": ("ap phich khai bao y te", "poster health declaration"),
    "consent": ("phieu dong y", "consent form"),
    "visitor": ("phieu khach", "visitor slip"),
    "mine": ("du lieu cua toi", "my data"),
}


def file_name(language: str, what: str, *parts: object) -> str:
    """The name without its ending: "so-ra-vao-2026-11-20-Tru-so" of "book", a day and the title of a site.

    A part that has no letter or digit of ASCII is left out.
    """
    said = NAMES[what][LANGUAGES.index(language)]
    return "-".join(filter(None, (in_ascii(str(part)) for part in (said, *parts))))


def in_ascii(text: str) -> str:
    """Letters without their marks and digits; one hyphen for whatever else stands between them."""
    bare = unicodedata.normalize("NFD", text.translate(str.maketrans("đĐ", "dD")))
    letters = "".join(each for each in bare if not unicodedata.combining(each))
    return _CUT.sub("-", letters)[: LONGEST + 1].strip("-")[:LONGEST]
