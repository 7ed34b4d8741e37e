"""The table of rights is what is enforced: every route, every verb, every role, and nothing beside it."""

import itertools

import pytest
from rig.office import Office
from rig.pages import KEYRING, Get, as_somebody
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from zonetag_backend.events import Events
from zonetag_backend.roles import CODE, ENROL, ROLES, SCREEN
from zonetag_backend.web.app import ROUTES, make_app
from zonetag_backend.web.guard import guarded
from zonetag_backend.web.rights import NOBODY_YET, RIGHTS

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
WHO = (NOBODY_YET, *ROLES, SCREEN, CODE, ENROL)
VALUES = {
    "site": "van-phong",
    "name": "zonetag.css",
    "person": "1",
    "token": "x",
    "account": "1",
    "place": "1",
    "screen": "1",
    "case": "1",
    "consent": "1",
    "file": "case.xlsx",
    "form": "json",
    "request": "1",
    "tag": "1",
    "firmware": "1",
    "work": "0123456789abcdef",
}


def test_every_route_is_in_the_table_and_nothing_else() -> None:
    assert {route.path for route in ROUTES} == set(RIGHTS)
    assert len(ROUTES) == len(RIGHTS)


def test_a_route_that_is_not_in_the_table_ends_the_start() -> None:
    with pytest.raises(ValueError, match="/secret"):
        guarded([Route("/secret", lambda request: Response())])


def answer(get: Get, path: str, verb: str, who: str) -> int:
    """The status of a request by somebody, with everything right but perhaps the role."""
    url = path.format(**VALUES)
    stage = {"role": "health", "stage": who} if who in (CODE, ENROL) else {"role": who}
    headers = {"X-CSRF-Token": get.csrf(**stage), "Accept": "application/json"}
    return get(url, method=verb, headers=headers, **stage).status_code


@pytest.mark.parametrize("path", sorted(RIGHTS))
def test_the_table_is_what_is_enforced(office: Office, events: Events, path: str) -> None:
    """Behind the guard stands a page that always answers, so that a refusal can only be the guard's."""

    async def page(request: Request) -> Response:
        return PlainTextResponse("inside")

    app = make_app(office.engine, office.clock, events, keyring=KEYRING)
    app.router.routes = list(guarded([Route(path, page)]))
    get = as_somebody(app, office)
    for verb, who in itertools.product(VERBS, WHO):
        rule = RIGHTS[path].get("GET" if verb == "HEAD" else verb)
        status = answer(get, path, verb, who)
        if rule is None:
            assert status == 405, (verb, who)
        elif who in rule.roles:
            assert status == 200, (verb, who)
        else:
            assert status == (401 if who in (NOBODY_YET, CODE, ENROL) else 403), (verb, who)


def test_the_pages_themselves_stand_behind_it(get: Get) -> None:
    """The real pages: a role that may not gets nothing of them, by any of their addresses."""
    for path, verbs in RIGHTS.items():
        for who in (*ROLES, SCREEN):
            if "GET" in verbs and who not in verbs["GET"].roles:
                url = path.format(**VALUES)
                assert get(url, role=who).status_code in (403, 405), (path, who)
                assert get(f"{url}.json", role=who).status_code == 403, (path, who)
                assert get(url, role=who, method="HEAD").status_code == 403, (path, who)


@pytest.mark.parametrize(
    "path", ["/book/van-phong", "/person/1", "/live", "/gateways", "/audit", "/accounts", "/setup"]
)
def test_a_stranger_sees_nothing(get: Get, path: str) -> None:
    page = get(path, role="")
    assert page.status_code == 303
    assert page.headers["location"].startswith("/login?next=%2F")
    assert get(f"{path}.json", role="").status_code == 401
    live = get(path, role="", headers={"HX-Request": "true"})
    assert (live.status_code, live.text) == (401, "")
    assert live.headers["hx-redirect"].startswith("/login")


def test_links_are_shown_to_who_may_follow_them(get: Get) -> None:
    def links(role: str) -> set[str]:
        text = get("/account", role=role).text
        return {
            path for path in ("/rejected", "/accounts", "/audit", "/setup", "/gateways") if f'href="{path}"' in text
        }

    assert links("reception") == {"/gateways"}
    assert links("health") == {"/gateways", "/rejected"}
    assert links("admin") == {"/gateways", "/rejected", "/accounts", "/setup"}
    assert links("auditor") == {"/gateways", "/rejected", "/accounts", "/audit"}
    assert get("/", role="auditor").headers["location"] == "/audit"
    for role, shown in (("reception", False), ("health", False), ("admin", True), ("auditor", True)):
        page = get("/gateways", role=role)
        assert ('href="/gateways.json"' in page.text) is shown, role
        assert get("/gateways.json", role=role).status_code == 200, "whoever may read the page has it"
    assert 'type="application/json"' not in get("/gateways/none", role="admin").text, "a fault has none"


def test_the_demo_is_for_this_machine_alone(office: Office, events: Events) -> None:
    app = make_app(office.engine, office.clock, events, demo=True)
    get = as_somebody(app, office)
    page = get("/book/van-phong?lang=en", role="")
    assert page.status_code == 200
    assert "nobody has to sign in" in page.text
    assert get("/audit", role="").status_code == 403
    assert get("/accounts", role="", headers={"Accept": "application/json"}).status_code == 403
    with pytest.raises(ValueError, match="this machine"):
        make_app(office.engine, office.clock, events, ("zonetag.example.vn",), demo=True)
