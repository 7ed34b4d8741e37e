"""The office's server as a gateway asks it over HTTPS: its root, an enrolment, a renewal (SPEC.md section 11)."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from zonetag_gateway import tls
from zonetag_gateway.errors import EnrolmentRefused
from zonetag_protocol.enrolment import ROOT_PATH

TIMEOUT_S = 20.0
CHUNK = 64 * 1024  # bytes read at once
MAX_ANSWER = 64 * 1024  # bytes; one has 3 kB
RETRY = "Check the address and the network, and type it again: nothing is lost by that"


@dataclass(frozen=True, slots=True)
class Server:
    """Where the office enrols: https://HOST[:PORT]."""

    url: str

    def root(self, pin: bytes) -> str:
        """Its root, PEM, whose public key must be the one that the token pins.

        It is asked for over a connection that proves nothing, and says nothing; the pin is the proof.
        """
        pem = self._ask("GET", ROOT_PATH, b"", tls.of_nobody())
        try:
            key = x509.load_pem_x509_certificate(pem).public_key()
            info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        except ValueError as error:
            raise self._not_ours() from error
        digest = hashes.Hash(hashes.SHA256())
        digest.update(info)
        if digest.finalize()[: len(pin)] != pin:
            raise self._not_ours()
        return pem.decode()

    def post(self, name: str, message: bytes, trusted: ssl.SSLContext) -> dict[str, Any]:
        """The answer to a message; EnrolmentRefused with the server's own words if it says no."""
        try:
            answer = json.loads(self._ask("POST", f"/{name}", message, trusted))
        except ValueError as error:
            raise EnrolmentRefused(f"{self.url} answers with something else than an answer", RETRY) from error
        if not isinstance(answer, dict):
            raise EnrolmentRefused(f"{self.url} answers with something else than an answer", RETRY)
        return answer

    def download(self, path: str, size: int, into: BinaryIO, trusted: ssl.SSLContext) -> None:
        """Write exactly `size` bytes of what the server has at `path`; EnrolmentRefused, OSError of the disk."""
        host, port = address(self.url)
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=trusted)
        try:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                if response.status != http.client.OK:
                    raise _refused(self.url, response.status, response.read(MAX_ANSWER))
                left = size
                while part := response.read(min(CHUNK, left + 1)):
                    left -= len(part)
                    if left < 0:
                        break
                    into.write(part)
            except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
                raise EnrolmentRefused(f"{self.url} cannot be reached ({error})", RETRY) from error
        finally:
            connection.close()
        if left:
            raise EnrolmentRefused(f"{self.url} sends something else than was ordered", RETRY)

    def _ask(self, method: str, path: str, body: bytes, trusted: ssl.SSLContext) -> bytes:
        host, port = address(self.url)
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=trusted)
        try:
            connection.request(method, path, body or None, {"Content-Type": "application/cbor"} if body else {})
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER + 1)
        except ssl.SSLCertVerificationError as error:
            raise EnrolmentRefused(
                f"{self.url} does not prove to be the office's server ({error.verify_message})",
                "Is the address right, and this machine's clock? Nothing secret was sent",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise EnrolmentRefused(f"{self.url} cannot be reached ({error})", RETRY) from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise _refused(self.url, response.status, answer)
        if len(answer) > MAX_ANSWER:
            raise EnrolmentRefused(f"{self.url} answers with too much", RETRY)
        return answer

    def _not_ours(self) -> EnrolmentRefused:
        return EnrolmentRefused(
            f"{self.url} is not the server that this token is of",
            "Compare the address with what `zonetag gateway enrol` has printed. Nothing secret was sent",
        )


def address(url: str) -> tuple[str, int]:
    """Host and port; EnrolmentRefused for what is no https URL."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname and not parts.username and not parts.path.strip("/"):
            return parts.hostname, parts.port or 443
    except ValueError:
        pass
    raise EnrolmentRefused(f"{url!r} is no address of a server", "It begins with https://, as https://office.lan:8770")


def request_for(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A certificate request, PEM.  The name in it counts for nothing: the server knows whom it enrols."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for a certificate."""
    return ec.generate_private_key(ec.SECP256R1())


def pem_of(key: Any) -> bytes:
    """A private key as PKCS#8 without a passphrase."""
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


def certificate_of(answer: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> bytes:
    """Key and chain as one PEM text, if the answer's certificate is for this key."""
    try:
        chain = str(answer["certificate"]).encode()
        if x509.load_pem_x509_certificates(chain)[0].public_key() == key.public_key():
            return pem_of(key) + chain
    except (KeyError, ValueError):
        pass
    raise EnrolmentRefused("the server's answer holds no certificate for our key", RETRY)


def _refused(url: str, status: int, answer: bytes) -> EnrolmentRefused:
    try:
        said = json.loads(answer[:MAX_ANSWER])
        code, text = str(said["code"]), str(said["text"])
    except (ValueError, KeyError, TypeError):
        return EnrolmentRefused(f"{url} refuses with HTTP status {status}", RETRY)
    plain = "".join(c if c.isprintable() else "?" for c in f"{text} [{code}]"[:500])
    refused = EnrolmentRefused(
        f"the server says no: {plain}", "Type `zonetag gateway enrol NAME` there for a new token"
    )
    refused.reason = code
    return refused
