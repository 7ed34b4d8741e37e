"""The page of one tag: what the link brought, and what it is to be told, by those who may."""

import re
from pathlib import Path

import pytest
from rig.office import Office
from rig.pages import Get

from zonetag_backend.link import records
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.store import restrictions, tag_link
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.pages.tag import FAULTS, KINDS, ORDER_STATES, SETTINGS
from zonetag_protocol import linkmessage as say

STATUS = say.Status(
    t=9000, uptime_s=2 * 86_400, battery=90, version=(0, 3, 1), flags=say.ROLLED_BACK, log=bytes(8), first=1, next=41,
    utc_s=0, settings=bytes(4), update=0, faults=(3, 0, 0, 7),
)  # fmt: skip


def talked(office: Office, which: int) -> None:
    with writing(office.engine) as connection:
        tag_link.note_status(connection, which, "gw-cua", STATUS, office.now - 3_600_000)
        tag_link.note_records(connection, which, 38, 5, 0)


def orders(office: Office, which: int) -> list[tuple[str, bytes]]:
    with reading(office.engine) as connection:
        return [(each.kind, each.body) for each in tag_link.open_orders(connection, which, office.now)]


def told(get: Get, which: int, lang: str = "en") -> dict[str, str]:
    page = get(f"/tags/{which}?lang={lang}", ADMIN).text
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    return {what: re.sub(r"<[^>]*>", "", value).replace("&nbsp;", " ") for what, value in pairs}


def test_what_the_link_brought(office: Office, get: Get) -> None:
    _, which = office.person("Lê An")
    assert told(get, which) == {}
    talked(office, which)
    said = told(get, which)
    assert said["Battery"] == "9 %"
    assert said["Firmware"] == "0.3.1 · went back to this one"
    assert said["Records still on it"] == "2"
    assert said["Records it had to drop"] == "5"
    assert said["Faults since it was made"] == "power lost 3, program broke off 7"
    assert said["Its log fetched"] == "never whole so far"
    assert "Through the gateway" not in said, "where it talked is where its wearer was"
    assert "mất nguồn 3" in told(get, which, "vi")["Lỗi từ khi tạo thẻ"]
    spare = office.tag()
    talked(office, spare)
    assert told(get, spare)["Through the gateway"] == "gw-cua"


def test_it_says_nothing_of_the_restricted(office: Office, get: Get) -> None:
    who, which = office.person("Lê An")
    talked(office, which)
    with writing(office.engine) as connection:
        tag_link.order_find(connection, which, 5, office.now)
        restrictions.restrict(connection, who, office.now)
    assert told(get, which) == {}
    twin = get(f"/tags/{which}.json", ADMIN).json()
    assert (twin["link"], twin["orders"]) == (None, [])


def test_a_tag_is_told_to_blink(office: Office, get: Get) -> None:
    which = office.tag("T-0007")
    done = get.post(f"/tags/{which}/orders", ADMIN, act="find", seconds="90")
    assert done.headers["location"] == f"/tags/{which}?done=find"
    assert orders(office, which) == [(records.FIND, say.pack_find_me(90))]
    page = get(done.headers["location"], ADMIN).text
    assert 'class="done"' in page
    entries = get("/audit.json", AUDITOR).json()["entries"]
    assert [(e["about"], e["reason"]) for e in entries if e["action"] == "tag.order"] == [("T-0007", "find")]


@pytest.mark.parametrize("role", [HEALTH, RECEPTION, AUDITOR, ""])
def test_only_the_it_officer_orders(office: Office, get: Get, role: str) -> None:
    which = office.tag()
    assert get.post(f"/tags/{which}/orders", role, act="find", seconds="90").status_code in (303, 401, 403)
    assert get(f"/tags/{which}", role).status_code in (303, 401, 403)
    assert orders(office, which) == []


def test_settings_are_ordered_as_at_the_command_line(office: Office, get: Get) -> None:
    which = office.tag()
    path = f"/tags/{which}/orders"
    bad: tuple[dict[str, str], ...] = (
        {},
        {"look_every": "33"},
        {"connectable": "0"},
        {"look_ms": "20"},
        {"weakest": "x"},
        {"look_every": "-1"},
    )
    for wrong in bad:
        assert get.post(path, ADMIN, act="settings", **wrong).status_code == 400, wrong
    assert orders(office, which) == []
    assert get.post(path, ADMIN, act="settings", look_every="4", weakest="90", look_ms="").status_code == 303
    assert orders(office, which) == [(records.SETTINGS, say.pack_settings({say.LOOK_EVERY: 4, say.WEAKEST: 90}))]
    assert {setting for setting, *_ in SETTINGS.values()} == set(say.SETTING_RANGES)


def test_firmware_is_ordered_and_what_became_of_it_is_shown(office: Office, get: Get) -> None:
    which = office.tag()
    path = f"/tags/{which}/orders"
    assert get.post(path, ADMIN, act="update", firmware="5").status_code == 400
    with writing(office.engine) as connection:
        image = tag_link.add_firmware(connection, "0.4.0", bytes(32), b"archive", office.now)
    assert get.post(path, ADMIN, act="update", firmware=str(image)).status_code == 303
    with writing(office.engine) as connection:
        order = tag_link.open_orders(connection, which, office.now)[0]
        tag_link.note_settled(connection, [records.Settled(order.id, records.ROLLED_BACK, None)], office.now)
    page = get(f"/tags/{which}?lang=en", ADMIN).text
    assert "rolled back: the tag runs what it ran before" in page
    assert get(f"/tags/{which}.json", ADMIN).json()["orders"][0]["version"] == "0.4.0"


def test_who_cannot_be_told_anything_is_not(office: Office, get: Get) -> None:
    which = office.tag()
    assert get.post(f"/tags/{which}", ADMIN, act="retire").status_code in (303, 400)
    with writing(office.engine) as connection:
        connection.exec_driver_sql("UPDATE tag SET kind = 'eddystone-eid'")
    assert get.post(f"/tags/{which}/orders", ADMIN, act="find", seconds="9").status_code == 400
    assert get.post(f"/tags/{which}/orders", ADMIN, act="explode").status_code == 400
    assert get.post("/tags/99/orders", ADMIN, act="find", seconds="9").status_code == 404
    assert get("/tags/99", ADMIN).status_code == 404
    assert f'action="/tags/{which}/orders"' not in get(f"/tags/{which}", ADMIN).text


def test_every_code_has_words(root: Path) -> None:
    names = {value for name, value in vars(records).items() if name.isupper() and isinstance(value, str)}
    assert names == set(KINDS) | set(ORDER_STATES)
    spec = (root / "protocol/SPEC.md").read_text(encoding="utf-8")
    counters = re.search(r"counters, as many as there are: (.*?) \|", spec)
    assert counters
    assert len(counters[1].split(", ")) == len(FAULTS)
