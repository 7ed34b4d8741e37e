"""A flashing desk in use: several tags, several runs at once, full and foreign disks, and somebody who walks away."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rig.esp_rom import FakeEsp
from rig.flashing import flash

from zonetag_flash.errors import FlashError, files_in_plain_words
from zonetag_flash.records import Records, own_key
from zonetag_protocol import bundle, card

ISSUED = bundle.Issued(card.Card("T-0001", bytes(16), 1_790_000_000, 250, 1000, 0xFFFF, -21), 1_790_000_000)


def test_enter_goes_on_q_ends_and_a_failed_tag_holds_up_no_other(tmp_path: Path, image: Path) -> None:
    with FakeEsp(cut_after=100_000) as esp:
        done = flash(tmp_path, "--port", esp.url, "--image", str(image), types="\nq\n")
    assert done.err.count("run it again") + done.err.count("try again") >= 2, done.err
    assert done.code == 1
    with FakeEsp() as esp:
        done = flash(tmp_path, "--port", esp.url, "--image", str(image), types="\nq\n")
    assert (done.code, Records(tmp_path / "tags").numbers()) == (0, ["T-0001", "T-0002"])


def test_the_end_of_the_input_ends_it_without_complaint(tmp_path: Path, image: Path) -> None:
    with FakeEsp() as esp:
        done = flash(tmp_path, "--port", esp.url, "--image", str(image))
    assert (done.code, Records(tmp_path / "tags").numbers()) == (0, ["T-0001"])


def test_one_wearer_is_one_tag(tmp_path: Path, image: Path) -> None:
    with FakeEsp() as esp:
        done = flash(
            tmp_path, "--port", esp.url, "--image", str(image), "--wearer", "Đặng Thị Phương Thảo", types="\n\n"
        )
    assert (done.code, Records(tmp_path / "tags").numbers()) == (0, ["T-0001"])


@pytest.mark.parametrize("option", [["--number", "T-1"], ["--wearer", "An"]])
def test_what_is_for_one_tag_is_refused_for_all(tmp_path: Path, option: list[str]) -> None:
    assert flash(tmp_path, "--all", *option).code == 2


@pytest.mark.parametrize(
    "option", [["--moving-ms", "5"], ["--rest-ms", "soon"], ["--tx", "999"], ["--company", "fffff"]]
)
def test_a_number_that_no_card_can_hold_is_refused_before_anything_else(tmp_path: Path, option: list[str]) -> None:
    assert flash(tmp_path, "--port", "/dev/no-such-port", *option).code == 2


def test_options_are_not_abbreviated(tmp_path: Path) -> None:
    # Each port's own run is started without `--all`; an abbreviation would pass, and start runs without end.
    assert flash(tmp_path, "--al").code == 2


def test_a_folder_that_cannot_be_written_is_told_with_its_cure(tmp_path: Path, image: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with FakeEsp() as esp:
        done = flash(tmp_path, "--port", esp.url, "--image", str(image), "--yes", "--json", out="file/tags")
        assert esp.board.erased == 0
    said = json.loads(done.out)
    assert (done.code, said["error"]) == (1, "files")
    assert "--out" in said["cure"]


def test_a_label_that_cannot_be_written_leaves_the_tag_out_of_the_bundle(tmp_path: Path, image: Path) -> None:
    (tmp_path / "tags/label-T-0001.pdf").mkdir(parents=True)
    with FakeEsp() as esp:
        done = flash(tmp_path, "--port", esp.url, "--image", str(image), "--yes", "--json")
    assert (done.code, json.loads(done.out)["error"]) == (1, "files")
    assert Records(tmp_path / "tags").numbers() == []


def test_a_full_disk_is_told_with_its_cure() -> None:
    with pytest.raises(FlashError, match="Free some space"), files_in_plain_words():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "tags/bundle.jsonl")


def test_a_torn_line_is_taken_off_so_that_the_bundle_can_be_imported(tmp_path: Path) -> None:
    key = X25519PrivateKey.generate()
    records = Records(tmp_path)
    records.add(ISSUED, key.public_key())
    whole = records.bundle.read_bytes()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        records.bundle.write_bytes(whole + whole[:cut])
        records.add(ISSUED, key.public_key())
        lines = records.bundle.read_text().splitlines()
        assert [bundle.unseal(line, key) for line in lines] == [ISSUED] * len(lines)
        assert len(lines) == (3 if cut == len(whole) - 1 else 2)  # a line that lost only its end is whole


def test_runs_that_begin_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(own_key, [tmp_path / "data"] * 8))
    assert len({key.public_bytes_raw() for key in keys}) == 1
    assert sorted(os.listdir(tmp_path / "data")) == ["import.key", "import.pub"]


def test_a_run_that_was_killed_between_the_two_keys_is_no_dead_end(tmp_path: Path) -> None:
    public = own_key(tmp_path)
    (tmp_path / "import.pub").unlink()
    assert own_key(tmp_path) == public
    private = serialization.load_pem_private_key((tmp_path / "import.key").read_bytes(), None)
    assert private.public_key() == public
