"""Who this gateway is: the folder that `zonetag-gateway enrol` fills and renewals keep up to date (SPEC.md section 11).

| file | mode | holds |
|---|---|---|
| `signing.key` | 0600 | with which reports are signed: Ed25519, PKCS#8 |
| `client.pem` | 0600 | the key and the chain shown to the broker: one file, so that both change at once |
| `ca.pem` | 0644 | the root of the office: whom to believe |
| `backend.pub` | 0644 | the key that signs acknowledgements: Ed25519, PEM |
| `enrolment.json` | 0644 | `url`, `site`, `name`, `broker`, and `token`, the id of the token that it came from |
| `pending-ID.pem` | 0600 | both new keys while token ID is being used |
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_gateway.config import BrokerConfig, Config
from zonetag_gateway.errors import IdentityUnusable

SIGNING, CLIENT, CA, BACKEND, ENROLMENT = "signing.key", "client.pem", "ca.pem", "backend.pub", "enrolment.json"
PRIVATE, PUBLIC = 0o600, 0o644
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled gateway's."""

    folder: Path
    signing: Ed25519PrivateKey = field(repr=False)
    backend: Ed25519PublicKey
    # whose acknowledgements count
    site: str
    name: str
    url: str
    # where certificates are renewed

    def broker(self, settings: BrokerConfig) -> BrokerConfig:
        """The broker's settings with our certificate, where TLS is spoken and none is set by hand."""
        if not settings.url.tls or settings.cert is not None:
            return settings
        client = self.folder / CLIENT
        return replace(settings, cert=client, key=client, ca=settings.ca or self.folder / CA)

    def span_ms(self) -> tuple[int, int]:
        """From when to when the certificate is good, UTC ms; IdentityUnusable if it cannot be read."""
        path = self.folder / CLIENT
        try:
            certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise unusable(path, error) from error
        return _ms(certificate.not_valid_before_utc), _ms(certificate.not_valid_after_utc)


def load(folder: Path) -> Identity:
    """Read it; IdentityUnusable with what to do."""
    path = folder
    try:
        path = folder / SIGNING
        if path.stat().st_mode & 0o077:
            raise IdentityUnusable(
                f"{path} may be read by others, who could then sign as this gateway", f"sudo chmod 600 {path}"
            )
        signing = serialization.load_pem_private_key(path.read_bytes(), None)
        path = folder / BACKEND
        backend = serialization.load_pem_public_key(path.read_bytes())
        path = folder / ENROLMENT
        told = json.loads(path.read_bytes())
        site, name, url = (str(told[key]) for key in ("site", "name", "url"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise unusable(path, error) from error
    if not isinstance(signing, Ed25519PrivateKey) or not isinstance(backend, Ed25519PublicKey):
        raise unusable(folder, ValueError("keys of another kind"))
    return Identity(folder, signing, backend, site, name, url)


def of(config: Config) -> Identity | None:
    """The identity that the configuration names, none if it names none; it must be this gateway's."""
    if config.identity.folder is None:
        return None
    mine = load(config.identity.folder)
    if (mine.site, mine.name) != (config.site, config.name):
        raise IdentityUnusable(
            f"{mine.folder} is the identity of {mine.name} at {mine.site}, and this gateway is {config.name} at"
            f" {config.site}",
            "Correct site and name, or identity.folder, or enrol this gateway",
        )
    return mine


def told(folder: Path) -> dict[str, Any]:
    """What `enrolment.json` says; nothing if there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        item = json.loads((folder / ENROLMENT).read_bytes())
        return item if isinstance(item, dict) else {}
    return {}


def text_of(item: dict[str, Any]) -> bytes:
    """As `enrolment.json` holds it."""
    return json.dumps(item, indent=1).encode() + b"\n"


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all; IdentityUnusable when the folder cannot be written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
            _hand_over(path.parent)
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            _hand_over(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise IdentityUnusable(
            f"{path} cannot be written ({error.strerror})",
            "Run this as the user of the gateway, or choose another folder with --dir",
        ) from error


def _hand_over(path: Path) -> None:
    """What root makes belongs to whom the folder above belongs: the service runs as a user of its own."""
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unusable(path: Path, error: Exception) -> IdentityUnusable:
    """Something of it is missing or damaged."""
    return IdentityUnusable(
        f"{path} cannot be used ({getattr(error, 'strerror', None) or error})",
        "Enrol this gateway: type `zonetag gateway enrol NAME` at the server, then what it prints here",
    )


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
