"""What every answer has in common: hosts, headers, methods, languages, JSON twins, faults, hostile names."""

import re

import pytest
from rig.office import Office, at
from rig.pages import Get

from zonetag_backend.names import printable

PATHS = ("/", "/book/van-phong", "/gateways", "/rejected", "/healthz", "/book/none", "/nowhere", "/static/zonetag.css")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_bears_the_headers(get: Get, path: str) -> None:
    headers = get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    kept = path.startswith("/static/")
    assert headers["cache-control"] == ("public, max-age=31536000, immutable" if kept else "no-store")


FOREIGN = ["evil.example", "127.0.0.1.evil.example", "localhost.evil:8765", "", "[::2]:1", "::1"]


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_hosts_read_nothing(get: Get, host: str) -> None:
    answer = get("/book/van-phong", headers={"Host": host})
    assert answer.status_code == 400
    assert "Văn phòng" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8765"])
def test_the_machine_itself_reads(get: Get, host: str) -> None:
    assert get("/book/van-phong", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(get: Get, method: str) -> None:
    answer = get("/book/van-phong", method=method)
    assert answer.status_code == 405
    assert "chỉ để xem" in answer.text


FAULTS = [
    ("/book/van-phong?day=rubbish", 400, "bad-day"),
    ("/book/van-phong?day=20261120", 400, "bad-day"),
    ("/book/van-phong?day=2026-02-30", 400, "bad-day"),
    ("/book/van-phong?day=0001-01-01", 400, "bad-day"),
    ("/book/van-phong?day=9999-12-31", 400, "bad-day"),
    ("/book/van-phong?show=all", 400, "bad-show"),
    ("/book/van-phong?page=-1", 400, "bad-page"),
    ("/book/van-phong?page=9999999999", 400, "bad-page"),
    ("/book/other", 404, "no-site"),
    ("/book/%00", 404, "no-site"),
    ("/person/1", 404, "no-person"),
    ("/person/x", 404, "no-person"),
    ("/person/99999999999999999999999", 404, "no-person"),
    ("/person/%D9%A3", 404, "no-person"),
    ("/live?site=other", 404, "no-site"),
    ("/nowhere", 404, "not-found"),
    ("/static/nothing.css", 404, "not-found"),
]


@pytest.mark.parametrize(("path", "status", "code"), FAULTS)
def test_a_fault_is_a_clear_page_in_both_languages_and_json(get: Get, path: str, status: int, code: str) -> None:
    join = "&" if "?" in path else "?"
    vietnamese, english = (get(f"{path}{join}lang={lang}") for lang in ("vi", "en"))
    twin = get(path, headers={"Accept": "application/json"})
    assert [each.status_code for each in (vietnamese, english, twin)] == [status] * 3
    assert '<html lang="vi">' in vietnamese.text
    assert '<html lang="en">' in english.text
    assert twin.json()["error"] == code
    assert twin.json()["message"] in vietnamese.text


def test_a_fault_of_ours_is_a_page_too(office: Office, get: Get) -> None:
    with office.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE rejected_total")
    answer = get("/rejected")
    assert answer.status_code == 500
    assert "Hệ thống đang gặp lỗi" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "Nguyễn \u202eThị\u202c An",
    "A" * 100,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(office: Office, get: Get, name: str) -> None:
    # A name may hold what turns the direction of text (people have such names on record); a unit may not.
    person, tag = office.person(name, printable(name), printable(name)[:60])
    office.visit(tag, at("08:00"), at("14:29"))
    for path in ("/book/van-phong", f"/person/{person}"):
        page = get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "' onmouseover='" not in page
        assert "49" not in page.split("<h1>")[1].split("</h1>")[0]
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", page)  # the value of a filter must be as it is on record
    assert get("/book/van-phong.json").json()["people"][0]["name"] == name
    for parameter in ("q", "unit", "day"):
        page = get("/book/van-phong", params={parameter: name}).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "' onmouseover='" not in page


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "vi"),
        ("fr", "vi"),
        ("en", "en"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("en;q=0.5, vi-VN", "vi"),
        ("en;q=0", "vi"),
        ("en;q=x, *", "vi"),
        ("," * 5000, "vi"),
    ],
)
def test_language_of_the_browser(get: Get, accept: str, language: str) -> None:
    assert f'<html lang="{language}">' in get("/gateways", headers={"Accept-Language": accept}).text


def test_a_chosen_language_stays(get: Get) -> None:
    chosen = get("/gateways?lang=en", headers={"Accept-Language": "vi"})
    assert '<html lang="en">' in chosen.text
    cookie = chosen.headers["set-cookie"]
    assert "lang=en" in cookie
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert '<html lang="en">' in get("/gateways", headers={"Cookie": "lang=en"}).text
    assert '<html lang="vi">' in get("/gateways", headers={"Cookie": "lang=xx"}).text
    assert get("/?lang=en").headers["location"] == "/book/van-phong?lang=en"


@pytest.mark.parametrize("path", ["/", "/book/van-phong", "/gateways", "/rejected"])
def test_every_page_has_a_twin_and_links_it(get: Get, path: str) -> None:
    by_accept = get(path, headers={"Accept": "application/json"})
    by_name = get("/index.json" if path == "/" else f"{path}.json")
    assert by_accept.headers["content-type"] == "application/json"
    assert by_accept.json() == by_name.json()
    if path != "/":
        assert f'href="{path}.json' in get(path, role="admin").text


def test_sites_to_choose_from_and_nothing_set_up(office: Office, get: Get, get_bare: Get) -> None:
    assert get("/").status_code == 303
    with office.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO site VALUES ('kho', 'Kho', 'Asia/Ho_Chi_Minh', 600)")
    page = get("/").text
    assert 'href="/book/kho"' in page
    assert 'href="/book/van-phong"' in page
    assert "Chưa thiết lập gì" in get_bare("/").text
    assert get_bare("/healthz").json() == {"ok": True}
