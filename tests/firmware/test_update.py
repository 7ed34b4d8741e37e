"""New firmware on trial: received, checked, started by the real main.py, kept or given up, on 32-bit MicroPython."""

import hashlib
import shutil
from pathlib import Path

import pytest
from rig.micropython import Micropython
from rig.tag_bench import DEVICE_ESP32, ROOT, TagBench

from zonetag_protocol import linkmessage as say

# Starts main.py as it is, until the first frame is out: says which firmware it is, by its introduction.
START = """
import bluetooth
def heard(on_air):
    raise SystemExit(7)
bluetooth.hear = heard
exec(open({main!r}).read())
"""
RECEIVE = """
from zonetag_tag.update import Update
data = open("archive", "rb").read()
update = Update("")
def begin(digest):
    return update.begin(len(data), bytes.fromhex(digest), b"\\0\\2\\0")
def send(until):
    codes = set()
    while update.received < until:
        codes.add(update.part(update.received, data[update.received:min(until, update.received + 480)]))
    return codes
"""


class Desk:
    """A tag with firmware 0.1.0 built in, and an archive of 0.2.0."""

    def __init__(self, micropython: Micropython, firmware: Path, bench: TagBench, new: dict[str, bytes]) -> None:
        self._micropython = micropython
        self._firmware = firmware
        self.files = bench.card_file.parent
        self.new = new
        self.give(new)

    def give(self, files: dict[str, bytes]) -> None:
        self.archive = say.pack_archive(files)
        self.digest = hashlib.sha256(self.archive).hexdigest()
        (self.files / "archive").write_bytes(self.archive)

    def do(self, code: str) -> list[str]:
        done = self._micropython.run("-c", RECEIVE + code, heap="400K", path=[self._firmware], cwd=self.files)
        assert done.returncode == 0, done.stdout
        return done.stdout.split("\n")[:-1]

    def receive(self) -> None:
        code = f"print(begin({self.digest!r}), send(len(data)), update.end(100000), update.restart_at)"
        assert self.do(code) == ["0 {0} 0 100003"]

    def start(self) -> str:
        """The version that says who it is."""
        watcher = self.files / "watch.py"
        watcher.write_text(START.format(main=str(ROOT / "firmware/main.py")))
        done = self._micropython.run(watcher, heap="200K", path=[DEVICE_ESP32, self._firmware], cwd=self.files)
        assert done.returncode == 7, done.stdout
        return next(version for version in ("0.1.0", "0.2.0") if f'"zonetag": "{version}"' in done.stdout)

    @property
    def slot(self) -> str:
        return (self.files / "slot.txt").read_text()


@pytest.fixture(scope="module")
def newer(micropython: Micropython, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of firmware 0.2.0."""
    folder = tmp_path_factory.mktemp("newer")
    sources = folder / "source" / "zonetag_tag"
    shutil.copytree(ROOT / "firmware/zonetag_tag", sources, ignore=shutil.ignore_patterns("__pycache__"))
    app = sources / "app.py"
    app.write_text(app.read_text().replace('VERSION = "0.1.0"', 'VERSION = "0.2.0"'))
    micropython.compile(sources, folder / "zonetag_tag")
    return {f"zonetag_tag/{path.name}": path.read_bytes() for path in sorted((folder / "zonetag_tag").glob("*.mpy"))}


@pytest.fixture
def desk(micropython: Micropython, firmware: Path, tag_bench: TagBench, newer: dict[str, bytes]) -> Desk:
    return Desk(micropython, firmware, tag_bench, newer)


def test_new_firmware_starts_on_trial_and_is_kept(desk: Desk) -> None:
    assert desk.start() == "0.1.0"
    desk.receive()
    assert desk.slot == "a trial 3 - 186400"
    assert desk.start() == "0.2.0"
    assert desk.do("print(update.on_trial, update.keep(), update.keep(), update.on_trial)") == ["True 0 4 False"]
    assert desk.slot == "a keep"
    assert desk.start() == "0.2.0"
    desk.receive()
    assert desk.slot == "b trial 3 a 186400", "the next one goes into the other slot"


def test_three_starts_without_a_word_from_the_backend_end_the_trial(desk: Desk) -> None:
    desk.receive()
    assert [desk.start() for _ in range(5)] == ["0.2.0"] * 3 + ["0.1.0"] * 2
    assert desk.slot == "- back"
    assert desk.do("print(update.on_trial, update.rolled_back)") == ["False True"]


def test_a_day_without_a_word_from_the_backend_ends_the_trial(desk: Desk) -> None:
    desk.receive()
    assert desk.do("print(update.look(186399), update.look(186400))") == ["False True"]
    assert desk.slot == "- back"
    assert desk.start() == "0.1.0"


def test_firmware_that_does_not_start_is_given_up(desk: Desk) -> None:
    desk.give(desk.new | {"zonetag_tag/app.mpy": b"no module"})
    desk.receive()
    for _ in range(3):
        with pytest.raises(AssertionError):
            desk.start()
    assert desk.start() == "0.1.0"


def test_it_goes_on_where_it_was_after_a_reset(desk: Desk) -> None:
    assert desk.do(f"print(begin({desk.digest!r}), send(5000), update.received)") == ["0 {0} 5000"]
    assert desk.do(f"print(update.received, begin({desk.digest!r}), update.received, update.part(4999, b'1'))") == [
        "5000 0 5000 4"
    ]
    assert desk.do("print(send(len(data)), update.end(100000))") == ["{0} 0"]
    assert desk.start() == "0.2.0"


def test_of_another_offer_nothing_is_kept(desk: Desk) -> None:
    """As when it was made by another gateway's session, before a reset."""
    assert desk.do("print(begin('00' * 32), send(5000))") == ["0 {0}"]
    again = f"print(update.received, begin({desk.digest!r}), update.received)"
    assert desk.do(again) == ["5000 0 0"]
    desk.receive()
    assert desk.start() == "0.2.0"


def test_during_a_trial_no_update_begins(desk: Desk) -> None:
    desk.receive()
    assert desk.start() == "0.2.0"
    assert desk.do("print(begin('00' * 32), update.part(0, b'1'), update.end(5))") == ["4 4 4"]
    assert desk.slot == "a trial 2 - 186400"


@pytest.mark.parametrize(
    "name", ["../main.py", "/card.bin", "zonetag_tag/../../x.mpy", "lib/x.mpy", "zonetag_tag/x.py"]
)
def test_no_file_outside_the_slot_is_written(desk: Desk, name: str) -> None:
    desk.give({name: b"evil"})
    before = {path.name for path in desk.files.iterdir()}
    code = f"print(begin({desk.digest!r}), send(len(data)), update.end(5))"
    assert desk.do(code) == ["0 {0} 5"]
    assert {path.name for path in desk.files.iterdir()} == before | {"slots"}
    assert desk.start() == "0.1.0"


def test_what_is_not_whole_is_not_started(desk: Desk) -> None:
    assert desk.do(f"print(begin({desk.digest!r}), send(700), update.end(5))") == ["0 {0} 4"]
    assert desk.do("print(begin('00' * 32), send(len(data)), update.end(5), update.received)") == ["0 {0} 5 0"]
    assert not (desk.files / "slot.txt").exists()
    assert desk.do("print(update.part(0, b'1'), update.end(5), update.begin(0, bytes(32), bytes(3)))") == ["4 4 2"]


@pytest.mark.parametrize("words", ["", "a", "a trial", "a trial x - 5", "c keep", "\x00\xff", "a trial 3 - x"])
def test_a_slot_file_without_sense_means_what_is_built_in_or_a_start_that_works(desk: Desk, words: str) -> None:
    (desk.files / "slot.txt").write_text(words)
    assert desk.start() == "0.1.0"
