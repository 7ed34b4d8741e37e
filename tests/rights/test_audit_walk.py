"""Every action as the product records it: what it is about is the kind of thing that the table says, on the page too.

A number that stands for a tag where a person was meant leads an auditor to somebody else.
"""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rig.everything import CODE, Everything, shift
from rig.everything import ELSEWHERE as OFFICE
from rig.pages import KEYRING, as_somebody
from sqlalchemy import text

from zonetag_backend.cli import main
from zonetag_backend.clock import utc_ms
from zonetag_backend.roles import ADMIN, HEALTH, RECEPTION, SCREEN
from zonetag_backend.store import audit, consent_ledger, registry, reminders, retention, screens, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.tracing import abroad
from zonetag_backend.web.rights import RIGHTS

DAY_MS = 86_400_000
# Kind -> statement with every name that an entry about such a thing may have.
KNOWN = {
    "site": "SELECT name FROM site",
    "person": "SELECT id FROM person",
    "case": "SELECT id FROM case_record",
    "case of another office": "SELECT id FROM case_foreign",
    "request": "SELECT id FROM data_request",
    "screen": "SELECT about FROM audit WHERE action = 'screen.make'",
    "place": "SELECT id FROM place",
    "tag number": "SELECT number FROM tag",
    "gateway": "SELECT name FROM gateway",
    "account": "SELECT name FROM account",
}
# About nothing at all, as the table says too.
MAY_BE_EMPTY = {"people.read", "request.read", "case.read"}
# What these are about is a name (of an account, a file, a gateway) or nothing; each is recorded in a test of its own.
ELSEWHERE = re.compile(
    r"account\.|login|logout|audit\.ex|backup\.|broker\.|ca\.|gateway\.(enrol|revoke|command|update)|key\.|firmware\."
)
# How the page words one of each kind; sites, places and screens by their names.
WORDS = {
    "person": r"person \d+",
    "case": r"case \d+",
    "case of another office": r"case \d+ of another office",
    "request": r"request \d+",
    "how many people": r"people: \d+",
    "seq of the last entry removed": r"up to entry \d+",
    "site": "Văn phòng Sở Thông tin|Kho",
    "place": "Cửa chính|Phòng họp|Kho",
    "screen": "Màn given|Sảnh|screen \\d+",
    "tag number": "[AK]-0\\d+|all tags",
    "gateway": "gw-\\w+",
}


PAPERS = {"/papers/book/{site}", "/papers/evacuation/{site}", "/cases/{case}", "/imports/{case}"}


@pytest.fixture
def done(whole: Everything, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Everything:
    """An office in which everything was done that has an action of its own, through pages and commands."""
    for _ in whole.answers({path for path, verbs in RIGHTS.items() if "GET" in verbs and verbs["GET"].read} | PAPERS):
        pass
    for _ in whole.mine():
        pass
    _people_and_tags(whole)
    _office(whole)
    _cases(whole, tmp_path)
    _rights(whole)
    by_ms = utc_ms() - whole.office.now
    shift(whole.office, by_ms)  # commands have a clock of their own
    whole.office.now += by_ms
    whole.get = as_somebody(whole.app, whole.office)
    for words in (
        "site add kho --title Kho --timezone Asia/Ho_Chi_Minh",
        "place add van-phong Kho",
        "gateway add gw-kho --site van-phong --place Kho",
        "door side gw-kho inside",
        f"door log {CODE} --since 2026-11-18 --until 2026-11-20 --reason kiểm_tra",
        "trace CB001 --since 2026-11-18 --until 2026-11-20 --reason kiểm_tra",
        "case list",
        f"case trace {whole.values['case']}",
        "person list",
        f"report book --site van-phong --csv {tmp_path / 'book.csv'}",
        "tag find A-001",
        "person add Người_Mới",
    ):
        assert main([*words.split(), "--data", str(tmp_path)]) == 0, (words, capsys.readouterr())
    with writing(whole.office.engine) as connection:
        audit.record(connection, whole.office.now, "cli:lan", "tag.order", "all", "update 1.2.3")
    retention.expire(whole.office.engine, whole.office.now, 365)
    return whole


def _people_and_tags(whole: Everything) -> None:
    get, office = whole.get, whole.office
    with writing(office.engine) as connection:
        number = tags.add_tag(connection, KEYRING, "A-090", office.now).id
        visiting = tags.add_tag(connection, KEYRING, "K-091", office.now).id
        audit.record(connection, office.now, "cli:lan", "tag.add", "A-090")
        audit.record(connection, office.now, "cli:lan", "retention.expire", "", "visit 3")
        audit.record(connection, office.now, "system", "audit.expire", 7)
        reminders.set_off(connection, whole.xuyen, True, by="cli:lan", now_ms=office.now)
        reminders.set_off(connection, whole.xuyen, False, by="cli:lan", now_ms=office.now)
        audit.record(connection, office.now, "cli:lan", "reminder.send", 7)
    who = get.post("/people", ADMIN, name="Lê Thị An", unit="", code="NV9").headers["location"]
    who = re.findall(r"/people/(\d+)", who)[0]
    posts: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("/tags/give", ADMIN, {"tag": "A-090", "person": who}),
        (f"/people/{who}", ADMIN, {"act": "change", "name": "Lê Thị Anh", "unit": "", "code": "NV9"}),
        ("/codes", ADMIN, {"who": "NV9", "tag": "A-090"}),
        (f"/tags/{number}/orders", ADMIN, {"act": "find", "seconds": "9"}),
        (f"/tags/{number}", ADMIN, {"act": "take"}),
        (f"/tags/{number}", ADMIN, {"act": "lost"}),
        (f"/tags/{number}", ADMIN, {"act": "found"}),
        (f"/tags/{visiting}", ADMIN, {"act": "keep"}),
        ("/visitors", RECEPTION, {"name": "Trần Khách", "tag": "K-091", "host": "", "contact": ""}),
        (f"/people/{who}", ADMIN, {"act": "leave"}),
    )
    for path, role, fields in posts:
        assert get.post(path, role, **fields).status_code in (200, 303), path
    guest = get("/visitors.json", RECEPTION).json()["visitors"][0]["person"]
    assert get.post(f"/visitors/{guest}", RECEPTION, act="return").status_code == 303
    sent = {"file": ("ds.csv", "Họ và tên;Mã số\nLê Mới;NV7\nLê Thị Ánh;NV9\n".encode(), "text/csv")}
    page = get("/people/import", ADMIN, method="POST", data={"csrf": get.csrf(ADMIN)}, files=sent).text
    fields = dict(re.findall(r'name="(digest|rows)" value="([^"]*)"', page))
    fields = {name: html.unescape(value) for name, value in fields.items()}
    assert get.post("/people/import", ADMIN, **fields).status_code == 303


def _office(whole: Everything) -> None:
    get, office = whole.get, whole.office
    place = str(office.places["Cửa chính"])
    made = get.post("/screens", ADMIN, place=place, title="Sảnh", shows="number", counts="yes")
    assert made.status_code == 200
    with reading(office.engine) as connection:
        which = screens.all_screens(connection)[-1].id
    for path, fields in (
        (f"/screens/{which}", {}),
        ("/questions", {"act": "ask", "vi0": "Có sốt không?", "en0": "A fever?"}),
        ("/questions", {"act": "switch", "site": "van-phong"}),
        ("/plan/van-phong", {"gateway": "gw-cua", "x": "1", "y": "1"}),
        ("/gateways", {"gateway": "gw-cua", "side": "outside"}),
    ):
        assert get.post(path, ADMIN, **fields).status_code in (200, 303), path
    assert get("/screen/" + place, SCREEN).status_code == 200


def _cases(whole: Everything, folder: Path) -> None:
    get, case = whole.get, whole.values["case"]
    for path, fields in (
        (f"/cases/{case}", {"act": "trace"}),
        (f"/reasons/{case}", {"reason": "xem lại lần nữa"}),
        (f"/reasons/{whole.values['import']}", {"reason": "xem lại lần nữa"}),
    ):
        assert get.post(path, **fields).status_code == 303, path
    alone = whole.app.state.desk
    whole.app.state.desk = replace(alone, second_officer=True)
    assert get("/imports/" + whole.values["import"]).status_code in (303, 403)
    other = get.named("hải", HEALTH)
    waiting = get("/consents.json").json()["consents"]
    assert {other.post(f"/consents/{each['consent']}").status_code for each in waiting} == {303}
    whole.app.state.desk = alone
    assert get.post(f"/cases/{case}", act="close").status_code == 303
    now_ms = utc_ms()  # the command's own clock
    sent = ((bytes(8), (now_ms - DAY_MS) // 1000),)
    came = abroad.Abroad("Sở Y tế B", "covid-19", now_ms - 2 * DAY_MS, now_ms - DAY_MS // 2, sent)
    (folder / "case.zonetag").write_bytes(abroad.pack(came, OFFICE))
    words = ["case", "import", str(folder / "case.zonetag"), "--key", abroad.public_hex(OFFICE), "--reason", "họ hỏi"]
    assert main([*words, "--data", str(folder)]) == 0


def _rights(whole: Everything) -> None:
    get, office = whole.get, whole.office
    path = f"/requests/{whole.values['request']}"
    assert get.post(path, ADMIN, act="acknowledge").status_code == 303
    assert get.post(path, ADMIN, act="do", answer="").status_code == 303
    assert get.post("/requests", ADMIN, act="lift", person=str(whole.xuyen)).status_code in (200, 303)
    with writing(office.engine) as connection:
        by, now = "cli:lan", office.now
        binh = registry.find_person(connection, "CB100")
        consent_ledger.note(connection, binh, ["book"], given=True, how="paper", version="1", by=by, now_ms=now)
        consent_ledger.note_handed_out(connection, whole.ill, by, now)
        audit.record(connection, now, by, "person.release", whole.xuyen)
        audit.record(connection, now, by, "person.erase", whole.xuyen)
    # Who withdraws gives the tag back: it is told by its number.
    get.post("/requests", ADMIN, who="CB100", kind="withdraw", text="")
    found = re.findall(r"/requests/(\d+)", get("/requests", ADMIN).text)
    assert get.post(f"/requests/{found[0]}", ADMIN, act="do", answer="").status_code == 303


def test_every_action_is_about_what_the_table_says_and_the_page_too(done: Everything) -> None:
    _as_the_table_says(done)
    _as_the_page_says(done)


def _as_the_table_says(done: Everything) -> None:
    with reading(done.office.engine) as connection:
        entries = [(row.action, row.about) for row in connection.execute(text("SELECT action, about FROM audit"))]
        known = {kind: {str(each) for each in connection.execute(text(q)).scalars()} for kind, q in KNOWN.items()}
    unseen = {action for action in audit.ACTIONS if not ELSEWHERE.match(action)} - {action for action, _ in entries}
    assert unseen == set(), "done nowhere here"
    wrong = [
        (action, about)
        for action, about in entries
        if (kind := audit.ACTIONS[action]) in known
        and about not in known[kind]
        and not (about == "" and action in MAY_BE_EMPTY)
        and (action, about) != ("tag.order", "all")
    ]
    assert wrong == []
    assert ("contacts.read", done.values["import"]) not in entries


def _as_the_page_says(done: Everything) -> None:
    pages, before = [], ""
    while True:  # every page of the log
        page = done.get(f"/audit?lang=en{before}", role="auditor").text
        pages.append(page)
        if not (older := re.search(r'before=(\d+)" rel="next"', page)):
            break
        before = f"&before={older[1]}"
    twins = done.get("/audit.json", role="auditor").json()["entries"]
    assert twins
    said = [html.unescape(re.sub(r"<[^>]*>", "", cell)) for page in pages for cell in _abouts(page)]
    with reading(done.office.engine) as connection:
        rows = connection.execute(text("SELECT action FROM audit ORDER BY seq DESC")).scalars().all()
    new = len(said) - len(rows)  # each page that was read is an entry of its own at most
    actions = ["audit.read"] * max(0, new) + [str(each) for each in rows]
    wrong = [
        (action, words)
        for action, words in zip(actions[-len(said) :], said, strict=True)
        if (kind := audit.ACTIONS[action]) in WORDS
        and not re.fullmatch(WORDS[kind], words)
        and not (words == "" and action in MAY_BE_EMPTY)
    ]
    assert wrong == []
    book = done.get("/audit?lang=en&action=export.make&about=book van-phong 2026-11-18", role="auditor").text
    assert "In-out book: Văn phòng Sở Thông tin, 18 Nov 2026" in html.unescape(book)
    assert "In-out book: van-phong" not in book
    traced = html.unescape(done.get("/audit?lang=vi&action=contacts.trace", role="auditor").text)
    assert "xem tiếp xúc của một người bằng dòng lệnh" in traced
    assert f"người số {done.ill}" in traced
    looks = done.get("/audit?lang=en&action=contacts.read,contacts.trace,import.read", role="auditor").text
    assert f"person {done.ill}" in looks
    assert f"case {done.values['import']} of another office" in looks


def _abouts(page: str) -> list[str]:
    rows = re.findall(r"<tr>(<td.*?)</tr>", page, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", each, re.DOTALL)[4].strip() for each in rows]
