"""Every text of the pages is in the Vietnamese catalogue, and the catalogue has nothing else."""

import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from zonetag_backend import rules, signatures
from zonetag_backend.roles import ROLES
from zonetag_backend.store import audit
from zonetag_backend.web import languages, reasons, words

WEB = files("zonetag_backend.web")
# A placeholder or a mark of the text that a translation must keep.
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def messages() -> set[str | tuple[str, ...]]:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
    return {message for _, _, message, _, _ in extract_from_dir(str(WEB), methods, options)}


def catalogue() -> Catalog:
    return languages.catalogue("vi")


def test_nothing_is_untranslated_or_unused() -> None:
    found = messages()
    translated = {message.id: message for message in catalogue() if message.id}
    assert len(found) > 80
    assert found - set(translated) == set()
    assert set(translated) - found == set()
    for message in translated.values():
        assert message.string, message.id
        assert not message.fuzzy, message.id


def test_placeholders_are_kept() -> None:
    for message in catalogue():
        if message.id:
            wanted = message.id[-1] if isinstance(message.id, tuple) else message.id
            texts = message.string if isinstance(message.string, tuple) else (str(message.string),)
            for text in texts:
                assert sorted(PLACEHOLDER.findall(str(text))) == sorted(PLACEHOLDER.findall(str(wanted))), message.id


def test_templates_have_no_words_outside_the_catalogue() -> None:
    jinja = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
    for template in WEB.joinpath("templates").iterdir():
        left = re.sub(r"<[^>]*>", " ", jinja.sub("", template.read_text(encoding="utf-8")))
        assert set(re.findall(r"[^\W\d_]{2,}", left)) <= {"Zonetag", "KiB", "dBm", "nbsp"}, template.name


def test_every_reason_has_words() -> None:
    assert set(reasons.TEXTS) == set(rules.REASONS)


def test_english_is_what_stands_in_the_code() -> None:
    assert languages.translations("en").gettext("In now") == "In now"
    assert languages.translations("vi").gettext("In now") == "Đang ở trong"


def test_every_code_that_a_page_shows_has_words() -> None:
    """A table of codes and the table of its words have the same keys; a code alone says nothing to a guard."""
    tables: dict[str, tuple[Iterable[str], Iterable[str]]] = {
        "kept apart": (reasons.NAMES, rules.REASONS),
        "messages refused": (reasons.MESSAGES, signatures.CODES),
        "the audit log's acts": (words.ACTIONS, audit.ACTIONS),
        "roles": (words.ROLES, ROLES),
        "duties": (words.DUTIES, ROLES),
    }
    for name, (said, codes) in tables.items():
        assert set(said) == set(codes), name


# The mark stands on the first of two vowels when no consonant follows: xóa, hòa, thủy; not xoá, hoà, thuỷ.
NEW_STYLE = re.compile(r"(?<!q)(?:o[àáảãạèéẻẽẹ]|u[ỳýỷỹỵ])(?!\w)", re.IGNORECASE)


def test_vietnamese_is_spelt_in_one_way() -> None:
    assert NEW_STYLE.search("Đã xoá")
    assert not NEW_STYLE.search("đã xóa, quý khách, ngoài, hoàn toàn")
    repository = Path(__file__).parents[2]
    for folder, kind in (("docs/vi", "*.md"), ("backend/zonetag_backend", "*.py"), ("backend/zonetag_backend", "*.po")):
        for file in (repository / folder).rglob(kind):
            assert NEW_STYLE.findall(file.read_text(encoding="utf-8")) == [], file
