"""The certificate of the pages: the one of the settings, or one that the office's own authority makes and renews."""

from pathlib import Path

from cryptography import x509

from zonetag_backend.errors import ConfigError
from zonetag_backend.httpconfig import Http
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import watch
from zonetag_backend.pki.folder import PRIVATE, Folder, certificate_in, write
from zonetag_backend.store.engine import Database, writing

NAME = "pages.pem"  # of pki/: key and chain


def files(http: Http, data: Path) -> tuple[Path, Path]:
    """Certificate and key, as files."""
    own = Folder(data).path / NAME
    return http.cert or own, http.key or own


def renew(engine: Database, http: Http, data: Path, now_ms: int) -> bool:
    """Make the pages' own certificate, or a new one when it is due or its names changed; whether it is new.

    ConfigError when the pages are open to others, and there is neither a certificate nor an authority.
    """
    if http.cert is not None or not http.tls:
        return False
    folder = Folder(data)
    if not folder.is_there:
        raise ConfigError(
            f"http.host = {http.host!r} opens the pages to others, and there is no certificate for TLS."
            " Type: zonetag ca init --root-out DIR. Or set http.tls_cert and http.tls_key to files of your own."
        )
    ca = OfficeCa.open(data)
    path, names = folder.path / NAME, [name.strip("[]") for name in http.names]
    there = certificate_in(path)
    if not watch.due(there, ca.issuer, now_ms) and there is not None and _names(there) == set(names):
        return False
    with writing(engine) as connection:
        made = ca.server(connection, names, now_ms)
    write(path, made, PRIVATE)
    return True


def _names(certificate: x509.Certificate) -> set[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}
