"""Visitors' tags at the desk, and the plan of a site."""

from pathlib import Path
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import KEYRING, Get
from rig.pictures import jpeg, png
from sqlalchemy import select, text

from zonetag_backend import pictures
from zonetag_backend.errors import BadValue
from zonetag_backend.store import retention, schema, tag_list, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.alarms import ALARMS

DAY_MS = 86_400_000


@pytest.fixture
def desk(office: Office) -> Office:
    """An office with two tags for visitors, and one that is not."""
    with writing(office.engine) as connection:
        for number in ("K-01", "K-02", "A-01"):
            which = tags.add_tag(connection, KEYRING, number, office.now).id
            if number.startswith("K"):
                tag_list.keep_for_visitors(connection, which, True)
    return office


def twin(get: Get) -> dict[str, Any]:
    found: dict[str, Any] = get("/visitors.json", role="reception").json()
    return found


def lend(get: Get, **fields: str) -> int:
    return get.post("/visitors", role="reception", **{"name": "Trần Khách", "tag": "k-01", **fields}).status_code


def test_lent_and_returned(desk: Office, get: Get) -> None:
    assert twin(get)["free"] == ["K-01", "K-02"]
    assert lend(get, host="Lê An, phòng 2", phone="0900 000 000") == 303
    said = get("/visitors?done=lent&lang=vi", role="reception").text
    assert "Đã cho mượn" in said
    assert "/papers/visitor?tag=K-01&amp;form=pdf" in said
    assert lend(get) == 400  # it is out
    assert lend(get, tag="A-01") == 400  # it is nobody's at the desk
    assert lend(get, tag="Z") == 400
    assert lend(get, tag="K-02", name="") == 400
    [visitor] = twin(get)["visitors"]
    assert (visitor["name"], visitor["host"], visitor["tag"], visitor["returned"]) == (
        "Trần Khách",
        "Lê An, phòng 2",
        "K-01",
        None,
    )
    who = visitor["person"]
    assert get("/people.json", role="admin").json()["people"] == []  # no one of the staff
    assert get(f"/people/{who}", role="reception").status_code == 403
    assert get.post(f"/visitors/{who}", role="reception", act="return").status_code == 303
    assert get.post(f"/visitors/{who}", role="reception", act="return").status_code == 404
    assert twin(get)["free"] == ["K-01", "K-02"]
    assert twin(get)["visitors"][0]["returned"] is not None
    assert get("/visitors?done=returned", role="reception").status_code == 200
    with reading(desk.engine) as connection:
        acts = connection.execute(
            text("SELECT action, about FROM audit WHERE action NOT LIKE '%.read' ORDER BY seq")
        ).all()
    assert [tuple(act) for act in acts] == [("visitor.lend", "K-01"), ("visitor.return", "K-01")]


def test_a_lost_tag_and_one_taken_back_elsewhere(desk: Office, get: Get) -> None:
    assert lend(get) == lend(get, tag="K-02", name="Đỗ Khách") == 303
    first, second = twin(get)["visitors"]
    assert get.post(f"/visitors/{first['person']}", role="reception", act="lost").status_code == 303
    assert get.post(f"/visitors/{first['person']}", role="reception", act="x").status_code == 400
    assert get.post("/visitors/1", role="reception", act="return").status_code == 404
    ids = {each["tag"]: each for each in get("/tags.json", role="admin").json()["tags"]}
    assert ids["K-01"]["state"] == "lost"
    assert get.post(f"/tags/{ids['K-02']['id']}", role="admin", act="take").status_code == 303
    assert [each["returned"] is None for each in twin(get)["visitors"]] == [False, False]
    assert second["tag"] == "K-02"


def test_a_visitor_is_forgotten_with_the_book(desk: Office, get: Get) -> None:
    assert lend(get) == lend(get, tag="K-02", name="Đỗ Khách") == 303
    first, second = twin(get)["visitors"]
    get.post(f"/visitors/{first['person']}", role="reception", act="return")
    with writing(desk.engine) as connection:  # by the command line, which knows nothing of visitors
        tags.take_back(connection, KEYRING, tags.find_tag(connection, "K-02"), desk.now)
    retention.expire(desk.engine, desk.now + 20 * DAY_MS, 21)
    with reading(desk.engine) as connection:
        assert len(connection.execute(select(schema.person)).all()) == 2
    retention.expire(desk.engine, desk.now + 22 * DAY_MS, 21)
    with reading(desk.engine) as connection:
        assert connection.execute(select(schema.person)).all() == []
        assert connection.execute(text("SELECT * FROM visitor")).all() == []
        assert {each.state for each in tag_list.tags(connection)} == {"active"}
    assert second["name"] == "Đỗ Khách"


def test_pictures_are_what_they_say_and_not_too_large() -> None:
    assert (pictures.checked(png(600, 400)).width, pictures.checked(png(600, 400)).kind) == (600, "image/png")
    good = pictures.checked(jpeg(4000, 3000))
    assert (good.kind, good.width, good.height) == ("image/jpeg", 4000, 3000)
    for bad in (
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"GIF89a" + bytes(100),
        png(600, 400)[:-4],
        png(600, 400) + b"<script>",
        png(20, 400),
        png(100, 9000),
        jpeg(60_000, 60_000),
        jpeg(7000, 7000),
        b"\xff\xd8\xff\xe0\x00\x00" * 5,
        b"\xff\xd8\xff" + b"\xff" * 2000,
        b"\xff\xd8\xff\xda\x00\x02" + bytes(50),
        png(600, 400) + bytes(pictures.MOST_BYTES),
    ):
        with pytest.raises(BadValue):
            pictures.checked(bad)


def send(get: Get, content: bytes, site: str = "van-phong") -> int:
    data, files = {"csrf": get.csrf("admin")}, {"file": ("plan.png", content)}
    path = f"/plan/{site}/picture"
    return get(path, role="admin", method="POST", data=data, files=files).status_code


def test_gateways_on_the_plan(office: Office, get: Get) -> None:
    assert get("/plan/van-phong", role="reception").status_code == 200
    assert get("/plan/van-phong/picture").status_code == 404
    assert get("/plan/nowhere").status_code == 404
    assert send(get, png(600, 400)) == 303
    assert send(get, b"no picture") == 400
    assert send(get, png(600, 400), "nowhere") == 404
    answer = get("/plan/van-phong/picture", role="reception")
    assert (answer.content, answer.headers["content-type"]) == (png(600, 400), "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for fields, status in (
        ({"gateway": "gw-cua", "x": "25", "y": "100"}, 303),
        ({"gateway": "gw-cua", "x": "30", "y": "0"}, 303),
        ({"gateway": "gw-cua", "x": "101", "y": "0"}, 400),
        ({"gateway": "gw-cua", "x": "-1", "y": ""}, 400),
        ({"gateway": "gw-x", "x": "1", "y": "1"}, 404),
    ):
        assert get.post("/plan/van-phong", role="admin", **fields).status_code == status
    assert get.post("/plan/nowhere", role="admin", gateway="gw-cua", x="1", y="1").status_code == 404
    found = {each["gateway"]: each for each in get("/plan/van-phong.json").json()["gateways"]}
    assert (found["gw-cua"]["x"], found["gw-cua"]["y"], found["gw-hop"]["x"]) == (0.3, 0.0, None)
    page = get("/plan/van-phong", role="admin").text
    assert 'cx="180.0"' in page
    assert page.count('name="gateway"') == 2
    assert 'name="gateway"' not in get("/plan/van-phong", role="reception").text


def test_alarms_name_their_playbook(office: Office, get: Get, root: Path) -> None:
    office.gateway_status("gw-cua", False, "{}", refused=3)
    office.report("gw-cua", at("14:00"), synchronised=False)
    [gateway] = [each for each in get("/plan/van-phong.json").json()["gateways"] if each["gateway"] == "gw-cua"]
    assert gateway["alarms"] == ["offline", "refused", "clock"]
    assert 'href="/playbooks#zonetaggatewayoffline"' in get("/plan/van-phong").text
    for language in ("en", "vi"):
        text_of = (root / "docs" / language / "playbooks.md").read_text()
        for _, heading in ALARMS.values():
            assert f"## {heading}" in text_of
