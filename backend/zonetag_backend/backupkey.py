"""The key pair of backups: X25519.  The public half lies in the data folder, the private one is kept off the server."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from zonetag_backend.errors import BackupError, KeyFileError

PUBLIC = "backup.pub"


def make(private: Path, data: Path, passphrase: str) -> None:
    """A new pair: the private key to `private`, PEM, under the passphrase if there is one; the public into `data`."""
    if (data / PUBLIC).exists():
        raise BackupError(f"{data / PUBLIC} is there already; older backups need the private key that belongs to it")
    key = X25519PrivateKey.generate()
    sealed = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in ((private, pem), (data / PUBLIC, public)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise BackupError(f"cannot write the key pair: {error}") from error


def public_key(data: Path) -> X25519PublicKey:
    """The public key of a data folder; BackupError says how to make one."""
    try:
        key = serialization.load_pem_public_key((data / PUBLIC).read_bytes())
    except FileNotFoundError:
        raise BackupError(
            "backups are sealed to a key that is kept off this machine. Once: zonetag backup --new-key FILE, and put"
            " FILE in a safe"
        ) from None
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{data / PUBLIC} holds no public key: {error}") from error
    if not isinstance(key, X25519PublicKey):
        raise KeyFileError(f"{data / PUBLIC} holds another kind of key")
    return key


def private_key(path: Path, passphrase: str) -> X25519PrivateKey:
    """The private key of a file; KeyFileError when it is none, or the passphrase is another."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFileError(f"cannot open the private key {path}: {error}") from error
    if not isinstance(key, X25519PrivateKey):
        raise KeyFileError(f"{path} holds another kind of key")
    return key
