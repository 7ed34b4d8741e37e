"""What the IT officer does in the browser instead of the command line: accounts, empty pages, columns of a list."""

import re
from collections.abc import Callable

import pytest
from rig.browsing import PASSWORD, Browser, add, code_at, enrol
from rig.office import Office
from rig.pages import Get
from sqlalchemy import select, update

from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.roster import columns, reading
from zonetag_backend.store import accounts, people, registry
from zonetag_backend.store.engine import reading as looking
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema.accounts import account
from zonetag_backend.web.pages.importing import COLUMNS, EXAMPLES

LIST = "STT;Họ và tên;Ngày sinh;Đơn vị;SĐT;Ghi chú\n1;Nguyễn Thị An;1.1.1990;Phòng Hành chính;0900;\n"


def look(get: Get, text: str, lang: str = "vi", accept: str = "text/html") -> str:
    sent = get(
        f"/people/import?lang={lang}",
        role=ADMIN,
        method="POST",
        data={"csrf": get.csrf(ADMIN)},
        files={"file": ("danh-sach.csv", text.encode("utf-8-sig"))},
        headers={"accept": accept},
    )
    assert sent.status_code == 200
    return sent.text


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_preview_names_what_is_read_and_what_is_not(get: Get, lang: str) -> None:
    said = re.search(r'<p class="columns">(.*?)</p>', look(get, LIST, lang), re.DOTALL)
    assert said
    read, _, ignored = said[1].partition("<br>")
    assert re.findall(r"<bdi>(.*?)</bdi>", read) == ["Họ và tên", "Đơn vị"]
    assert re.findall(r"<bdi>(.*?)</bdi>", ignored) == ["STT", "Ngày sinh", "SĐT", "Ghi chú"]
    whole = re.search(r'<p class="columns">(.*?)</p>', look(get, "Họ và tên\nLê An\n", lang), re.DOTALL)
    assert whole
    assert "<br>" not in whole[1]


def test_a_hostile_head_is_text(get: Get) -> None:
    page = look(get, "Họ và tên;<script>alert(1)</script>\nLê An;x\n")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_the_columns_that_the_page_promises_are_understood(get: Get) -> None:
    assert set(EXAMPLES) == set(COLUMNS)
    page = get("/people/import", role=ADMIN).text
    for what, heads in EXAMPLES.items():
        assert heads in page
        for head in heads.split(", "):
            # Half of a name needs its other half; a lone "Tên" is the whole of it.
            other = {columns.FAMILY: ";Tên", columns.GIVEN: ";Họ đệm"}.get(what, ";Họ và tên")
            looked = reading.look(f"{head}{'' if what == columns.NAME else other}\nan;bình\n".encode())
            assert (what, head) in looked.read, head


def test_every_problem_is_shown(get: Get) -> None:
    rows = "".join(f"Lê An {n};NV{n % 3}\n" for n in range(2600))
    page = look(get, "Họ và tên;Mã số\n" + rows, "en")
    assert page.count('class="problems"') == 2597


def test_pages_for_handing_out_say_what_to_do_next(office: Office, get: Get) -> None:
    page = get("/tags/give", role=ADMIN).text
    assert 'href="/setup?step=tag"' in page  # no tag
    assert 'name="tag"' not in page
    office.tag("A-001")
    page = get("/tags/give?tag=A-001", role=ADMIN).text
    assert 'href="/people/import"' in page  # nobody to give it to
    who, _ = office.person("Lê An")
    assert 'name="tag"' in get("/tags/give", role=ADMIN).text
    with writing(office.engine) as connection:
        second = registry.add_person(connection, "Trần Bình", "", None)
        assert people.with_id(connection, second).numbers == ()
    office.wear(1, who)
    page = get(f"/tags/give?person={second}", role=ADMIN).text
    assert 'href="/tags?show=worn"' in page  # all tags are out


@pytest.mark.parametrize("path", ["/tags", "/tags/give", "/gateways", "/screens", "/people", "/adoption", "/setup"])
def test_an_empty_page_leads_on(bare: Office, get_bare: Get, path: str) -> None:
    main = re.search(r"<main.*</main>", get_bare(path, role=ADMIN).text, re.DOTALL)
    assert main
    assert re.search(r'<pre class="command"|href="/(setup|people)|action="/(setup|people)', main[0]), path


def ids(office: Office) -> dict[str, int]:
    with looking(office.engine) as connection:
        return {each.name: each.id for each in accounts.all_accounts(connection)}


def give_role(get: Get, path: str, role: str, by: str = ADMIN) -> int:
    fields = {"csrf": get.csrf(by), "act": "role", "role": role}
    return get(path, by, method="POST", data=fields).status_code


def test_another_s_role_is_changed_and_the_session_of_the_old_one_ends(
    office: Office, get: Get, browser: Callable[[], Browser]
) -> None:
    add(office, "lan", RECEPTION)
    desk = browser()
    desk.login("lan")
    assert desk.open("/visitors").status_code == 200
    get("/accounts", ADMIN)
    path = f"/accounts/{ids(office)['lan']}"
    assert give_role(get, path, "king") == 400
    assert give_role(get, path, HEALTH, by=HEALTH) == 403
    assert give_role(get, path, AUDITOR) == 303
    assert desk.open("/visitors").status_code == 303, "signed out"
    assert desk.login("lan").headers["location"] == "/account/totp", "an auditor needs a second factor"
    entries = get("/audit.json", AUDITOR).json()["entries"]
    told = [(each["about"], each["reason"]) for each in entries if each["action"] == "account.role"]
    assert told == [("lan", "reception to auditor")]


def test_nobody_takes_rights_from_their_own_account(office: Office, get: Get) -> None:
    get("/accounts", ADMIN)
    path = f"/accounts/{ids(office)['admin']}"
    for act in ("disable", "totp"):
        assert get.post(path, ADMIN, act=act).status_code == 400
    assert give_role(get, path, RECEPTION) == 400
    assert get("/accounts", ADMIN).status_code == 200


def test_the_last_administrator_stays_one(office: Office) -> None:
    add(office, "sếp", ADMIN)
    add(office, "phó", HEALTH)
    with writing(office.engine) as connection:
        boss, second = (accounts.named(connection, name) for name in ("sếp", "phó"))
        with pytest.raises(Exception, match="last administrator"):
            accounts.set_role(connection, boss, AUDITOR, office.now, "cli:x")
        accounts.set_role(connection, second, ADMIN, office.now, "cli:x")
        accounts.set_role(connection, boss, AUDITOR, office.now, "cli:x")
        assert accounts.named(connection, "sếp").role == AUDITOR


def test_a_lost_telephone_and_a_locked_account(office: Office, get: Get, browser: Callable[[], Browser]) -> None:
    add(office, "ha", HEALTH)
    officer = browser()
    officer.login("ha")
    telephone = enrol(officer)
    officer.send("/account/totp", code=code_at(telephone, office))
    get("/accounts", ADMIN)
    path = f"/accounts/{ids(office)['ha']}"
    assert get.post(path, ADMIN, act="totp").status_code == 303
    assert officer.open("/book/van-phong").status_code == 303, "signed out"
    assert officer.login("ha").headers["location"] == "/account/totp", "the password is still good"
    with writing(office.engine) as connection:
        connection.execute(
            update(account).where(account.c.name == "ha").values(failures=9, locked_until_ms=office.now + 60_000)
        )
    assert 'value="unlock"' in get("/accounts", ADMIN).text
    listed = {each["name"]: each["locked"] for each in get("/accounts.json", ADMIN).json()["accounts"]}
    assert listed["ha"] is True
    stranger = browser()
    assert stranger.login("ha").status_code == 401
    assert get.post(path, ADMIN, act="unlock").status_code == 303
    assert 'value="unlock"' not in get("/accounts", ADMIN).text
    assert stranger.login("ha", PASSWORD).status_code == 303
    with looking(office.engine) as connection:
        assert connection.scalar(select(account.c.failures).where(account.c.name == "ha")) in (0, 1)
    actions = [each["action"] for each in get("/audit.json", AUDITOR).json()["entries"]]
    assert {"account.totp-reset", "account.unlock"} <= set(actions)
