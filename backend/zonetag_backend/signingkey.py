"""The backend's own signing key: Ed25519, for acknowledgements.  A file of 32 random bytes, mode 0600.

Enrolled gateways hold its public half.  Lost, it costs an enrolment of every gateway anew; stolen, it lets a thief who
also reaches the broker make gateways delete what nobody has.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_backend.keyfile import read_kek


def open_signing_key(path: Path) -> Ed25519PrivateKey:
    """The key of a file, which is made if there is none; KeyFileError if others may read it or it is none."""
    return Ed25519PrivateKey.from_private_bytes(read_kek(path, "file", None, may_create=True))
