"""The screen at a door: what it says and never says, who may see it, how a device becomes one and is revoked."""

import asyncio
import json
from importlib.resources import files
from typing import Any

import pytest
from rig.office import Office, at
from rig.pages import KEYRING, Get, as_somebody, ask
from rig.screens import hold, open_screen
from sqlalchemy import insert, select, update

from zonetag_backend.doors import NOBODY, Doors
from zonetag_backend.events import BOOK, Change, Events
from zonetag_backend.store import schema, screens
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.audit import audit
from zonetag_backend.web.app import make_app
from zonetag_backend.web.pages import screen as page
from zonetag_backend.web.pages.screen import Manner
from zonetag_protocol import status

NAME = "Nguyễn Thị Ánh"


@pytest.fixture
def doors() -> Doors:
    """Who holds a tag close."""
    return Doors()


@pytest.fixture
def app(office: Office, events: Events, doors: Doors) -> Any:
    """The pages of the office, told by `doors`."""
    return make_app(office.engine, office.clock, events, keyring=KEYRING, doors=doors)


@pytest.fixture
def get(app: Any, office: Office) -> Get:
    return as_somebody(app, office)


def as_screen(app: Any, token: str, path: str, **options: Any) -> Any:
    return ask(app, options.pop("method", "GET"), path, headers={"Cookie": f"zonetag={token}"}, **options)


def manner_of(app: Any, office: Office, token: str) -> Manner:
    with reading(office.engine) as connection:
        device = screens.find(connection, token)
        assert device is not None
        where = screens.where(connection, device.place)
    assert where is not None
    return Manner(where, device.shows, device.counts, device.id)


def told(app: Any, office: Office, doors: Doors, token: str) -> list[dict[str, Any]]:
    """What the stream says of everybody who arrived."""
    manner = manner_of(app, office, token)
    new = [(each.id, each.tag) for each in doors.since(manner.where.place, 0)]
    state = page._checked(app.state.desk, manner, new)
    assert state is not None
    return [{"what": each["what"], "who": each["who"]} for each in state["heard"]]


@pytest.mark.parametrize(("shows", "who"), [("given", "Ánh"), ("number", "A-001"), ("nothing", "")])
def test_it_says_what_it_is_set_to_and_never_the_family_name(
    app: Any, office: Office, doors: Doors, shows: str, who: str
) -> None:
    _, tag = office.person(NAME)
    token = open_screen(office, shows=shows)
    hold(doors, office, tag)
    assert told(app, office, doors, token) == [{"what": "heard", "who": who}]
    for path in (f"/screen/{office.places['Cửa chính']}", f"/screen/{office.places['Cửa chính']}.json"):
        assert "Nguyễn" not in as_screen(app, token, path).text


def test_a_nearly_flat_battery(app: Any, office: Office, doors: Doors) -> None:
    _, tag = office.person(NAME)
    with writing(office.engine) as connection:
        zeros = dict.fromkeys(("offset_ms", "slack_ms", "offset_at_ms", "slot", "heard_ms"), 0)
        values = {"tag": tag, "status": status.pack(0), "confirmed": True, **zeros}
        connection.execute(insert(schema.tag_clock).values(**values))
    hold(doors, office, tag)
    assert told(app, office, doors, open_screen(office)) == [{"what": "battery", "who": "Ánh"}]


@pytest.mark.parametrize("why", ["lost", "retired", "nobody wears it", "handed back", "unknown"])
def test_whatever_is_not_right_has_one_answer_without_a_name(app: Any, office: Office, doors: Doors, why: str) -> None:
    _, tag = office.person(NAME)
    with writing(office.engine) as connection:
        if why in ("lost", "retired"):
            connection.execute(update(schema.tag).values(state=why))
        if why == "handed back":
            connection.execute(update(schema.wearing).values(until_ms=office.now - 1))
    tag = office.tag() if why == "nobody wears it" else NOBODY if why == "unknown" else tag
    hold(doors, office, tag, mark=99)
    assert told(app, office, doors, open_screen(office)) == [{"what": "desk", "who": ""}]


def test_a_hostile_or_removed_name_harms_nothing(app: Any, office: Office, doors: Doors) -> None:
    for name in ("<script>x</script>", "A \u202egnp", "", "Cher"):
        _, tag = office.person(name)
        hold(doors, office, tag)
    assert [each["who"] for each in told(app, office, doors, open_screen(office))] == [
        "<script>x</script>",
        "\ufffdgnp",
        "",
        "Cher",
    ]


def test_it_counts_who_is_in_as_the_book_does(app: Any, office: Office, get: Get) -> None:
    for n, (came, last) in enumerate([("07:30", "14:29"), ("08:00", "14:25"), ("08:00", "11:00")]):
        _, tag = office.person(f"{NAME} {n}")
        office.visit(tag, at("07:00"), at("07:10"))
        office.visit(tag, at(came), at(last))
    office.visit(office.tag(), at("08:00"), at("14:29"))
    here = f"/screen/{office.places['Cửa chính']}.json"
    inside = get("/book/van-phong.json").json()["counts"]["in"]
    assert as_screen(app, open_screen(office), here).json()["inside"] == inside == 2
    assert as_screen(app, open_screen(office, counts=False), here).json()["inside"] is None


def test_a_screen_reads_its_own_page_and_nothing_else(app: Any, office: Office) -> None:
    token = open_screen(office)
    assert as_screen(app, token, f"/screen/{office.places['Cửa chính']}").status_code == 200
    for path in (f"/screen/{office.places['Phòng họp']}", "/screen/1", "/screen/x", f"/screen/{10**30}"):
        assert as_screen(app, token, path).status_code == 403, path
        assert as_screen(app, token, f"{path}/live").status_code == 403, path
    for path in ("/", "/book/van-phong", "/inside/van-phong", "/gateways", "/live", "/screens", "/person/1", "/audit"):
        assert as_screen(app, token, path).status_code == 403, path


def test_who_is_signed_in_may_look_at_it_but_no_stranger(get: Get, office: Office) -> None:
    here = f"/screen/{office.places['Cửa chính']}"
    assert get(here, role="reception").status_code == 200
    assert get(here, role="auditor").status_code == 403
    assert get(here, role="").status_code == 303
    assert get("/screen/12", role="admin").status_code == 404
    cookie = get(here, role="reception").headers.get("set-cookie", "")
    assert "Max-Age" not in cookie, "a person's session is not made to last"


def test_a_device_becomes_a_screen_by_a_link_that_opens_once(app: Any, office: Office, get: Get) -> None:
    place = str(office.places["Cửa chính"])
    made = get.post("/screens", role="admin", place=place, title="Sảnh", shows="number", counts="yes")
    link = get("/screens.json", role="admin").json()["screens"][0]
    assert (link["title"], link["shows"], link["counts"], link["opened"]) == ("Sảnh", "number", True, None)
    path = made.text.split("/screens/open/")[1].split("<")[0].strip()
    path = f"/screens/open/{path}"
    asked = get(path, role="")
    assert asked.status_code == 200
    assert as_screen(app, path.rsplit("/", 1)[1], f"/screen/{place}").status_code == 303, "the link is no cookie"
    opened = get.post(path, role="")
    assert (opened.status_code, opened.headers["location"]) == (303, f"/screen/{place}")
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=34560000" in cookie
    token = cookie.split("zonetag=")[1].split(";")[0]
    page = as_screen(app, token, f"/screen/{place}")
    assert "Max-Age=34560000" in page.headers["set-cookie"], "it lasts while it is used"
    assert get.post(path, role="").status_code == 404
    assert get(path, role="").status_code == 404
    office.now += 400 * 86_400_000
    assert as_screen(app, token, f"/screen/{place}").status_code == 200
    later = get.named("other", "admin")  # the session of the first one has long ended
    assert later.post(f"/screens/{link['screen']}", role="admin").status_code == 303
    assert as_screen(app, token, f"/screen/{place}").status_code == 303
    assert later.post(f"/screens/{link['screen']}", role="admin").status_code == 404
    with reading(office.engine) as connection:
        rows = connection.execute(select(audit.c.action, audit.c.actor).order_by(audit.c.seq)).all()
    assert [(action, actor) for action, actor in rows if action.startswith("screen.")] == [
        ("screen.make", "account:admin"),
        ("screen.open", "screen:Sảnh"),
        ("screen.revoke", "account:other"),
    ]


def test_a_link_that_nobody_opened_ends(get: Get, office: Office) -> None:
    with writing(office.engine) as connection:
        of = office.places["Cửa chính"]
        token = screens.make(connection, of, "Sảnh", screens.GIVEN, True, office.now, "test")
    assert get(f"/screens/open/{token}", role="").status_code == 200
    office.now += screens.LINK_MS + 1
    assert get(f"/screens/open/{token}", role="").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"title": "x" * 65}, {"shows": "all"}, {"place": "7"}, {"place": "x"}, {"title": "\u202ex"}],
)
def test_a_screen_that_cannot_be(get: Get, office: Office, wrong: dict[str, str]) -> None:
    right = {"place": str(office.places["Cửa chính"]), "title": "Sảnh", "shows": "given"}
    assert get.post("/screens", role="admin", **(right | wrong)).status_code == 400
    assert get("/screens.json", role="admin").json()["screens"] == []


def test_the_stream_tells_at_once_and_ends_when_the_screen_is_revoked(
    app: Any, office: Office, doors: Doors, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "TICK_S", 1.0)
    _, tag = office.person(NAME)
    token = open_screen(office)
    manner = manner_of(app, office, token)

    async def scene() -> list[tuple[str, Any]]:
        seen: list[tuple[str, Any]] = []
        async for text in page._events(app.state.desk, manner):
            for event in text.strip().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in event.split("\n"))
                if "event" in lines:
                    seen.append((lines["event"], json.loads(lines["data"])))
            if len(seen) == 2:  # it has said hello and that nobody is there
                hold(doors, office, tag)
                events.publish(Change("van-phong", BOOK))
            if any(data.get("heard") for _, data in seen):
                with writing(office.engine) as connection:
                    screens.revoke(connection, manner.screen or 0, office.now, "test")
        return seen

    seen = asyncio.run(asyncio.wait_for(scene(), 60))
    assert [name for name, _ in seen[:2]] == ["hello", "state"]
    greeted = [one for name, data in seen if name == "state" for one in data["heard"]]
    assert [(one["what"], one["who"]) for one in greeted] == [("heard", "Ánh")], "once, and to its end"


def test_paper_is_no_telephone() -> None:
    """An A4 page between its margins is narrower than the widest telephone that the pages are laid out for."""
    for sheet in files("zonetag_backend.web").joinpath("static").iterdir():
        if sheet.name.endswith(".css"):
            assert "@media (max-width" not in sheet.read_text(encoding="utf-8"), sheet.name
