"""The root, the issuing authority under it, and what that one signs.  Pure: nothing is read, nothing is written.

| certificate | subject | lasts | key usage | extended | basic constraints |
|---|---|---|---|---|---|
| root | `Zonetag root XXXXXXXX` | 20 years | sign certificates, lists | | CA, path length 1 |
| issuing | `Zonetag issuing XXXXXXXX` | 5 years | sign certificates, lists | | CA, path length 0 |
| gateway | its name | 90 days | digital signature | client | no CA |
| server | its first host | 90 days | digital signature | server | no CA |
| client | `backend.zonetag` and others | 90 days | digital signature | client | no CA |

XXXXXXXX are the first 4 bytes of the key's identifier, so that two keys never have one name.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zonetag_backend.errors import BadRequest, PkiError
from zonetag_backend.pki import profile
from zonetag_protocol import topics

MAX_CSR = 8192  # bytes of PEM; one with a P-256 key has 500
MAX_HOST = 64  # characters; X.509 takes no longer common name


@dataclass(frozen=True, slots=True)
class Authority:
    """Something that signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A new leaf."""

    certificate: x509.Certificate
    kind: str
    # of profile.KINDS
    key: ec.EllipticCurvePrivateKey | None
    # none: whoever asked has it

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """The key, PKCS#8 without a passphrase."""
        if self.key is None:
            raise PkiError("the key of this certificate is not here: it never left its gateway")
        return key_pem(self.key)


def init_root(now_ms: int) -> Authority:
    """A new root, signed by itself."""
    key = new_key()
    subject = _authority_name("root", key.public_key())
    span = (now_ms, profile.ROOT_MS)
    return Authority(_authority(subject, key.public_key(), subject, key, path_length=1, span=span), key)


def init_issuing(root: Authority, now_ms: int, key: ec.EllipticCurvePrivateKey | None = None) -> Authority:
    """An issuing authority with a new key; or, with the `key` of one that there is, its next certificate.

    With the same key everything that was signed stays good.
    """
    key = new_key() if key is None else key
    subject = _authority_name("issuing", key.public_key())
    span = (now_ms, _within(root, now_ms, profile.ISSUING_MS))
    above = root.certificate.subject
    made = _authority(subject, key.public_key(), above, root.key, path_length=0, span=span, above=root)
    return Authority(made, key)


def issue_gateway(issuing: Authority, csr_pem: bytes, name: str, now_ms: int) -> Issued:
    """A certificate for the key of a request.  Nothing else of the request counts: the name is what we say.

    BadRequest when it is no request, its signature is not of its key, or its key is not ECDSA P-256.
    """
    if not topics.is_name(name):
        raise BadRequest(f"{name!r} is no name of a gateway: {topics.NAME_RULE}")
    return Issued(_leaf(issuing, _requested_key(csr_pem), profile.GATEWAY, name, now_ms=now_ms), profile.GATEWAY, None)


def issue_server(issuing: Authority, hosts: Sequence[str], now_ms: int) -> Issued:
    """A certificate and key for a server that is reached under these names or addresses."""
    if not hosts:
        raise BadRequest("a server's certificate needs at least one host name or address")
    key = new_key()
    return Issued(
        _leaf(issuing, key.public_key(), profile.SERVER, hosts[0], hosts=hosts, now_ms=now_ms), profile.SERVER, key
    )


def issue_client(issuing: Authority, name: str, now_ms: int, lasts_ms: int = profile.LEAF_MS) -> Issued:
    """A certificate and key for a client of ours: `profile.BACKEND_NAME` and the like.

    With the name of a gateway it takes that one's place at the broker: see `kick`.
    """
    key = new_key()
    leaf = _leaf(issuing, key.public_key(), profile.CLIENT, name, now_ms=now_ms, lasts_ms=lasts_ms)
    return Issued(leaf, profile.CLIENT, key)


def pin(root: x509.Certificate) -> bytes:
    """SHA-256 of a certificate's public key (its SubjectPublicKeyInfo, DER): what a token pins."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        root.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return digest.finalize()


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for a certificate."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(*certificates: x509.Certificate) -> bytes:
    """Certificates, one after the other."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key, PKCS#8 without a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def serial(certificate: x509.Certificate) -> str:
    """Its number as the ledger writes it: 40 hexadecimal digits."""
    return f"{certificate.serial_number:040x}"


def common_name(certificate: x509.Certificate) -> str:
    """Whom it is for."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def key_id(certificate: x509.Certificate) -> str:
    """Which key it is for: 40 hexadecimal digits."""
    return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()


def span_ms(certificate: x509.Certificate) -> tuple[int, int]:
    """From when to when it is good, UTC ms."""
    return utc_ms(certificate.not_valid_before_utc), utc_ms(certificate.not_valid_after_utc)


def moment(at_ms: int) -> datetime:
    """As X.509 has it: whole seconds, UTC."""
    return datetime.fromtimestamp(at_ms // 1000, UTC)


def utc_ms(at: datetime) -> int:
    """And back."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def check_clock(signer: Authority, now_ms: int) -> None:
    """PkiError when it is earlier than the authority itself: what is signed then would count for nobody."""
    if now_ms < span_ms(signer.certificate)[0]:
        raise PkiError(
            f"this machine's clock says {moment(now_ms).date()}, before its certificate authority was made."
            " Set the clock (timedatectl), and try again."
        )


def _requested_key(csr_pem: bytes) -> ec.EllipticCurvePublicKey:
    if len(csr_pem) > MAX_CSR:
        raise BadRequest(f"a certificate request has at most {MAX_CSR} bytes")
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadRequest("not a certificate request: PEM of PKCS#10 with an ECDSA P-256 key wanted") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadRequest("the key of a certificate request must be ECDSA P-256")
    if not signed:
        raise BadRequest("the certificate request is not signed with the key that it asks for")
    return key


def _leaf(
    issuing: Authority,
    key: ec.EllipticCurvePublicKey,
    kind: str,
    name: str,
    *,
    hosts: Sequence[str] = (),
    now_ms: int,
    lasts_ms: int = profile.LEAF_MS,
) -> x509.Certificate:
    uri = profile.KINDS[kind].uri
    names: list[x509.GeneralName] = [_host(host) for host in hosts]
    names = names or [x509.UniformResourceIdentifier(uri + name)]
    lasts_ms = _within(issuing, now_ms, lasts_ms)
    builder = _builder(_name(name), issuing.certificate.subject, key, (now_ms, lasts_ms), issuing)
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([profile.KINDS[kind].purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(issuing.key, hashes.SHA256())
    )


def _authority(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    path_length: int,
    span: tuple[int, int],
    above: Authority | None = None,
) -> x509.Certificate:
    return (
        _builder(subject, issuer, key, span, above)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(signer, hashes.SHA256())
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    span: tuple[int, int],
    above: Authority | None,
) -> x509.CertificateBuilder:
    """`span`: now and how long from now, ms."""
    now_ms, lasts_ms = span
    start_ms = now_ms - profile.BACKDATE_MS
    if above is not None:
        start_ms = max(start_ms, span_ms(above.certificate)[0])
    signer = key if above is None else above.key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(start_ms))
        .not_valid_after(moment(now_ms + lasts_ms))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _within(above: Authority, now_ms: int, lasts_ms: int) -> int:
    """How long something may last that ends no later than what signed it."""
    check_clock(above, now_ms)
    left_ms = span_ms(above.certificate)[1] - now_ms
    if left_ms <= 0:
        raise PkiError(
            f"the certificate of {common_name(above.certificate)} has ended, or this machine's clock is wrong."
            " If the date is right, fetch the root and type: zonetag ca renew"
        )
    return min(lasts_ms, left_ms)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _authority_name(what: str, key: ec.EllipticCurvePublicKey) -> x509.Name:
    return _name(f"Zonetag {what} {x509.SubjectKeyIdentifier.from_public_key(key).digest[:4].hex()}")


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        if not text or len(text) > MAX_HOST or "*" in text or text != text.strip():
            raise ValueError(text)
        return x509.DNSName(text)
    except ValueError as error:
        raise BadRequest(
            f"{text!r} is no host name or address: at most {MAX_HOST} characters, ASCII, no wildcard"
        ) from error
