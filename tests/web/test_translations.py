"""Every text of the pages is in the Vietnamese catalogue, and the catalogue has nothing else."""

import re
from importlib.resources import files

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from zonetag_backend import rules
from zonetag_backend.web import languages, reasons

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
