"""An office in which everything was done once that there is to do with one person, through the pages where they can.

She is a contact of somebody who fell ill, was in the same room with a case of another office, declared her health,
asked for something, was told, is to be reminded, and is inside now.  `MARKS` are hers alone.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig.ill import EPOCH_MS, ROOM, hear
from rig.office import Office, at, new_office
from rig.pages import KEYRING, Somebody, as_somebody
from rig.papers import HEAD, WAYS, clock_of
from rig.screens import hold, open_screen
from rig.sms_gateway import SmsGateway
from sqlalchemy import BigInteger, update
from starlette.applications import Starlette

from zonetag_backend.doors import Doors
from zonetag_backend.events import Events
from zonetag_backend.notices import settings as notice_settings
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION, SCREEN
from zonetag_backend.store import declarations, mine_codes, schema, secrets
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema import metadata
from zonetag_backend.subjectsettings import SubjectSettings
from zonetag_backend.tracing import abroad
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import CaseSettings
from zonetag_backend.web.paperwork import PaperSettings
from zonetag_backend.web.rights import RIGHTS

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ELSEWHERE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))  # of another office
NAME, CODE = "Hồ Thị Xuyến", "RX77"
MARKS = re.compile("Xuyến|RX77")
ROLES = (ADMIN, HEALTH, RECEPTION, AUDITOR, SCREEN)
FORMS = ("pdf", "xlsx", "csv")
FILES = ("case.xlsx", "contacts.csv", "places.csv", "case.zonetag")
# Streams without end, and what ends a session; the screen's stream is asked through its twin, which says the same.
APART = {"/live", "/screen/{place}/live", "/mine/copy/{form}"}
# Times that stay as they are when an office is moved: lengths, and a clock that was set with the tag's.
LENGTHS = {"span_ms", "slack_ms", "offset_ms", "monotonic_ms"}


@dataclass
class Everything:
    """The office; `xuyen` is she, `ill` who fell ill."""

    office: Office
    app: Starlette
    get: Somebody
    gateway: SmsGateway
    doors: Doors
    folder: Path
    xuyen: int = 0
    tag: int = 0
    ill: int = 0
    erased: list[int] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def again(self) -> None:
        """Everybody signs in anew, as after some days; the health officer has a reason."""
        self.get = as_somebody(self.app, self.office)
        for case in (self.values["case"], self.values["import"]):
            self.get.post(f"/reasons/{case}", reason="truy vết ca bệnh")

    def answers(self, only: Container[str] = RIGHTS) -> Iterator[tuple[str, str, bytes]]:
        """Every page, twin and paper that can be read: path as in the table, address, what it answers the first role.

        What a page says differs by role in its links alone; who may see it at all is tested in tests/web.
        """
        for path, verbs in RIGHTS.items():
            role = next((role for role in ROLES if "GET" in verbs and role in verbs["GET"].roles), None)
            if path in APART or path not in only or role is None:
                continue
            for url in self.addresses(path):
                answer = self.get(url, role=role)
                assert answer.status_code < 500, (url, answer.text[:300])
                yield path, url, answer.content

    def addresses(self, path: str) -> list[str]:
        """Those of a path of the table."""
        values = {**self.values, "case": self.values["import"]} if path.startswith("/imports") else self.values
        if path.endswith("{file}"):
            return [path.format(**{**values, "file": name}) for name in FILES]
        url = path.format(**values)
        days = ("", "?day=2026-11-18") if path.split("/")[1] in ("book", "person", "declarations") else ("",)
        found = [] if path.startswith("/papers/") else [f"{url}{day}" for day in days]
        found += [f"{'/index' if url == '/' else url}.json{day}" for day in days]
        if path.startswith("/papers/"):
            form = "names=yes" if "labels" in path else f"tag={self.values['number']}" if "visitor" in path else "x=y"
            found += [f"{url}?day=2026-11-18&form={each}&{form}" for each in FORMS]
        if path in ("/cases", "/people", "/tags", "/tags/give", "/agreements"):
            found += [f"{url}?q=xuyen", f"{url}?show=left", f"{url}?tag={self.values['number']}"]
        return found

    def mine(self) -> Iterator[tuple[str, bytes]]:
        """Her own page and copies."""
        with writing(self.office.engine) as connection:
            code = mine_codes.issue(connection, self.xuyen, self.office.now)
        form = {"csrf": self.get.csrf(""), "tag": self.values["number"], "code": code}
        entered = self.get("/mine", role="", method="POST", data=form)
        token = entered.cookies["zonetag"]
        for url in ("/mine", "/mine.json", "/mine/copy/json", "/mine/copy/xlsx"):
            answer = self.get(url, role="", headers={"Cookie": f"zonetag={token}"})
            yield url, answer.content

    def close(self) -> None:
        self.gateway.close()
        self.office.engine.dispose()


def make_everything(folder: Path) -> Everything:
    """The office in a folder."""
    office, gateway, doors = new_office(folder), SmsGateway(), Doors()
    (folder / "secret").write_text("a secret of sixteen characters")
    values = {name: str(default) for name, (default, _) in notice_settings.SETTINGS.items()}
    values |= {"notices.webhook_url": gateway.url, "notices.webhook_secret_file": str(folder / "secret")}
    cases = CaseSettings(notices=notice_settings.from_values(values), signing_key=lambda: KEY)
    erased: list[int] = []
    app = make_app(
        office.engine,
        office.clock,
        Events(),
        keyring=KEYRING,
        doors=doors,
        cases=cases,
        paperwork=PaperSettings(HEAD, 21, WAYS, "Văn phòng", "vi", 7),
        subjects=SubjectSettings(note_erased=erased.append),
    )
    made = Everything(office, app, as_somebody(app, office), gateway, doors, folder, erased=erased)
    _people(made)
    _done(made)
    return made


def _people(made: Everything) -> None:
    office = made.office
    made.ill, ill = office.person("Nguyễn Văn Ốm", "Phòng Hành chính", "CB001")
    made.xuyen, made.tag = office.person(NAME, "Phòng Công nghệ", CODE)
    binh, other = office.person("Trần Văn Bình", "Phòng Công nghệ", "CB100")
    for one, another, start, where in (
        (ill, made.tag, at("08:30", 18), ROOM),
        (ill, other, at("10:30", 18), ROOM),
        (made.tag, other, at("10:00", 19), "Cửa chính"),
    ):
        hear(office, one, another, start)
        for tag in (one, another):
            office.presence(tag, where, start, start + 3 * EPOCH_MS)
    for tag in (ill, made.tag, other):
        office.visit(tag, at("07:30", 18), at("16:30", 18))
        office.visit(tag, at("07:30"), at("14:29"))
        if tag != ill:  # whose room they last shared on the 18th
            office.presence(tag, "Cửa chính", at("14:00"), at("14:29"))
        clock_of(office, tag, at("14:29"), battery=0)
    with writing(office.engine) as connection:
        for who in (made.ill, made.xuyen, binh):
            secrets.of_person(connection, KEYRING, who, office.now)
        declarations.switch(connection, "van-phong", True, office.now, "test")
        answers = {n: n == 0 for n in range(len(declarations.questions(connection)))}
        declarations.declare(connection, KEYRING, made.xuyen, "van-phong", "2026-11-20", answers, at("07:31"))
        declarations.declare(connection, KEYRING, made.xuyen, "van-phong", "2026-11-18", answers, at("07:31", 18))
        token = declarations.link_of(connection, "van-phong")
    made.values = {
        "site": "van-phong",
        "person": str(made.xuyen),
        "place": str(office.places["Cửa chính"]),
        "token": token,
        "account": "1",
        "tag": str(made.tag),
        "number": "A-002",
        "name": "zonetag.css",
        "consent": "1",
        "form": "json",
        "screen": open_screen(office),
        "work": "0123456789abcdef",
    }


def _done(made: Everything) -> None:
    """What the office does: a case, its notices, a case of elsewhere, a request; the tag is held to the reader."""
    get, office = made.get, made.office
    case = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "xét nghiệm dương tính"}
    path = get.post("/cases", person=str(made.ill), **case).headers["location"]
    made.values["case"] = path.rpartition("/")[2]
    assert get.post(f"{path}/notices", language="vi").status_code == 303
    eid = bytes(range(8, 16))
    office.rejected("gw-hop", "unknown", 1, at("08:40", 18))
    with writing(office.engine) as connection:
        connection.execute(update(schema.rejected).values(eid=eid))
    sent = ((eid, at("08:38", 18) // 1000),)
    came = abroad.Abroad("Sở Y tế", "covid-19", at("00:00", 17), at("14:00"), sent)
    form = {"csrf": get.csrf(), "key": abroad.public_hex(ELSEWHERE), "reason": "Sở Y tế đề nghị"}
    answer = get("/imports", method="POST", data=form, files={"file": ("case.zonetag", abroad.pack(came, ELSEWHERE))})
    made.values["import"] = answer.headers["location"].rpartition("/")[2]
    get.post("/requests", role=ADMIN, who=CODE, kind="restrict", text="")
    found = re.search(r"/requests/(\d+)", get("/requests", role=ADMIN).text)
    assert found
    made.values["request"] = found[1]
    hold(made.doors, office, made.tag)


def shift(office: Office, by_ms: int) -> None:
    """Move all that an office has in time, as if it were long ago; but the audit log, whose chain would not hold."""
    with writing(office.engine) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in metadata.sorted_tables:
            times = [
                c
                for c in table.c
                if c.name.endswith("_ms") and c.name not in LENGTHS and isinstance(c.type, BigInteger)
            ]
            if times and not table.name.startswith("audit"):
                connection.execute(update(table).values({c.name: c + by_ms for c in times}))
