"""What flash.sh writes is mounted and booted by a real MicroPython, and says over serial who it is."""

import json
from pathlib import Path

import pytest
from rig.esp_rom import Board, FakeEsp
from rig.micropython import Micropython
from rig.tag_bench import DEVICE

from zonetag_flash import speech, tag
from zonetag_flash.filesystem import BLOCK, files_of
from zonetag_flash.programs import compiled
from zonetag_flash.records import Records, own_key
from zonetag_protocol import card

ROOT = Path(__file__).parents[2]
VFS, VFS_SIZE = 0x200000, 0x200000


class Boot:
    """Boots what is on a board's flash; `output` is what it said."""

    def __init__(self, micropython: Micropython, folder: Path) -> None:
        self.micropython = micropython
        self.folder = folder
        self.output = ""
        (folder / "device").mkdir()
        micropython.compile(DEVICE, folder / "device")

    def __call__(self, board: Board) -> bytes:
        image = self.folder / "vfs.bin"
        image.write_bytes(board.flash[VFS : VFS + VFS_SIZE])
        (self.folder / "nvs").mkdir(exist_ok=True)
        done = self.micropython.run(
            Path(__file__).parent / "device/boot_image.py",
            image,
            str(VFS_SIZE // BLOCK),
            heap="110K",
            path=[self.folder / "device"],
            cwd=self.folder / "nvs",
        )
        self.output = done.stdout
        return self.output.encode()


@pytest.fixture
def boot(micropython: Micropython, tmp_path: Path) -> Boot:
    return Boot(micropython, tmp_path)


def plan(tmp_path: Path) -> tag.Plan:
    image = tmp_path / "micropython.bin"
    image.write_bytes(bytes(200_000))
    return tag.Plan(
        files=compiled(ROOT),
        image=image,
        version=None,
        board=None,
        moving_ms=250,
        rest_ms=1000,
        company=0xFFFF,
        tx=-21,
        backend=own_key(tmp_path / "data"),
        records=Records(tmp_path / "tags"),
        cache=tmp_path / "cache",
        listen_s=60,
    )


def test_a_flashed_tag_boots_and_its_identifier_is_what_the_backend_computes(boot: Boot, tmp_path: Path) -> None:
    with FakeEsp("ESP32-C3", says=boot) as esp:
        done = tag.flash(plan(tmp_path), esp.url, "A-0042", "", now_s=1_790_000_000, tell=lambda *_: None)
        files = files_of(bytes(esp.board.flash[VFS : VFS + VFS_SIZE]))
    assert "zonetag_tag from /flash/lib" in boot.output, boot.output
    assert done.identifier == "confirmed", boot.output
    said = [json.loads(line) for line in boot.output.splitlines() if line.startswith("{")]
    assert said[0]["number"] == "A-0042"
    assert said[0]["board"] == "esp32-c3-supermini"
    assert card.unpack(files["card.bin"]).master.hex() not in boot.output


def test_a_tag_with_another_card_is_not_confirmed(boot: Boot, tmp_path: Path) -> None:
    """The control: the same firmware with a key that the backend does not know."""
    with FakeEsp("ESP32", says=boot) as esp:
        tag.flash(plan(tmp_path), esp.url, "A-0001", "", now_s=1_790_000_000, tell=lambda *_: None)
        greeting = boot(esp.board)
    other = card.Card("A-0001", bytes(16), 1_790_000_000, 250, 1000, 0xFFFF, -21)
    answers = [speech.check(line, other) for line in greeting.splitlines()]
    assert False in answers
    assert True not in answers
