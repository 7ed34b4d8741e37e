"""Where the key-encryption key comes from."""

import os
import threading
from pathlib import Path

import pytest

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keyfile import asking, make, open_key_file, open_keyring


def test_the_file_is_its_owners_alone_and_lasts(tmp_path: Path) -> None:
    path = tmp_path / "data" / "key"
    mark = open_key_file(path).mark
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert open_key_file(path).mark == mark
    assert [p.name for p in path.parent.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused_with_what_to_type(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    open_key_file(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}"):
        open_key_file(path)


@pytest.mark.parametrize("length", [0, 20, 31, 33, 5000])
def test_a_file_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(length))
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        open_key_file(path)


def test_a_missing_file_is_not_made_when_keys_were_sealed_under_it(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="backup"):
        open_key_file(tmp_path / "key", may_create=False)
    assert os.listdir(tmp_path) == []


def test_programs_that_start_together_share_one_key(tmp_path: Path) -> None:
    marks: list[bytes] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        marks.append(open_key_file(tmp_path / "key").mark)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(marks) == 8
    assert len(set(marks)) == 1


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        open_key_file(tmp_path)


def test_a_passphrase_gives_the_same_key_again_and_another_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "key"
    mark = open_keyring(path, "passphrase", lambda: "mười bảy phút").mark
    assert len(path.read_bytes()) == 20
    assert open_keyring(path, "auto", lambda: "mười bảy phút").mark == mark  # the file says what it is
    decomposed = "mu\u031bo\u031b\u0300i ba\u0309y phu\u0301t"
    assert open_keyring(path, "passphrase", lambda: decomposed).mark == mark
    assert open_keyring(path, "passphrase", lambda: "muoi bay phut").mark != mark


def test_a_passphrase_that_nobody_can_be_asked_for_says_where_to_put_it(tmp_path: Path) -> None:
    make(tmp_path / "key", "passphrase")
    with pytest.raises(KeyFileError, match="passphrase_file"):
        open_keyring(tmp_path / "key")


def test_a_passphrase_is_read_from_a_file_of_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "phrase"
    file.write_text("hai mươi mốt ngày\nnot this\n")
    file.chmod(0o600)
    ask = asking(file)
    assert ask is not None
    assert ask() == "hai mươi mốt ngày"
    file.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        ask()


def test_systemd_hands_over_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(KeyFileError, match="LoadCredentialEncrypted"):
        open_keyring(tmp_path / "none", "credential")
    (tmp_path / "zonetag-key").write_bytes(b"c" * 32)
    mark = open_keyring(tmp_path / "none", "credential").mark
    assert open_keyring(tmp_path / "none").mark == mark  # auto takes it too
    assert not (tmp_path / "none").exists()
    (tmp_path / "zonetag-key").write_bytes(b"c" * 31)
    with pytest.raises(KeyFileError):
        open_keyring(tmp_path / "none", "credential")


@pytest.mark.parametrize(("kind", "source"), [("file", "passphrase"), ("passphrase", "file")])
def test_a_file_of_the_other_kind_says_so(tmp_path: Path, kind: str, source: str) -> None:
    make(tmp_path / "key", kind)
    with pytest.raises(KeyFileError):
        open_keyring(tmp_path / "key", source, lambda: "x")
