"""The key to which flashing machines seal their bundles: X25519, `import.key` (PEM, mode 0600) beside `import.pub`.

The flashing machine makes the same two files when it finds this data folder on its own disk.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zonetag_backend.errors import KeyFileError

PRIVATE = "import.key"
PUBLIC = "import.pub"


def open_import_key(data: Path) -> X25519PrivateKey:
    """The private key of a data folder; KeyFileError if it is missing, damaged, or readable by others."""
    path = data / PRIVATE
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path} may be read by others; it opens every bundle of tags. Type: chmod 600 {path}")
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise KeyFileError(
            f"{path} is missing, so no bundle was sealed to this backend. For the next one: zonetag tag key"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise KeyFileError(f"{path} holds no private key: {error}. Put it back from your backup.") from error
    if not isinstance(key, X25519PrivateKey):
        raise KeyFileError(f"{path} holds another kind of key. Put it back from your backup.")
    return key


def public_pem(data: Path) -> str:
    """The public key, PEM; the pair is made if there is none."""
    path = data / PRIVATE
    if not path.exists():
        pem = X25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise KeyFileError(f"cannot write {path}: {error.strerror}. Choose another place with --data.") from error
    public = open_import_key(data).public_key()
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (data / PUBLIC).write_bytes(text)
    return text.decode()
