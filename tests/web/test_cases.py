"""Pages of cases: entered, traced, shown for a reason, closed; each with its entry in the audit log."""

import re
from dataclasses import replace
from typing import Any

import pytest
from rig.cases import REASON, enter, entered, entries
from rig.ill import hear, meet, outbreak
from rig.office import Office, at
from rig.pages import KEYRING, Somebody, as_somebody

from zonetag_backend.events import Events
from zonetag_backend.store import erasure, restrictions
from zonetag_backend.store.engine import writing
from zonetag_backend.tracing.profile import PROFILES
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import KEPT_MS, CaseSettings


def test_an_empty_page_says_what_to_do_next(get: Somebody, get_bare: Somebody, office: Office) -> None:
    assert "zonetag person add" in get_bare("/cases?lang=en").text
    office.person("Nguyễn Thị Ánh")
    page = get("/cases?lang=en").text
    assert "No case yet" in page
    assert "Who fell ill?" in page
    assert get("/cases.json").json() == {"cases": [], "imports": []}


def test_a_person_is_found_without_diacritics(get: Somebody, office: Office) -> None:
    ill, _ = office.person("Nguyễn Thị Ánh", "Phòng Hành chính", "CB001")
    office.person("Trần Văn Bình")
    for query in ("anh", "nguyen thi anh", "cb001", "ÁNH"):
        page = get("/cases", params={"q": query}).text
        assert f'value="{ill}" required checked' in page
        assert "Bình" not in page
    assert "Nobody fits" in get("/cases?lang=en&q=zzz").text


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 1), (30, 45)])
def test_f1_and_f2_stand_on_the_page_at_once(get: Somebody, office: Office, first: int, second: int) -> None:
    ill, ones, twos = outbreak(office, first, second)
    path = entered(get, ill)
    twin = get(f"{path}.json").json()
    by: dict[int, set[str]] = {1: set(), 2: set()}
    for each in twin["contacts"]:
        by[each["generation"]].add(each["person"])
    assert by == {1: {str(who) for who in ones}, 2: {str(who) for who in twos}}
    for each in twin["contacts"]:
        [day] = each["days"]
        assert day["evidence"] == "direct"
        began = "2026-11-18T08:30:00+07:00" if each["generation"] == 1 else "2026-11-19T10:00:00+07:00"
        assert day["from"] == began
        assert 40 < day["minutes"] <= 51.2
        assert day["low"] <= day["minutes"] <= day["high"]
        assert day["places"] == ["Phòng họp" if each["generation"] == 1 else "Cửa chính"]
        assert 0.99 < each["chain_probability"] <= each["probability"] <= 1
    for language in ("vi", "en"):
        page = get(f"{path}?lang={language}").text
        assert page.count("<tbody>") == len(ones) + len(twos) + bool(ones)
        for number in (*range(first),):
            assert f"CB1{number:02}" in page
        assert ('<svg class="graph"' in page) is bool(ones)
    listed = get("/cases.json").json()["cases"][0]
    assert (listed["f1"], listed["f2"]) == (first, second)
    if ones:
        [stop] = [place for place in twin["places"] if place["place"] == "Phòng họp"]
        assert {each["person"] for each in stop["people"]} == {str(who) for who in ones}
    else:
        assert "Nobody was found" in get(f"{path}?lang=en").text


def test_who_enters_has_said_why_and_everybody_else_says_it_first(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office)
    path = entered(get, ill)
    case = path.removeprefix("/cases/")
    assert get(path).status_code == 200
    other = get.named("hai", "health")
    for page in ("", "/sources", "/notices", "/export"):
        assert other(path + page).headers["location"].startswith(f"/reasons/{case}?next=")
        assert other(f"{path}{page}.json").json()["error"] == "reason-wanted"
    assert other(f"{path}/export/contacts.csv").status_code == 303
    assert other.post(path, act="close").status_code == 303
    assert get(f"{path}.json").json()["closed"] is None, "without a reason nothing is done either"
    other.post(f"/reasons/{case}", reason="truy vết", next=path)
    assert other(path).status_code == 200
    read = entries(office, "contacts.read")
    assert read == [("account:health", case, REASON), ("account:hai", case, "truy vết")]
    assert entries(office, "case.open") == [("account:health", case, REASON)]
    assert entries(office, "case.change") == [("account:health", case, "traced")]


def test_a_second_officer_agrees_before_the_page_is_shown(office: Office, events: Events) -> None:
    get = as_somebody(make_app(office.engine, office.clock, events, keyring=KEYRING, second_officer=True), office)
    ill, _, _ = outbreak(office)
    path = entered(get, ill)
    assert get(path).status_code == 303
    [consent] = get("/consents.json").json()["consents"]
    get.named("hai", "health").post(f"/consents/{consent['consent']}")
    assert get(path).status_code == 200


def test_only_the_health_officer(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office)
    path = entered(get, ill)
    for role in ("reception", "admin", "auditor"):
        for page in ("/cases", path, f"{path}/notices", f"{path}/export/case.xlsx"):
            assert get(page, role=role).status_code == 403
        assert get.post("/cases", role=role, person=str(ill)).status_code == 403
    assert "/cases" not in get("/account", role="admin").text
    forged = get(path, method="POST", data={"act": "close"})
    assert (forged.status_code, get(f"{path}.json").json()["closed"]) == (403, None)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"person": "7"}, 400, "Choose the person"),
        ({"person": "x" * 500}, 400, "Choose the person"),
        ({"day": ""}, 400, "Write the day"),
        ({"day": "20/11/2026"}, 400, "Write the day"),
        ({"day": "2026-11-21"}, 400, "has not come yet"),
        ({"day": "2026-01-01"}, 400, "so long ago"),
        ({"reason": " a "}, 400, "few words"),
        ({"basis": "guess"}, 400, "cannot be read"),
        ({"profile": "x"}, 400, "cannot be read"),
    ],
)
def test_wrong_input_is_said_in_words(
    get: Somebody, office: Office, fields: dict[str, str], status: int, says: str
) -> None:
    ill, _, _ = outbreak(office, 0, 0)
    answer = enter(get, ill, **fields)
    assert answer.status_code == status
    assert says in answer.text
    assert get("/cases.json").json()["cases"] == []


def test_a_case_is_entered_once(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office, 0, 0)
    entered(get, ill)
    assert enter(get, ill).status_code == 400
    assert enter(get, ill, profile="measles").status_code == 303


@pytest.mark.parametrize("case", ["0", "-1", "x", "9" * 30, "%00", "1%2F2"])
def test_a_case_that_is_not_there(get: Somebody, case: str) -> None:
    for page in ("", "/sources", "/notices", "/export", "/export/case.xlsx"):
        assert get(f"/cases/{case}{page}").status_code == 404
    assert get(f"/imports/{case}").status_code == 404


HOSTILE = ("<script>alert(1)</script>", "'\"><b>x</b>", "\u202egnp.exe", "Lê " + "Rất" * 32, "=HYPERLINK(1)", "a\x00b")


def test_hostile_names_are_shown_as_they_are_written(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office, 5, 1, HOSTILE)
    path = entered(get, ill)
    for page in ("", "/sources", "/notices", "/export"):
        text = get(path + page).text
        assert "<script>alert" not in text
        assert "<b>x</b>" not in text
        assert "\u202e" not in text
    assert "&lt;script&gt;" in get(path).text
    table = get(f"{path}/export/contacts.csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in table


def test_a_late_report_changes_it_when_it_is_traced_again(get: Somebody, office: Office) -> None:
    ill, [one], _ = outbreak(office, 1, 0)
    path = entered(get, ill)
    late, tag = office.person("Lê Thị Dung")
    hear(office, 1, tag, at("09:00", 19))
    assert len(get(f"{path}.json").json()["contacts"]) == 1, "what was traced stands until it is traced again"
    assert "14:30 20/11/2026" in get(path).text
    office.now += 600_000
    assert get.post(path, act="trace").headers["location"] == path
    page = get(f"{path}?lang=en").text
    assert re.search(r"Otherwise than in the trace before.*new.*Lê Thị Dung", page, re.DOTALL)
    assert "14:40 20/11/2026" in page
    assert {each["person"] for each in get(f"{path}.json").json()["contacts"]} == {str(one), str(late)}
    get.post(path, act="trace")
    assert "The same as in the trace before" in get(f"{path}?lang=en").text
    assert get.post(path, act="burn").status_code == 400


def test_evidence_of_place_is_told_apart(get: Somebody, office: Office) -> None:
    ill, tag = office.person("Nguyễn Thị Ánh")
    _, other = office.person("Trần Văn Bình")
    for each in (tag, other):
        office.presence(each, "Phòng họp", at("08:00", 19), at("08:50", 19))
    path = str(enter(get, ill, profile="measles").headers["location"])
    [contact] = get(f"{path}.json").json()["contacts"]
    assert contact["days"][0]["evidence"] == "place"
    assert contact["days"][0]["minutes"] == 50
    page = get(f"{path}?lang=en").text
    assert "same place" in page
    assert '50 <span class="quiet">together' in page


def test_the_other_way_round(get: Somebody, office: Office) -> None:
    ill, tag = office.person("Nguyễn Thị Ánh")
    source, theirs = office.person("Trần Văn Bình")
    meet(office, tag, theirs, at("08:30", 17))
    path = entered(get, ill)
    assert get(f"{path}.json").json()["contacts"] == [], "before the infectious days"
    twin = get(f"{path}/sources.json").json()
    assert [each["person"] for each in twin["contacts"]] == [str(source)]
    assert "S1" in get(f"{path}/sources").text


def test_sources_are_kept_ten_minutes_but_nobody_who_must_not_be_shown(get: Somebody, office: Office) -> None:
    ill, tag = office.person("Nguyễn Thị Ánh")
    (source, theirs), (later, other) = office.person("Trần Văn Bình"), office.person("Lê Văn Dũng")
    hear(office, tag, theirs, at("08:30", 17))
    for each in (tag, theirs):
        office.presence(each, "Phòng họp", at("08:00", 17), at("09:00", 17))
    path = entered(get, ill)

    def found() -> dict[str, Any]:
        twin: dict[str, Any] = get(f"{path}/sources.json").json()
        assert (twin["tracing"], twin["failed"]) == (False, False)
        return twin

    first = found()
    [only] = first["contacts"]
    assert only["days"][0]["places"] == ["Phòng họp"], "where both were heard meanwhile"
    hear(office, tag, other, at("13:00", 17))
    office.now += KEPT_MS - 1
    assert found() == first
    office.now += 1
    assert {each["person"] for each in found()["contacts"]} == {str(source), str(later)}
    with writing(office.engine) as connection:
        restrictions.restrict(connection, later, office.now)
    assert {each["person"] for each in found()["contacts"]} == {str(source)}, "at once"
    with writing(office.engine) as connection:
        erasure.erase(connection, source)
    assert found()["contacts"] == [], "at once"


def test_a_case_is_closed(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office)
    path = entered(get, ill)
    get.post(path, act="close")
    assert get(f"{path}.json").json()["closed"] == "2026-11-20T14:30:00+07:00"
    assert 'value="close"' not in get(path).text
    assert [about for _, about, _ in entries(office, "case.close")] == [path.removeprefix("/cases/")]


def test_after_its_time_nothing_is_told(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office, 2, 2)
    path = entered(get, ill)
    case = path.removeprefix("/cases/")
    office.now += 22 * 86_400_000
    later = get.named("sau", "health")
    later.post(f"/reasons/{case}", reason="xem lại")
    assert later(f"{path}.json").status_code == 404
    assert b"CB1" not in later(f"{path}/export/contacts.csv").content
    assert later(f"{path}/notices.json").status_code == 404


def test_somebody_who_was_erased_is_named_no_more(get: Somebody, office: Office) -> None:
    ill, [one], _ = outbreak(office, 1, 0)
    path = entered(get, ill)
    assert "Trần Văn Bình" in get(path).text
    with writing(office.engine) as connection:
        erasure.erase(connection, one)
    assert "Trần Văn Bình" not in get(path).text
    assert get(f"{path}/notices").status_code == 200


def test_what_takes_longer_says_so_and_shows_itself(get: Somebody, office: Office) -> None:
    ill, _, _ = outbreak(office, 1, 0)
    path = entered(get, ill)
    get(path)
    with writing(office.engine):  # somebody else writes, and the trace has to wait
        assert get.post(path, act="trace").status_code == 303
        assert get(f"{path}.json").json()["tracing"]
        page = get(f"{path}?lang=en").text
        assert "Being traced, since 14:30:00" in page
        assert 'hx-trigger="every 2s"' in page
        assert "CB100" in page, "meanwhile what was traced before"
    for _ in range(600):
        if not get(f"{path}.json").json()["tracing"]:
            break
    twin = get(f"{path}.json").json()
    assert (twin["tracing"], twin["failed"]) == (False, False)


def test_a_trace_that_fails_is_said(get: Somebody, office: Office, events: Events) -> None:
    ill, _, _ = outbreak(office, 1, 0)
    path = entered(get, ill)
    other = {"flu": replace(PROFILES["influenza"], name="flu")}
    without = make_app(office.engine, office.clock, events, keyring=KEYRING, cases=CaseSettings(profiles=other))
    again = as_somebody(without, office)
    again.post(path, act="trace")
    page = again(f"{path}?lang=en").text
    assert "Tracing failed" in page
    assert "CB100" in page
    assert again(f"{path}.json").json()["failed"]
