"""Names of people: the order of a Vietnamese list, search without diacritics, and safe text to show.

A Vietnamese name is family, middle and given name; lists go by the given name, which is the last word, then by what
stands before it.
Letters are compared first (D before Đ, E before Ê), tones only where all letters are equal.
"""

import re
import sys
import unicodedata
from functools import lru_cache

# The alphabet in its order, with the four letters that only foreign names have put where Latin has them.
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_ORDER = {letter: rank for rank, letter in enumerate(_ALPHABET, 100)}

# Tones in the order of the dictionary: none, huyền, hỏi, ngã, sắc, nặng.
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}

# Marks that make another letter; every other mark of a foreign name is left aside.
_SHAPES = "\u0306\u0302\u031b"

# Class 9 before class 10: numbers are compared as if they had so many places.
_DIGITS = re.compile("[0-9]+")
_DIGIT_PLACES = 9

_WORD = re.compile(r"\w+")

# Characters that are invisible and turn the direction of what follows; a name has no use for them.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# The database keeps how a name is sorted and searched.  A change of these rules gets another number, and with it, or
# with other tables of characters in Python, all of that is made again at the next start (store/name_forms.py).
RULE = f"1 {unicodedata.unidata_version}"


@lru_cache(maxsize=65_536)  # an office's names come again with every page
def sort_key(name: str) -> bytes:
    """The place of a name in a list: given name's letters, its tones, then letters and tones of the words before it.

    Compared byte by byte, here as in a database.
    """
    *before, given = name.split() or [""]
    return _packed(given) + _packed(" ".join(before))


@lru_cache(maxsize=65_536)
def text_key(text: str) -> bytes:
    """The place of any other text in a list, such as a unit: by its first word; digits by their number."""
    padded = _DIGITS.sub(lambda digits: digits[0].zfill(_DIGIT_PLACES), text)
    return _packed(" ".join(padded.split()))


def _packed(text: str) -> bytes:
    """Letters, then tones, as bytes in the same order (UTF-8 keeps that of its characters), each ended by a zero."""
    letters, tones = _weights(text)
    shown = "".join(chr(min(weight + 1, sys.maxunicode)) for weight in letters)
    return shown.encode("utf-8", "surrogatepass") + b"\0" + bytes(tone + 1 for tone in tones) + b"\0"


def _weights(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    letters: list[int] = []
    tones: list[int] = []
    for composed in unicodedata.normalize("NFC", text.casefold()):
        decomposed = unicodedata.normalize("NFD", composed)
        base, marks = decomposed[0], decomposed[1:]
        shape = "".join(mark for mark in marks if mark in _SHAPES)
        letter = unicodedata.normalize("NFC", base + shape)
        # Spaces come before digits, digits before letters, anything else after them by its code point.
        letters.append(_ORDER.get(letter) or (ord(letter[0]) if ord(letter[0]) < 97 else 1000 + ord(letter[0])))
        tones.append(max((_TONES.get(mark, 0) for mark in marks), default=0))
    return tuple(letters), tuple(tones)


@lru_cache(maxsize=65_536)
def folded(text: str) -> str:
    """Text for searching: small letters without marks, đ as d, single spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.replace("đ", "d").split())


def matches(query: str, *fields: str) -> bool:
    """Whether every word of a query begins a word of the fields: "an" finds An and Ánh, but not every Văn."""
    words = searched(*fields)
    return all(f" {start}" in words for start in asked(query))


@lru_cache(maxsize=65_536)
def searched(*fields: str) -> str:
    """What a search looks through: the folded words of the fields, each behind a space."""
    return "".join(f" {word}" for word in _WORD.findall(folded(" ".join(fields))))


def asked(query: str) -> list[str]:
    """The beginnings of words that a query asks for, each once."""
    return list(dict.fromkeys(_WORD.findall(folded(query))))


def printable(text: str) -> str:
    """Text whose every character can be seen: controls and turns of direction become U+FFFD."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if c in _DIRECTIONS or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
