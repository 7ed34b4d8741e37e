"""`zonetag-gateway enrol`: a token becomes an identity (SPEC.md section 11.2).

Each step may be cut short and typed again: the keys of a token are made once and wait in the folder until the answer
has been written whole.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_gateway import identity, tls
from zonetag_gateway.errors import EnrolmentRefused, GatewayError
from zonetag_gateway.identity import BACKEND, CA, CLIENT, ENROLMENT, PRIVATE, PUBLIC, SIGNING
from zonetag_gateway.office import RETRY, Server, certificate_of, new_key, pem_of, request_for
from zonetag_protocol import enrolment
from zonetag_protocol.enrolment import Token
from zonetag_protocol.errors import ZonetagError
from zonetag_protocol.topics import is_name

Keys = tuple[Ed25519PrivateKey, ec.EllipticCurvePrivateKey]
"""For signing, and for the certificate."""
Trust = Callable[[str], ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of it."""

    site: str
    name: str
    broker: str
    # URL, as the server knows it
    again: bool
    # it had been done before


def enrol(url: str, text: str, folder: Path, trust: Trust = tls.of_root) -> Enrolled:
    """Make keys, have them enrolled, and fill the folder.  EnrolmentRefused, IdentityUnusable."""
    try:
        token = Token.read(text)
    except ZonetagError as error:
        raise EnrolmentRefused(f"that is {error}", "The server prints it: zonetag gateway enrol NAME") from error
    before = identity.told(folder)
    if before.get("token") == token.id.hex() and _whole(folder):
        return Enrolled(str(before["site"]), str(before["name"]), str(before.get("broker", "")), again=True)
    server = Server(url.rstrip("/"))
    root = server.root(token.pin)
    keys = _keys(folder / f"pending-{token.id.hex()}.pem")
    message = enrolment.seal_enrolment(token, request_for(keys[1]), keys[0])
    answer = server.post(enrolment.ENROL, message, trust(root))
    identity.write(folder / CA, root.encode(), PUBLIC)
    return _keep(folder, {"url": server.url, "token": token.id.hex()}, keys, answer)


def _keep(folder: Path, told: dict[str, str], keys: Keys, answer: dict[str, Any]) -> Enrolled:
    signing, client = keys
    chain = certificate_of(answer, client)
    site, name, broker = (str(answer.get(key, "")) for key in ("site", "name", "broker"))
    try:
        backend = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(answer.get("backend_key", ""))))
    except ValueError as error:
        raise EnrolmentRefused("the server's answer holds no key of the backend", RETRY) from error
    if not is_name(site) or not is_name(name):
        raise EnrolmentRefused("the server's answer holds no name for this gateway", RETRY)
    told |= {"site": site, "name": name, "broker": broker}
    public = backend.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    identity.write(folder / BACKEND, public, PUBLIC)
    identity.write(folder / CLIENT, chain, PRIVATE)
    identity.write(folder / SIGNING, pem_of(signing), PRIVATE)
    identity.write(folder / ENROLMENT, identity.text_of(told), PUBLIC)
    for pending in folder.glob("pending-*.pem"):
        pending.unlink(missing_ok=True)
    return Enrolled(site, name, broker, again=False)


def _keys(pending: Path) -> Keys:
    """The two keys that wait for the answer to this token; made if there are none."""
    try:
        first, end, second = pending.read_bytes().partition(b"-----END PRIVATE KEY-----\n")
        signing = serialization.load_pem_private_key(first + end, None)
        client = serialization.load_pem_private_key(second, None)
        if isinstance(signing, Ed25519PrivateKey) and isinstance(client, ec.EllipticCurvePrivateKey):
            return signing, client
    except (OSError, ValueError):
        pass
    made = Ed25519PrivateKey.generate(), new_key()
    identity.write(pending, pem_of(made[0]) + pem_of(made[1]), PRIVATE)
    return made


def _whole(folder: Path) -> bool:
    try:
        identity.load(folder).span_ms()
    except GatewayError:
        return False
    return True
