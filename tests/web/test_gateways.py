"""Gateways' health, those that knock, and what was kept apart."""

import json
from html import unescape

import pytest
from rig.office import Office, at
from rig.pages import Get

from zonetag_backend.store import gaps, refusals
from zonetag_backend.store.engine import writing
from zonetag_backend.tracing.passage import SIDES
from zonetag_backend.web import linkwords, words
from zonetag_backend.web.pages.gateways import NO_SIDE
from zonetag_protocol import carriage

HEALTH = {
    "spool": {"reports": 412, "bytes": 1_853_000, "dropped": 3},
    "tallies": {"adverts": 5800, "dropped.flood": 4},
    "source": "bleak",
}


def test_health_of_a_registered_gateway(office: Office, get: Get) -> None:
    office.gateway_status("gw-cua", True, json.dumps(HEALTH))
    office.report("gw-cua", office.now - 9000)
    office.report("gw-cua", office.now - 4000, synchronised=False)
    office.rejected("gw-cua", "unknown", 1523, office.now - 9000)
    found = {each["gateway"]: each for each in get("/gateways.json").json()["gateways"]}
    health = found["gw-cua"]
    assert (health["online"], health["registered"], health["place"]) == (True, True, "Cửa chính")
    assert health["spool"] == {"reports": 412, "bytes": 1_853_000}
    assert health["dropped"] == 7
    assert health["synchronised"] is False
    assert health["adverts_per_min"] == 600.0  # 5,800 in the 580 s since it came on line
    assert health["seen"] == "2026-11-20T14:29:56+07:00"
    assert health["rejected"] == {"unknown": 1523}
    assert (found["gw-hop"]["online"], found["gw-hop"]["seen"]) == (None, None)
    page = get("/gateways").text
    assert "412 báo cáo" in page
    assert "1.523" in page
    assert "chưa đồng bộ" in page


def test_what_it_carries_of_the_link_and_what_to_do(office: Office, get: Get) -> None:
    link = {
        "calls": 3,
        "connections": 1,
        "connected": 40,
        "tried": 9,
        "ended-over": 34,
        "ended-gone": 5,
        "messages": 80,
    }
    office.gateway_status("gw-cua", True, json.dumps({**HEALTH, "link": link}))
    office.gateway_status("gw-hop", True, json.dumps(HEALTH))
    found = {each["gateway"]: each["link"] for each in get("/gateways.json").json()["gateways"]}
    told = {"waiting": 3, "connected": 40, "tried": 9, "ended": {"over": 34, "gone": 5}}
    assert found == {"gw-cua": told, "gw-hop": None}
    page = get("/gateways?lang=en").text
    assert "all said&nbsp;34, broke off&nbsp;5" in page
    assert "3 tags wait" in page
    assert "not fetched here" in page
    assert not [text for text in linkwords.ADVICE.values() if text in page]
    assert set(linkwords.ENDS) == {*linkwords.ADVICE, carriage.OVER} == set(carriage.ENDED)


@pytest.mark.parametrize(
    ("ended", "mostly"),
    [
        ({"ended-gone": 5, "ended-over": 4}, "gone"),
        ({"ended-gone": 4}, ""),
        ({"ended-gone": 5, "ended-over": 5}, ""),
        ({"ended-over": 50}, ""),
        ({"ended-invented": 50, "ended-time": True, "ended-lost": "9", "ended-busy": -9}, ""),
        ({"ended-unreachable": 6, "calls": None}, "unreachable"),
    ],
)
def test_most_that_ends_otherwise_is_told_with_what_to_do(
    office: Office, get: Get, ended: dict[str, object], mostly: str
) -> None:
    office.gateway_status("gw-cua", True, json.dumps({"link": ended}))
    page = unescape(get("/gateways?lang=en").text)
    assert [code for code, text in linkwords.ADVICE.items() if text in page] == ([mostly] if mostly else [])


def test_the_administrator_says_on_which_side_of_a_door_it_hangs(office: Office, get: Get) -> None:
    assert "Hai phía của cửa" in get("/gateways", role="admin").text
    for role in ("health", "reception", "auditor"):
        assert "Hai phía của cửa" not in get("/gateways", role=role).text
        assert get.post("/gateways", role, gateway="gw-cua", side="inside").status_code == 403
    for name, side in (("gw-khac", "inside"), ("gw-cua", "above"), ("gw-cua", ""), ("", "inside")):
        assert get.post("/gateways", "admin", gateway=name, side=side).status_code == 400
    for name, side in (("gw-cua", "outside"), ("gw-hop", "outside"), ("gw-cua", "inside"), ("gw-hop", "none")):
        sent = get.post("/gateways", "admin", gateway=name, side=side)
        assert sent.status_code == 303
        page = get(sent.headers["location"], role="admin").text
        assert "Đã ghi nhận." in page
    assert "<dd>phía trong cửa</dd>" in get("/gateways", role="reception").text
    sides = {each["gateway"]: each["side"] for each in get("/gateways.json").json()["gateways"]}
    assert sides == {"gw-cua": "inside", "gw-hop": None}
    found = get("/audit?lang=en&action=gateway.side", role="auditor").text
    assert found.count('<td class="whole">outside the door</td>') == 2
    assert found.count('<td class="whole">beside no door</td>') == 1
    assert [code for code in words.SIDES if code not in (*SIDES, NO_SIDE)] == []


def test_one_that_knocks_is_shown_with_the_command(office: Office, get: Get) -> None:
    office.gateway_status("gw-moi", True, "{}", refused=37)
    page = get("/gateways?lang=en").text
    assert "Knocking" in page
    assert "37 reports refused" in page
    assert "zonetag gateway add gw-moi --site van-phong --place" in page


STRANGE = [
    "",
    "null",
    "[1]",
    "not json",
    '{"spool": 5, "tallies": [1], "source": {}}',
    '{"spool": {"reports": "x"}}',
    '{"tallies": {"adverts": true, "dropped.x": -1}}',
    '{"spool": {"reports": 1e400}}',
]


@pytest.mark.parametrize("health", STRANGE)
def test_a_health_message_may_be_anything(office: Office, get: Get, health: str) -> None:
    office.gateway_status("gw-cua", True, health)
    assert get("/gateways").status_code == 200
    assert get("/gateways.json").status_code == 200


def test_kept_apart_by_reason(office: Office, get: Get) -> None:
    office.rejected("gw-cua", "unknown", 1500, at("14:00"))
    office.rejected("gw-hop", "unknown", 23, at("14:10"))
    office.rejected("gw-hop", "forged", 2, at("13:00"))
    answer = get("/rejected.json").json()
    assert answer["totals"] == {"unknown": 1523, "forged": 2}
    assert [each["at"][11:16] for each in answer["latest"]] == ["14:10", "14:00", "13:00"]
    assert answer["latest"][0] == {
        "at": "2026-11-20T14:10:00+07:00",
        "gateway": "gw-hop",
        "reason": "unknown",
        "eid": "0001020304050607",
        "count": 12,
        "rssi_max": -61,
    }
    narrowed = get("/rejected.json?gateway=gw-hop&reason=forged").json()
    assert [each["reason"] for each in narrowed["latest"]] == ["forged"]
    page = get("/rejected").text
    assert "giả mạo" in page
    assert "1.523" in page


def test_a_tag_at_two_sites_at_once_is_an_alarm_for_a_day(office: Office, get: Get) -> None:
    assert get("/gateways.json").json()["relayed"] == {}
    office.rejected("gw-cua", "relayed", 3, office.now - 25 * 3_600_000)
    assert "hai cơ sở cùng lúc" not in get("/gateways").text
    office.rejected("gw-hop", "relayed", 2, at("13:00"))
    assert get("/gateways.json").json()["relayed"] == {"gw-hop": 1}
    page = get("/gateways?lang=en").text
    assert "A tag at two sites at once" in page
    assert "/rejected?gateway=gw-hop&amp;reason=relayed" in page
    assert "Neither hearing is believed" in get("/rejected?lang=en").text


def test_nothing_kept_apart_and_no_gateway(get_bare: Get) -> None:
    assert "Không có tín hiệu nào để riêng" in get_bare("/rejected").text
    assert "zonetag-gateway run" in get_bare("/gateways").text


def test_what_is_refused_and_missing_is_shown_with_what_to_type(office: Office, get: Get) -> None:
    with writing(office.engine) as connection:
        refusals.count(connection, {("gw-cua", "not-enrolled"): 4, ("gw-hop", "forged"): 2}, office.now)
        gaps.note(connection, "gw-hop", 1 << 32, 7, office.now)
    found = {each["gateway"]: each for each in get("/gateways.json").json()["gateways"]}
    assert (found["gw-cua"]["refusals"], found["gw-cua"]["missing"]) == ({"not-enrolled": 4}, 0)
    assert (found["gw-hop"]["refusals"], found["gw-hop"]["missing"]) == ({"forged": 2}, 7)
    page = get("/gateways?lang=en").text
    assert "zonetag gateway enrol gw-cua" in page
    assert "zonetag gateway enrol gw-hop" not in page
    assert "Missing, asked for again" in page
