"""A case of one office found in another: real tags, real windows, two databases, and the commands between them."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cbor2
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig.office import Office as Seated
from rig.pages import KEYRING, as_somebody
from rig.registry import Office, make_office, take
from rig.reports import Gateway

from zonetag_backend.cli import main
from zonetag_backend.clock import utc_ms
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.events import Events
from zonetag_backend.ingest import Ingest
from zonetag_backend.store import cases, contact_log, foreign, registry, roster, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.retention import expire, horizon_ms
from zonetag_backend.tracing import abroad
from zonetag_backend.tracing.contacts import judge
from zonetag_backend.web.app import make_app
from zonetag_protocol import envelope, rotation
from zonetag_protocol.contact import Contact

DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000
AT_MS = (utc_ms() // DAY_MS - 2) * DAY_MS + 9 * HOUR_MS  # within retention by the clock that the commands read
WINDOW = (AT_MS - HOUR_MS, AT_MS + 3 * HOUR_MS)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def home(tmp_path: Path) -> Office:
    """The case's own office: the tag was heard there, so its clock is known."""
    made = make_office(tmp_path / "home")
    which = made.add_tag("A-1", at_ms=AT_MS - 50 * HOUR_MS, ppm=30)
    gateway, writer = Gateway("gw1", start_ms=AT_MS), made.writer()
    for step in range(5):
        at = AT_MS - HOUR_MS + step * 5000
        take(writer, gateway.report(made.tag(which).window(at)), now_ms=at + MINUTE_MS)
    with writing(made.database) as connection:
        who = registry.add_person(connection, "Nguyễn Thị An", code="7")
        tags.hand_out(connection, made.keyring, which, who, AT_MS - 2 * HOUR_MS)
    return made


@pytest.fixture
def away(tmp_path: Path, home: Office) -> Office:
    """Another office: the case came by for ten minutes, gateway gw3 and the tag of one there heard it."""
    made = make_office(tmp_path / "away")
    [ill] = home.tags
    own = made.add_tag("B-1", at_ms=AT_MS - 9 * HOUR_MS)
    with writing(made.database) as connection:
        who = registry.add_person(connection, "Trần Văn Bình", code="12")
        tags.hand_out(connection, made.keyring, own, who, AT_MS - HOUR_MS)
    gateway, writer = Gateway("gw3", start_ms=AT_MS), made.writer()
    for step in range(20):
        at = AT_MS + step * 30_000
        take(writer, gateway.report(home.tag(ill).window(at, 4000), made.tag(own).window(at)), now_ms=at + MINUTE_MS)
    t = made.tag(own).t_ms(AT_MS + MINUTE_MS) // 1000
    advert = home.tag(ill).advert(AT_MS + MINUTE_MS)
    record = Contact(
        rotation.epoch_of(t), rotation.slot_of(t), advert[13:21], advert[25:31], -50, 9, bytes([0xFF] * 16)
    )
    judging = Ingest(made.keyring.open, 3, 300_000)
    with writing(made.database) as connection:
        judging.take(roster.read(connection).tags)
        contact_log.write(connection, *judge(judging, own, [record], AT_MS + DAY_MS))
    return made


def exported(home: Office, window: tuple[int, int] = WINDOW) -> abroad.Abroad:
    with reading(home.database) as connection:
        who = registry.find_person(connection, "7")
        return abroad.Abroad(
            "Sở", "covid-19", *window, tuple(foreign.identifiers(connection, home.keyring, who, window))
        )


def test_the_other_office_finds_where_and_with_whom(home: Office, away: Office) -> None:
    with writing(away.database) as connection:
        found = foreign.match(connection, exported(home), b"1", by="me", now_ms=AT_MS + DAY_MS)
    by = {each.evidence: each for each in found}
    assert set(by) == {"place", "direct"}
    assert by["place"].place == "Room"
    assert abs(by["place"].start_ms - AT_MS) < 5000
    assert by["place"].end_ms - by["place"].start_ms == pytest.approx(19 * 30_000 + 4000, abs=5000)
    assert [each.people[0].code for each in found] == ["12", "12"]
    assert away.number("SELECT COUNT(*) FROM case_match") == 2


def test_what_was_sent_at_other_times_is_not_found(home: Office, away: Office) -> None:
    """The control: identifiers of another hour match nothing, nor do the right ones heard at another time."""
    other = exported(home, (WINDOW[1] + HOUR_MS, WINDOW[1] + 3 * HOUR_MS))
    with writing(away.database) as connection:
        assert foreign.match(connection, other, b"1", by="me", now_ms=AT_MS) == []
    late = exported(home)
    moved = abroad.Abroad(late.office, late.profile, *WINDOW, tuple((eid, s + 7200) for eid, s in late.sent))
    with writing(away.database) as connection:
        assert foreign.match(connection, moved, b"2", by="me", now_ms=AT_MS) == []


def test_a_file_is_imported_once(home: Office, away: Office) -> None:
    with writing(away.database) as connection:
        foreign.match(connection, exported(home), b"1", by="me", now_ms=AT_MS)
    with pytest.raises(AlreadyThere), writing(away.database) as connection:
        foreign.match(connection, exported(home), b"1", by="me", now_ms=AT_MS)


def test_identifiers_hold_for_a_tag_whose_clock_was_lost_since(home: Office) -> None:
    before = set(exported(home, (AT_MS - HOUR_MS, AT_MS - HOUR_MS + 30_000)).sent)
    with home.database.begin() as connection:
        connection.exec_driver_sql("UPDATE tag_clock SET offset_ms = offset_ms - 999999999")
    after = {eid for eid, _ in exported(home, (AT_MS - HOUR_MS, AT_MS - HOUR_MS + 30_000)).sent}
    assert {eid for eid, _ in before} & after


def test_the_file_holds_no_name_and_no_key(home: Office) -> None:
    data = abroad.pack(exported(home), KEY)
    [ill] = home.tags
    tag = home.tag(ill)
    for secret in (tag.master, *tag.keys, b"An", b"A-1"):
        assert secret not in data
    assert abroad.unpack(data, abroad.public_hex(KEY)) == exported(home)


def test_a_file_that_was_changed_or_is_anothers_is_refused(home: Office) -> None:
    data = abroad.pack(exported(home), KEY)
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(BadValue):
            abroad.unpack(bytes(changed), abroad.public_hex(KEY))
    other = abroad.public_hex(Ed25519PrivateKey.generate())
    for key in (other, "", "00", "zz" * 32):
        with pytest.raises(BadValue):
            abroad.unpack(data, key)
    for garbage in (b"", b"\x00", os.urandom(64)):
        with pytest.raises(BadValue):
            abroad.unpack(garbage, abroad.public_hex(KEY))


def signed(**fields: object) -> bytes:
    """A file that is signed, with some of its fields otherwise."""
    now = utc_ms()
    rest = {1: 1, 2: "Sở", 3: "covid-19", 4: now - DAY_MS, 5: now, 6: bytes(8), 7: bytes(4)}
    return envelope.wrap(cbor2.dumps(rest | {int(name[1:]): value for name, value in fields.items()}), "case", KEY)


CRAFTED = {
    "newer": ("version", signed(_1=2)),
    "newer, with more in it": ("version", signed(_1=2, _8="more")),
    "a name that turns what follows": ("content", signed(_2="Sở \u202e")),
    "20,001 identifiers": ("content", signed(_6=bytes(8 * 20_001), _7=bytes(4 * 20_001))),
    "a million identifiers": ("size", signed(_6=bytes(8_000_000), _7=bytes(4_000_000))),
    "years ago": ("past", signed(_4=0, _5=DAY_MS)),
    "not yet": ("future", signed(_4=utc_ms() + 3 * DAY_MS, _5=utc_ms() + 9 * DAY_MS)),
    "for ever": ("future", signed(_5=(1 << 53) - 1)),
    "all that ever was": ("future", signed(_4=0)),
    "backwards": ("future", signed(_4=utc_ms(), _5=utc_ms() - DAY_MS)),
    "cut": ("broken", signed()[:-9]),
    "a picture": ("broken", b"\xff\xd8\xff\xe0" + bytes(500)),
    "as it should be": ("", signed()),
}


@pytest.mark.parametrize("what", CRAFTED)
def test_a_file_is_refused_by_what_is_wrong_with_it(what: str) -> None:
    code, data = CRAFTED[what]
    now, key = utc_ms(), abroad.public_hex(KEY)

    def take(own: str) -> None:
        abroad.check(abroad.unpack(data, key), key, own, now, horizon_ms(now, 21))

    if code:
        with pytest.raises(abroad.NotTaken) as refused:
            take("")
        assert refused.value.code == code
    else:
        take("")
        with pytest.raises(abroad.NotTaken, match="this office itself"):
            take(key)


def test_a_file_that_the_other_office_could_do_nothing_with_is_not_made(home: Office) -> None:
    of = exported(home)
    for sent, said in (((), "find nobody"), (of.sent[:1] * 20_001, "too many")):
        with pytest.raises(BadValue, match=said):
            abroad.pack(replace(of, sent=sent), KEY)


def test_what_is_past_its_time_is_neither_told_nor_kept_nor_found(home: Office, away: Office) -> None:
    """No match is told or kept beyond the retention time, nor found anew."""
    now_ms, days = AT_MS + 10 * DAY_MS, 7
    over_ms = horizon_ms(now_ms, days)
    with writing(away.database) as connection:
        assert foreign.match(connection, exported(home), b"1", by="me", now_ms=AT_MS + DAY_MS)
    with reading(away.database) as connection:
        [kept] = foreign.imports(connection)
        assert foreign.imports(connection, over_ms) == []
        assert foreign.matches_of(connection, kept.id, over_ms) == []
    expire(away.database, now_ms, days)
    for table in ("case_foreign", "case_match", "rejected", "contact_rejected"):
        assert away.number(f"SELECT COUNT(*) FROM {table}") == 0, table
    with writing(away.database) as connection:
        assert foreign.match(connection, exported(home), b"2", by="me", now_ms=now_ms) == [], "nothing is left to find"


def test_a_file_of_the_command_is_read_by_the_other_offices_page(
    home: Office, away: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> str:
        assert main([*words, "--data", str(home.folder)]) == 0
        return capsys.readouterr().out

    file = tmp_path / "case.zonetag"
    onset = datetime.fromtimestamp(AT_MS / 1000, UTC).date().isoformat()
    opened = run("case", "open", "7", "--day", onset, "--basis", "test", "--reason", "test positive")
    case = opened.split(".")[0].removeprefix("Case ")
    key = run("case", "export", case, str(file)).splitlines()[-1]
    seat = Seated(away.database, utc_ms())
    get = as_somebody(make_app(away.database, seat.clock, Events(), keyring=KEYRING), seat)

    def send(data: bytes, key: str) -> httpx.Response:
        form = {"csrf": get.csrf(), "key": key, "reason": "asked by telephone"}
        return get("/imports?lang=en", method="POST", data=form, files={"file": ("case.zonetag", data)})

    changed = bytearray(file.read_bytes())
    changed[len(changed) // 2] ^= 1
    for data, of in ((bytes(changed), key), (file.read_bytes(), abroad.public_hex(KEY))):
        assert "from that office" in send(data, of).text
    assert away.number("SELECT COUNT(*) FROM case_foreign") == 0
    answer = send(file.read_bytes(), key)
    assert answer.status_code == 303, answer.text
    matches = get(f"{answer.headers['location']}.json").json()["matches"]
    assert {each["evidence"] for each in matches} == {"place", "direct"}
    assert {who["name"] for each in matches for who in each["people"]} == {"Trần Văn Bình"}


def test_by_command(home: Office, away: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(office: Office, *words: str) -> str:
        code = main([*words, "--data", str(office.folder)])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    file = str(tmp_path / "case.zonetag")
    onset = datetime.fromtimestamp(AT_MS / 1000, UTC).date().isoformat()
    opened = run(home, "case", "open", "7", "--day", onset, "--basis", "test", "--reason", "test positive")
    case = opened.split(".")[0].removeprefix("Case ")
    assert "F1: 0 contacts" in opened
    assert case in run(home, "case", "list")
    key = run(home, "case", "export", case, file).splitlines()[-1]
    assert Path(file).stat().st_mode & 0o077 == 0
    for office, words, said in (
        (home, ("export", case, file), "is there already"),
        (home, ("import", file, "--key", key, "--reason", "asked"), "this office itself"),
        (away, ("import", "/dev/zero", "--key", key, "--reason", "asked"), "another file"),
        (away, ("import", file, "--key", key, "--reason", " "), "say which"),
    ):
        assert main(["case", *words, "--data", str(office.folder)]) == 1
        assert said in capsys.readouterr().err
    found = run(away, "case", "import", file, "--key", key, "--reason", "asked by telephone")
    assert "Room: Trần Văn Bình (12)" in found
    assert "tag heard tag: Trần Văn Bình (12)" in found
    run(home, "case", "trace", case)
    run(home, "case", "close", case)
    with reading(home.database) as connection:
        assert cases.case_of(connection, int(case)).closed_ms is not None
    actions = [row[0] for row in home.rows("SELECT action FROM audit ORDER BY seq")]
    assert actions[-5:] == ["case.open", "case.read", "export.make", "contacts.read", "case.close"]
