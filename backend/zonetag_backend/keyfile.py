"""Where the key-encryption key comes from: a file that only its owner reads, a credential of systemd, or a passphrase.

| source | what is read |
|---|---|
| `file` | `key_file`: 32 random bytes, mode 0600; made at the first start |
| `credential` | `$CREDENTIALS_DIRECTORY/zonetag-key`: 32 bytes, as systemd's LoadCredentialEncrypted= hands over |
| `passphrase` | `key_file`: "ZTP1", a salt of 16 bytes; the key is Argon2id of the passphrase |

`auto` takes the credential where systemd hands one over, else what the file is.  A rotation that was cut short is ended
here: the next key waits as `<key_file>.next` until the database is under it.
"""

import errno
import os
import secrets
import stat
import sys
import unicodedata
from collections.abc import Callable
from getpass import getpass
from pathlib import Path

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from zonetag_backend.errors import BadValue, KeyFileError
from zonetag_backend.keys import KEK, Keyring

SOURCES = ("auto", "file", "credential", "passphrase")
CREDENTIAL = "zonetag-key"  # its name in $CREDENTIALS_DIRECTORY
NEXT = ".next"
MIN_PASSPHRASE = 12  # characters
_MAGIC = b"ZTP1"
_SALT = 16  # bytes
# RFC 9106's second recommended choice: 64 MiB, three passes, four lanes; about 0.2 s on a server.
_MEMORY_KIB, _PASSES, _LANES = 64 * 1024, 3, 4

_LONGEST = 1024  # bytes of a key file or a passphrase

Ask = Callable[[], str]
"""Gives the passphrase: from a terminal, or from a file that the settings name."""


def asking(file: Path | None) -> Ask | None:
    """How to come by the passphrase: from a file that only its owner reads, else at the terminal, else not at all."""
    if file is not None:
        return lambda: _first_line(_read_private(file), file)
    if sys.stdin.isatty():
        return lambda: getpass("Passphrase of the keys: ")
    return None


def asking_new(file: Path | None) -> Ask:
    """How to come by a new passphrase: from a file, else typed twice at the terminal."""
    from_file = asking(file) if file is not None else None
    return from_file or _twice


def _twice() -> str:
    if not sys.stdin.isatty():
        raise BadValue(
            "there is no terminal to ask for a new passphrase: name a file with it (setting passphrase_file)"
        )
    text = getpass("New passphrase: ")
    if len(text) < MIN_PASSPHRASE:
        raise BadValue(f"a passphrase has at least {MIN_PASSPHRASE} characters: four words that belong to nothing")
    if getpass("Once more: ") != text:
        raise BadValue("the two are not the same; nothing was changed")
    return text


def open_keyring(path: Path, source: str = "auto", ask: Ask | None = None, may_create: bool = True) -> Keyring:
    """The keyring; a key file is made if there is none and `may_create`.

    KeyFileError when others may read the file, when it has another length, or when it is missing and must not be made.
    """

    def read() -> bytes:
        return read_kek(path, source, ask, may_create)

    return Keyring(read(), read)


def open_key_file(path: Path, may_create: bool = True) -> Keyring:
    """The keyring of a key file, whatever systemd hands over."""
    return open_keyring(path, "file", None, may_create)


def read_kek(path: Path, source: str, ask: Ask | None, may_create: bool) -> bytes:
    """The key-encryption key of a source."""
    credential = _credential()
    if source == "credential" or (source == "auto" and credential is not None):
        if credential is None:
            raise KeyFileError(
                f"systemd hands over no credential {CREDENTIAL}. In the unit: LoadCredentialEncrypted={CREDENTIAL}:FILE"
            )
        return _of_length(_read_private(credential, of_systemd=True), credential)
    try:
        content = _read_private(path)
    except FileNotFoundError:
        if not may_create:
            raise KeyFileError(
                f"{path} is missing, and the database holds keys that were sealed under it."
                " Put it back from your backup; without it those tags must be provisioned again."
            ) from None
        content = make(path, "passphrase" if source == "passphrase" else "file")
    if content[: len(_MAGIC)] == _MAGIC and len(content) == len(_MAGIC) + _SALT:
        if source == "file":
            raise KeyFileError(f"{path} is for a passphrase: set key_source to passphrase or auto")
        return _of_passphrase(content[len(_MAGIC) :], path, ask)
    if source == "passphrase":
        raise KeyFileError(
            f"{path} holds a key, not the salt of a passphrase. Type: zonetag key rotate --to passphrase"
        )
    return _of_length(content, path)


def make(path: Path, kind: str) -> bytes:
    """A new key file of kind "file" or "passphrase", mode 0600; its content, or that of whoever was faster."""
    content = _MAGIC + secrets.token_bytes(_SALT) if kind == "passphrase" else secrets.token_bytes(KEK)
    # Written whole under another name and linked into place: nobody ever sees half a key, and of two that start at
    # the same moment one wins and both use its key.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
            sync_folder(path.parent)
        except FileExistsError:
            return _read_private(path)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}. Choose another place with key_file.") from error
    finally:
        draft.unlink(missing_ok=True)
    return content


def sync_folder(folder: Path) -> None:
    """What was renamed or linked in a folder outlives a power cut from here on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _credential() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL
    return path if folder and path.is_file() else None


def _read_private(path: Path, *, of_systemd: bool = False) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}. Run this as the user who owns it.") from error
    with os.fdopen(descriptor, "rb") as file:
        # systemd's own folder is the unit's alone, and a group bit there is its own doing.
        if os.fstat(descriptor).st_mode & 0o077 and not of_systemd:
            raise KeyFileError(f"{path} may be read by others; it opens every tag key. Type: chmod 600 {path}")
        return file.read(_LONGEST)


def _first_line(content: bytes, path: Path) -> str:
    try:
        line = content.decode().split("\n")[0].strip()
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{path} holds no passphrase: it is not text") from error
    if not line:
        raise KeyFileError(f"{path} holds no passphrase: its first line is empty")
    return line


def _of_length(content: bytes, path: Path) -> bytes:
    if len(content) != KEK:
        raise KeyFileError(f"{path} is not a key file of {KEK} bytes. Put back the right one from your backup.")
    return content


def _of_passphrase(salt: bytes, path: Path, ask: Ask | None) -> bytes:
    if ask is None:
        raise KeyFileError(
            f"{path} wants a passphrase: start this at a terminal, or name a file with it (setting passphrase_file)"
        )
    text = unicodedata.normalize("NFC", ask())  # one accent typed in two ways is the same passphrase
    kdf = Argon2id(salt=salt, length=KEK, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    return kdf.derive(text.encode())
