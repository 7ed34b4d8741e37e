"""The commands on the registry, and `zonetag tap`, as people type them."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rig.brokers import Mosquitto
from rig.registry import make_office, take
from rig.reports import NOW_MS, Gateway, sealed
from rig.uplink import Uplink

from zonetag_backend.cli import main
from zonetag_protocol import bundle, card, topics
from zonetag_protocol.bundle import Issued
from zonetag_protocol.card import Card

Zonetag = Callable[..., tuple[int, str, str]]
KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def zonetag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Zonetag:
    """`zonetag("tag", "list")`: exit code, output and errors, on a registry of the test's own."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--data", str(tmp_path / "data")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def listed(zonetag: Zonetag, what: str) -> list[dict[str, object]]:
    code, out, _ = zonetag(what, "list", "--json")
    assert code == 0
    rows: list[dict[str, object]] = json.loads(out)
    return rows


def test_from_nothing_to_a_worn_tag(zonetag: Zonetag) -> None:
    for words in (
        ["site", "add", "hq", "--title", "Trụ sở", "--timezone", "Asia/Ho_Chi_Minh", "--absence", "600"],
        ["place", "add", "hq", "Cửa chính", "--kind", "entrance"],
        ["gateway", "add", "gw1", "--site", "hq", "--place", "Cửa chính"],
        ["person", "add", "Nguyễn Thị An", "--unit", "Phòng Hành chính", "--code", "7"],
        ["tag", "add", "A-1"],
    ):
        code, _, err = zonetag(*words)
        assert (code, err) == (0, ""), words
    code, _, err = zonetag("tag", "give", "A-1", "Nguyễn Thị An")
    assert (code, "has not agreed" in err) == (0, True)  # it is given, and said
    assert listed(zonetag, "site") == [
        {"name": "hq", "title": "Trụ sở", "timezone": "Asia/Ho_Chi_Minh", "absence_s": 600}
    ]
    assert listed(zonetag, "place") == [{"site": "hq", "name": "Cửa chính", "kind": "entrance"}]
    assert listed(zonetag, "person") == [
        {"name": "Nguyễn Thị An", "unit": "Phòng Hành chính", "code": "7", "tag": "A-1"}
    ]
    [gateway] = listed(zonetag, "gateway")
    assert (gateway["name"], gateway["site"], gateway["place"], gateway["online"]) == ("gw1", "hq", "Cửa chính", False)
    [tag] = listed(zonetag, "tag")
    assert (tag["number"], tag["state"], tag["person"], tag["heard_ms"]) == ("A-1", "active", "Nguyễn Thị An", None)


def test_the_shortest_way(zonetag: Zonetag) -> None:
    """One command for a gateway, one for a person, one for a tag: site and place are made as they are needed."""
    assert zonetag("gateway", "add", "gw1")[0] == 0
    assert zonetag("person", "add", "An", "--code", "7")[0] == 0
    assert zonetag("tag", "add", "A-1", "--person", "7")[0] == 0
    assert [(g["site"], g["place"]) for g in listed(zonetag, "gateway")] == [("office", "Entrance")]
    assert zonetag("gateway", "add", "gw2", "--place", "Room 2")[0] == 0
    assert len(listed(zonetag, "site")) == 1


@pytest.mark.parametrize(("action", "state"), [("take", "active"), ("lost", "lost")])
def test_a_tag_comes_back(zonetag: Zonetag, action: str, state: str) -> None:
    zonetag("person", "add", "An", "--code", "7")
    zonetag("tag", "add", "A-1", "--person", "7")
    assert zonetag("tag", action, "A-1")[0] == 0
    [tag] = listed(zonetag, "tag")
    assert (tag["state"], tag["person"]) == (state, None)
    assert zonetag("tag", "give", "A-1", "7")[0] == 0
    [tag] = listed(zonetag, "tag")
    assert (tag["state"], tag["person"]) == ("active", "An")


def test_a_tag_that_is_out_of_use_stays_so(zonetag: Zonetag) -> None:
    zonetag("person", "add", "An", "--code", "7")
    zonetag("tag", "add", "A-1", "--person", "7")
    assert zonetag("tag", "retire", "A-1")[0] == 0
    code, _, err = zonetag("tag", "give", "A-1", "7")
    assert (code, "out of use" in err) == (1, True)
    [tag] = listed(zonetag, "tag")
    assert (tag["state"], tag["person"]) == ("retired", None)


def test_somebody_erased_is_gone_and_so_is_the_key_of_their_tag(zonetag: Zonetag) -> None:
    zonetag("person", "add", "Nguyễn Thị An", "--code", "7")
    zonetag("tag", "add", "A-1", "--person", "7")
    code, _, err = zonetag("person", "erase", "7")
    assert (code, "--yes" in err) == (1, True)
    assert len(listed(zonetag, "person")) == 1
    code, out, _ = zonetag("person", "erase", "7", "--yes", "--reason", "asked for it")
    assert (code, "A-1" in out) == (0, True)
    assert listed(zonetag, "person") == []
    assert (listed(zonetag, "tag")[0]["person"], listed(zonetag, "tag")[0]["state"]) == (None, "retired")
    assert zonetag("tag", "give", "A-1", "7")[0] == 1


def test_the_key_of_all_keys_is_shown_by_its_mark_and_changed(zonetag: Zonetag, tmp_path: Path) -> None:
    zonetag("tag", "add", "A-1", "--key", KEY)
    before = zonetag("key", "show")[1]
    code, said, _ = zonetag("key", "rotate")
    assert (code, "1 data keys" in said) == (0, True)
    assert zonetag("key", "show")[1] not in ("", before)
    code, _, err = zonetag("tag", "add", "A-2", "--key", KEY)  # it opens what was sealed before
    assert (code, "A-1" in err) == (1, True)


def test_a_passphrase_that_was_not_given_does_not_bind_the_next_rotation(
    zonetag: Zonetag, monkeypatch: pytest.MonkeyPatch
) -> None:
    zonetag("tag", "add", "A-1", "--key", KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = zonetag("key", "rotate", "--to", "passphrase")
    assert (code, "passphrase_file" in err) == (1, True)
    code, said, _ = zonetag("key", "rotate")
    assert (code, "1 data keys" in said) == (0, True)


def test_a_card_holds_the_key_and_only_its_owner_reads_it(zonetag: Zonetag, tmp_path: Path) -> None:
    path = tmp_path / "a-1.card"
    assert zonetag("tag", "add", "A-1", "--key", KEY, "--card", str(path))[0] == 0
    assert path.stat().st_mode & 0o777 == 0o600
    made = card.unpack(path.read_bytes())
    assert (made.number, made.master.hex()) == ("A-1", KEY)
    code, _, err = zonetag("tag", "add", "A-2", "--card", str(path))
    assert (code, KEY in err) == (1, False)
    assert [tag["number"] for tag in listed(zonetag, "tag")] == ["A-1"]  # no tag without its card


def test_no_key_is_ever_printed_or_stored_in_clear(zonetag: Zonetag, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    said = [zonetag("tag", "add", "A-1", "--key-file", str(tmp_path / "key"))]
    said += [zonetag("tag", "list"), zonetag("tag", "list", "--json"), zonetag("tag", "add", "A-1", "--key", KEY)]
    said += [zonetag("tag", "add", "A-2", "--key", KEY[:-1] + "x"), zonetag("tag", "add", "A-2", "--key", KEY[:-2])]
    assert KEY[:-2] not in "".join(out + err for _, out, err in said)
    assert [code for code, _, _ in said] == [0, 0, 0, 1, 1, 1]
    for file in (tmp_path / "data").iterdir():
        assert bytes.fromhex(KEY) not in file.read_bytes()


def test_a_bundle_from_the_flashing_machine(zonetag: Zonetag, tmp_path: Path) -> None:
    code, pem, _ = zonetag("tag", "key")
    assert code == 0
    assert zonetag("tag", "key")[1] == pem
    public = load_pem_public_key(pem.encode())
    assert isinstance(public, X25519PublicKey)
    lines = [
        bundle.seal(Issued(Card(f"T-{n}", bytes([n]) * 16, 1000, 250, 1000, 0xFFFF, -21), 1_790_000_000), public)
        for n in range(3)
    ]
    path = tmp_path / "bundle.jsonl"
    path.write_text("\n".join(lines[:2]) + "\n")
    assert "2 tags are new" in zonetag("tag", "import", str(path))[1]
    path.write_text("\n".join(lines) + "\n")
    assert "1 tags are new, 2 were there" in zonetag("tag", "import", str(path))[1]
    path.write_text(lines[0].replace("T-0", "T-9"))
    assert zonetag("tag", "import", str(path))[0] == 1
    path.write_text(bundle.seal(Issued(Card("T-0", bytes(16 * [9]), 1000, 250, 1000, 0xFFFF, -21), 5), public))
    code, _, err = zonetag("tag", "import", str(path))
    assert (code, "another key" in err) == (1, True)
    assert len(listed(zonetag, "tag")) == 3
    assert (tmp_path / "data" / "import.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["site", "add", "Big Office"], "a-z"),
        (["site", "add", "hq", "--timezone", "Mars/Olympus"], "Asia/Ho_Chi_Minh"),
        (["site", "add", "hq", "--absence", "5"], "60"),
        (["place", "add", "nowhere", "x"], "zonetag site add nowhere"),
        (["gateway", "add", "gw1", "--site", "nowhere"], "zonetag site add nowhere"),
        (["gateway", "add", "GW"], "a-z"),
        (["person", "add", ""], "1 to"),
        (["person", "add", "An", "--unit", "\x1b[2J"], "1 to"),
        (["person", "add", "An", "--unit", "x" * 201], "1 to"),
        (["person", "erase", "nobody"], "zonetag person list"),
        (["tag", "add", "a number that is too long"], "16"),
        (["tag", "add", "A-1", "--person", "nobody"], "zonetag person list"),
        (["tag", "add", "A-1", "--eddystone", "--card", "x"], "--card"),
        (["tag", "give", "A-9", "nobody"], "zonetag person list"),
        (["tag", "take", "A-9"], "zonetag tag list"),
        (["tag", "import", "not-there"], "not-there"),
    ],
)
def test_what_cannot_be_says_what_to_do_and_changes_nothing(zonetag: Zonetag, words: list[str], says: str) -> None:
    code, out, err = zonetag(*words)
    assert code == 1
    assert says in err
    assert out == ""  # nothing is called new that was undone
    assert [listed(zonetag, what) for what in ("site", "place", "gateway", "person", "tag")] == [[]] * 5


def test_people_of_one_name_are_told_apart_by_number(zonetag: Zonetag) -> None:
    for number in ("7", "8"):
        zonetag("person", "add", "An", "--code", number)
    zonetag("tag", "add", "A-1")
    code, _, err = zonetag("tag", "give", "A-1", "An")
    assert (code, "staff number" in err) == (1, True)
    assert zonetag("tag", "give", "A-1", "8")[0] == 0
    assert zonetag("person", "add", "Bình", "--code", "8")[0] == 1


def test_a_gateway_that_knocks_is_listed_with_what_to_type(zonetag: Zonetag, tmp_path: Path) -> None:
    office = make_office(tmp_path / "data", enrolled=True)
    take(office.writer(), Gateway("gw9").report(), now_ms=NOW_MS)
    office.database.dispose()
    code, out, _ = zonetag("gateway", "list")
    assert code == 0
    assert "zonetag gateway add gw9 --site hq --place" in out
    [knocking] = [g for g in listed(zonetag, "gateway") if g["place"] is None]
    assert (knocking["name"], knocking["refused"]) == ("gw9", 1)


@pytest.mark.parametrize("as_json", [False, True])
def test_tap_prints_what_gateways_send(mosquitto: Mosquitto, tmp_path: Path, as_json: bool) -> None:
    office = make_office(tmp_path / "office", enrolled=True)
    tag, gateway = office.tag(office.add_tag("A-1")), Gateway("gw1")
    heard = tag.window(NOW_MS + 500, 800)
    with Uplink(mosquitto.port, gateway) as uplink:
        # Retained, so that it does not matter which of the two comes first.
        uplink.raw(gateway.topic(topics.STATE), b'{"online": true}', retain=True)
        uplink.raw(gateway.topic(), sealed(gateway.report(heard)), retain=True)
        uplink.raw(gateway.topic(topics.HEALTH), b"\x1b[2J", retain=True)
        words = ["tap", "--broker", mosquitto.url, "--count", "3", *(["--json"] if as_json else [])]
        program = [sys.executable, "-c", "import sys; from zonetag_backend.cli import main; sys.exit(main())"]
        done = subprocess.run(
            [*program, *words], capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False
        )
    office.database.dispose()
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    if as_json:
        items = {item["topic"].rsplit("/", 1)[1]: item for item in map(json.loads, done.stdout.splitlines())}
        assert items["state"]["state"] == {"online": True}
        assert "fault" in items["health"]
        [window] = items["report"]["report"]["windows"]
        assert (window["eid"], window["auth"], window["span_ms"]) == (heard.eid.hex(), heard.auth.hex(), 800)
    else:
        assert heard.eid.hex() in done.stdout
        assert "hq/gw1/report" in done.stdout


@pytest.mark.parametrize(
    "words",
    [["--for", "0"], ["--for", "nan"], ["--speed", "-1"], ["--seed", "-1"], ["--port", "-1"], ["--port", "65536"]],
)
def test_the_demo_says_what_a_number_must_be(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *words])
    assert ended.value.code == 2
    assert " wanted" in capsys.readouterr().err


def test_a_reader_that_has_had_enough(tmp_path: Path) -> None:
    """As in `zonetag site list | head -1`: no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", "import sys; from zonetag_backend.cli import main; sys.exit(main())"]
    words = ["site", "list", "--data", str(tmp_path)]
    done = subprocess.run([*program, *words], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")


def test_a_gateway_brings_its_place(zonetag: Zonetag) -> None:
    assert zonetag("gateway", "add", "gw1", "--place", "Cửa chính", "--kind", "entrance")[0] == 0
    assert zonetag("gateway", "add", "gw2", "--place", "Phòng họp")[0] == 0
    assert zonetag("gateway", "add", "gw3")[0] == 0
    kinds = {row["name"]: row["kind"] for row in listed(zonetag, "place")}
    assert kinds == {"Cửa chính": "entrance", "Phòng họp": "room", "Entrance": "entrance"}


def test_tap_ends_in_order_for_the_impatient(mosquitto: Mosquitto) -> None:
    program = [sys.executable, "-c", "import sys; from zonetag_backend.cli import main; sys.exit(main())"]
    with subprocess.Popen([*program, "tap", "--broker", mosquitto.url], stderr=subprocess.PIPE, text=True) as tap:
        assert tap.stderr is not None
        assert "listening" in tap.stderr.readline()
        for _ in range(5):
            tap.send_signal(signal.SIGTERM)
        said = tap.communicate(timeout=60)[1]
    assert (tap.returncode, said) == (0, "")


def test_no_two_tags_have_one_key(zonetag: Zonetag) -> None:
    assert zonetag("tag", "add", "A-1", "--key", KEY)[0] == 0
    code, _, err = zonetag("tag", "add", "A-2", "--key", KEY)
    assert code == 1
    assert "A-1" in err
    assert KEY not in err
    assert [row["number"] for row in listed(zonetag, "tag")] == ["A-1"]
