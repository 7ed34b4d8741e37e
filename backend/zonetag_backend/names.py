"""Names of people: the order of a Vietnamese list, search without diacritics, and safe text to show.

A Vietnamese name is family, middle and given name; lists go by the given name, which is the last word, then by what
stands before it.
Letters are compared first (D before Đ, E before Ê), tones only where all letters are equal.
"""

import re
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

SortKey = tuple[tuple[int, ...], ...]


@lru_cache(maxsize=65_536)  # an office's names come again with every page
def sort_key(name: str) -> SortKey:
    """The place of a name in a list: given name's letters, its tones, then letters and tones of the words before it."""
    *before, given = name.split() or [""]
    given_letters, given_tones = _weights(given)
    letters, tones = _weights(" ".join(before))
    return given_letters, given_tones, letters, tones


@lru_cache(maxsize=65_536)
def text_key(text: str) -> SortKey:
    """The place of any other text in a list, such as a unit: by its first word; digits by their number."""
    padded = _DIGITS.sub(lambda digits: digits[0].zfill(_DIGIT_PLACES), text)
    return _weights(" ".join(padded.split()))


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
    words = _WORD.findall(folded(" ".join(fields)))
    return all(any(word.startswith(start) for word in words) for start in _WORD.findall(folded(query)))


def printable(text: str) -> str:
    """Text whose every character can be seen: controls and turns of direction become U+FFFD."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if c in _DIRECTIONS or unicodedata.category(c) in ("Cc", "Cs") else c for c in text)
