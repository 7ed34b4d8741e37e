"""Backups: made while the server writes, sealed, whole, ended in time, and proved by putting them back."""

import io
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from rig.disks import take_the_rest
from rig.registry import Office, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend import backupfolder, backupkey, sealedfile
from zonetag_backend.backup import Progress, back_up, back_up_when_due
from zonetag_backend.cli import main
from zonetag_backend.config import Config, load
from zonetag_backend.errors import BackupError, KeyFileError
from zonetag_backend.sealedfile import CHUNK, Header
from zonetag_backend.store import registry, snapshot, tags
from zonetag_backend.store.engine import writing

DAY_MS = 86_400_000
QUIET: Progress = lambda _done, _whole: None  # noqa: E731  # a name for nothing to say
HEADER = Header(NOW_MS, NOW_MS + DAY_MS, "0.1.0")
KEY = X25519PrivateKey.from_private_bytes(b"b" * 32)
NAME = "Trần Thị Bảo Mật"


def sealed(content: bytes) -> bytes:
    return b"".join(sealedfile.seal(HEADER, KEY.public_key(), [content]))


def opened(data: bytes, key: X25519PrivateKey = KEY) -> bytes:
    return b"".join(sealedfile.unseal(io.BytesIO(data), key))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_stream_opens_again(size: int) -> None:
    content = bytes(range(251)) * (size // 251 + 1)
    assert opened(sealed(content[:size])) == content[:size]


def test_what_is_cut_moved_repeated_changed_or_longer_does_not_open() -> None:
    data = sealed(bytes(2 * CHUNK + 5))
    at = len(sealed(b"")) - 16  # where the chunks begin
    one, two, rest = (
        data[at : at + CHUNK + 16],
        data[at + CHUNK + 16 : at + 2 * (CHUNK + 16)],
        data[at + 2 * CHUNK + 32 :],
    )
    head = data[:at]
    for wrong in (
        head,
        head + one,
        head + one + two,
        head + two + one + rest,
        head + one + one + two + rest,
        head + two + rest,
        data[:-1],
        data + b"x",
        head.replace(b"0.1.0", b"0.1.1") + one + two + rest,
        *(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in (0, 9, at, at + CHUNK, len(data) - 1)),
    ):
        with pytest.raises(BackupError):
            opened(wrong)
    with pytest.raises(BackupError, match="another key"):
        opened(data, X25519PrivateKey.generate())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = make_office(tmp_path / "office")
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        who = registry.add_person(connection, NAME, "Văn thư", "NV1")
        tags.hand_out(connection, office.keyring, which, who, NOW_MS)
    gateway = Gateway("gw1")
    take(office.writer(), gateway.report(*[office.tag(which).window(NOW_MS + 4000 * i) for i in range(8)]))
    backupkey.make(tmp_path / "private.pem", office.folder, "")
    return office


def settings(office: Office, tmp_path: Path) -> Config:
    return load(None, {"data": str(office.folder), "backup.dir": str(tmp_path / "backups")})


def backed_up(office: Office, tmp_path: Path, now_ms: int = NOW_MS) -> Path:
    config = settings(office, tmp_path)
    return back_up(
        config, office.database, tmp_path / "backups", now_ms, actor="system", progress=lambda _done, _whole: None
    )


def test_a_backup_tells_nothing_without_its_key(office: Office, tmp_path: Path) -> None:
    path = backed_up(office, tmp_path)
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    for secret in (NAME.encode(), b"SQLite format 3", (office.folder / "tag-keys.key").read_bytes()):
        assert secret not in content
    assert [each.name for each in (tmp_path / "backups").iterdir()] == [path.name]
    with pytest.raises(KeyFileError):
        backupkey.private_key(office.folder / "backup.pub", "")


def test_a_backup_comes_back_with_all_that_was_there(office: Office, tmp_path: Path) -> None:
    path = backed_up(office, tmp_path)
    backupfolder.unpack(path, backupkey.private_key(tmp_path / "private.pem", ""), tmp_path / "new", NOW_MS)
    assert (tmp_path / "new" / "tag-keys.key").read_bytes() == (office.folder / "tag-keys.key").read_bytes()
    snapshot.check(tmp_path / "new" / "zonetag.db")
    assert main(["key", "show", "--data", str(tmp_path / "new")]) == 0


def test_the_command_restores_without_what_was_to_be_forgotten(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = 4_000_000_000_000  # later than this machine's clock, so that it has not expired
    [(who,)] = office.rows("SELECT id FROM person")
    path = backed_up(office, tmp_path, now_ms)
    assert isinstance(who, int)
    backupfolder.note_erased([who], tmp_path / "backups", tmp_path / "unplugged", None)
    phrase = tmp_path / "phrase"
    phrase.write_text("none of these is asked\n")
    phrase.chmod(0o600)
    private = str(tmp_path / "private.pem")
    into = str(tmp_path / "new")
    assert main(["restore", str(path), "--key", private, "--data", into]) == 0
    assert "1 erased" in capsys.readouterr().out
    assert NAME.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "new").iterdir())
    assert main(["restore", str(path), "--key", private, "--data", into]) == 1
    assert "not empty" in capsys.readouterr().err


def test_an_expired_backup_is_neither_restored_nor_kept(office: Office, tmp_path: Path) -> None:
    path = backed_up(office, tmp_path)
    key = backupkey.private_key(tmp_path / "private.pem", "")
    later = NOW_MS + 8 * DAY_MS
    with pytest.raises(BackupError, match="expired"):
        backupfolder.unpack(path, key, tmp_path / "new", later)
    assert backupfolder.prune(tmp_path / "backups", NOW_MS + 6 * DAY_MS) == []
    assert backupfolder.prune(tmp_path / "backups", later) == [path]
    assert not path.exists()


def test_a_server_backs_up_when_it_is_due(office: Office, tmp_path: Path) -> None:
    config = settings(office, tmp_path)
    made = []
    for hour in range(0, 60, 1):
        back_up_when_due(config, office.database, NOW_MS + hour * 3_600_000)
        made.append(len(backupfolder.backups(tmp_path / "backups")))
    assert [made.index(n) for n in (1, 2, 3)] == [0, 24, 48]
    assert made[-1] == 3


def test_what_a_killed_backup_leaves_is_swept_away(office: Office, tmp_path: Path) -> None:
    left = office.folder / ".zonetag-backup-abc"
    left.mkdir()
    (left / "zonetag.db").write_text("in clear")
    back_up_when_due(load(None, {"data": str(office.folder)}), office.database, NOW_MS)  # also where none is made
    assert not left.exists()
    assert backupfolder.backups(tmp_path / "backups") == []


def test_of_two_at_once_one_waits(office: Office, tmp_path: Path) -> None:
    def second(_done: int, _whole: int) -> None:
        with pytest.raises(BackupError, match="another"):
            backed_up(office, tmp_path, NOW_MS + 1000)

    back_up(settings(office, tmp_path), office.database, tmp_path / "backups", NOW_MS, actor="system", progress=second)
    assert len(backupfolder.backups(tmp_path / "backups")) == 1


def test_a_copy_made_while_others_write_is_of_one_moment(office: Office, tmp_path: Path) -> None:
    """A writer moves a mark from one row to another: every copy has exactly one."""
    with writing(office.database) as connection:
        connection.exec_driver_sql("CREATE TABLE mark (n INTEGER PRIMARY KEY, here INTEGER, fill BLOB)")
        for n in range(40):
            connection.exec_driver_sql("INSERT INTO mark VALUES (?, ?, zeroblob(200000))", (n, int(n == 0)))
    stop = threading.Event()

    def move() -> None:
        n = 0
        while not stop.is_set():
            with writing(office.database) as connection:
                connection.exec_driver_sql("UPDATE mark SET here = 0 WHERE n = ?", (n,))
                n = (n + 7) % 40
                connection.exec_driver_sql("UPDATE mark SET here = 1 WHERE n = ?", (n,))

    thread = threading.Thread(target=move)
    thread.start()
    try:
        for i in range(3):
            copy = tmp_path / f"copy{i}"
            snapshot.copy(office.database, copy, lambda _done, _whole: None)
            snapshot.check(copy)
            with closing(sqlite3.connect(copy)) as copied:
                assert copied.execute("SELECT sum(here) FROM mark").fetchone() == (1,)
    finally:
        stop.set()
        thread.join()


def tar(change: Callable[[tarfile.TarInfo], None]) -> bytes:
    member = tarfile.TarInfo("zonetag.db")
    change(member)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    return out.getvalue()


def named(name: str, kind: bytes = tarfile.REGTYPE) -> Callable[[tarfile.TarInfo], None]:
    def change(member: tarfile.TarInfo) -> None:
        member.name, member.type, member.linkname = name, kind, "/etc/passwd"

    return change


@pytest.mark.parametrize(
    "change",
    [
        named("../out"),
        named("/etc/out"),
        named("a/../../out"),
        named("link", tarfile.SYMTYPE),
        named("d", tarfile.CHRTYPE),
    ],
)
def test_a_backup_writes_nowhere_else(tmp_path: Path, change: Callable[[tarfile.TarInfo], None]) -> None:
    (tmp_path / "made.ztb").write_bytes(sealed(tar(change)))
    with pytest.raises(BackupError):
        backupfolder.unpack(tmp_path / "made.ztb", KEY, tmp_path / "new", NOW_MS)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_no_half_backup(office: Office, tiny_disk: Path, tmp_path: Path) -> None:
    config = settings(office, tmp_path)
    take_the_rest(tiny_disk)
    with pytest.raises(BackupError, match="room"):
        back_up(config, office.database, tiny_disk, NOW_MS, actor="system", progress=QUIET)
    assert not list(tiny_disk.glob("*.ztb"))
    assert not list(tiny_disk.glob(".*.part"))
