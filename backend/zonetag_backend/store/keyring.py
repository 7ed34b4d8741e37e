"""The keyring of a database: opened, checked against it, and a rotation that was cut short ended."""

from pathlib import Path

from sqlalchemy import Engine

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keyfile import NEXT, Ask, sync_folder
from zonetag_backend.keyfile import open_keyring as from_source
from zonetag_backend.keys import KEK, Keyring
from zonetag_backend.store import secrets
from zonetag_backend.store.engine import reading, writing


def open_keyring(engine: Engine, path: Path, source: str = "auto", ask: Ask | None = None, now_ms: int = 0) -> Keyring:
    """The keyring; its file is made while the database holds no key.  KeyFileError when it is not this database's."""
    with reading(engine) as connection:
        empty, marks = secrets.is_empty(connection), secrets.marks(connection)
    _end_rotation(path, marks)
    keyring = from_source(path, source, ask, may_create=empty)
    if marks and marks != {keyring.mark}:
        keyring = _of_passphrase(path, marks, ask) or keyring
    with reading(engine) as connection:
        secrets.check(connection, keyring)
        old = secrets.has_old(connection)
    if old:
        with writing(engine) as connection:
            secrets.adopt(connection, keyring, now_ms)
    return keyring


def _end_rotation(path: Path, marks: set[bytes]) -> None:
    """A rotation stopped between the database's commit and the file's new name: the file follows the database."""
    waiting = path.with_name(path.name + NEXT)
    if not marks or not waiting.is_file():
        return
    try:
        next_one = from_source(waiting, "file", None, may_create=False)
    except KeyFileError:
        return  # one that was half written, or for a passphrase: see below
    if marks == {next_one.mark}:
        waiting.replace(path)
        sync_folder(path.parent)


def _of_passphrase(path: Path, marks: set[bytes], ask: Ask | None) -> Keyring | None:
    """The same, when the new key is of a passphrase: it has to be asked.  None when no such rotation was stopped."""
    waiting = path.with_name(path.name + NEXT)
    if not waiting.is_file() or waiting.stat().st_size == KEK:
        return None
    next_one = from_source(waiting, "passphrase", ask, may_create=False)
    if marks != {next_one.mark}:
        return None
    waiting.replace(path)
    sync_folder(path.parent)
    return from_source(path, "passphrase", ask, may_create=False)  # where a running server finds it again
