"""The backend's own signing key: Ed25519, 32 random bytes in a file that only its owner reads.

It signs acknowledgements and the audit log's checkpoints.  Whoever has it can forge both; whoever loses it loses
nothing but continuity: gateways are told the new public key when they renew.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_backend.errors import KeyFileError
from zonetag_backend.keyfile import read_kek

FILE = "backend-signing.key"  # in the data folder
PUBLIC_BYTES = 32


def open_signing_key(data: Path, may_create: bool = True) -> Ed25519PrivateKey:
    """The key of a data folder, made at the first use.  KeyFileError when others may read it, or it is none."""
    path = data / FILE
    if not may_create and not path.exists():
        raise KeyFileError(f"{path} is missing: put it back from your backup, or start zonetag serve, which makes it")
    return Ed25519PrivateKey.from_private_bytes(read_kek(path, "file", None, may_create))


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Its public half, 32 bytes."""
    return key.public_key().public_bytes_raw()


def public_key(text: str) -> Ed25519PublicKey:
    """A public key from its 64 hexadecimal digits; KeyFileError for anything else."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise KeyFileError("a public key is 64 hexadecimal digits; zonetag audit key prints it") from error
