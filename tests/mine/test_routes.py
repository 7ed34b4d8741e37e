"""Every route of the table: each says how long what it shows is kept, none leaves one alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.databases import new_database
from rig.mine import Bench
from rig.office import Office
from rig.pages import KEYRING, Get, as_somebody

from zonetag_backend.events import Events
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.subjectsettings import SubjectSettings
from zonetag_backend.web.app import make_app
from zonetag_backend.web.kept import AUDIT, CASES, DAYS, REGISTER_TOO, REQUESTS, foot_of
from zonetag_backend.web.rights import RIGHTS

ROLES = (ADMIN, HEALTH, RECEPTION, AUDITOR)  # the first that may
# Streams and files that hold nothing of people, and what ends a session.
APART = {"/live", "/static/{name}", "/healthz", "/screen/{place}/live"}


def pages(of: Get, values: dict[str, str], query: str = "", only: str = "") -> Iterator[tuple[str, str]]:
    """Every address of the table that a role may read, and what it answers, as page and as JSON."""
    for path, verbs in RIGHTS.items():
        if path in APART or "GET" not in verbs or (only and path != only):
            continue
        role = next((each for each in ROLES if each in verbs["GET"].roles), None)
        if role is None:
            continue
        url = path.format_map(Values(values))
        for address in (f"{url}{query}", f"{'/index' if url == '/' else url}.json{query}"):
            answer = of(address, role=role)
            assert answer.status_code < 500, (address, answer.text[:300])
            yield address, answer.content.decode("utf-8", "replace")


class Values(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "1"


SAID = {
    DAYS: "is kept for 21 days and then deleted for good; what this page shows: by",
    REGISTER_TOO: "stand in the register until somebody has left for 21 days, or is erased",
    CASES: "deleted when nothing of it is younger than 21 days",
    REQUESTS: "kept for two years after it was settled",
    AUDIT: "Entries are kept for 730 days",
}


def test_every_page_that_shows_data_says_how_long_that_is_kept(bench: Bench) -> None:
    """Each the sentence that is true of it, and a page without data of people, or a fault, none."""
    bench.get.post("/requests", role=ADMIN, who="NV001", kind="copy", text="")
    said: dict[str, set[str]] = {}
    for path in RIGHTS:
        for address, text in pages(bench.get, {"site": "van-phong", "person": str(bench.an)}, "?lang=en", path):
            if not text.startswith("<!doctype html>") or "<footer" not in text:
                continue
            lines = {kind for kind, words in SAID.items() if words in text}
            assert lines <= {foot_of(path)}, (address, lines)
            said.setdefault(path, set()).update(lines)
    assert {path for path, kinds in said.items() if kinds} >= {
        "/book/{site}",
        "/person/{person}",
        "/inside/{site}",
        "/people",
        "/people/{person}",
        "/tags",
        "/tags/give",
        "/agreements",
        "/cases",
        "/requests",
        "/audit",
        "/visitors",
        "/adoption",
        "/adoption/reminders",
        "/declarations/{site}",
        "/rejected",
    }
    assert not any(said.get(path) for path in ("/gateways", "/accounts", "/setup", "/screens", "/account", "/papers"))
    assert not any(words in bench.get("/cases/1?lang=en").text for words in SAID.values())
    day = bench.get("/book/van-phong?lang=en&day=2026-11-05").text
    assert "by 26 Nov 2026" in day
    assert "lưu 21 ngày" in bench.get("/book/van-phong?lang=vi").text


def test_the_foot_of_the_audit_log_says_what_is_set(bench: Bench) -> None:
    chosen = SubjectSettings(audit_days=90)
    get = as_somebody(
        make_app(bench.office.engine, bench.office.clock, Events(), keyring=KEYRING, subjects=chosen), bench.office
    )
    assert "Entries are kept for 90 days." in get("/audit?lang=en", role=AUDITOR).text


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Get]:
    office = Office(new_database(tmp_path / "bare.db"))
    yield as_somebody(make_app(office.engine, office.clock, Events(), keyring=KEYRING), office)
    office.engine.dispose()


def test_an_empty_page_says_what_to_do_next(bare: Get) -> None:
    """Nothing is set up: each page has a link, a form or a command in its middle, or a sentence under its heading."""
    alone = []
    for address, text in pages(bare, {}, "?lang=en"):
        main = re.search(r"<main.*?</main>", text, re.DOTALL)
        if main is not None:
            rest = re.sub(r"<h1.*?</h1>", "", main[0], flags=re.DOTALL)
            if not re.search(r"<a |<form|<pre|<button", rest):
                alone.append((address, rest[-300:]))
    assert alone == []
