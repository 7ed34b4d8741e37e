"""What keeps the audit log trustworthy while a server runs: its end is signed every hour and the signature exported;
entries whose time is over go."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_backend import audit_files
from zonetag_backend.errors import AuditError
from zonetag_backend.store import audit_log
from zonetag_backend.store.audit_log import Fits
from zonetag_backend.store.engine import Database, reading, writing

DAY_MS = 86_400_000


def keep(engine: Database, key: Ed25519PrivateKey, folder: Path | None, retention_days: int, now_ms: int) -> None:
    """Sign, expire, export.  AuditError when the folder cannot be written; it is all made up for the next time."""
    with writing(engine) as connection:
        audit_log.checkpoint(connection, key.sign, now_ms)
        audit_log.expire(connection, key.sign, now_ms - retention_days * DAY_MS, now_ms)
    if folder is not None:
        with reading(engine) as connection:
            known = audit_log.checkpoints(connection)
        audit_files.export(folder, known)


def fits_of(key: Ed25519PublicKey) -> Fits:
    """Whether a signature is by this key."""

    def fits(signature: bytes, signed: bytes) -> bool:
        try:
            key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return fits


def public_key(text: str) -> Ed25519PublicKey:
    """A public key from its 64 hexadecimal digits; AuditError for anything else."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise AuditError("a public key is 64 hexadecimal digits: zonetag audit key prints it") from error
