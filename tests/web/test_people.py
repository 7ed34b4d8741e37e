"""The register: people by unit, their tags, what may be changed; and who may."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import KEYRING, Get
from sqlalchemy import insert, select, text

from zonetag_backend.names import text_key
from zonetag_backend.store import registry, schema, tags
from zonetag_backend.store.engine import reading, writing

Tagged = Callable[[str], int]


@pytest.fixture
def tagged(office: Office) -> Tagged:
    """A tag with a key, that nobody wears."""

    def add(number: str) -> int:
        with writing(office.engine) as connection:
            return tags.add_tag(connection, KEYRING, number, office.now).id

    return add


def entered(office: Office, name: str, unit: str = "", code: str | None = None) -> int:
    with writing(office.engine) as connection:
        return registry.add_person(connection, name, unit, code, office.now)


def actions(office: Office) -> list[str]:
    """What the audit log holds, but for reads and for agreements, which have tests of their own."""
    with reading(office.engine) as connection:
        rows = connection.execute(text("SELECT action, about FROM audit WHERE action NOT LIKE '%.read' ORDER BY seq"))
        return [f"{action} {about}".strip() for action, about in rows if not action.startswith("agreement.")]


def names(get: Get, query: str = "") -> list[str]:
    return [each["name"] for each in get(f"/people.json?{query}", role="admin").json()["people"]]


@pytest.mark.both_databases
def test_units_and_given_names_in_the_order_of_the_country(office: Office, get: Get) -> None:
    for unit, name in (
        ("Lớp 10A1", "Trần Văn Đức"),
        ("Lớp 9A", "Lê Bình"),
        ("Lớp 10A1", "Đỗ Dũng"),
        ("Đội xe", "An Ẩn"),
        ("Dân số", "Lê Ân"),
        ("", "Ông An"),
        ("Lớp 10A1", "Nguyễn Thị Ánh"),
        ("Lớp 10A1", "Bùi An"),
        ("Lớp 10A1", "Nguyễn Văn Ánh"),
    ):
        entered(office, name, unit)
    assert names(get) == [
        "Ông An",
        "Lê Ân",
        "An Ẩn",
        "Lê Bình",
        "Bùi An",
        "Nguyễn Thị Ánh",
        "Nguyễn Văn Ánh",
        "Đỗ Dũng",
        "Trần Văn Đức",
    ]
    assert sorted(["10A2", "9A", "10A10", "Đ", "D", "Ă"], key=text_key) == ["9A", "10A2", "10A10", "Ă", "D", "Đ"]


def test_search_without_marks_by_name_unit_staff_and_tag_number(office: Office, get: Get) -> None:
    office.person("Đỗ Văn Đức", "Phòng Kế toán", "NV007")
    entered(office, "Trần Bình", "Văn phòng")
    for query in ("do%20duc", "nv007", "a-001", "ke%20toan", "Đức"):
        assert names(get, f"q={query}") == ["Đỗ Văn Đức"], query
    assert names(get, "show=no-tag") == ["Trần Bình"]
    assert names(get, "unit=V%C4%83n%20ph%C3%B2ng") == ["Trần Bình"]
    assert names(get, "q=nobody") == []
    assert get("/people?show=x", role="admin").status_code == 400


@pytest.mark.both_databases
def test_enter_change_leave_and_come_back(office: Office, get: Get, tagged: Tagged) -> None:
    answer = get.post("/people", role="admin", name="  Lê  Thị An ", unit="Văn phòng", code="NV1")
    assert answer.status_code == 303
    path = answer.headers["location"].removesuffix("?done=added")
    assert get(f"{path}.json", role="admin").json()["name"] == "Lê Thị An"
    who = path.rpartition("/")[2]
    tagged("A-001")
    assert get.post("/tags/give", role="admin", person=who, tag=" a-001 ").status_code == 303
    assert get.post(path, role="admin", act="change", name="Lê Thị Anh", unit="", code="NV1").status_code == 303
    assert get.post(path, role="admin", act="leave").status_code == 303
    twin = get(f"{path}.json", role="admin").json()
    assert (twin["name"], twin["tags"], twin["left"] is None) == ("Lê Thị Anh", [], False)
    assert twin["worn"][0]["until"] is not None
    assert names(get) == []
    assert names(get, "show=left") == ["Lê Thị Anh"]
    assert get.post(path, role="admin", act="back").status_code == 303
    assert names(get) == ["Lê Thị Anh"]
    assert actions(office) == [
        f"person.add {who}",
        "tag.give A-001",
        f"person.change {who}",
        f"person.remove {who}",
        f"person.change {who}",
    ]


def test_what_cannot_be_is_said_and_changes_nothing(office: Office, get: Get) -> None:
    who = entered(office, "Lê An", code="NV1")
    entered(office, "Trần Bình", code="NV2")
    for path, fields in (
        ("/people", {"name": " "}),
        ("/people", {"name": "x" * 201}),
        ("/people", {"name": "Lê\u202eAn"}),
        ("/people", {"name": "Cúc", "code": "NV1"}),
        (f"/people/{who}", {"act": "change", "name": "Lê An", "code": "NV2"}),
        (f"/people/{who}", {"act": "change", "name": ""}),
    ):
        answer = get.post(path, role="admin", **fields)
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True), fields
    assert get.post(f"/people/{who}", role="admin", act="x").status_code == 400
    for path in ("/people/0", "/people/x", f"/people/{10**30}", "/people/%E0%A5%A6"):
        assert get(path, role="admin").status_code == 404
        assert get.post(path, role="admin", act="leave").status_code == 404
    assert actions(office) == []


def test_names_are_text(office: Office, get: Get) -> None:
    who, _ = office.person("<script>alert(1)</script>", "<b>&", "'\"><x>")
    other, _ = office.person("Abdul\u202egnirts", "x" * 100)
    for path in (
        "/people",
        f"/people/{who}",
        f"/people/{other}",
        "/tags",
        "/tags/give?tag=A-001",
        f"/tags/give?person={who}",
    ):
        page = get(path, role="admin")
        assert "<script>alert" not in page.text
        assert "<x>" not in page.text
        assert "\u202e" not in page.text.replace('value="Abdul\u202egnirts"', "")
        assert page.status_code in (200, 400), path


def walk(get: Get, first: str, role: str = "admin") -> Iterator[dict[str, Any]]:
    """A twin's pages, from one to the next, as field and header say."""
    address: str | None = first
    while address:
        answer = get(address, role=role)
        assert answer.links.get("next", {}).get("url") == answer.json()["next"]
        yield answer.json()
        address = answer.json()["next"]


@pytest.mark.parametrize(
    ("twin", "role", "lists"),
    [
        ("people", "admin", ("people",)),
        ("tags", "admin", ("tags",)),
        ("agreements", "admin", ("people",)),
        ("adoption", "admin", ("uncovered",)),
        ("adoption/reminders", "admin", ("people",)),
        ("requests", "admin", ("requests",)),
        ("book/van-phong", "health", ("people",)),
    ],
)
def test_a_twin_of_a_long_list_comes_in_pages(
    office: Office, get: Get, twin: str, role: str, lists: tuple[str, ...]
) -> None:
    """Together they are the whole, whatever the limit; nonsense is the usual limit."""
    for n in range(7):
        _, tag = office.person(f"Nguyễn Văn {chr(65 + n)}", "Văn phòng")
        office.visit(tag, at("08:00") + n, at("14:29"))
        with writing(office.engine) as connection:
            registry.add_person(connection, f"Lê Thị {n}", "Kho")
        get.post("/requests", who=f"Lê Thị {n}", role="admin", kind="copy")
    [whole] = walk(get, f"/{twin}.json", role)
    for limit, most in (("3", 3), ("7", 7), ("0", 1000), ("-1", 1000), ("x", 1000), ("9" * 30, 1000), ("²", 1000)):
        pages = list(walk(get, f"/{twin}.json?limit={limit}", role))
        assert all(len(page[each]) <= most for page in pages for each in lists)
        assert [[row for page in pages for row in page[each]] for each in lists] == [whole[each] for each in lists]
        assert len(pages) == max(-(-len(whole[each]) // most) for each in lists)
    assert len(whole[lists[0]]) >= 7
    assert "next" not in get(f"/{twin}?limit=1&lang=en", role=role, headers={"Accept": "text/html"}).links


def test_the_address_of_the_next_rows_keeps_what_was_asked(office: Office, get: Get) -> None:
    for name in ("Nguyễn Thị An", "Lê Văn Bình"):
        office.person(name)
    asked = "/adoption/reminders.json?cause=silent&cause=flat&limit=1"
    assert get(asked, role="admin").json()["next"] == f"{asked}&page=2"


def test_twenty_thousand_people(office: Office, get: Get) -> None:
    """The page renders a hundred; the twin has all, by a thousand."""
    with writing(office.engine) as connection:
        connection.execute(
            insert(schema.person),
            [
                {
                    "id": n,
                    "name": f"Nguyễn Văn {chr(65 + n % 26)}{n}",
                    "unit": f"Lớp {n % 40}",
                    "code": str(n),
                    "added_ms": 0,
                }
                for n in range(20_000)
            ],
        )
    page = get("/people?page=200", role="admin")
    assert page.text.count('href="/tags/give?person=') == 100
    assert len(page.content) < 100_000
    assert get("/people?page=99999", role="admin").text.count('href="/tags/give?person=') == 100
    first, last = (get(f"/people.json{query}", role="admin").json() for query in ("", "?page=20"))
    assert (first["found"], first["next"], last["next"]) == (20_000, "/people.json?page=2", None)
    assert len(first["people"]) == len(last["people"]) == 1000
    assert names(get, "q=19999") == ["Nguyễn Văn F19999"]


def test_tags_by_their_state(office: Office, get: Get, tagged: Tagged) -> None:
    for number in ("A-1", "A-2", "A-3", "A-4"):
        tagged(number)
    who = entered(office, "Lê An", "Văn phòng")

    def find(show: str) -> list[str]:
        return [each["tag"] for each in get(f"/tags.json?show={show}", role="admin").json()["tags"]]

    def act(number: str, what: str) -> int:
        return get.post(f"/tags/{ids[number]}", role="admin", act=what).status_code

    ids = {each["tag"]: each["id"] for each in get("/tags.json", role="admin").json()["tags"]}
    assert get.post("/tags/give", role="admin", tag="A-1", person=str(who)).status_code == 303
    with writing(office.engine) as connection:
        clock = schema.tag_clock
        connection.execute(
            clock.update().where(clock.c.tag == int(ids["A-1"])).values(heard_ms=office.now - 8 * 86_400_000, status=1)
        )
    assert (find("worn"), find("free"), find("week"), find("flat")) == (
        ["A-1"],
        ["A-2", "A-3", "A-4"],
        ["A-1"],
        ["A-1"],
    )
    assert find("never") == ["A-2", "A-3", "A-4"]
    assert act("A-1", "lost") == 303
    assert find("lost") == ["A-1"]
    assert act("A-1", "lost") == 400
    assert act("A-1", "found") == 303
    assert act("A-1", "found") == 400
    assert act("A-2", "keep") == 303
    assert find("visitors") == ["A-2"]
    assert get.post("/tags/give", role="admin", tag="A-2", person=str(who)).status_code == 400
    assert act("A-2", "release") == 303
    assert act("A-3", "retire") == 303
    assert find("retired") == ["A-3"]
    assert get.post("/tags/give", role="admin", tag="A-3", person=str(who)).status_code == 400
    assert get.post("/tags/give", role="admin", tag="A-9", person=str(who)).status_code == 400
    assert get.post("/tags/give", role="admin", tag="A-1", person="77").status_code in (400, 404)
    assert act("A-4", "x") == 400
    assert get.post("/tags/1", role="admin", act="take").status_code == 404
    assert get("/tags?show=x", role="admin").status_code == 400
    assert actions(office) == [
        "tag.give A-1",
        "tag.state A-1",
        "tag.state A-1",
        "tag.pool A-2",
        "tag.pool A-2",
        "tag.state A-3",
    ]


def test_a_worn_tag_is_not_given_to_another(office: Office, get: Get, tagged: Tagged) -> None:
    tagged("A-1")
    an, binh = entered(office, "Lê An"), entered(office, "Trần Bình")
    assert get.post("/tags/give", role="admin", tag="A-1", person=str(an)).status_code == 303
    assert get.post("/tags/give", role="admin", tag="A-1", person=str(an)).status_code == 303  # twice is once
    page = get.post("/tags/give", role="admin", tag="A-1", person=str(binh))
    assert page.status_code == 400
    assert "Lê An" in page.text
    assert get("/tags/give?tag=A-1", role="admin").status_code == 400
    assert actions(office) == ["tag.give A-1"]


def test_what_fails_leaves_neither_act_nor_entry(
    office: Office, get: Get, tagged: Tagged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the entry of the audit log and the act stand in one transaction."""
    tagged("A-1")
    who = entered(office, "Lê An")

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("zonetag_backend.web.pages.tags.audit.record", broken)
    assert get.post("/tags/give", role="admin", tag="A-1", person=str(who)).status_code == 500
    with reading(office.engine) as connection:
        assert connection.execute(select(schema.wearing)).all() == []


def test_an_empty_register_says_what_to_do(get_bare: Get) -> None:
    assert "/people/import" in get_bare("/people", role="admin").text
    assert "./flash.sh" in get_bare("/tags", role="admin").text
    assert get_bare("/visitors", role="reception").status_code == 200
    assert json.loads(get_bare("/tags.json", role="admin").text)["tags"] == []
