"""The steps of the first day in the documents: named as the pages name them (test_new_user.py walks them)."""

import re
from pathlib import Path

from zonetag_backend.web.languages import translations


def words(root: Path, language: str) -> list[str]:
    """What stands in italics there, but for the word that says so."""
    text = (root / "docs" / language / "office.md").read_text()
    section = text.split("\n## 5. ")[1].split("\n## ")[0]
    return re.findall(r"\*([^*]+)\*", section)[1:]


def test_the_documents_name_what_the_pages_say(root: Path) -> None:
    english = words(root, "en")
    say = translations("vi").gettext
    assert len(english) > 20
    assert [word for word in english if say(word) == word] == [], "no page says this"
    assert words(root, "vi") == [say(word) for word in english]
