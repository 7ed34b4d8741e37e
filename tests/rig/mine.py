"""A worker who wears a tag and was heard, a colleague, and the pages on which they see what is held about them."""

import re
from dataclasses import dataclass
from pathlib import Path

import httpx
from rig.office import Office, at, new_office
from rig.pages import KEYRING, Get, as_somebody, ask
from starlette.applications import Starlette

from zonetag_backend.events import Events
from zonetag_backend.store import tags
from zonetag_backend.store.engine import writing
from zonetag_backend.store.registry import add_person
from zonetag_backend.subjectsettings import SubjectSettings
from zonetag_backend.web.app import make_app
from zonetag_backend.web.visitor import Visitor


@dataclass
class Bench:
    """The office, its pages, and two people who were at the door together."""

    office: Office
    app: Starlette
    get: Get
    an: int
    binh: int
    tag: int
    erased: list[int]

    def code(self, number: str = "T-1", role: str = "reception") -> str:
        """A new code from the desk."""
        page = self.get.post("/codes?lang=en", role=role, tag=number)
        assert page.status_code == 200, page.text
        found = re.search(r"[A-Z0-9]{5}-[A-Z0-9]{5}", page.text)
        assert found is not None
        return found[0]

    def enter(self, number: str, code: str, token: str = "x" * 43) -> httpx.Response:
        """Send the form of /mine as a browser that holds a token."""
        form = {"csrf": Visitor("", frozenset(), token=token).csrf, "tag": number, "code": code}
        return ask(self.app, "POST", "/mine?lang=en", data=form, headers={"Cookie": f"zonetag={token}"})

    def session(self, number: str = "T-1") -> str:
        """The token of a worker who has entered."""
        answer = self.enter(number, self.code(number))
        assert answer.status_code == 303, answer.text
        return answer.cookies["zonetag"]

    def mine(self, token: str, path: str = "/mine?lang=en", **fields: str) -> httpx.Response:
        """A page of that worker; with fields a form of theirs."""
        headers = {"Cookie": f"zonetag={token}"}
        if not fields:
            return ask(self.app, "GET", path, headers=headers)
        csrf = Visitor("", frozenset(), token=token).csrf
        return ask(self.app, "POST", path, headers=headers, data={"csrf": csrf, **fields})


def make_bench(folder: Path) -> Bench:
    """An office in a folder; whoever asks disposes of its engine."""
    office = new_office(folder)
    with writing(office.engine) as connection:
        an = add_person(connection, "Nguyễn Thị An", "Phòng Hành chính", "NV001", at("07:00", 1))
        binh = add_person(connection, "Trần Văn Bình", "", "NV002", at("07:00", 1))
        for who, number in ((an, "T-1"), (binh, "T-2")):
            which = tags.add_tag(connection, KEYRING, number, at("07:00", 1)).id
            tags.hand_out(connection, KEYRING, which, who, at("07:00", 2))
            if who == an:
                tag = which
            else:
                other = which
    for which in (tag, other):
        office.visit(which, at("07:30"), at("11:40"))
        office.presence(which, "Cửa chính", at("07:30"), at("07:35"))
    erased: list[int] = []
    app = make_app(
        office.engine, office.clock, Events(), keyring=KEYRING, subjects=SubjectSettings(note_erased=erased.append)
    )
    return Bench(office, app, as_somebody(app, office), an, binh, tag, erased)
