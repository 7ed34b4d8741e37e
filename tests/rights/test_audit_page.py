"""The auditor's page: readable in both languages, found by person, officer and case, and whether the log is whole."""

import html
import re

import pytest
from rig.everything import CODE, Everything
from sqlalchemy import text

from zonetag_backend.cli.store import actor
from zonetag_backend.reports import poster
from zonetag_backend.store import audit, consent_ledger, registry, retention, subject_requests
from zonetag_backend.store.engine import writing
from zonetag_backend.web import words
from zonetag_backend.web.auditwords import EXPIRED, EXPORTS, KINDS
from zonetag_backend.web.languages import translations
from zonetag_backend.web.rights import RIGHTS


def rows(whole: Everything, query: str = "", language: str = "en") -> list[list[str]]:
    """The table's cells: number, when, who, what, about, why."""
    page = whole.get(f"/audit?lang={language}&{query}", role="auditor")
    assert page.status_code == 200, page.text
    found = re.findall(r"<tr>(<td.*?)</tr>", page.text, re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", each, re.DOTALL)
        ]
        for each in found
    ]


def test_every_action_has_words_in_both_languages() -> None:
    assert set(words.ACTIONS) >= set(audit.ACTIONS)
    say = translations("vi").gettext
    assert [code for code in audit.ACTIONS if say(words.ACTIONS[code]) == words.ACTIONS[code]] == []


def test_a_user_of_the_server_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.delenv("USER", raising=False)
    kind, _, name = actor().partition(":")
    assert kind == "cli"
    assert name
    assert not name.isdecimal()
    monkeypatch.setenv("USER", "root")
    monkeypatch.setenv("SUDO_USER", "lan")
    assert actor() == "cli:lan"


def test_it_reads_in_both_languages(whole: Everything) -> None:
    now = whole.office.now
    with writing(whole.office.engine) as connection:
        who = registry.find_person(connection, CODE)
        by = "cli:lan"
        consent_ledger.note(connection, who, ["book"], given=True, how="paper", version="01/2026", by=by, now_ms=now)
        audit.record(connection, now, "cli:lan", "declaration.switch", "van-phong", "off")
        audit.record(connection, now, "system", "retention.expire", "", "case_notice 2, visit 3")
        audit.record(connection, now, "account:ai đó đã nghỉ", "person.read", who)
        subject_requests.refuse(connection, int(whole.values["request"]), "không phải người đó", "cli:lan", now)
    english = {(row[2], row[3], row[5]) for row in rows(whole)}
    for each in (
        ("lan, by a command on the server", "noted that somebody agreed", "Book, on paper, 01/2026"),
        ("lan, by a command on the server", "switched health declarations on or off", "off"),
        ("the server itself", "deleted what was too old", "notices of cases: 2, visits: 3"),
        ("ai đó đã nghỉ", "read a person's day", ""),
        ("lan, by a command on the server", "settled a request", "Keep my data but show it to nobody: refused"),
    ):
        assert each in english
    assert any(who.endswith("(Health officer)") and why == "xét nghiệm dương tính" for who, _, why in english)
    vietnamese = {(row[2], row[3], row[5]) for row in rows(whole, language="vi")}
    say = translations("vi").gettext
    settled = f"{say('Keep my data but show it to nobody')}: {say('refused')}"
    assert ("lan, bằng lệnh trên máy chủ", say("settled a request"), settled) in vietnamese
    assert "thông báo của các ca bệnh: 2, lượt ra vào: 3" in {why for _, _, why in vietnamese}
    assert not any("account:" in who or "cli:" in who for who, _, _ in english | vietnamese)


def test_every_export_and_read_is_about_something_in_words(whole: Everything) -> None:
    """Each paper and file is made, and each page of one person or request is read."""
    papers = {path for path in RIGHTS if path.startswith("/papers/") or path == "/cases/{case}/export/{file}"}
    made = {url for _, url, _ in whole.answers(papers | {"/people/{person}", "/requests/{request}"})}
    assert len(made) > len(papers)
    for place in poster.PLACES:
        assert whole.get(f"/papers/poster?place={place}&site=van-phong", role="admin").status_code in {200, 404}
    now = whole.office.now
    with writing(whole.office.engine) as connection:
        for head in EXPORTS:
            audit.record(connection, now, "cli:lan", "export.make", f"{head} 7" if head == "case" else head, "csv")
        audit.record(connection, now, "cli:lan", "reminder.send", 7)
        recorded = set(connection.execute(text("SELECT about FROM audit WHERE action = 'export.make'")).scalars())
    assert {about.partition(" ")[0] for about in recorded} == set(EXPORTS)
    person, request = whole.values["person"], whole.values["request"]
    for language, one, another, some in (
        ("en", f"person {person}", f"request {request}", "people: 7"),
        ("vi", f"người số {person}", f"yêu cầu số {request}", "số người: 7"),
    ):
        assert one in {row[4] for row in rows(whole, "action=people.read", language)}
        assert another in {row[4] for row in rows(whole, "action=request.read", language)}
        assert some in {row[4] for row in rows(whole, "action=reminder.send", language)}
        exports = rows(whole, "action=export.make", language)
        assert {row[4] for row in exports}.isdisjoint(recorded - {f"case {whole.values['case']}", "case 7"})
        assert {"PDF", "CSV", "XLSX"} <= {row[5] for row in exports}
        assert not {"pdf", "csv", "xlsx", "json"} & {row[5] for row in exports}
    assert f"ca bệnh số {whole.values['case']}" in {row[4] for row in exports}


def test_every_number_that_an_entry_is_about_has_a_word() -> None:
    bare = {"", "site", "gateway", "folder", "account", "tag number", "what was exported"}  # said by their own names
    bare |= {"file", "mark of the key", "version"}
    assert set(audit.ACTIONS.values()) == bare | set(KINDS)
    expires = {each[0].name for each in retention.OLD} | {each[0].name for each in retention.PARENTS}
    assert set(EXPIRED) == expires | {"person", "data_request", "report", "heard"}
    say = translations("vi").gettext
    assert [each for each in (*KINDS.values(), *EXPORTS.values()) if say(each) == each] == []


def test_by_person_officer_and_case(whole: Everything) -> None:
    """She is a contact in a case: whoever looks at that case looked at her, with that reason."""
    case = whole.values["case"]
    other = whole.get.named("hải", "health")
    other.post(f"/reasons/{case}", reason="gọi điện cho người tiếp xúc")
    assert other(f"/cases/{case}").status_code == 200
    for person in (CODE, "Hồ Thị Xuyến", str(whole.xuyen), whole.values["number"]):
        found = rows(whole, f"person={person}&action=contacts.read")
        assert [(row[2], row[4], row[5]) for row in found] == [
            ("hải (Health officer)", f"case {case}", "gọi điện cho người tiếp xúc"),
            ("health (Health officer)", f"case {case}", "xét nghiệm dương tính"),
        ], person
    assert {row[2] for row in rows(whole, "who=hải")} == {"hải (Health officer)"}
    assert {row[4] for row in rows(whole, f"case={case}")} == {f"case {case}"}
    assert rows(whole, "person=CB100&action=declaration.read") == []
    nobody = whole.get("/audit?lang=en&person=Z99", role="auditor").text
    assert "Nobody, or more than one" in nobody
    assert "There is no such entry" in nobody
    for role in ("health", "admin", "reception"):
        assert whole.get("/audit", role=role).status_code == 403


def test_the_chain_is_checked_on_the_page(whole: Everything) -> None:
    assert "The log is whole" in whole.get("/audit?lang=en&check=yes", role="auditor").text
    assert "nguyên vẹn" in whole.get("/audit?lang=vi&check=yes", role="auditor").text
    with writing(whole.office.engine) as connection:
        connection.execute(text("UPDATE audit SET reason = 'khác' WHERE seq = 3"))
    page = whole.get("/audit?lang=en&check=yes", role="auditor").text
    assert "The log is not whole" in page
    assert "an entry was changed: 3–3" in page
    twin = whole.get("/audit.json?check=yes", role="auditor").json()
    assert twin["check"]["findings"] == [{"finding": "changed", "first": 3, "last": 3}]
