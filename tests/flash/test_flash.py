"""Flashing with the real esptool against a board on a TCP port: what is written, told, recorded, and what is not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rig.esp_rom import MIB, FakeEsp
from rig.flashing import flash

from zonetag_flash import filesystem, partitions, speech
from zonetag_flash.chips import BOARDS
from zonetag_flash.errors import FlashError
from zonetag_flash.label import Label
from zonetag_flash.label import write as write_labels
from zonetag_flash.micropython import fetched
from zonetag_flash.records import Records, after, own_key
from zonetag_protocol import bundle, card
from zonetag_protocol.rotation import derive_keys, eid_of
from zonetag_tag import boards

VFS = 0x200000


def run(tmp_path: Path, *args: str) -> tuple[int, dict[str, object], str]:
    """Run the program; its exit code, its JSON, and all that it said."""
    done = flash(tmp_path, *args, "--json")
    return done.code, json.loads(done.out) if done.out.strip() else {}, done.out + done.err


def opened(tmp_path: Path) -> list[bundle.Issued]:
    """The cards in the bundle, opened with the backend's own key."""
    key = serialization.load_pem_private_key((tmp_path / "data/import.key").read_bytes(), None)
    assert isinstance(key, X25519PrivateKey)
    path = tmp_path / "tags/bundle.jsonl"
    return [bundle.unseal(line, key) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(("chip", "offset"), [("ESP32", 0x1000), ("ESP32-C3", 0)])
def test_a_bare_board_becomes_a_tag(tmp_path: Path, image: Path, chip: str, offset: int) -> None:
    with FakeEsp(chip) as esp:
        code, said, every = run(tmp_path, "--port", esp.url, "--image", str(image), "--yes")
        written = bytes(esp.board.flash)
        assert esp.board.erased == 1
    assert code == 0, every
    assert said["verified"] is True
    assert said["chip"] == chip
    assert written[offset : offset + image.stat().st_size] == image.read_bytes()
    files = filesystem.files_of(written[VFS : 2 * VFS])
    assert {"main.py", "card.bin", "lib/zonetag_protocol/frame.mpy"} <= set(files)
    [issued] = opened(tmp_path)
    assert card.unpack(files["card.bin"]) == issued.card
    assert issued.card.number == said["number"] == "T-0001"
    assert Path(str(said["label"])).suffix == ".pdf"
    assert (tmp_path / str(said["label"])).read_bytes().startswith(b"%PDF")


def test_no_key_stands_in_clear_anywhere(tmp_path: Path, image: Path) -> None:
    with FakeEsp() as esp:
        _, _, every = run(tmp_path, "--port", esp.url, "--image", str(image), "--yes")
    [issued] = opened(tmp_path)
    master = issued.card.master
    assert master.hex() not in every
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert master not in path.read_bytes(), path
            assert master.hex().encode() not in path.read_bytes(), path
    assert (tmp_path / "data/import.key").stat().st_mode & 0o77 == 0


def test_numbers_go_on_and_no_two_tags_share_a_key(tmp_path: Path, image: Path) -> None:
    for _ in range(2):
        with FakeEsp() as esp:
            run(tmp_path, "--port", esp.url, "--image", str(image), "--yes")
    issued = opened(tmp_path)
    assert [one.card.number for one in issued] == ["T-0001", "T-0002"]
    assert issued[0].card.master != issued[1].card.master


@pytest.mark.parametrize(
    ("chip", "faults", "args", "error"),
    [
        ("ESP8266", {}, (), "wrong-chip"),
        ("ESP32", {}, ("--board", "c3"), "wrong-chip"),
        ("ESP32", {"cut_after": 100_000}, (), None),
        ("ESP32", {"forgets": True}, (), "verify"),
        ("ESP32", {"deaf": True}, (), "no-answer"),
    ],
)
def test_failures_are_named_and_register_nothing(
    tmp_path: Path, image: Path, chip: str, faults: dict[str, Any], args: tuple[str, ...], error: str | None
) -> None:
    with FakeEsp(chip, **faults) as esp:
        code, said, every = run(tmp_path, "--port", esp.url, "--image", str(image), "--yes", *args)
    assert code == 1, every
    assert said["verified"] is False
    assert said["cure"]
    if error:
        assert said["error"] == error, said
    assert opened(tmp_path) == [] if (tmp_path / "data/import.key").exists() else True
    assert not list((tmp_path / "tags").glob("label-*"))
    # Run again, the same number is given: nothing of the first attempt stays.
    with FakeEsp() as esp:
        code, said, every = run(tmp_path, "--port", esp.url, "--image", str(image), "--yes")
    assert (code, said["number"]) == (0, "T-0001"), every


def test_a_tag_that_says_the_right_identifier_is_confirmed_and_a_wrong_one_refused(tmp_path: Path, image: Path) -> None:
    with FakeEsp(says=b'boot...\n{"zonetag": "0.1.0", "number": "T-0001", "t": 1, "eid": "00"}\n') as esp:
        code, said, _ = run(tmp_path, "--port", esp.url, "--image", str(image), "--yes", "--listen", "60")
    assert (code, said["error"]) == (1, "wrong-identifier")
    assert opened(tmp_path) == []


def test_boards_side_by_side_where_one_hangs(tmp_path: Path, image: Path) -> None:
    with FakeEsp() as one, FakeEsp("ESP32-C3") as other, FakeEsp(deaf=True) as dead:
        ports = [f"--port={one.url}", f"--port={other.url}", "--port", dead.url]
        options = ["--board", "devkit", "--out", "tags", "--data", "data", "--image", str(image), "--listen", "0"]
        done = subprocess.run(
            [sys.executable, "-m", "zonetag_flash", *ports, *options, "--yes", "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    results = json.loads(done.stdout)
    assert done.returncode == 1
    assert [result["port"] for result in results] == [one.url, other.url, dead.url]
    assert [result.get("error") for result in results] == [None, "wrong-chip", "no-answer"]
    assert [card_.card.number for card_ in opened(tmp_path)] == [results[0]["number"]]


def test_the_greeting_is_checked_as_the_backend_would() -> None:
    one = card.Card("T-7", bytes(range(16)), 1_790_000_000, 250, 1000, 0xFFFF, -21)
    t = one.t0 + 1030
    right = {"zonetag": "0.1.0", "number": "T-7", "t": t, "eid": eid_of(derive_keys(one.master).eid, t).hex()}
    assert speech.check(b"\x00\xff" + json.dumps(right).encode() + b"\r", one) is True
    for wrong in (
        {"number": "T-8"},
        {"t": t - 1030},
        {"t": one.t0 + 100_000},
        {"t": "now"},
        {"eid": "00" * 8},
        {"t": None},
    ):
        assert speech.check(json.dumps(right | wrong).encode(), one) is False
    for noise in (
        b"ets Jul 29 2019 12:21:46",
        b"\xff\xfe zonetag",
        b"{",
        b"{}",
        b"[" * 5000,
        b'{"zonetag-fault": "card"}',
    ):
        assert speech.check(noise, one) is None


def test_silence_is_a_failure_of_a_real_board_alone() -> None:
    assert speech.demand(None, must_speak=False) == "silent"
    assert speech.demand(True, must_speak=True) == "confirmed"
    with pytest.raises(FlashError) as failure:
        speech.demand(None, must_speak=True)
    assert failure.value.code == "silent"
    for must_speak in (True, False):
        with pytest.raises(FlashError):
            speech.demand(False, must_speak=must_speak)


def test_every_board_has_its_row_in_the_firmware() -> None:
    for board in BOARDS.values():
        row = boards.named(board.pins)
        assert row is not None
        assert row.name == board.pins


def test_a_dry_run_writes_nothing(tmp_path: Path, image: Path) -> None:
    with FakeEsp("ESP32-C3") as esp:
        code, said, every = run(tmp_path, "--port", esp.url, "--image", str(image), "--dry-run")
        assert esp.board.written == esp.board.erased == 0
    assert (code, said["chip"], said["board"]) == (0, "ESP32-C3", "c3"), every


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--port", "/dev/no-such-port"), "no-port"),
        (("--port", "socket://127.0.0.1:9"), "no-port"),
        (("--port", "/dev/null"), "no-port"),
        (("--port", "serial://one"), "no-port"),
        (("--image", "no-such-file.bin"), "no-image"),
        (("--backend-key", "no-such-file"), "no-backend-key"),
        (("--number", "a tag"), "bad-number"),
        (("--sheet",), "no-tags"),
    ],
)
def test_what_is_missing_is_named_with_its_cure(tmp_path: Path, image: Path, args: tuple[str, ...], error: str) -> None:
    with FakeEsp() as esp:
        every = {"--port": esp.url, "--image": str(image)} | dict(zip(args[::2], args[1::2], strict=False))
        flags = [part for pair in every.items() for part in pair] + (["--sheet"] if "--sheet" in args else [])
        code, said, all_said = run(tmp_path, *flags, "--yes")
        assert esp.board.written == 0
    assert (code, said["error"]) == (1, error), all_said
    assert said["cure"]


def test_no_permission_names_the_group(tmp_path: Path) -> None:
    port = tmp_path / "ttyUSB0"
    port.touch(mode=0o000)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    # Root may use every port, so a child asks as nobody.
    ask = """
import os, sys
from zonetag_flash import errors, ports
if os.geteuid() == 0: os.setuid(65534)
try: ports.check(sys.argv[1])
except errors.FlashError as error: print(error.code, error.cure)
"""
    said = subprocess.run([sys.executable, "-c", ask, str(port)], capture_output=True, text=True, check=True).stdout
    assert said.startswith("no-permission")
    assert "usermod -aG" in said


def test_an_image_names_its_own_file_system() -> None:
    entry = b"\xaa\x50\x01\x81" + (0x310000).to_bytes(4, "little") + (0xF0000).to_bytes(4, "little")
    table = entry + b"vfs".ljust(16, b"\0") + bytes(4)
    for size in (4 * MIB, 8 * MIB):
        assert partitions.vfs_of(bytes(0x7000) + table, 0x1000, size) == partitions.Partition("vfs", 0x310000, 0xF0000)
        assert partitions.vfs_of(bytes(0x8000) + table, 0, size) == partitions.Partition("vfs", 0x310000, 0xF0000)
    for cut in range(32):
        assert partitions.vfs_of(bytes(0x7000) + table[:cut], 0x1000, 4 * MIB) == partitions.STOCK_VFS
    with pytest.raises(FlashError, match="more flash than the 2 MB"):
        partitions.vfs_of(bytes(0x8000) + table, 0, 2 * MIB)


def application(size: int) -> bytes:
    """A partition table entry as MicroPython's from 1.26 on end: the application, and no `vfs` behind it."""
    entry = b"\xaa\x50\x00\x00" + (0x10000).to_bytes(4, "little") + size.to_bytes(4, "little")
    return entry + b"factory".ljust(16, b"\0") + bytes(4)


@pytest.mark.parametrize(("app", "mib"), [(0x1F0000, 4), (0x210000, 4), (0x1F0000, 8)])
def test_without_a_named_one_it_fills_what_is_behind_the_application(tmp_path: Path, app: int, mib: int) -> None:
    path = tmp_path / "micropython.bin"
    path.write_bytes(bytes(0x8000) + application(app) + b"\xff" * 4096)
    with FakeEsp("ESP32-C3", flash=bytearray(b"\xff" * (mib * MIB))) as esp:
        code, _, every = run(tmp_path, "--port", esp.url, "--image", str(path), "--yes")
    assert code == 0, every
    begin = 0x10000 + app
    # littlefs is mounted with the size of its partition and refuses any other.
    assert "card.bin" in filesystem.files_of(bytes(esp.board.flash[begin:]))
    assert set(esp.board.flash[0x10000:begin]) == {0xFF}  # nothing stands where the application belongs
    with pytest.raises(FlashError, match="more flash"):
        partitions.vfs_of(path.read_bytes(), 0, begin)


def test_an_image_for_another_chip_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "esp32c3.bin"
    path.write_bytes(b"\xe9\x01\x02\x2f".ljust(12, b"\0") + b"\x05\0".ljust(20_000, b"\0"))
    with FakeEsp("ESP32") as esp:
        code, said, every = run(tmp_path, "--port", esp.url, "--image", str(path), "--yes")
        assert esp.board.written == esp.board.erased == 0
    assert (code, said["error"]) == (1, "wrong-image"), every


def test_a_file_system_that_is_too_small_is_refused() -> None:
    with pytest.raises(FlashError, match="do not fit"):
        filesystem.image_of({"big": bytes(100_000)}, 64 * 1024)
    files = {"main.py": b"x", "lib/a/b.mpy": bytes(9000), "card.bin": bytes(64)}
    assert filesystem.files_of(filesystem.image_of(files, 256 * 1024)) == files


@pytest.mark.parametrize(
    ("last", "next_"),
    [(None, "T-0001"), ("T-0009", "T-0010"), ("A9", "A10"), ("thẻ", "thẻ1"), ("7", "8"), ("T-9999", "T-10000")],
)  # fmt: skip
def test_the_number_after(last: str | None, next_: str) -> None:
    assert after(last, set()) == next_


def test_a_torn_line_in_the_bundle_costs_no_other(tmp_path: Path) -> None:
    records = Records(tmp_path / "tags")
    key = own_key(tmp_path / "data")
    one = bundle.Issued(card.Card("T-0001", bytes(16), 5, 250, 1000, 0xFFFF, -21), 5)
    records.add(one, key)
    with records.bundle.open("ab") as file:
        file.write(b'{"zonetag-bundle": 1, "numb')  # power went here
    with records.reserved(None) as number:
        assert number == "T-0002"
    records.add(bundle.Issued(one.card._replace(number="T-0002"), 5), key)
    assert records.numbers() == ["T-0001", "T-0002"]


def test_two_runs_at_once_take_two_numbers(tmp_path: Path) -> None:
    records = Records(tmp_path)
    with records.reserved(None) as first, records.reserved(None) as second:
        assert (first, second) == ("T-0001", "T-0002")
        with pytest.raises(FlashError, match="T-0001"), records.reserved("T-0001"):
            pass
    with records.reserved(None) as again:
        assert again == "T-0001"


def test_the_claim_of_a_run_that_was_killed_is_no_claim(tmp_path: Path) -> None:
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    (tmp_path / ".claim-T-0001").write_text(str(killed.pid))
    with Records(tmp_path).reserved(None) as number:
        assert number == "T-0001"


def test_labels_fit_any_name_and_any_count(tmp_path: Path) -> None:
    labels = [Label(f"T-{number:04}", "Nguyễn Thị Phương Thảo " * 3) for number in range(50)]
    write_labels(labels, tmp_path / "sheet.pdf")
    pdf = (tmp_path / "sheet.pdf").read_bytes()
    assert pdf.count(b"/Type /Page\n") == 3
    write_labels([Label("W" * 16)], tmp_path / "one.pdf")
    assert (tmp_path / "one.pdf").read_bytes().count(b"/Type /Page\n") == 1


def test_an_image_that_is_not_on_record_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(FlashError) as failure:
        fetched("0.0.0", "ESP32", tmp_path)
    assert failure.value.code == "no-image"
    assert "--image" in failure.value.cure
