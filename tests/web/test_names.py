"""The order of names, search without marks, and text that can be seen."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.names import folded, matches, printable, sort_key


def test_letters_before_tones() -> None:
    words = [
        "a",
        "à",
        "ả",
        "ã",
        "á",
        "ạ",
        "an",
        "ă",
        "ằ",
        "ẳ",
        "ẵ",
        "ắ",
        "ặ",
        "ăn",
        "â",
        "ầ",
        "ẩ",
        "ẫ",
        "ấ",
        "ậ",
        "b",
        "c",
        "d",
        "đ",
        "e",
        "ê",
        "g",
        "h",
        "i",
        "k",
        "l",
        "m",
        "n",
        "o",
        "ô",
        "ơ",
        "p",
        "q",
        "r",
        "s",
        "t",
        "u",
        "ư",
        "v",
        "x",
        "y",
    ]
    for wanted in (words, [word.upper() for word in words]):
        shuffled = sorted(wanted, key=lambda word: word[::-1])
        order = sorted(shuffled, key=sort_key)
        # Tones only where the letters are equal, so "an" comes after every toned "a".
        assert order == wanted


def test_given_name_first() -> None:
    assert sort_key("Trần Văn An") < sort_key("An Văn Bình")
    assert sort_key("Lê Thị An") < sort_key("Lê Văn An") < sort_key("Trần An")
    assert sort_key("Đỗ Dũng") < sort_key("An Đạt")
    assert sort_key("Zoe") > sort_key("Yến")


@given(st.text(max_size=40))
def test_composed_or_not_is_the_same(text: str) -> None:
    for form in ("NFC", "NFD"):
        other = unicodedata.normalize(form, text)
        assert folded(other) == folded(text)
        if form == "NFC":
            assert sort_key(other) == sort_key(unicodedata.normalize("NFC", unicodedata.normalize("NFD", text)))
    assert all(c == "\ufffd" or unicodedata.category(c) not in ("Cc", "Cs") for c in printable(text))


def test_search() -> None:
    assert matches("do duc", "Đỗ Văn Đức")
    assert matches("", "x")
    assert matches("  ", "x")
    assert not matches("duc an", "Đỗ Văn Đức")


def test_directions_are_made_visible() -> None:
    assert printable("a\u202eb\u2066c\u200fd\u0007") == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert printable("Nguyễn Thị Ánh") == "Nguyễn Thị Ánh"
