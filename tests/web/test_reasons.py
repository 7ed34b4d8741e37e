"""Contacts are read for a case and a reason, recorded; and where it is set so, when a second officer has agreed."""

import pytest
from rig.office import Office
from rig.pages import KEYRING, Somebody, as_somebody
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from zonetag_backend.events import Events
from zonetag_backend.store import audit_log, reasons
from zonetag_backend.store.engine import reading
from zonetag_backend.web import guard, reasoned
from zonetag_backend.web.app import make_app
from zonetag_backend.web.rights import RIGHTS

PAGE = "/person/{person}"  # a page that is in the table, with contacts on it for this test


def contacts(request: Request) -> Response:
    return PlainTextResponse(f"contacts, because {reasoned.require(request, 'ca-1').reason}")


def somebody(office: Office, events: Events, *, second_officer: bool) -> Somebody:
    app = make_app(office.engine, office.clock, events, keyring=KEYRING, second_officer=second_officer)
    others = [route for route in app.router.routes if isinstance(route, Route) and route.path != PAGE]
    app.router.routes = [*others, *guard.guarded([Route(PAGE, contacts)])]
    return as_somebody(app, office)


def entries(office: Office, action: str) -> list[tuple[str, str, str]]:
    with reading(office.engine) as connection:
        found = list(audit_log.entries(connection))
    return [(each.actor, each.about, each.reason) for each in found if each.action == action]


def test_no_reason_no_contacts(office: Office, events: Events) -> None:
    get = somebody(office, events, second_officer=False)
    asked = get("/person/1")
    assert asked.headers["location"] == "/reasons/ca-1?next=%2Fperson%2F1"
    assert get("/person/1.json").json()["error"] == "reason-wanted"
    assert get.post("/reasons/ca-1", reason="  x ").status_code == 400
    assert get("/person/1").status_code == 303
    assert entries(office, "contacts.read") == []
    given = get.post("/reasons/ca-1", reason="truy vết  ca bệnh 1", next="/person/1")
    assert given.headers["location"] == "/person/1"
    assert get("/person/1").text == "contacts, because truy vết ca bệnh 1"
    get("/person/1")
    assert entries(office, "contacts.read") == [("account:health", "ca-1", "truy vết ca bệnh 1")]
    office.now += reasons.LASTS_MS
    assert get("/person/1").status_code in (303, 401), "a day later it is asked again"


def test_a_reason_holds_for_its_giver_and_its_case_alone(office: Office, events: Events) -> None:
    get = somebody(office, events, second_officer=False)
    get.post("/reasons/ca-2", reason="another case")
    assert get("/person/1").status_code == 303
    assert get("/reasons/ca-1", role="admin").status_code == 403


@pytest.mark.parametrize("agrees", [True, False])
def test_a_second_officer_agrees_first(office: Office, events: Events, agrees: bool) -> None:
    get = somebody(office, events, second_officer=True)
    waits = get.post("/reasons/ca-1", reason="truy vết ca bệnh 1", next="/person/1")
    assert "cán bộ thứ hai" in waits.text
    assert get("/person/1").status_code == 303
    [consent] = get("/consents.json").json()["consents"]
    assert get.post(f"/consents/{consent['consent']}").status_code == 404, "not one's own"
    if agrees:
        other = get.named("hai", "health")
        assert other.post(f"/consents/{consent['consent']}").headers["location"] == "/consents"
        assert other.post(f"/consents/{consent['consent']}").status_code == 404
        assert get("/person/1").text.startswith("contacts")
        assert entries(office, "consent.give") == [
            ("account:hai", "ca-1", "account:health: truy vết ca bệnh 1"),
        ]
        assert other("/person/1").status_code == 303, "who agreed may not read for that"
    else:
        assert get("/person/1").status_code == 303


def test_the_page_is_in_the_table() -> None:
    assert PAGE in RIGHTS
