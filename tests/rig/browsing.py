"""Somebody at the pages who signs in as people do: forms, cookies, a telephone with codes."""

import re
from typing import Any

import httpx
import pyotp
from rig.office import Office
from rig.pages import ask
from starlette.applications import Starlette

from zonetag_backend import passwords
from zonetag_backend.roles import RECEPTION
from zonetag_backend.store import accounts
from zonetag_backend.store.engine import writing

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
