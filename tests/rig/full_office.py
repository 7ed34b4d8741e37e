"""An office as it is after three weeks: 200 people and a class, visitors, a case with F1 and F2, declarations.

For papers and pages that are looked at.  Times are of November 2026 in the office, as in `rig.office`; everything comes
from one seed.
"""

import json
import random
from pathlib import Path
from typing import Any

from rig.ill import meet
from rig.office import Office, at, new_office
from rig.pages import KEYRING, as_somebody
from sqlalchemy import Table, insert

from zonetag_backend.events import Events
from zonetag_backend.roles import ADMIN
from zonetag_backend.store import declarations, registry, rows, schema, tag_list, tags, visitors
from zonetag_backend.store.engine import writing
from zonetag_backend.web.app import make_app

DAY_MS, MINUTE_MS = 86_400_000, 60_000
FIRST_DAY, TODAY = 1, 20
UNITS = (
    ("Văn phòng Sở", 18), ("Thanh tra Sở", 12), ("Phòng Kế hoạch - Tài chính", 22), ("Phòng Công nghệ thông tin", 26),
    ("Phòng Bưu chính - Viễn thông", 24), ("Phòng Thông tin - Báo chí - Xuất bản", 28),
    ("Trung tâm Công nghệ thông tin và Truyền thông", 34), ("Trung tâm Giám sát, điều hành đô thị thông minh", 20),
    ("Bộ phận Một cửa", 16),
)  # fmt: skip
CLASS = ("Lớp 6A1", 36)
FAMILIES = "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đoàn Trương Đinh Tạ"
MIDDLES = "Thị Văn Đức Minh Ngọc Thanh Hữu Thị_Thu Quốc Thị_Hồng Xuân Thế Kim Thị_Mỹ Công Như Hoài Bảo"
GIVEN = (
    "An Ánh Ân Bằng Bích Bình Chi Cường Dung Dũng Dương Đạt Điệp Đông Đức Giang Hà Hải Hạnh Hằng Hiếu Hòa Hồng Huệ"
    " Hùng Hương Hường Khánh Khoa Kiên Lan Linh Loan Long Lộc Mai Mẫn Minh My Nam Nga Ngân Nghĩa Ngọc Nguyệt Nhung Oanh"
    " Phong Phúc Phương Phượng Quang Quân Quỳnh Sơn Tâm Thảo Thắng Thịnh Thơ Thu Thủy Thương Tiến Trang Trí Tuấn Tú"
    " Uyên Vân Việt Vinh Vũ Xuân Yến Ưỡng Sẵn Thẩm"
)
ROOMS = ("Tầng 2", "Tầng 3", "Phòng họp lớn", "Nhà ăn")
HARD = (
    "Công Tằng Tôn Nữ Thị Hồng Ngọc Phương Thảo Nguyên Trần Lê Hoàng Mỹ Duyên Kim Khánh Linh Đan Thanh An",
    "<script>alert(1)</script>",
    "Nguyễn \u202eVăn\u202c Đảo",
)


def people(rng: random.Random, hard: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """(name, unit, code) of the staff and the class; some names are there twice, and some hard to print."""
    families, middles, given = FAMILIES.split(), MIDDLES.split(), GIVEN.split()
    found: list[tuple[str, str, str]] = []
    for unit, many in (*UNITS, CLASS):
        for _ in range(many):
            middle = rng.choice(middles).replace("_", " ")
            name = f"{rng.choice(families)} {middle} {rng.choice(given)}"
            found.append((name, unit, f"{'HS' if unit == CLASS[0] else 'CB'}{len(found) + 1:03}"))
    for place, name in zip((40, 90, 140), hard, strict=False):
        found[place] = (name, *found[place][1:])
    return found


def full_office(folder: Path, seed: int = 7, hard: tuple[str, ...] = HARD) -> Office:
    """The database of such an office; what is odd in it is meant."""
    rng = random.Random(seed)
    office = new_office(folder)
    for room in ROOMS:
        office.place(room)
    with writing(office.engine) as connection:
        registry.add_gateway(connection, "gw-tang-2", "van-phong", "Tầng 2", at("07:00", 1))
    worn = _registered(office, rng, hard)
    _came(office, rng, worn)
    _ill(office, worn)
    _visitors(office)
    _gateways(office)
    return office


def _registered(office: Office, rng: random.Random, hard: tuple[str, ...]) -> list[int]:
    """People, and a tag for nine in ten of them, its number being its id; the tags."""
    worn = []
    with writing(office.engine) as connection:
        into: dict[Table, list[dict[str, Any]]] = {}
        for number, (name, unit, code) in enumerate(people(rng, hard), 1):
            person = {"id": number, "name": name, "unit": unit, "code": code, "added_ms": at("07:00", FIRST_DAY)}
            into.setdefault(schema.person, []).append(person)
            if rng.random() < 0.1:
                continue
            worn.append(number)
            lost = "lost" if number % 97 == 0 else "active"
            tag = {"id": number, "number": f"A-{number:03}", "kind": "zonetag", "sealed_key": b"sealed"}
            into.setdefault(schema.tag, []).append({**tag, "state": lost, "added_ms": at("07:00", FIRST_DAY)})
            into.setdefault(schema.wearing, []).append(
                {"tag": number, "person": number, "since_ms": at("07:00", FIRST_DAY), "until_ms": None}
            )
            clock = {"tag": number, "offset_ms": 0, "slack_ms": 0, "offset_at_ms": 0, "confirmed": True, "slot": 0}
            heard = at("14:00", 9) if number % 23 == 0 else office.now - rng.randrange(20) * MINUTE_MS
            into.setdefault(schema.tag_clock, []).append(
                {**clock, "status": 0 if number % 31 == 0 else rng.randrange(2, 8), "heard_ms": heard}
            )
        for table, values in into.items():
            connection.execute(insert(table), values)
        for spare in (*(f"K-{n:02}" for n in range(1, 7)), "T-901", "T-902"):
            which = tags.add_tag(connection, KEYRING, spare, at("07:00", FIRST_DAY)).id
            tag_list.keep_for_visitors(connection, which, spare.startswith("K"))
        registry.changed(connection)
    office.tags = 10_000  # further ones are made by their numbers
    return worn


def _came(office: Office, rng: random.Random, worn: list[int]) -> None:
    """Working days from the first to today; today most are still inside."""
    with writing(office.engine) as connection:
        for day in range(FIRST_DAY, TODAY + 1):
            if (day - 1) % 7 in (0, 6):  # 1 November 2026 is a Sunday
                continue
            visits, presences = [], []
            for tag in worn:
                if tag % 97 == 0 or rng.random() < 0.08 or (tag % 23 == 0 and day > 9):
                    continue
                came = at("07:10", day) + rng.randrange(55) * MINUTE_MS
                out = at("16:45", day) + rng.randrange(50) * MINUTE_MS
                last = min(out, office.now - rng.randrange(4) * MINUTE_MS)
                if day == TODAY and rng.random() < 0.2:
                    last = at("11:20", day) + rng.randrange(60) * MINUTE_MS
                visits.append(("van-phong", came, tag, last, None))
                room = office.places[rng.choice(ROOMS)]
                presences.append((office.places["Cửa chính"], came, tag, came + 2 * MINUTE_MS))
                presences.append((room, came + 3 * MINUTE_MS, tag, came + 58 * MINUTE_MS))
                presences.append((room, last - 50 * MINUTE_MS, tag, last))
            rows.insert(connection, schema.visit, visits)
            rows.insert(connection, schema.presence, presences)


def _ill(office: Office, worn: list[int]) -> None:
    """The first of them fell ill: 12 contacts on the 18th, 30 of theirs on the 19th."""
    ill, first, second = worn[3], worn[4:16], worn[16:46]
    for other in first:
        meet(office, ill, other, at("08:30", 18))
    for number, other in enumerate(second):
        meet(office, first[number % 12], other, at("10:00", 19) + number % 12 * MINUTE_MS, where="Phòng họp lớn")


def _visitors(office: Office) -> None:
    """Five today, two of them back."""
    came = (
        ("Lê Thị Bưởi", "Phòng Công nghệ thông tin", "0905 123 456", "08:05"),
        ("Nguyễn Hữu Đệ", "Bộ phận Một cửa", "", "08:40"),
        ("Ông Ưng Hoàng Phúc", "Giám đốc Sở", "0912 000 111", "09:15"),
        ("Trần Thị Mẫn", "Thanh tra Sở", "", "13:45"),
        ("Cao Bá Quát", "", "", "14:10"),
    )
    with writing(office.engine) as connection:
        for number, (name, host, phone, clock) in enumerate(came, 1):
            who = visitors.lend(connection, KEYRING, (name, host, phone), f"K-{number:02}", at(clock))
            if number < 3:
                visitors.take_back(connection, KEYRING, who, at("10:30"))
        declarations.switch(connection, "van-phong", True, at("07:00"), "system")
        for person in range(1, 40):
            if person % 4:
                answers = dict.fromkeys(range(5), False) | {1: person % 13 == 0}
                declarations.declare(connection, KEYRING, person, "van-phong", "2026-11-20", answers, at("07:40"))


def _gateways(office: Office) -> None:
    """Two that work and count phones, one that is away."""
    health = {"tallies": {"phones.bluezone": 40 * office.now}}  # reports are numbered by their time
    for name, online in (("gw-cua", True), ("gw-hop", True), ("gw-tang-2", False)):
        office.gateway_status(name, online, json.dumps(health))
        office.report(name, office.now - 20_000)
    office.rejected("gw-cua", "unknown", 7, at("14:00"))


def open_the_case(office: Office) -> str:
    """Enter it as the health officer does; its address."""
    get = as_somebody(make_app(office.engine, office.clock, Events(), keyring=KEYRING), office)
    about = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "Xét nghiệm dương tính"}
    with writing(office.engine) as connection:
        ill = registry.find_person(connection, "CB004")
    for text in ("Xin sửa lại tên đơn vị", "Đề nghị cung cấp bản sao"):
        get.post("/requests", ADMIN, who="CB010", kind="correct", text=text)
    return get.post("/cases", person=str(ill), **about).headers["location"]
