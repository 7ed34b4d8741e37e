"""New firmware for tags in the browser: rubbish is refused by name, a roll-out begins, stops, and begins again."""

import hashlib
import re
from typing import Any

import pytest
from rig.office import Office
from rig.pages import Get, as_somebody
from sqlalchemy import text
from starlette.applications import Starlette

from zonetag_backend.link import archive, records
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH, RECEPTION
from zonetag_backend.store import tag_link
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.pages.firmware import ORDERS, STATES, WRONG
from zonetag_protocol import linkmessage as say

FILES = dict.fromkeys(archive.NEEDED, b"M\x06 and the rest of it")
GOOD = say.pack_archive(FILES)
DAY_MS = 86_400_000
TAGS = 20


def send(get: Get, data: bytes, version: str = "0.4.0", role: str = ADMIN, lang: str = "en") -> Any:
    form = {"csrf": get.csrf(role), "version": version}
    return get(f"/firmware?lang={lang}", role, method="POST", data=form, files={"file": ("tag.zta", data)})


def told(get: Get) -> dict[str, Any]:
    found: dict[str, Any] = get("/firmware.json", ADMIN).json()["firmware"][0]
    return found


def settle(office: Office, states: dict[int, str]) -> None:
    """What became of the orders of these tags."""
    with writing(office.engine) as connection:
        for which, state in states.items():
            order = connection.execute(
                text("SELECT id FROM link_order WHERE tag = :t AND state IN ('waiting', 'trial')"), {"t": which}
            ).scalar_one()
            tag_link.note_settled(connection, [records.Settled(order, state)], office.now)


def reached(office: Office) -> set[int]:
    """Tags that a gateway would be sent to now."""
    with writing(office.engine) as connection:
        return tag_link.with_orders(connection, office.now)


def entries(office: Office) -> list[tuple[str, str, str]]:
    with reading(office.engine) as connection:
        rows = connection.execute(text("SELECT action, about, reason FROM audit WHERE action != 'people.read'")).all()
    return [(row.action, row.about, row.reason) for row in rows]


@pytest.mark.parametrize(
    ("data", "code", "about"),
    [
        (b"", archive.EMPTY, ""),
        (GOOD + bytes(archive.MOST_BYTES), archive.TOO_LARGE, ""),
        (b"PK\x03\x04 a workbook", archive.NOT_ONE, ""),
        (b"\xff" * 40, archive.NOT_ONE, ""),
        (GOOD[:-1], archive.CUT, "zonetag_tag/app.mpy"),
        (GOOD + GOOD[:7], archive.CUT, ""),
        (GOOD + GOOD, archive.TWICE, "zonetag_protocol/link.mpy"),
        (say.pack_archive({**FILES, "os/path.mpy": b"M"}), archive.FOREIGN, "os/path.mpy"),
        (say.pack_archive({**FILES, "zonetag_tag/../main.py": b"M"}), archive.FOREIGN, "zonetag_tag/../main.py"),
        (say.pack_archive({**FILES, "zonetag_tag/x.mpy": b"import os"}), archive.SOURCE, "zonetag_tag/x.mpy"),
        (say.pack_archive({"zonetag_tag/app.mpy": b"M"}), archive.LACKING, "zonetag_protocol/link.mpy"),
    ],
)
def test_rubbish_is_named(data: bytes, code: str, about: str) -> None:
    assert archive.wrong(data) == (code, about)
    assert archive.wrong(GOOD) == ("", ""), "the control"


def test_what_is_sent_is_looked_at_and_kept_once(office: Office, get: Get) -> None:
    assert set(WRONG) == {
        archive.EMPTY, archive.TOO_LARGE, archive.NOT_ONE, archive.CUT, archive.FOREIGN, archive.TWICE, archive.SOURCE,
        archive.LACKING,
    }  # fmt: skip
    bad = send(get, say.pack_archive({**FILES, "zonetag_tag/<b>.mpy": b"#"}))
    assert bad.status_code == 400
    assert "zonetag_tag/&lt;b&gt;.mpy is not compiled" in bad.text
    assert send(get, bytes(2 << 20)).status_code == 413
    assert "given to no tag" not in get("/firmware?lang=en", ADMIN).text
    for version in ("", "1.2", "1.2.256", "1.2.-3", "a.b.c", "1.2.3.4"):
        assert "three numbers" in send(get, GOOD, version).text
    assert "Choose the file" in get.post("/firmware?lang=en", ADMIN, version="1.2.3").text
    assert get("/firmware.json", ADMIN).json()["firmware"] == []
    for _ in range(2):  # a second click
        assert send(get, GOOD, " 0.04.0 ").headers["location"] == "/firmware?done=added"
    assert "given to no tag" in get("/firmware?lang=en&done=added", ADMIN).text
    other = send(get, say.pack_archive({**FILES, "zonetag_tag/x.mpy": b"M"}))
    assert "another firmware of this version" in other.text
    assert [told(get)[name] for name in ("version", "bytes", "sha256", "state")] == [
        "0.4.0",
        len(GOOD),
        hashlib.sha256(GOOD).hexdigest(),
        "not-given",
    ]
    digest = hashlib.sha256(GOOD).hexdigest()
    assert entries(office) == [("firmware.add", "0.4.0", digest)]
    for role in (HEALTH, RECEPTION, AUDITOR):
        assert get("/firmware", role).status_code == 403
        assert send(get, GOOD, "9.9.9", role).status_code == 403
    with reading(office.engine) as connection:
        tables = connection.execute(text("SELECT archive FROM firmware")).scalars().all()
    assert tables == [GOOD]


def test_a_roll_out_begins_is_stopped_by_a_tag_and_begins_again(office: Office, get: Get, app: Starlette) -> None:
    first, *_ = [office.tag() for _ in range(TAGS)]
    with writing(office.engine) as connection:
        tag_link.note_status(connection, first, "gw-cua", _status((0, 3, 1)), office.now)
    send(get, GOOD)
    path = f"/firmware/{told(get)['id']}"
    assert reached(office) == set()
    for _ in range(2):  # a second click changes nothing
        assert get.post(path, ADMIN, act="begin").headers["location"] == "/firmware?done=begin"
        assert told(get)["tags"]["waiting"] == TAGS
    one = reached(office)
    assert len(one) == 1
    (lucky,) = one
    settle(office, {lucky: records.TRIAL})
    assert told(get)["state"] == "running"
    settle(office, {lucky: records.ROLLED_BACK})
    assert reached(office) == set()
    page = get("/firmware?lang=en", ADMIN).text
    assert "stopped by a tag" in page
    assert f'href="/tags/{lucky}"' in page
    assert "Begin again with one tag" in page
    assert get.post(path, ADMIN, act="begin").status_code == 303
    assert told(get)["tags"] == {"done": 0, "trial": 0, "waiting": TAGS, "failed": 0, "rolled-back": 0, "silent": 0}
    (again,) = reached(office)
    settle(office, {again: records.DONE})
    with writing(office.engine) as connection:
        tag_link.note_status(connection, again, "gw-cua", _status((0, 4, 0)), office.now)
    assert told(get)["runs"] == 1
    (second,) = reached(office)  # a tenth of twenty
    settle(office, {second: records.TRIAL})
    office.now += 2 * DAY_MS  # nothing more of it: the roll-out has stopped by itself
    get = as_somebody(app, office)
    assert (told(get)["state"], told(get)["tags"]["silent"]) == ("stopped", 1)
    assert "silent for a day" in get("/firmware?lang=en", ADMIN).text
    get.post(path, ADMIN, act="begin")
    assert told(get)["tags"]["done"] == 1, "who has kept it keeps it"
    assert told(get)["tags"]["waiting"] == TAGS - 1
    get.post(path, ADMIN, act="stop")
    assert told(get)["state"] == "finished"
    assert reached(office) == set()
    assert "Give it to 19 more tags" in get("/firmware?lang=en", ADMIN).text
    runs = get("/firmware.json", ADMIN).json()["runs"]
    assert sum(each["tags"] for each in runs) == TAGS
    assert runs[-1]["version"] is None
    orders = [(about, why) for action, about, why in entries(office) if action == "tag.order"]
    assert orders == [("all", "update 0.4.0")] * 3 + [("all", "stop 0.4.0")]
    audit = get("/audit?lang=vi&action=tag.order", AUDITOR).text
    assert "mọi thẻ" in audit
    assert "ngừng triển khai 0.4.0" in audit
    assert get.post(path, ADMIN, act="burn").status_code == 400
    assert get.post("/firmware/77", ADMIN, act="begin").status_code == 404
    assert get.post(path, HEALTH, act="begin").status_code == 403


def test_every_state_has_words_in_both_languages(office: Office, get: Get) -> None:
    assert set(ORDERS) == {"done", "trial", "waiting", "failed", "rolled-back", "silent"}
    assert set(STATES) == {"not-given", "running", "stopped", "finished"}
    empty = get("/firmware?lang=vi", ADMIN).text
    assert "zonetag tag firmware pack" in empty
    assert re.search(r"Máy chủ chưa có phần mềm", empty)


def _status(version: tuple[int, int, int]) -> say.Status:
    return say.Status(
        t=9000, uptime_s=9, battery=90, version=version, flags=0, log=bytes(8), first=1, next=1, utc_s=0,
        settings=bytes(4), update=0, faults=(0,),
    )  # fmt: skip
