"""Health declarations: who may make and read them, that they rest sealed, and that they end; days beyond retention."""

import pytest
from rig.office import Office, at
from rig.pages import KEYRING, Get
from sqlalchemy import select

from zonetag_backend.store import declarations, erasure
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.retention import expire
from zonetag_backend.store.schema.audit import audit
from zonetag_backend.store.schema.office import declaration

DAY_MS = 86_400_000
ANSWERS = {f"answer{n}": "no" for n in range(5)}


@pytest.fixture
def link(office: Office) -> str:
    """The page of a site at which declarations are on."""
    with writing(office.engine) as connection:
        declarations.switch(connection, "van-phong", True, office.now, "test")
        return f"/declare/{declarations.link_of(connection, 'van-phong')}"


def rows(office: Office) -> int:
    with reading(office.engine) as connection:
        return len(connection.execute(select(declaration)).all())


def test_what_is_declared_rests_sealed_and_health_officers_alone_read_it(office: Office, get: Get, link: str) -> None:
    person, tag = office.person("Nguyễn Thị Ánh", "Thanh tra")
    office.visit(tag, at("07:30"), at("14:29"))
    assert get("/book/van-phong.json", role="reception").json()["declared"] == []
    assert get.post(link, role="", tag="a-001", **(ANSWERS | {"answer1": "yes"})).status_code == 200
    with reading(office.engine) as connection:
        sealed = connection.scalar(select(declaration.c.sealed)) or b""
    assert b"yes" not in sealed
    assert "sốt".encode() not in sealed
    book = get("/book/van-phong.json", role="reception")
    assert book.json()["declared"] == [str(person)]
    assert "sốt" not in get("/book/van-phong", role="reception").text
    for role in ("reception", "admin", "auditor"):
        assert get("/declarations/van-phong", role=role).status_code == 403
    [told] = get("/declarations/van-phong.json", role="health").json()["declarations"]
    assert (told["name"], [each["yes"] for each in told["answers"]]) == ("Nguyễn Thị Ánh", [False, True, *[False] * 3])
    with reading(office.engine) as connection:
        read = connection.scalar(select(audit.c.about).where(audit.c.action == "declaration.read"))
    assert read == "van-phong"


def test_the_last_declaration_of_a_day_counts(office: Office, get: Get, link: str) -> None:
    office.person("Nguyễn Thị Ánh")
    for answer in ("yes", "no"):
        get.post(link, role="", tag="A-001", **(ANSWERS | {"answer0": answer}))
    [told] = get("/declarations/van-phong.json").json()["declarations"]
    assert not any(each["yes"] for each in told["answers"])
    office.now += DAY_MS
    get.post(link, role="", tag="A-001", **ANSWERS)
    assert rows(office) == 2


@pytest.mark.parametrize("wrong", [{"tag": "A-999"}, {"tag": ""}, {"answer3": ""}, {"answer3": "maybe"}])
def test_what_cannot_be_kept_is_said(office: Office, get: Get, link: str, wrong: dict[str, str]) -> None:
    office.person("Nguyễn Thị Ánh")
    sent = get.post(link, role="", **({"tag": "A-001"} | ANSWERS | wrong))
    assert sent.status_code == 400
    assert "Nguyễn" not in sent.text
    assert rows(office) == 0


def test_it_goes_with_the_retention_time_and_with_the_person(office: Office, get: Get, link: str) -> None:
    office.person("Nguyễn Thị Ánh")
    other, _ = office.person("Trần Văn Đức")
    for tag in ("A-001", "A-002"):
        get.post(link, role="", tag=tag, **ANSWERS)
    assert rows(office) == 2
    with writing(office.engine) as connection:
        erasure.erase(connection, other)
    assert rows(office) == 1
    expire(office.engine, office.now + 20 * DAY_MS, 21)
    assert rows(office) == 1
    expire(office.engine, office.now + 21 * DAY_MS, 21)
    assert rows(office) == 0


def test_switched_off_the_link_opens_nothing(office: Office, get: Get, link: str) -> None:
    assert get(link, role="").status_code == 200
    assert get.post("/questions", role="admin", act="switch", site="van-phong").status_code == 303
    assert get(link, role="").status_code == 404
    assert get.post("/questions", role="admin", act="switch", site="nowhere").status_code == 404
    assert get.post("/questions", role="admin", act="x").status_code == 400


def test_the_office_asks_its_own_questions(office: Office, get: Get, link: str) -> None:
    assert len(get("/questions.json").json()["questions"]) == 5
    asked = get.post("/questions", role="admin", act="ask", vi0="Có sốt không?", en0="A fever?", vi1=" ", en1="")
    assert asked.status_code == 303
    assert get(f"{link}.json?lang=en", role="").json()["questions"] == ["A fever?"]
    assert get.post("/questions", role="admin", act="ask", vi0="Chỉ một thứ tiếng").status_code == 400
    assert get.post("/questions", role="admin", act="ask", vi0="x" * 301, en0="x").status_code == 400
    office.person("Nguyễn Thị Ánh")
    assert get.post(link, role="", tag="A-001", answer0="yes").status_code == 200
    assert get.post("/questions", role="admin", act="ask").status_code == 303
    with reading(office.engine) as connection:
        [told] = declarations.read(connection, KEYRING, "van-phong", "2026-11-20")
    assert [question.en for question, _ in told.answers] == ["A fever?"], "as it stood then"


def test_a_day_past_its_time_is_answered_so_even_before_it_is_deleted(office: Office, get: Get) -> None:
    _, tag = office.person("Nguyễn Thị Ánh")
    office.visit(tag, at("07:30"), at("14:29"))
    assert get("/book/van-phong.json").json()["kept_until"] == "2026-12-11"
    assert "Nguyễn" in get("/book/van-phong?day=2026-11-20").text
    office.now += 22 * DAY_MS
    later = get.named("later", "health")
    page = later("/book/van-phong?day=2026-11-20&lang=en")
    assert "Nguyễn" not in page.text
    assert "Nothing is kept of this day any more" in page.text
    assert later("/book/van-phong.json?day=2026-11-20").json()["people"] == []


def test_the_evacuation_list_is_by_unit_and_given_name(office: Office, get: Get) -> None:
    for name, unit in (("Trần Văn Đức", "B"), ("Nguyễn An", "B"), ("Lê Bình", "A"), ("<script>x</script>", "")):
        _, tag = office.person(name, unit)
        office.visit(tag, at("07:30"), at("14:29"))
    office.visit(office.tag(), at("08:00"), at("14:29"))
    _, gone = office.person("Đã Về", "A")
    office.visit(gone, at("07:30"), at("11:00"))
    told = get("/inside/van-phong.json", role="reception").json()
    assert [each["name"] for each in told["people"]] == ["Lê Bình", "Nguyễn An", "Trần Văn Đức", "<script>x</script>"]
    assert (told["inside"], len(told["unworn_tags"])) == (4, 1)
    assert "<script>x" not in get("/inside/van-phong").text
    assert get("/inside/nowhere").status_code == 404
    assert get("/inside/van-phong", role="auditor").status_code == 403
