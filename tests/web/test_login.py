"""The way in: password, second factor, lock-out; and everything that must not be one."""

import re
import unicodedata
from collections.abc import Callable

from rig.browsing import CSRF, PASSWORD, Browser, add, code_at, enrol
from rig.office import Office
from sqlalchemy import select, update

from zonetag_backend import lockout
from zonetag_backend.roles import ADMIN, HEALTH
from zonetag_backend.store import audit_log
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.accounts import account


def test_a_guard_signs_in_with_a_password_alone(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "Lễ Tân")
    desk = browser()
    assert desk.login("  lễ   tân ").headers["location"] == "/"
    assert "set-cookie" in desk.page.headers
    cookie = desk.page.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert desk.open("/book/van-phong").status_code == 200
    assert "Lễ Tân" in desk.page.text


def test_an_officer_sets_up_a_second_factor_and_signs_in_with_it(
    office: Office, browser: Callable[[], Browser]
) -> None:
    add(office, "ha", HEALTH)
    first = browser()
    assert first.login("ha").headers["location"] == "/account/totp"
    assert first.open("/book/van-phong").headers["location"] == "/account/totp"
    telephone = enrol(first)
    assert first.send("/account/totp", code="000000").status_code == 400
    shown = first.send("/account/totp", code=code_at(telephone, office))
    codes = re.findall(r"<code>([A-Z2-9]{5}-[A-Z2-9]{5})</code>", shown.text)
    assert len(codes) == 10
    assert first.open("/book/van-phong").status_code == 200

    second = browser()
    assert second.login("ha").headers["location"] == "/login/code"
    assert second.open("/book/van-phong").headers["location"] == "/login/code"
    second.open("/login/code")
    used = second.send("/login/code", code=code_at(telephone, office))
    assert used.status_code == 401, "the code that set it up is used up"
    office.now += 30_000
    second.open("/login/code")
    assert second.send("/login/code", code=code_at(telephone, office)).status_code == 303
    assert second.open("/book/van-phong").status_code == 200

    for expected in (303, 401):  # a recovery code opens once
        third = browser()
        third.login("ha")
        third.open("/login/code")
        assert third.send("/login/code", code=codes[0].lower().replace("-", " ")).status_code == expected
    with reading(office.engine) as connection:
        assert connection.scalar(select(account.c.totp)) not in (None, b"")
        assert telephone.byte_secret() not in (connection.scalar(select(account.c.totp)) or b"")
        actions = [entry.action for entry in audit_log.entries(connection)]
    assert actions.count("login") == 3
    assert actions.count("account.recovery") == 1


def test_before_the_first_account_the_page_says_where_to_begin(office: Office, browser: Callable[[], Browser]) -> None:
    assert "zonetag account link --admin" in browser().open("/login").text
    add(office, "ha", ADMIN)
    assert "zonetag account link --admin" not in browser().open("/login").text


def test_who_is_led_to_the_login_is_led_back(office: Office, browser: Callable[[], Browser]) -> None:
    """By way of the second factor too, which all but reception have."""
    add(office, "ha", HEALTH)
    owner = browser()
    owner.login("ha")
    telephone = enrol(owner)
    owner.send("/account/totp", code=code_at(telephone, office))
    later = browser()
    where = later.open("/book/van-phong?day=2026-11-19").headers["location"]
    later.open(where)
    there = later.send("/login", name="ha", password=PASSWORD, next="/book/van-phong?day=2026-11-19").headers[
        "location"
    ]
    assert there == "/login/code?next=%2Fbook%2Fvan-phong%3Fday%3D2026-11-19"
    assert 'value="/book/van-phong?day=2026-11-19"' in later.open(there).text
    office.now += 60_000
    then = later.send("/login/code", code=code_at(telephone, office), next="/book/van-phong?day=2026-11-19")
    assert then.headers["location"] == "/book/van-phong?day=2026-11-19"
    last = browser()
    last.login("ha")
    assert 'name="next" value="/"' in last.open("/login/code?next=https://evil.example/").text


def test_a_form_sent_after_the_session_is_over_says_so_and_leads_to_the_login(
    office: Office, browser: Callable[[], Browser]
) -> None:
    late = browser()
    late.open("/login")
    answer = late.send("/visitors", name="Trần Khách", tag="K-01")
    assert answer.status_code == 401
    assert 'href="/login?next=%2Fvisitors"' in answer.text
    assert "send it again" in late.send("/visitors?lang=en").text
    assert 'href="/login"' in late.send("/visitors/7", act="return").text, "no page stands there"


def test_every_refusal_is_the_same(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "an")
    disabled, waiting = add(office, "binh"), add(office, "cuc")
    add(office, "chi", password="x" * 20)
    with writing(office.engine) as connection:
        connection.execute(update(account).where(account.c.id == disabled).values(disabled=True))
        locked = {"locked_until_ms": office.now + 60_000, "failures": 9}
        connection.execute(update(account).where(account.c.id == waiting).values(**locked))
    texts = set()
    for name, password in (
        ("an", "falsch falsch"),
        ("nobody", PASSWORD),
        ("", ""),
        ("binh", PASSWORD),
        ("cuc", PASSWORD),
        ("an", "x" * 10_000),
        ("\x00" * 3, "\ud83d"),
        ("a" * 10_000, PASSWORD),
    ):
        page = browser().login(name, password.encode("utf-8", "replace").decode())
        assert page.status_code == 401
        texts.add(CSRF.sub("", page.text))
    assert len(texts) == 1


def test_one_accent_typed_in_two_ways_is_one_password(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "Lễ Tân", password=unicodedata.normalize("NFC", PASSWORD))
    assert browser().login(unicodedata.normalize("NFD", "Lễ Tân"), unicodedata.normalize("NFD", PASSWORD)).is_redirect


def test_guessing_is_slowed_down_and_no_burst_gets_through(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "an")
    guesser = browser()
    for _ in range(lockout.FREE + 1):
        assert guesser.login("an", "wrong wrong").status_code == 401
    assert guesser.login("an").status_code == 401, "the right one too, while it waits"
    office.now += lockout.FIRST_MS
    assert guesser.login("an").status_code == 303
    for _ in range(lockout.FREE):
        assert browser().login("an", "wrong wrong").status_code == 401
    assert browser().login("an").status_code == 303, "failures begin anew after a success"


def test_the_waits_grow_to_a_limit() -> None:
    waits = [lockout.wait_ms(failures) for failures in range(1, 40)]
    assert waits[:4] == [0] * 4
    assert waits[4:7] == [5_000, 10_000, 20_000]
    assert max(waits) == waits[-1] == lockout.MOST_MS


def test_who_knows_the_password_cannot_guess_the_code(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "ha", HEALTH)
    owner = browser()
    owner.login("ha")
    telephone = enrol(owner)
    owner.send("/account/totp", code=code_at(telephone, office))
    thief, tried = browser(), 0
    for _ in range(30):
        if thief.login("ha").status_code == 303:
            thief.open("/login/code")
            tried += thief.send("/login/code", code="000000").status_code == 401
    assert tried <= lockout.FREE + 1
