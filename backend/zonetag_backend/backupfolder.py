"""A folder of backups: their names, their making, and the end of those that have expired.

A backup is a sealed stream (sealedfile.py) of a tar archive: `zonetag.db`, and the small files of the data folder that
a server cannot do without (keys, certificates).  Whoever holds the backup's private key holds everything: it is kept
off the server.
"""

import fcntl
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from zonetag_backend import sealedfile
from zonetag_backend.errors import BackupError
from zonetag_backend.keyfile import sync_folder
from zonetag_backend.sealedfile import Header

DATABASE = "zonetag.db"
SUFFIX = ".ztb"
COPY = ".zonetag-backup-"  # beginning of the name of the copy in clear, in the data folder while one is made
LOCK = ".backup.lock"
ERASED = "erased.txt"  # numbers of people erased since: erased again after a restore
DAY_MS = 86_400_000
_MOST_SMALL = 1 << 20  # bytes of one of the small files
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup that is there."""

    path: Path
    header: Header


def make(
    folder: Path, data: Path, copy: Callable[[Path], None], to: X25519PublicKey, *, header: Header, within: str
) -> Path:
    """Write a new backup into `folder`; `copy(path)` writes the database there, `within` names the database's file.

    Nothing is there under the backup's name before all of it is on the disk.  BackupError when that cannot be.
    """
    when = datetime.fromtimestamp(header.made_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    path = folder / f"zonetag-{when}{SUFFIX}"
    if path.exists():
        raise BackupError(f"{path} is there already")
    draft = path.with_name(f".{path.name}.part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(data), tempfile.TemporaryDirectory(prefix=COPY, dir=data) as made, _new(draft) as file:
            # The plain copy stays in the data folder, on the disk that holds the database in clear anyway.
            copy(Path(made) / DATABASE)
            for piece in sealedfile.seal(header, to, _archive(Path(made) / DATABASE, data, within)):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(folder)
    except OSError as error:
        raise BackupError(f"cannot write {path}: {error.strerror}. Is there room, and may this user write?") from error
    finally:
        draft.unlink(missing_ok=True)
    return path


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One backup of a data folder at a time; what one that was killed has left there is removed."""
    with open(os.open(data / LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("another backup is being made of this data folder: wait for it") from None
        for left in data.glob(f"{COPY}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def sweep(data: Path) -> None:
    """Remove the copy in clear that a killed backup has left in a data folder, unless one is being made."""
    if any(data.glob(f"{COPY}*")):
        with suppress(BackupError), _alone(data):
            pass


def backups(folder: Path) -> list[Backup]:
    """The backups of a folder, oldest first; files that are none are passed over."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            with path.open("rb") as file:
                found.append(Backup(path, sealedfile.read_header(file)[0]))
        except (BackupError, OSError):
            continue
    return sorted(found, key=lambda backup: backup.header.made_ms)


def prune(folder: Path, now_ms: int) -> list[Path]:
    """Delete those that have expired; which."""
    gone = [backup.path for backup in backups(folder) if backup.header.expires_ms <= now_ms]
    for path in gone:
        path.unlink(missing_ok=True)
    if gone:
        sync_folder(folder)
    return gone


def unpack(path: Path, private: X25519PrivateKey, into: Path, now_ms: int) -> Header:
    """Write what a backup holds into a new folder; BackupError for one that has expired, is damaged, or not ours."""
    try:
        with path.open("rb") as file:
            header = sealedfile.read_header(file)[0]
            if header.expires_ms <= now_ms:
                raise BackupError(f"{path} has expired: what it holds was to be forgotten. Take a younger one.")
            file.seek(0)
            with tarfile.open(fileobj=_Reader(sealedfile.unseal(file, private)), mode="r|") as archive:
                for member in archive:
                    _unpack(archive, member, into)
    except tarfile.TarError as error:
        raise BackupError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise BackupError(f"cannot restore {path} to {into}: {error.strerror}") from error
    if not (into / DATABASE).is_file():
        raise BackupError(f"{path} holds no database")
    return header


def note_erased(people: Iterable[int], *folders: Path | None) -> None:
    """Remember in the data folder, and beside the backups, who was erased: numbers that stand for nobody any more.

    A folder that is not there, a stick that is not plugged in, say, is passed over.
    """
    lines = "".join(f"{who}\n" for who in people)
    for folder in folders:
        if folder is None or not folder.is_dir() or not lines:
            continue
        with open(os.open(folder / ERASED, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "a") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


def erased(*files: Path) -> list[int]:
    """Who was erased, as `note_erased` wrote it, each once; a file that is not there tells of nobody."""
    known = (path.read_text(errors="replace").split() for path in files if path.is_file())
    return sorted({int(line) for lines in known for line in lines if line.isascii() and line.isdecimal()})


def _new(path: Path) -> io.BufferedWriter:
    path.unlink(missing_ok=True)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _archive(database: Path, data: Path, within: str) -> Iterator[bytes]:
    """The tar archive in pieces."""
    small = [
        path
        for path in sorted(data.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and path.stat().st_size <= _MOST_SMALL
        and not path.name.startswith((".", within))
        and not any(part.startswith(".") for part in path.relative_to(data).parts)
    ]
    for path, name in [(database, DATABASE), *((path, path.relative_to(data).as_posix()) for path in small)]:
        member = tarfile.TarInfo(name)
        member.size = path.stat().st_size
        member.mode = 0o600
        yield member.tobuf(tarfile.PAX_FORMAT)
        with path.open("rb") as file:
            left = member.size
            while left:
                piece = file.read(min(_PIECE, left))
                if not piece:
                    raise BackupError(f"{path} became shorter while it was read; try again")
                left -= len(piece)
                yield piece
        yield bytes(-member.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """One file, below `into` and nowhere else, its owner's alone."""
    parts = Path(member.name).parts
    if not member.isfile() or member.name.startswith("/") or ".." in parts or not parts:
        raise BackupError(f"this backup holds {member.name!r}, which no backup of ours does")
    content = archive.extractfile(member)
    assert content is not None
    to = into.joinpath(*parts)
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _new(to) as file:
        while piece := content.read(_PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


class _Reader(io.RawIOBase):
    """A stream of pieces as a file that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._left += piece
        out, self._left = (self._left, b"") if size < 0 else (self._left[:size], self._left[size:])
        return out
