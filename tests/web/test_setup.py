"""The guided set-up: a gateway's token, the file of tags, and what stands in the way, said so that it can be mended."""

import html
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rig.office import Office
from rig.pages import KEYRING, Get, as_somebody
from rig.seat import make_authority

from zonetag_backend.config import load
from zonetag_backend.events import Events
from zonetag_backend.importkey import public_pem
from zonetag_backend.provisioning import provision_of
from zonetag_backend.roles import ADMIN, AUDITOR, HEALTH
from zonetag_backend.store import lists, tokens
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.app import make_app
from zonetag_protocol import bundle
from zonetag_protocol.bundle import Issued
from zonetag_protocol.card import Card
from zonetag_protocol.enrolment import PIN, Token


def somebody(office: Office, data: Path, listen: str = "127.0.0.1:8770") -> Get:
    config = load(None, {"data": str(data), "broker.url": "mqtt://127.0.0.1", "enrolment.listen": listen})
    app = make_app(office.engine, office.clock, Events(), keyring=KEYRING, provision=provision_of(config))
    return as_somebody(app, office)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def sealed(data: Path, *cards: tuple[str, int]) -> str:
    public = load_pem_public_key(public_pem(data).encode())
    assert isinstance(public, X25519PublicKey)
    made = [
        Issued(Card(number, bytes([key]) * 16, 1000, 250, 1000, 0xFFFF, -21), 1_790_000_000) for number, key in cards
    ]
    return "\n".join(bundle.seal(each, public) for each in made) + "\n"


def send(get: Get, text: str | bytes, role: str = ADMIN) -> tuple[int, str]:
    """Status, and where it leads or what is wrong."""
    fields = {"csrf": get.csrf(role), "step": "tag"}
    content = text.encode() if isinstance(text, str) else text
    sent = get("/setup?lang=en", role, method="POST", data=fields, files={"file": ("bundle.jsonl", content)})
    wrong = re.search(r'role="alert">(.*?)</p>', sent.text)
    return sent.status_code, html.unescape(wrong[1]) if wrong else sent.headers.get("location", "")


def numbers(office: Office) -> list[str]:
    with reading(office.engine) as connection:
        return sorted(str(row["number"]) for row in lists.tags(connection))


def test_a_bundle_is_taken_in_once(office: Office, data: Path) -> None:
    get = somebody(office, data)
    text = sealed(data, ("T-1", 1), ("T-2", 2))
    assert send(get, text) == (303, "/setup?step=tag&added=2&known=0")
    assert send(get, text + sealed(data, ("T-3", 3))) == (303, "/setup?step=tag&added=1&known=2")
    assert numbers(office) == ["T-1", "T-2", "T-3"]
    page = get("/setup?step=tag&added=1&known=2&lang=en", ADMIN).text
    assert "1 tag is new; 2 were there already." in page
    added = [e["about"] for e in get("/audit.json", AUDITOR).json()["entries"] if e["action"] == "tag.add"]
    assert sorted(added) == ["T-1", "T-2", "T-3"]


def test_a_bundle_that_is_not_taken_says_why_and_changes_nothing(office: Office, data: Path, tmp_path: Path) -> None:
    get = somebody(office, data)
    good = sealed(data, ("T-1", 1))
    assert send(get, good)[0] == 303
    fresh = sealed(data, ("T-8", 8))
    for text, said in (
        (fresh + "no bundle\n", "Line 2 is no line of a bundle"),
        (fresh + good.replace("T-1", "T-7"), "Line 2 was sealed to another server, or changed"),
        (sealed(tmp_path / "other", ("T-9", 9)), "Line 1 was sealed to another server"),
        (fresh + sealed(data, ("T-1", 5)), "Line 2: a tag of this number or key is there already"),
        (fresh + sealed(data, ("T-2", 1)), "Line 2: a tag of this number or key is there already"),
        ("", "Choose the file"),
        (b"\xff\xfe\x00", "Choose the file"),
    ):
        status, wrong = send(get, text)
        assert (status, said in wrong) == (400, True), wrong
    assert numbers(office) == ["T-1"]
    assert send(get, fresh, HEALTH)[0] == 403
    assert send(get, b"x" * (2 << 20))[0] == 413


def test_without_an_import_key_it_says_how_to_give_one(office: Office, data: Path, tmp_path: Path) -> None:
    status, wrong = send(somebody(office, data), sealed(tmp_path / "other", ("T-1", 1)))
    assert (status, "public key" in wrong) == (400, True)


def test_the_token_is_shown_once_and_lets_the_gateway_in(office: Office, data: Path) -> None:
    ca = make_authority(data, office.now)
    get = somebody(office, data)
    page = get.post("/setup", ADMIN, step="token", gateway="gw-cua").text
    said = re.search(r"sudo zonetag-gateway enrol (https://127\.0\.0\.1:8770) (\S+?)<", page)
    assert said
    token = Token.read(said[2])
    assert token.pin == ca.pin[:PIN]
    assert said[2] not in get("/setup?step=gateway", ADMIN).text
    entries = get("/audit.json", AUDITOR).json()["entries"]
    assert [(e["about"], e["reason"]) for e in entries if e["action"] == "gateway.enrol"] == [("gw-cua", "token made")]
    assert said[2] not in str(entries)
    again = get.post("/setup", ADMIN, step="token", gateway="gw-cua").text
    with writing(office.engine) as connection:
        assert tokens.take(connection, token.id, token.secret, b"k", office.now) == tokens.UNKNOWN, "void by the next"
        second = re.search(r"enrol \S+ (\S+?)<", again)
        assert second
        token = Token.read(second[1])
        ticket = tokens.take(connection, token.id, token.secret, b"k", office.now)
        assert isinstance(ticket, tokens.Ticket)
        assert (ticket.gateway, ticket.site) == ("gw-cua", "van-phong")
    assert get.post("/setup", ADMIN, step="token", gateway="nobody").status_code == 400
    assert get.post("/setup", HEALTH, step="token", gateway="gw-cua").status_code == 403


def test_what_stands_in_the_way_of_a_token_is_said(office: Office, data: Path) -> None:
    page = somebody(office, data).post("/setup?lang=en", ADMIN, step="token", gateway="gw-cua")
    assert page.status_code == 400
    assert "no certificate authority" in page.text
    assert "zonetag ca init" in page.text
    make_authority(data, office.now)
    page = somebody(office, data, listen="").post("/setup?lang=en", ADMIN, step="token", gateway="gw-cua")
    assert page.status_code == 400
    assert "[enrolment]" in page.text


def test_every_step_can_be_gone_back_to(office: Office, data: Path) -> None:
    get = somebody(office, data)
    assert 'href="/setup?step=gateway"' in get("/setup", ADMIN).text  # the tag's step is next
    page = get("/setup?step=gateway", ADMIN).text
    assert 'value="token"' in page
    assert 'href="/setup?step=tag"' in page
