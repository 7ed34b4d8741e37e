"""What renews itself: the list of revoked certificates, our own certificates, and the broker's, as long as we may
write its folder.  Called at the start, and then every hour, by a server at work; and by the commands that change these.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from zonetag_backend.errors import PkiError
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, mosquitto, profile, watch
from zonetag_backend.pki.folder import CRL, PRIVATE, PUBLIC, Folder, certificate_in, crl_in, write
from zonetag_backend.pki.revocation import crl_span_ms
from zonetag_backend.pki.watch import Term
from zonetag_backend.store import certificates
from zonetag_backend.store.engine import Database, Transaction, writing

OWN = (profile.BACKEND_NAME, profile.OPERATOR_NAME, profile.TAP_NAME)
BROKER = "broker.json"  # of pki/: where `zonetag broker config` wrote, and under which names the broker is reached


@dataclass(frozen=True, slots=True)
class BrokerFolder:
    """Where the broker's files are to be kept fresh."""

    out: Path
    hosts: Sequence[str]
    # the first is also its name
    port: int


def broker_folder(folder: Folder) -> BrokerFolder | None:
    """What the last `zonetag broker config` said, none if there was none."""
    path = folder.path / BROKER
    try:
        told = json.loads(path.read_bytes())
        return BrokerFolder(Path(told["out"]), [str(host) for host in told["hosts"]], int(told["port"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PkiError(f"{path} cannot be used: {error!r}. Type zonetag broker config again.") from error


def remember_broker(folder: Folder, broker: BrokerFolder) -> None:
    """Keep the broker's files fresh from now on."""
    told = {"out": str(broker.out), "hosts": list(broker.hosts), "port": broker.port}
    write(folder.path / BROKER, json.dumps(told).encode(), PRIVATE)


def keep(database: Database, ca: OfficeCa, now_ms: int) -> list[str]:
    """Renew what is due; the names of the files that are new.  PkiError for one that cannot be written."""
    new: list[str] = []
    for name in OWN:
        if watch.due(ca.folder.kept(name), ca.issuer, now_ms):
            with writing(database) as connection:
                issued = ca.client(connection, name, now_ms)
            new.append(str(ca.folder.keep(name, ca.opened, issued)))
    broker = broker_folder(ca.folder)
    if broker is not None:
        new += _keep_certificate(database, ca, broker, now_ms)
    made = None
    with writing(database) as connection:
        if ca.crl_due(connection, now_ms):
            made = ca.crl(connection, now_ms)
    if made is not None:
        ca.write_crl(made)
        new.append(str(ca.folder.path / CRL))
    if broker is not None:
        for name, content in ((mosquitto.CA, ca.root_pem), (mosquitto.CRL, (ca.folder.path / CRL).read_bytes())):
            path = broker.out / name
            if not path.exists() or path.read_bytes() != content:
                write(path, content, PUBLIC)
                new.append(str(path))
    return new


def _keep_certificate(database: Database, ca: OfficeCa, broker: BrokerFolder, now_ms: int) -> list[str]:
    path = broker.out / mosquitto.CERT
    there = certificate_in(path)
    other = there is not None and _hosts(there) != set(broker.hosts)
    if not other and not watch.due(there, ca.issuer, now_ms):
        return []
    with writing(database) as connection:
        if there is not None and other:  # nobody is to wait for its end
            certificates.revoke(connection, [authority.serial(there)], now_ms)
        made = ca.server(connection, broker.hosts, now_ms)
    write(path, made, PRIVATE)
    return [str(path)]


def _hosts(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def terms(connection: Transaction, ca: OfficeCa, now_ms: int) -> list[Term]:
    """Everything that ends, with its level: authorities, list, our own, the broker's, and every gateway's."""
    return list(_terms(connection, ca, now_ms))


def _terms(connection: Transaction, ca: OfficeCa, now_ms: int) -> Iterator[Term]:
    for what, certificate in ((watch.ROOT, ca.opened.root), (watch.ISSUING, ca.opened.issuing.certificate)):
        yield watch.term(what, authority.common_name(certificate), authority.span_ms(certificate)[1], now_ms)
    broker = broker_folder(ca.folder)
    # The list that the broker reads is the one that counts: ours may be fresh while its folder cannot be written.
    made = crl_in(ca.folder.path / CRL if broker is None else broker.out / mosquitto.CRL)
    yield watch.term(watch.CRL, "", 0 if made is None else crl_span_ms(made)[1], now_ms)
    for kind, name, ends_ms in certificates.ends(connection, now_ms):
        yield watch.term(kind, name, ends_ms, now_ms)
