"""Somebody restricted is on no page, paper, export or command that the table says so of; the table says all."""

from collections import defaultdict
from collections.abc import Container, Iterator

import pytest
from rig.everything import MARKS, Everything
from rig.reader import Reader

from zonetag_backend.cli import COMMANDS as MODULES
from zonetag_backend.cli import main
from zonetag_backend.web.restricted import COMMANDS, EXCEPTED, HIDDEN, NOBODY, OWN, PAGES, REGISTER
from zonetag_backend.web.rights import RIGHTS


def test_every_route_and_every_command_stands_in_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert PAGES.keys() == RIGHTS.keys()
    assert set(PAGES.values()) | set(COMMANDS.values()) == {HIDDEN, REGISTER, EXCEPTED, OWN, NOBODY}
    assert {words.split()[0] for words in COMMANDS} == MODULES.keys()
    for words in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([*words.split(), "--help"])
        assert ended.value.code == 0, words
    several = {words.split()[0] for words in COMMANDS if " " in words}
    for command in several:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        said = capsys.readouterr().out
        actions = set(_actions(said.split("positional arguments:" if "positional" in said else "ACTION")[-1]))
        assert actions == {words.split()[1] for words in COMMANDS if words.split()[0] == command}, command


def _actions(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            yield line.split()[0]


def marked(whole: Everything, reader: Reader, only: Container[str] = PAGES) -> dict[str, set[str]]:
    """By path: the addresses on which something of her stands."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, url, body in whole.answers(only):
        if MARKS.search(reader.text(body)):
            found[path].add(url)
    return found


def test_she_is_on_no_page_that_is_not_excepted(
    whole: Everything, reader: Reader, first_told: list[tuple[str, str, str]]
) -> None:
    before: dict[str, set[str]] = defaultdict(set)
    for path, url, text in first_told:
        if MARKS.search(text):
            before[path].add(url)
    # The control: until then she is on each page that must not show her, so that the walk proves something.
    assert {path for path, means in PAGES.items() if means == HIDDEN and path != "/screen/{place}/live"} - {
        "/screen/{place}"  # it names whoever holds a tag to the reader in its stream alone: tested below
    } <= before.keys()
    assert whole.get.post(f"/requests/{whole.values['request']}", role="admin", act="do").status_code == 303
    after = marked(whole, reader)
    assert {path: urls for path, urls in after.items() if PAGES[path] in (HIDDEN, NOBODY, OWN)} == {}
    for path in ("/inside/{site}", "/papers/evacuation/{site}", "/people", "/tags", "/requests"):
        assert before[path] <= after[path], path  # as they say
    tags = {each["tag"]: each for each in whole.get("/tags.json", role="admin").json()["tags"]}
    assert tags["A-002"]["heard"] is None
    assert tags["A-001"]["heard"] is not None
    for url in ("/cases.json", "/inside/van-phong.json", "/book/van-phong.json"):
        assert whole.get(url).status_code == 200
    [case] = whole.get("/cases.json").json()["cases"]
    assert (case["f1"], case["f2"]) == (1, 0)
    assert whole.get("/screen/" + whole.values["place"] + ".json").json()["inside"] == 2
    # Traced anew: as before.
    assert whole.get.post(f"/cases/{whole.values['case']}", act="trace").status_code == 303
    cases = {path for path, means in PAGES.items() if means == HIDDEN and "case" in path}
    assert marked(whole, reader, cases) == {}
    assert [url for url, body in whole.mine() if MARKS.search(reader.text(body))] == [
        "/mine",
        "/mine.json",
        "/mine/copy/json",
        "/mine/copy/xlsx",
    ]
