"""The manuals for tags, in both languages, held to the firmware's own tables."""

import re
from pathlib import Path

import pytest

from zonetag_tag import leds

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_led_code_stands_in_the_manual_with_its_flashes(language: str) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) ", (DOCS / language / "tags.md").read_text(), re.MULTILINE)
    assert dict(rows) == {code.name: str(code.flashes) for code in leds.CODES}


def test_both_languages_have_the_same_sections() -> None:
    shapes = [
        re.findall(r"^(#+) ", (DOCS / language / "tags.md").read_text(), re.MULTILINE) for language in ("en", "vi")
    ]
    assert shapes[0] == shapes[1]
