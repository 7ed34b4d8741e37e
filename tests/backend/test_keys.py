"""Tag keys at rest."""

import os
import threading
from pathlib import Path

import pytest

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keys import Keyring, open_key_file

KEY = bytes(range(16))


def test_a_key_opens_again_and_only_for_its_tag(tmp_path: Path) -> None:
    keyring = open_key_file(tmp_path / "key")
    sealed = keyring.seal(7, KEY)
    assert keyring.open(7, sealed) == KEY
    assert KEY not in sealed
    with pytest.raises(KeyFileError):
        keyring.open(8, sealed)


@pytest.mark.parametrize("at", range(12 + 16 + 16))
def test_a_changed_byte_is_noticed(at: int) -> None:
    keyring = Keyring(bytes(32))
    sealed = bytearray(keyring.seal(7, KEY))
    sealed[at] ^= 1
    with pytest.raises(KeyFileError):
        keyring.open(7, bytes(sealed))


@pytest.mark.parametrize("length", range(12 + 16 + 16))
def test_a_cut_one_is_noticed(length: int) -> None:
    keyring = Keyring(bytes(32))
    with pytest.raises(KeyFileError):
        keyring.open(7, keyring.seal(7, KEY)[:length])


def test_the_same_key_is_never_sealed_alike() -> None:
    keyring = Keyring(bytes(32))
    assert keyring.seal(7, KEY) != keyring.seal(7, KEY)


def test_the_file_is_its_owners_alone_and_lasts(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    sealed = open_key_file(path).seal(1, KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert open_key_file(path).open(1, sealed) == KEY
    assert [p.name for p in path.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused_with_what_to_type(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    open_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        open_key_file(path)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_file_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(length))
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        open_key_file(path)


def test_a_missing_file_is_not_made_when_tags_were_sealed_under_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="backup"):
        open_key_file(tmp_path / "key", may_create=False)
    assert os.listdir(tmp_path) == []


def test_programs_that_start_together_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed: list[bytes] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        sealed.append(open_key_file(path).seal(1, KEY))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [open_key_file(path).open(1, each) for each in sealed] == [KEY] * 8


def test_no_key_is_printed() -> None:
    assert repr(Keyring(b"k" * 32)) == "Keyring(...)"


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        open_key_file(tmp_path)
