"""The flashing desk's records in one folder: the bundle for the backend, and which numbers are taken.

A tag stands in the bundle only once it has been verified; so an interrupted run leaves nothing half-provisioned, and
its number is given to the next tag.
"""

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from zonetag_flash.errors import FlashError
from zonetag_protocol import bundle
from zonetag_protocol.card import NUMBER

BUNDLE = "bundle.jsonl"
# The same two files as the backend keeps in its data folder; the private one is made there with mode 0600.
PRIVATE = "import.key"
PUBLIC = "import.pub"


def public_key(path: Path) -> X25519PublicKey:
    """The backend's public key from a file; FlashError if it is none."""
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise FlashError(
            "no-backend-key",
            f"{path} holds no public key of a backend.",
            "On the backend type: zonetag tag key > import.pub   and give that file with --backend-key.",
        ) from error
    if not isinstance(key, X25519PublicKey):
        raise FlashError("no-backend-key", f"{path} holds another kind of key.", "Use the output of: zonetag tag key")
    return key


def own_key(data: Path) -> X25519PublicKey:
    """The key of the backend whose data folder is on this machine, made now if there is none yet."""
    private, public = data / PRIVATE, data / PUBLIC
    if not public.exists():
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not private.exists():
            pem = X25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _appear(private, pem)
        try:
            key = serialization.load_pem_private_key(private.read_bytes(), None)
        except (ValueError, TypeError) as error:
            raise FlashError(
                "no-backend-key", f"{private} holds no private key.", "Put it back from your backup."
            ) from error
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        _appear(public, pem)
    return public_key(public)


def _appear(path: Path, content: bytes) -> None:
    """Write a file (mode 0600) whole or not at all; if another run was first, its file stays."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".import-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


class Records:
    """The folder of one flashing desk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.bundle = folder / BUNDLE

    def numbers(self) -> list[str]:
        """Numbers of the tags in the bundle, in the order of their flashing."""
        if not self.bundle.exists():
            return []
        found = []
        for line in self.bundle.read_text(encoding="utf-8").splitlines():
            try:
                found.append(str(json.loads(line)["number"]))
            except (ValueError, KeyError, TypeError):
                continue  # torn by a power cut in mid-line; the tag was not told as done
        return found

    @contextmanager
    def reserved(self, wanted: str | None) -> Iterator[str]:
        """A number that no other run takes meanwhile: `wanted`, or the one after the last; freed at the end."""
        with self._lock():
            taken = {*self.numbers(), *self._claims()}
            number = wanted or after(self.numbers()[-1] if self.numbers() else None, taken)
            if number in taken:
                raise FlashError("number-taken", f"There is a tag {number} already.", "Choose another --number.")
            if not 0 < len(number.encode()) <= NUMBER or not re.fullmatch(r"[\w.-]+", number):
                raise FlashError(
                    "bad-number", f"{number!r} is no number for a tag.", "Use up to 16 letters, digits, - and ."
                )
            claim = self.folder / f".claim-{number}"
            claim.write_text(str(os.getpid()))
        try:
            yield number
        finally:
            claim.unlink(missing_ok=True)

    def add(self, issued: bundle.Issued, key: X25519PublicKey) -> None:
        """Write a verified tag into the bundle, whole and durable."""
        line = bundle.seal(issued, key) + "\n"
        with self._lock(), self.bundle.open("ab+") as file:
            _heal(file)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _claims(self) -> list[str]:
        claims = []
        for path in self.folder.glob(".claim-*"):
            if _alive(path.read_text()):
                claims.append(path.name.removeprefix(".claim-"))
            else:
                path.unlink(missing_ok=True)
        return claims

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def after(last: str | None, taken: set[str]) -> str:
    """The number that follows: its last run of digits counted up, as wide as before; T-0001 to begin with."""
    number = last or "T-0000"
    while True:
        head, digits = re.fullmatch(r"(.*?)(\d*)", number, re.DOTALL).groups()  # type: ignore[union-attr]  # matches all
        number = f"{head}{int(digits or 0) + 1:0{len(digits)}d}"
        if number not in taken:
            return number


def _heal(file: BinaryIO) -> None:
    """Take off a last line that was torn by a power cut or a full disk: no backend imports a bundle that has one."""
    file.seek(0)
    data = file.read()
    whole = data.rfind(b"\n") + 1
    torn = data[whole:]
    if not torn:
        return
    try:
        json.loads(torn)
    except ValueError:
        file.truncate(whole)
    else:
        file.write(b"\n")  # only its end was lost


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
