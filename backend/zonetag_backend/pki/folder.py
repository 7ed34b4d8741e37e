"""The files of the authority: `pki/` in the data folder, the root somewhere else, and what the broker reads.

| file | mode | holds |
|---|---|---|
| `DIR/root.p12` | 0600 | the root with its key, PKCS#12 under a passphrase; never in the data folder |
| `pki/issuing.pem` | 0600 | the issuing authority's key, its certificate, the root's certificate |
| `pki/root.pem` | 0644 | the root's certificate: what all others trust |
| `pki/crl.pem` | 0644 | the list of revoked certificates |
| `pki/NAME.pem` | 0600 | key and chain of one of our own: `backend.zonetag.pem` and the like |

What belongs together is one file, written whole beside its place and then moved there: no half of it is ever seen.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from zonetag_backend.errors import AlreadyThere, PkiError
from zonetag_backend.pki import authority
from zonetag_backend.pki.authority import Authority, Issued

NAME = "pki"
ROOT_FILE = "root.p12"
ISSUING, ROOT, CRL = "issuing.pem", "root.pem", "crl.pem"
PRIVATE, PUBLIC = 0o600, 0o644
KDF_ROUNDS = 600_000  # of PBKDF2 with SHA-256: a tenth of a second for us, and for each guess of a thief
MIN_PASSPHRASE = 12  # characters


@dataclass(frozen=True, slots=True)
class Opened:
    """The authority, read."""

    issuing: Authority
    root: x509.Certificate

    def chain(self, issued: Issued) -> bytes:
        """What a holder shows: its certificate and the issuing one, PEM."""
        return authority.pem(issued.certificate, self.issuing.certificate)


class Folder:
    """`pki/` of a data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.path = data / NAME

    @property
    def is_there(self) -> bool:
        """Whether there is an authority."""
        return (self.path / ISSUING).exists()

    def file(self, name: str) -> Path:
        """Key and chain of one of our own."""
        return self.path / f"{name}.pem"

    def create(self, issuing: Authority, root: x509.Certificate, *, replace: bool = False) -> None:
        """Keep an issuing authority; AlreadyThere if there is one, unless it is to be replaced."""
        everything = authority.key_pem(issuing.key) + authority.pem(issuing.certificate, root)
        try:
            write(self.path / ISSUING, everything, PRIVATE, replace=replace)
        except FileExistsError:
            raise AlreadyThere(
                f"there is a certificate authority already in {self.path}. To see it: zonetag ca show."
                " For a new certificate of it: zonetag ca renew"
            ) from None
        write(self.path / ROOT, authority.pem(root), PUBLIC)

    def open(self) -> Opened:
        """The authority; PkiError when there is none, or its file is damaged or readable by others."""
        path = self.path / ISSUING
        try:
            if path.stat().st_mode & 0o077:
                raise PkiError(f"{path} may be read by others, and signs for every gateway. Type: chmod 600 {path}")
            text = path.read_bytes()
            key = serialization.load_pem_private_key(text, None)
            issuing, root = x509.load_pem_x509_certificates(text)
        except FileNotFoundError:
            raise PkiError(
                f"there is no certificate authority in {self.path} yet. Type: zonetag ca init --root-out DIR"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise PkiError(
                f"{path} cannot be used: {error}. Put it back from your backup, or with the root: zonetag ca renew"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != issuing.public_key():
            raise PkiError(f"{path} holds a key of another certificate. Put it back from your backup.")
        return Opened(Authority(issuing, key), root)

    def keep(self, name: str, opened: Opened, issued: Issued) -> Path:
        """Write key and chain of one of our own."""
        path = self.file(name)
        write(path, issued.key_pem + opened.chain(issued), PRIVATE)
        return path

    def kept(self, name: str) -> x509.Certificate | None:
        """The certificate of one of our own, none if there is none that can be read."""
        return certificate_in(self.file(name))


def certificate_in(path: Path) -> x509.Certificate | None:
    """The first certificate of a PEM file, none if there is none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return None


def crl_in(path: Path) -> x509.CertificateRevocationList | None:
    """The list in a PEM file, none if there is none."""
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError):
        return None


def write_root(folder: Path, root: Authority, passphrase: str) -> Path:
    """Keep the root with its key in a folder of its own; AlreadyThere if one is there."""
    if len(passphrase) < MIN_PASSPHRASE:
        raise PkiError(f"a passphrase of at least {MIN_PASSPHRASE} characters wanted: it guards the whole office")
    sealing = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase.encode())
    )
    sealed = pkcs12.serialize_key_and_certificates(b"Zonetag root", root.key, root.certificate, None, sealing)
    path = folder / ROOT_FILE
    try:
        write(path, sealed, PRIVATE, replace=False)
    except FileExistsError:
        raise AlreadyThere(
            f"{path} is there already, and is never overwritten. Choose another folder; or, if it is the root of an"
            f" attempt that was cut short: zonetag ca renew --root {path}"
        ) from None
    return path


def read_root(path: Path, passphrase: str) -> Authority:
    """The root from its file, or from the folder that holds it."""
    path = path / ROOT_FILE if path.is_dir() else path
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), passphrase.encode())
    except OSError as error:
        raise PkiError(f"cannot read the root {path}: {error.strerror}. Is the stick in?") from error
    except ValueError as error:
        raise PkiError(f"{path} does not open: wrong passphrase, or not the root of an office") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate is None:
        raise PkiError(f"{path} is not the root of an office")
    return Authority(certificate, key)


def write(path: Path, content: bytes, mode: int, *, replace: bool = True) -> None:
    """Write a file whole or not at all; FileExistsError if it is there and not to be replaced."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)  # whatever the umask says
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            if replace:
                os.replace(draft, path)
            else:
                _move_new(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise PkiError(f"cannot write {path}: {error.strerror}. Choose a folder that this user may write.") from error


def _move_new(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # a stick with FAT knows no links
        if path.exists():
            raise FileExistsError(path) from None
        os.replace(draft, path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
