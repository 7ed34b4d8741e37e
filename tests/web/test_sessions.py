"""Sessions, forms from elsewhere, one-time links and accounts: what holds once somebody is in, and how it ends."""

import re
import threading
from collections.abc import Callable

import pytest
from rig.browsing import CSRF, PASSWORD, Browser, add, code_at, enrol
from rig.office import Office
from rig.pages import KEYRING, ask
from sqlalchemy import update
from starlette.applications import Starlette

from zonetag_backend import lockout
from zonetag_backend.roles import ABSOLUTE_MS, HEALTH, HOUR_MS, IDLE_MS
from zonetag_backend.store import accounts, links, tag_list, tags
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema.accounts import account, account_session


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


def test_what_was_typed_when_the_session_was_over_is_there_for_the_same_account_alone(
    office: Office, browser: Callable[[], Browser]
) -> None:
    lending = {"name": "Trần <b>Khách</b>", "host": "", "phone": "", "tag": "K-01"}
    with writing(office.engine) as connection:
        spare = tags.add_tag(connection, KEYRING, "K-01", office.now).id
        tag_list.keep_for_visitors(connection, spare, True)
    desk, other = browser(), browser()
    for each, name in ((desk, "an"), (other, "binh")):
        add(office, name)
        each.login(name)
    desk.open("/visitors")
    office.now += ABSOLUTE_MS
    assert desk.send("/visitors", **lending).status_code == 401
    assert "giữ một giờ" in desk.page.text
    assert "Khách" not in desk.page.text
    assert desk.open("/typed").headers["location"].startswith("/login")
    assert other.login("binh").headers["location"] == "/", "another account has nothing of it"
    assert other.open("/typed").headers["location"] == "/"
    assert desk.login("an").headers["location"] == "/typed"
    assert "K-01" not in str(other.open("/visitors.json").json()["visitors"]), "signing in does nothing with it"
    kept = desk.open("/typed.json").json()
    assert kept == {"to": "/visitors", "fields": [list(each) for each in lending.items()]}
    assert "Trần &lt;b&gt;Khách&lt;/b&gt;" in desk.open("/typed").text
    assert 'action="/visitors"' in desk.page.text
    assert desk.send(kept["to"], **dict(kept["fields"])).is_redirect
    assert "Trần" in str(other.open("/visitors.json").json()["visitors"])
    assert desk.open("/typed").headers["location"] == "/", "it was sent"


def test_what_was_typed_is_kept_an_hour_and_from_our_own_forms_alone(
    office: Office, browser: Callable[[], Browser]
) -> None:
    add(office, "an")
    desk = browser()

    def told(path: str = "/visitors", csrf: str = "", headers: dict[str, str] | None = None, **fields: str) -> bool:
        """Whether a form that comes too late is kept."""
        desk.login("an")
        token = CSRF.search(desk.open("/account").text)
        assert token
        office.now += ABSOLUTE_MS
        cookie = {"Cookie": f"zonetag={desk.cookies['zonetag']}"}
        desk.ask("POST", path, data={"csrf": csrf or token[1], **fields}, headers=cookie | (headers or {}))
        assert desk.page.status_code == 401
        return "giữ một giờ" in desk.page.text

    assert told(name="An")
    assert not told(name="An", csrf="0" * 32)
    assert not told(name="An", headers={"Origin": "https://evil.example"})
    assert not told(name="x" * 70_000)
    assert not told("/account/password", password=PASSWORD)
    assert told(name="An")
    office.now += HOUR_MS
    assert desk.login("an").headers["location"] == "/"
    assert told(name="An")
    assert desk.login("an").headers["location"] == "/typed"
    desk.open("/typed")
    assert desk.send("/typed").headers["location"] == "/"
    assert desk.open("/typed").headers["location"] == "/", "thrown away"
    token = CSRF.search(desk.open("/visitors").text)
    assert token
    cookie = {"Cookie": f"zonetag={desk.cookies['zonetag']}"}
    desk.send("/logout")
    assert (
        "giữ một giờ" not in desk.ask("POST", "/visitors", data={"csrf": token[1], "name": "An"}, headers=cookie).text
    )


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
    assert 'name="name" value="sếp"' in desk.send(link, name="sếp", new="kurz", again="kurz").text
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
