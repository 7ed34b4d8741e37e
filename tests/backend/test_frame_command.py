"""`zonetag frame explain` and `zonetag frame make`, on the vectors and on whatever else a user may paste."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from both.check_advert import MALFORMED, SAMPLES
from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend import anatomy
from zonetag_backend.cli import main
from zonetag_backend.cli.frame import explain_lines, explain_object
from zonetag_protocol import advert

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "tag_frame.json").read_text())
KEY = VECTORS["master_key"]
FRAME = VECTORS["frames"][0]
ADVERT = FRAME["advert"]
Out = pytest.CaptureFixture[str]


def told(capsys: Out, *args: str) -> dict[str, object]:
    assert main(["frame", "explain", *args, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    item = json.loads(said.out)
    assert isinstance(item, dict)
    return item


def refused(capsys: Out, *args: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["frame", *args])
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.mark.parametrize("vector", VECTORS["frames"])
def test_make(vector: dict[str, object], capsys: Out) -> None:
    args = ["--key", KEY, "--t", str(vector["t"]), "--status", str(vector["status"]), "--tx", str(vector["tx_power"])]
    assert main(["frame", "make", *args]) == 0
    assert capsys.readouterr() == (f"{vector['advert']}\n", "")


def test_make_by_default_and_for_another_fleet(capsys: Out) -> None:
    assert main(["frame", "make", "--key", KEY, "--t", "74565", "--status", "0x05"]) == 0
    assert capsys.readouterr().out.strip() == ADVERT
    assert main(["frame", "make", "--key", KEY, "--t", "74565", "--status", "5", "--company", "0059"]) == 0
    assert capsys.readouterr().out[42:50] == "09ff5900"


@pytest.mark.parametrize("vector", VECTORS["frames"])
def test_explain_verifies(vector: dict[str, object], capsys: Out) -> None:
    item = told(capsys, str(vector["advert"]), "--key", KEY, "--t", str(vector["t"]))
    assert item["kind"] == "zonetag"
    assert item["verified"] is True
    assert "reason" not in item
    assert [item[name] for name in ("eid", "sealed", "mac", "sub")] == [
        vector[name] for name in ("eid", "sealed", "mac", "sub")
    ]
    held = item["status"]
    assert isinstance(held, dict)
    assert held["byte"] == f"{vector['status']:02x}"


def test_explain_with_all_it_says(capsys: Out) -> None:
    assert told(capsys, ADVERT, "--key", KEY, "--t", "74565") == {
        "kind": "zonetag",
        "bytes": 31,
        "tx": -21,
        "eid": "2b249b9cfea21175",
        "company": "ffff",
        "sealed": "3676",
        "mac": "aebcf0cf",
        "verified": True,
        "epoch": 72,
        "epoch_offset": 0,
        "sub": 209,
        "slot_start": 74564,
        "status": {
            "byte": "05",
            "battery": 5,
            "button": False,
            "unsynchronised": False,
            "log_waiting": False,
            "version": 0,
        },
    }


@pytest.mark.parametrize(
    ("t", "offset"), [(72 * 1024, 0), (73 * 1024 - 1, 0), (73 * 1024, -1), (72 * 1024 - 1, 1), (74 * 1024 - 1, -1)]
)
def test_the_epochs_beside_are_tried(t: int, offset: int, capsys: Out) -> None:
    item = told(capsys, ADVERT, "--key", KEY, "--t", str(t))
    assert (item["verified"], item["epoch"], item["epoch_offset"]) == (True, 72, offset)


@pytest.mark.parametrize("t", [0, 71 * 1024 - 1, 74 * 1024, 2**32 - 1])
def test_no_other_epoch_is_tried(t: int, capsys: Out) -> None:
    item = told(capsys, ADVERT, "--key", KEY, "--t", str(t))
    assert (item["verified"], item["reason"]) == (False, "unknown")


@pytest.mark.parametrize(
    ("data", "key", "reason"),
    [
        (ADVERT[:-1] + "e", KEY, "forged"),
        (ADVERT[:50] + "0" + ADVERT[51:], KEY, "forged"),
        (ADVERT, "f" * 32, "unknown"),
        (ADVERT[:42], KEY, "not-ours"),
        ("02011a03036ffd17166ffd" + "00" * 20, KEY, "not-ours"),
    ],
)
def test_what_does_not_verify(data: str, key: str, reason: str, capsys: Out) -> None:
    item = told(capsys, data, "--key", key, "--t", "74565")
    assert (item["verified"], item["reason"]) == (False, reason)
    assert "status" not in item
    assert main(["frame", "explain", data, "--key", key, "--t", "74565"]) == 0
    assert "\nverified: no, " in capsys.readouterr().out


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_kind(sample: tuple[str, tuple[str, ...], dict[str, object], tuple[str, ...]], capsys: Out) -> None:
    kind, parts, fields, _ = sample
    item = told(capsys, "".join(parts))
    wanted: dict[str, object] = {"kind": kind, "bytes": len("".join(parts)) // 2, **fields}
    if "company" in fields:
        wanted["company"] = "ffff"
    assert item == wanted
    assert main(["frame", "explain", "".join(parts)]) == 0
    assert capsys.readouterr().out.startswith(f"{kind}: ")


@pytest.mark.parametrize("data", MALFORMED)
def test_malformed_is_an_answer_and_no_error(data: str, capsys: Out) -> None:
    for more in ([], ["--key", KEY, "--t", "0"]):
        item = told(capsys, data, *more)
        assert item["kind"] == "malformed"
        assert item["reason"]
        assert item.get("verified", False) is False
    assert main(["frame", "explain", data]) == 0
    assert "\nbecause: " in capsys.readouterr().out


def test_company(capsys: Out) -> None:
    other = ADVERT[:46] + "5900" + ADVERT[50:]
    assert told(capsys, other)["kind"] == "eddystone-eid"
    assert told(capsys, other, "--company", "0059")["company"] == "0059"


def test_the_table(capsys: Out) -> None:
    assert main(["frame", "explain", ADVERT, "--key", KEY, "--t", "75000"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "zonetag: a tag of ours, 31 bytes",
        "",
        "offset  bytes                    meaning",
        "     0  02 01 06                 flags: general discoverable, no BR/EDR",
        "     3  03 03 aa fe              16-bit UUIDs: feaa (Eddystone)",
        "     7  0d 16 aa fe              service data of feaa (Eddystone)",
        "    11  30                       frame type: EID",
        "    12  eb                       power at 0 m: -21 dBm",
        "    13  2b 24 9b 9c fe a2 11 75  identifier of this epoch",
        "    21  09 ff ff ff              manufacturer data of company ffff (reserved for tests)",
        "    25  36 76                    slot and status, sealed",
        "    27  ae bc f0 cf              authenticator",
        "",
        "verified: yes",
        "epoch 72 (the one before that of --t), slot 209: the tag's clock had 74564 s, to 4 s",
        "status 05: battery 5 of 7, version 0",
    ]


@pytest.mark.parametrize(
    "data", ["0x" + ADVERT, ADVERT.upper(), f"{ADVERT[:6]}:{ADVERT[6:]}", f" {ADVERT[:6]} {ADVERT[6:]}"]
)
def test_hexadecimal_as_tools_print_it(data: str, capsys: Out) -> None:
    assert told(capsys, data)["kind"] == "zonetag"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["explain"], "HEX"),
        (["explain", ""], "at least one byte"),
        (["explain", "020"], "is not hexadecimal"),
        (["explain", "02x1"], "is not hexadecimal"),
        (["explain", ADVERT, "--key", KEY], "belong together"),
        (["explain", ADVERT, "--t", "5"], "belong together"),
        (["explain", ADVERT, "--key", KEY[:-2], "--t", "5"], "16 bytes"),
        (["explain", ADVERT, "--key", KEY, "--t", "-1"], "from 0 to 4294967295"),
        (["explain", ADVERT, "--key", KEY, "--t", "4294967296"], "from 0 to 4294967295"),
        (["explain", ADVERT, "--key", KEY, "--t", "1.5"], "whole number"),
        (["explain", ADVERT, "--company", "fff"], "four of"),
        (["explain", ADVERT, "--company", "wxyz"], "not hexadecimal"),
        (["make", "--t", "5", "--status", "5"], "--key"),
        (["make", "--key", KEY, "--t", "5"], "--status"),
        (["make", "--key", KEY, "--t", "5", "--status", "256"], "from 0 to 255"),
        (["make", "--key", KEY, "--t", "5", "--status", "5", "--tx", "128"], "from -128 to 127"),
        (["make", "--key", KEY, "--t", "5", "--status", "5", "--tx", "loud"], "whole number"),
        ([], "COMMAND"),
    ],
)
def test_bad_arguments(args: list[str], says: str, capsys: Out) -> None:
    assert says in refused(capsys, *args)


@pytest.mark.parametrize("key", [KEY + "00", KEY[:-1], KEY[:-1] + "x"])
def test_a_mistyped_key_is_not_repeated(key: str, capsys: Out) -> None:
    assert KEY[:8] not in refused(capsys, "make", "--key", key, "--t", "5", "--status", "5")


def test_runs_with_the_base_dependencies_alone() -> None:
    """Nothing of the server's extra is imported: each is made impossible to import."""
    absent = ["sqlalchemy", "alembic", "numpy", "starlette", "jinja2", "uvicorn", "paho", "amqtt", "babel"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({absent!r}))\n"
        "from zonetag_backend.cli import main\n"
        f"sys.exit(main(['frame', 'explain', '{ADVERT}']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("zonetag: ")


@given(st.binary(min_size=1, max_size=80), st.integers(0, 0xFFFF))
def test_the_parts_are_the_whole(data: bytes, company: int) -> None:
    """Any bytes: each stands in exactly one part, and the terminal is given printable text only."""
    parts = anatomy.parts(data, company)
    assert b"".join(part.data for part in parts) == data
    assert [part.offset for part in parts] == [sum(len(p.data) for p in parts[:i]) for i in range(len(parts))]
    assert all(part.data and part.meaning.isprintable() for part in parts)
    assert all(line.isprintable() for line in explain_lines(data, company))
    assert explain_object(data, company)["kind"] in advert.KINDS
    json.dumps(explain_object(data, company, bytes(16), 0))


def test_what_was_made_is_explained_through_a_pipe(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ADVERT}\n"))
    assert told(capsys, "-")["kind"] == "zonetag"
