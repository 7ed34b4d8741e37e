"""Keys at rest, in three layers: a key-encryption key seals data keys, a data key seals tag keys.

Every sealed thing has one form, AES-256-GCM:

| offset | bytes | field |
|---|---|---|
| 0 | 12 | nonce, random |
| 12 | n | ciphertext: a data key (32 bytes) or a tag's key (16 bytes) |
| 12 + n | 16 | GCM tag |

The associated data names what is sealed, so that rows of the database cannot be swapped.  Each person has a data key of
their own, which seals the keys of the tags that they wear; the stock has one for tags that nobody wears.  Whoever
destroys a data key has destroyed all that it sealed, in every later copy of the database too.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zonetag_backend.errors import KeyFileError

KEK = 32  # bytes, AES-256
DATA_KEY = 32
MARK = 8  # bytes that name a key-encryption key and tell nothing of it
_NONCE = 12  # bytes, GCM's own size
_MAX_OPEN = 20_000  # data keys kept open at once


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key as it rests."""

    id: int
    # STOCK, SECRETS, or 63 random bits for a person's
    mark: bytes
    # of the key-encryption key that sealed it
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A tag's key as it rests, with what opens it."""

    under: DataKey
    sealed: bytes = field(repr=False)


STOCK = 0  # data key of tags that nobody wears
SECRETS = 1  # data key of the office's own small secrets, such as those of second factors


class Keyring:
    """Holds the key-encryption key, which never leaves this object."""

    def __init__(self, kek: bytes, again: Callable[[], bytes] | None = None) -> None:
        """`again` reads the key anew: asked when something was sealed by another one, as after a rotation."""
        self._again = again
        self._open: dict[tuple[int, bytes], AESGCM] = {}
        self._take(kek)

    def __repr__(self) -> str:
        return f"Keyring({self.mark.hex()})"  # never the key, whatever prints it

    def _take(self, kek: bytes) -> None:
        if len(kek) != KEK:
            raise ValueError("a key of 32 bytes wanted")
        self.mark = hashlib.sha256(b"zonetag v1 key-encryption key" + kek).digest()[:MARK]
        self._gcm = AESGCM(kek)
        self._open.clear()

    def new_data_key(self, which: int) -> DataKey:
        """A new data key, sealed; `which` names it."""
        return self._seal_data_key(which, secrets.token_bytes(DATA_KEY))

    def seal(self, under: DataKey, tag: int, key: bytes) -> SealedKey:
        """The sealed form of a tag's key."""
        return SealedKey(under, _seal(self._data_key(under), key, _about_tag(tag)))

    def open(self, tag: int, sealed: SealedKey) -> bytes:
        """A tag's key again; KeyFileError if it was sealed for another tag or by keys that are not these."""
        return _opened(self._data_key(sealed.under), sealed.sealed, _about_tag(tag))

    def seal_secret(self, under: DataKey, about: str, secret: bytes) -> bytes:
        """A small secret of the office, bound to what it is about."""
        return _seal(self._data_key(under), secret, _about_secret(about))

    def open_secret(self, under: DataKey, about: str, sealed: bytes) -> bytes:
        """It again; KeyFileError if it is about something else or damaged."""
        return _opened(self._data_key(under), sealed, _about_secret(about))

    def resealed(self, data_key: DataKey, by: "Keyring") -> DataKey:
        """The same data key sealed under another key-encryption key; what it seals stays as it is."""
        raw = _opened(self._gcm, data_key.sealed, _about_data_key(data_key.id))
        return by._seal_data_key(data_key.id, raw)

    def opens(self, data_key: DataKey) -> bool:
        """Whether this key-encryption key sealed it."""
        return data_key.mark == self.mark

    def open_directly(self, tag: int, sealed: bytes) -> bytes:
        """A tag's key as release 0.1.0 sealed it: under the key-encryption key, without a data key."""
        return _opened(self._gcm, sealed, _about_tag(tag))

    def _seal_data_key(self, which: int, raw: bytes) -> DataKey:
        return DataKey(which, self.mark, _seal(self._gcm, raw, _about_data_key(which)))

    def _data_key(self, wanted: DataKey) -> AESGCM:
        if wanted.mark != self.mark and self._again is not None:
            self._take(self._again())
        opened = self._open.get((wanted.id, wanted.sealed))
        if opened is None:
            if len(self._open) >= _MAX_OPEN:
                self._open.clear()
            raw = _opened(self._gcm, wanted.sealed, _about_data_key(wanted.id))
            opened = self._open[wanted.id, wanted.sealed] = AESGCM(raw)
        return opened


def _seal(gcm: AESGCM, key: bytes, about: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + gcm.encrypt(nonce, key, about)


def _opened(gcm: AESGCM, sealed: bytes, about: bytes) -> bytes:
    try:
        return gcm.decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
    except (InvalidTag, ValueError) as error:
        raise KeyFileError(
            "a key does not open: the passphrase is another one, the key file is not the one that belongs to this"
            " database, or the database is damaged. Type the passphrase again, or put back the two that belong"
            " together."
        ) from error


def _about_tag(tag: int) -> bytes:
    return b"zonetag v1 tag " + tag.to_bytes(8, "big")


def _about_data_key(which: int) -> bytes:
    return b"zonetag v1 data key " + which.to_bytes(8, "big")


def _about_secret(about: str) -> bytes:
    return b"zonetag v1 secret " + about.encode()
