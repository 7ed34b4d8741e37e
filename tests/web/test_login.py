"""The way in: password, second factor, lock-out, sessions; and everything that must not be one."""

import re
import threading
import unicodedata
from collections.abc import Callable
from typing import Any

import httpx
import pyotp
import pytest
from rig.office import Office
from rig.pages import KEYRING, ask
from sqlalchemy import select, update
from starlette.applications import Starlette

from zonetag_backend import lockout, passwords
from zonetag_backend.events import Events
from zonetag_backend.roles import ABSOLUTE_MS, HEALTH, IDLE_MS, RECEPTION
from zonetag_backend.store import accounts, audit_log, links
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.accounts import account, account_session
from zonetag_backend.web.app import make_app

PASSWORD = "một câu dài dễ nhớ"
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{32})"')


class Browser:
    """Keeps cookies, follows forms; nothing else."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}
        self.page: httpx.Response

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= options.pop("headers", {})
        self.page = ask(self._app, method, path, headers=headers, **options)
        for name, value in self.page.cookies.items():
            self.cookies[name] = value
        if 'zonetag=""' in self.page.headers.get("set-cookie", ""):
            self.cookies.pop("zonetag", None)
        return self.page

    def open(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def send(self, path: str, **fields: str) -> httpx.Response:
        """A form of the page that is open; its token is taken from there."""
        found = CSRF.search(self.page.text)
        return self.ask("POST", path, data={"csrf": found[1] if found else "", **fields})

    def login(self, name: str, password: str = PASSWORD) -> httpx.Response:
        self.open("/login")
        return self.send("/login", name=name, password=password)


@pytest.fixture
def app(office: Office, events: Events) -> Starlette:
    return make_app(office.engine, office.clock, events, keyring=KEYRING)


@pytest.fixture
def browser(app: Starlette) -> Callable[[], Browser]:
    return lambda: Browser(app)


def add(office: Office, name: str, role: str = RECEPTION, password: str = PASSWORD) -> int:
    with writing(office.engine) as connection:
        new = accounts.add(connection, name, role, office.now, "system")
        who = accounts.with_id(connection, new)
        accounts.set_password(connection, who, passwords.hashed(password), office.now, "system")
    return new


def enrol(browser: Browser) -> pyotp.TOTP:
    """Open the page that sets the second factor up, and scan it: the telephone."""
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', browser.open("/account/totp").text)
    assert secret
    return pyotp.TOTP(secret[1].replace(" ", ""))


def code_at(telephone: pyotp.TOTP, office: Office) -> str:
    return telephone.at(office.now // 1000)


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


def test_a_session_known_before_is_worth_nothing_after(office: Office, browser: Callable[[], Browser]) -> None:
    """Fixation: whoever planted a cookie gains nothing when its victim signs in."""
    add(office, "an")
    planted = browser()
    planted.open("/login")
    victim = browser()
    victim.cookies = dict(planted.cookies)
    assert victim.login("an").is_redirect
    assert victim.cookies != planted.cookies
    assert planted.open("/book/van-phong").status_code == 303


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "an")
    owner, thief = browser(), browser()
    owner.login("an")
    owner.open("/account")
    thief.cookies = dict(owner.cookies)
    assert thief.open("/account").status_code == 200  # the control: until then it is
    owner.send("/logout")
    assert thief.open("/account").headers["location"].startswith("/login")


def test_a_new_password_ends_every_other_session(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "an")
    one, other = browser(), browser()
    one.login("an")
    other.login("an")
    one.open("/account")
    changed = one.send("/account/password", password=PASSWORD, new="another long one", again="another long one")
    assert changed.headers["location"] == "/account?done=password"
    assert "Đã đổi mật khẩu" in one.open("/account?done=password").text
    assert other.open("/account").status_code == 303
    assert browser().login("an").status_code == 401
    assert browser().login("an", "another long one").status_code == 303


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [
        ("short", "short", "quá ngắn"),
        ("long enough one", "long enough two", "không giống nhau"),
        ("x" * 10_000, "x" * 10_000, "quá dài"),
        ("password123", "password123", "dễ đoán"),
        ("aaaaaaaaaaaa", "aaaaaaaaaaaa", "dễ đoán"),
        ("nguoi quan tri1", "nguoi quan tri1", "tên đăng nhập"),
    ],
)
def test_passwords_that_cannot_be(
    office: Office, browser: Callable[[], Browser], new: str, again: str, said: str
) -> None:
    add(office, "nguoi quan tri")
    desk = browser()
    desk.login("nguoi quan tri")
    desk.open("/account")
    refused = desk.send("/account/password", password=PASSWORD, new=new, again=again)
    assert refused.status_code == 400
    assert said in refused.text


def test_a_session_ends_by_rest_by_age_and_by_a_clock_that_goes_back(
    office: Office, browser: Callable[[], Browser]
) -> None:
    add(office, "ha", HEALTH)
    desk = browser()
    desk.login("ha")
    telephone = enrol(desk)
    desk.send("/account/totp", code=code_at(telephone, office))
    start = office.now
    for _ in range(3):
        office.now += IDLE_MS[HEALTH] - 1000
        assert desk.open("/gateways").status_code == 200
    office.now += IDLE_MS[HEALTH] - 1000
    desk.ask("GET", "/gateways", headers={"X-Have": "0", "Cookie": f"zonetag={desk.cookies['zonetag']}"})
    assert desk.page.status_code == 200
    office.now += 2000  # what the page asked by itself kept nothing awake
    assert desk.open("/gateways").status_code == 303
    with writing(office.engine) as connection:
        connection.execute(update(account_session).values(used_ms=office.now))
    assert desk.open("/gateways").status_code == 200
    office.now = start + ABSOLUTE_MS
    with writing(office.engine) as connection:
        connection.execute(update(account_session).values(used_ms=office.now))
    assert desk.open("/gateways").status_code == 303
    office.now = start - 3_600_000
    assert desk.open("/gateways").status_code == 303


def test_a_lock_from_before_the_clock_went_back_holds_nobody_for_ever(
    office: Office, browser: Callable[[], Browser]
) -> None:
    new = add(office, "an")
    with writing(office.engine) as connection:
        later = office.now + 365 * 86_400_000
        connection.execute(update(account).where(account.c.id == new).values(locked_until_ms=later))
    assert browser().login("an").status_code == 303


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:9999"},
]
OURS = [
    {},
    {"Origin": "http://127.0.0.1:8765"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_from_elsewhere_changes_nothing(
    office: Office, browser: Callable[[], Browser], headers: dict[str, str]
) -> None:
    add(office, "an")
    desk = browser()
    desk.open("/login")
    token = CSRF.search(desk.page.text)
    assert token
    fields = {"csrf": token[1], "name": "an", "password": PASSWORD}
    cookie = {"Cookie": f"zonetag={desk.cookies['zonetag']}"}
    assert desk.ask("POST", "/login", data=fields, headers=headers | cookie).status_code == 403


@pytest.mark.parametrize("headers", OURS)
def test_our_own_form_does(office: Office, browser: Callable[[], Browser], headers: dict[str, str]) -> None:
    add(office, "an")
    desk = browser()
    desk.open("/login")
    token = CSRF.search(desk.page.text)
    assert token
    cookie = {"Cookie": f"zonetag={desk.cookies['zonetag']}"}
    for wrong in ("", "0" * 32, token[1][:-1], "ư" * 32):
        fields = {"csrf": wrong, "name": "an", "password": PASSWORD}
        assert desk.ask("POST", "/login", data=fields, headers=headers | cookie).status_code == 403
    fields = {"csrf": token[1], "name": "an", "password": PASSWORD}
    assert desk.ask("POST", "/login", data=fields, headers=headers | cookie).status_code == 303


def test_bodies_have_a_limit_and_rubbish_is_refused(browser: Callable[[], Browser]) -> None:
    desk = browser()
    desk.open("/login")
    assert desk.send("/login", name="x" * 100_000).status_code == 413
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Cookie": f"zonetag={desk.cookies['zonetag']}"}
    assert desk.ask("POST", "/login", content=b"--x\r\nrubbish", headers=kind).status_code in (400, 403)


@pytest.mark.parametrize(
    ("asked", "then"),
    [
        ("/book/van-phong?day=2026-11-20", "/book/van-phong?day=2026-11-20"),
        ("//evil.example", "/"),
        ("https://evil.example/book", "/"),
        ("/\\evil.example", "/"),
        ("/nowhere", "/"),
        ("/logout", "/logout"),
        ("javascript:alert(1)", "/"),
        ("/book/" + "x" * 600, "/"),
    ],
)
def test_signing_in_leads_to_our_own_pages_alone(
    office: Office, browser: Callable[[], Browser], asked: str, then: str
) -> None:
    add(office, "an")
    desk = browser()
    desk.open("/login")
    assert desk.send("/login", name="an", password=PASSWORD, next=asked).headers["location"] == then


def test_with_tls_the_cookie_is_bound_to_the_host(office: Office, app: Starlette) -> None:
    secure = ask(app, "GET", "/login", base="https://127.0.0.1:8765").headers["set-cookie"]
    assert secure.startswith("__Host-zonetag=")
    assert "Secure" in secure
    assert "Path=/" in secure
    assert "omain" not in secure


def test_a_one_time_link_opens_once_and_in_time(office: Office, browser: Callable[[], Browser]) -> None:
    def made() -> str:
        with writing(office.engine) as connection:
            return "/start/" + links.make(connection, None, "admin", office.now, links.FIRST_MS, "system")

    old, link = made(), made()
    desk = browser()
    assert desk.open(old).status_code == 404, "another one was made since"
    assert desk.open(link).status_code == 200
    assert desk.send(link, name="", new=PASSWORD, again=PASSWORD).status_code == 400
    assert desk.send(link, name="sếp", new=PASSWORD, again=PASSWORD).headers["location"] == "/account/totp"
    assert browser().open(link).status_code == 404
    late = made()
    office.now += links.FIRST_MS
    assert browser().open(late).status_code == 404
    assert browser().open("/start/" + "x" * 5000).status_code == 404


def test_the_administrator_makes_and_ends_accounts(office: Office, browser: Callable[[], Browser]) -> None:
    add(office, "sếp", "admin")
    boss = browser()
    boss.login("sếp")
    telephone = enrol(boss)
    boss.send("/account/totp", code=code_at(telephone, office))
    boss.open("/accounts")
    shown = boss.send("/accounts", name="Nguyễn An", role="reception").text
    link = re.search(r"http://127.0.0.1:8765(/start/[\w-]{43})", shown)
    assert link
    boss.open("/accounts")
    assert boss.send("/accounts", name="nguyễn an", role="reception").status_code == 400
    assert boss.send("/accounts", name="x", role="king").status_code == 400
    desk = browser()
    desk.open(link[1])
    assert desk.send(link[1], new=PASSWORD, again=PASSWORD).headers["location"] == "/"
    assert desk.open("/book/van-phong").status_code == 200
    boss.open("/accounts")
    listed = {each["name"]: each for each in boss.open("/accounts.json").json()["accounts"]}
    assert listed["Nguyễn An"]["password"]
    boss.open("/accounts")
    assert boss.send(f"/accounts/{listed['Nguyễn An']['account']}", act="disable").is_redirect
    assert desk.open("/book/van-phong").status_code == 303
    boss.open("/accounts")
    assert boss.send(f"/accounts/{listed['sếp']['account']}", act="disable").status_code == 400, "the last one"
    assert boss.send("/accounts/5", act="disable").status_code == 404


def test_a_burst_of_guesses_at_once_counts_as_many(office: Office) -> None:
    """Each try is counted before it is judged, so those that overtake each other are counted too."""
    add(office, "an")
    claimed: list[bool] = []

    def guess() -> None:
        with writing(office.engine) as connection:
            claimed.append(accounts.claim(connection, "an", office.now) is not None)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(claimed) == lockout.FREE + 1
