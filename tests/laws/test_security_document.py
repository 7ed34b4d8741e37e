"""Every test that the security documents name as the proof of a counter exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PROVISIONS = [f"5.{n}" for n in range(1, 14)]


def named(language: str) -> set[tuple[str, str]]:
    text = (ROOT / f"docs/{language}/security.md").read_text(encoding="utf-8")
    return set(NAMED.findall(text))


def functions_of(path: Path) -> set[str]:
    """The test functions of a file, none for one that is not there."""
    if not path.exists():
        return set()
    return {each.name for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "test"), sorted(named("en") | named("vi")))
def test_the_named_test_exists(path: str, test: str) -> None:
    assert test in functions_of(ROOT / path)


def test_every_threat_has_a_test_and_both_languages_name_the_same() -> None:
    assert len(named("en")) > 25
    assert named("en") == named("vi")
    for language in ("en", "vi"):
        text = (ROOT / f"docs/{language}/security.md").read_text(encoding="utf-8")
        threats = text.split("\n## ")[2].splitlines()
        rows = [line for line in threats if line.startswith("| ")][1:]
        assert rows
        assert [row for row in rows if not NAMED.search(row)] == []


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_provision_is_answered(language: str) -> None:
    text = (ROOT / f"docs/{language}/security.md").read_text(encoding="utf-8")
    assert [number for number in [*PROVISIONS, "6"] if f"\n| {number} " not in text] == []


def test_the_control_a_test_that_does_not_exist_is_found() -> None:
    assert "test_nobody_has_written_this" not in functions_of(ROOT / "tests/laws/test_laws.py")
    assert functions_of(ROOT / "tests/laws/test_nowhere.py") == set()
