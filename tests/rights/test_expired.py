"""What is past its time is told nowhere, also while the hourly round has not deleted it yet; then it is gone."""

import re
from collections.abc import Iterable

from rig.everything import MARKS, Everything
from rig.reader import Reader
from sqlalchemy import func, select

from zonetag_backend.store import retention
from zonetag_backend.store.engine import reading
from zonetag_backend.store.schema import metadata
from zonetag_backend.web.restricted import EXCEPTED, HIDDEN, NOBODY, PAGES

DAY_MS = 86_400_000
RETENTION_DAYS = 21
# Times of those days, in every way in which a page or a paper writes them.
TIMES = re.compile(r"2026-11-(18|19|20)T|(18|19|20)/11/2026|\b(18|19|20) (Nov|thg 11)")
# Here her name is that of the register: of whom nothing is shown, and whose tag was not heard.
REGISTER_NAMES = {"/person/{person}", "/adoption/reminders"}
# A request that is open is kept until it is settled, and then as proof.
REQUESTS = {"/requests", "/requests/{request}"}


def kept(whole: Everything, table: str) -> int:
    with reading(whole.office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(metadata.tables[table])) or 0


def told(answers: Iterable[tuple[str, str, str]]) -> set[str]:
    """Addresses that tell of what was heard, traced or declared of her, or of the times of anything."""
    found = set()
    for path, url, text in answers:
        if PAGES[path] in (HIDDEN, EXCEPTED) and path not in REGISTER_NAMES and MARKS.search(text):
            found.add(url)
        if PAGES[path] != NOBODY and path not in REQUESTS and TIMES.search(_page(text, url)):
            found.add(url)
    return found


def _page(text: str, url: str) -> str:
    """Without the day that was asked for, which the page repeats."""
    if "day=2026-11-18" in url:
        text = re.sub(r"18/11/2026|2026-11-18(?!T)", "", text)
    return re.sub(r"<footer.*", "", text, flags=re.DOTALL)


def test_after_its_time_it_is_on_no_page_in_no_paper_and_in_no_copy(
    whole: Everything, reader: Reader, first_told: list[tuple[str, str, str]]
) -> None:
    before = told(first_told)  # the control
    for start in ("/book/", "/person/", "/inside/", "/declarations/", "/cases", "/imports/", "/papers/", "/tags"):
        assert any(url.startswith(start) for url in before), start
    assert all(MARKS.search(reader.text(body)) for _, body in whole.mine())
    whole.office.now += 22 * DAY_MS
    tables = ("visit", "presence", "contact_log", "case_exposure", "case_notice", "declaration", "case_match")
    for only in (PAGES, [path for path in PAGES if not path.startswith("/papers/")]):  # papers in all forms: once
        whole.again()
        assert told((path, url, reader.text(body)) for path, url, body in whole.answers(only)) == set()
        assert "Xuyến" not in whole.get("/mine.json", role="").text  # nobody's
        for url, body in whole.mine():
            text = _page(reader.text(body), url)
            assert "18/11" not in text, url
            assert "Ốm" not in text, url
        if only is PAGES:
            assert all(kept(whole, table) for table in tables)  # so far
            retention.expire(whole.office.engine, whole.office.now, RETENTION_DAYS)
    assert not any(kept(whole, table) for table in tables)


def test_a_case_outlives_its_contacts_and_tells_none_of_them(whole: Everything, reader: Reader) -> None:
    """It was entered when they were old already: twenty days later it stands, and its lists are empty."""
    case = f"/cases/{whole.values['case']}"
    paths = {"/cases/{case}", "/cases/{case}/sources", "/cases/{case}/export/{file}", "/papers/case/{case}"}

    def shown() -> set[str]:
        return {path for path, _url, body in whole.answers(paths) if MARKS.search(reader.text(body))}

    assert shown() == paths  # the control
    whole.office.now += 20 * DAY_MS
    whole.again()
    assert kept(whole, "case_exposure") > 0
    assert shown() == set()
    twin = whole.get(f"{case}.json").json()
    assert (twin["contacts"], twin["places"]) == ([], [])
    [listed] = whole.get("/cases.json").json()["cases"]
    assert (listed["f1"], listed["f2"]) == (0, 0)
    # Nobody is told of it any more either; and what was told stands until the notice's own time is over.
    assert whole.get.post(f"{case}/notices", language="en").status_code == 303
    assert len(whole.gateway.came) == 2
