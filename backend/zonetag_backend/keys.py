"""Tag keys at rest: sealed with AES-256-GCM under a key file, the tag's id as associated data.

| offset | bytes | field of a sealed key |
|---|---|---|
| 0 | 12 | nonce, random |
| 12 | n | ciphertext of the master key (16 bytes) |
| 12 + n | 16 | GCM tag |

The associated data binds a sealed key to its tag, so that rows of the database cannot be swapped.
"""

import errno
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zonetag_backend.errors import KeyFileError

KEY_FILE_BYTES = 32  # AES-256
_NONCE = 12  # bytes, GCM's own size


class Keyring:
    """Seals and opens tag keys.  The key itself never leaves this object."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_FILE_BYTES:
            raise ValueError("a key of 32 bytes wanted")
        self._gcm = AESGCM(key)

    def __repr__(self) -> str:
        return "Keyring(...)"  # never the key, whatever prints it

    def seal(self, tag: int, key: bytes) -> bytes:
        """The sealed form of a tag's key."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._gcm.encrypt(nonce, key, _about(tag))

    def open(self, tag: int, sealed: bytes) -> bytes:
        """A tag's key again; KeyFileError if this key file did not seal it for this tag."""
        try:
            return self._gcm.decrypt(sealed[:_NONCE], sealed[_NONCE:], _about(tag))
        except (InvalidTag, ValueError) as error:
            raise KeyFileError(
                "a tag's key does not open: this key file is not the one that sealed it."
                " Put back the key file that belongs to this database (setting key_file)."
            ) from error


def open_key_file(path: Path, may_create: bool = True) -> Keyring:
    """The keyring of a key file; a new file is made, mode 0600, if there is none and `may_create`.

    KeyFileError when others may read it, when it has another length, or when it is missing and must not be made.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    except FileNotFoundError:
        if not may_create:
            raise KeyFileError(
                f"{path} is missing, and the database holds tags that were sealed under it."
                " Put it back from your backup; without it those tags must be provisioned again."
            ) from None
        return _create(path)
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}. Run this as the user who owns it.") from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise KeyFileError(f"{path} may be read by others; it opens every tag key. Type: chmod 600 {path}")
        key = file.read(KEY_FILE_BYTES + 1)
    if len(key) != KEY_FILE_BYTES:
        raise KeyFileError(
            f"{path} is not a key file of {KEY_FILE_BYTES} bytes. Put back the right one from your backup."
        )
    return Keyring(key)


def _create(path: Path) -> Keyring:
    key = secrets.token_bytes(KEY_FILE_BYTES)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written whole under another name and linked into place: nobody ever sees half a key, and of two that start at
    # the same moment one wins and both use its key.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return open_key_file(path)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror}. Choose another place with key_file.") from error
    finally:
        draft.unlink(missing_ok=True)
    return Keyring(key)


def _about(tag: int) -> bytes:
    return b"zonetag v1 tag " + tag.to_bytes(8, "big")
