"""The office's authority at work: what it signs stands in the ledger, what is revoked in the list.

Every function that signs works inside the caller's transaction and notes what it signed there; hand a certificate out
only after the commit.  Files are written after the commit too: what was cut short between is made up for by `files`,
which compares them with the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from zonetag_backend.pki import authority, profile, revocation
from zonetag_backend.pki.authority import Issued
from zonetag_backend.pki.folder import CRL, PUBLIC, Folder, Opened, crl_in, write
from zonetag_backend.store import certificates
from zonetag_backend.store.certificates import Entry, ListMade
from zonetag_backend.store.engine import Transaction


@dataclass(frozen=True, slots=True)
class OfficeCa:
    """`OfficeCa.open(config.data)`; PkiError when there is none."""

    folder: Folder
    opened: Opened

    @classmethod
    def open(cls, data: Path) -> "OfficeCa":
        """The authority of a data folder."""
        folder = Folder(data)
        return cls(folder, folder.open())

    @property
    def issuer(self) -> str:
        """Which key signs: its identifier, as the ledger has it."""
        return authority.key_id(self.opened.issuing.certificate)

    @property
    def root_pem(self) -> bytes:
        """What everybody trusts."""
        return authority.pem(self.opened.root)

    @property
    def pin(self) -> bytes:
        """SHA-256 of the root's public key, for tokens."""
        return authority.pin(self.opened.root)

    def gateway(self, connection: Transaction, csr_pem: bytes, name: str, now_ms: int) -> bytes:
        """The chain (PEM) for the key of a gateway's request; BadRequest if that breaks a rule."""
        return self._noted(connection, authority.issue_gateway(self.opened.issuing, csr_pem, name, now_ms), now_ms)

    def server(self, connection: Transaction, hosts: Sequence[str], now_ms: int) -> bytes:
        """Key and chain (PEM, one after the other; the root last) for a server of ours under these names."""
        issued = authority.issue_server(self.opened.issuing, hosts, now_ms)
        return issued.key_pem + self._noted(connection, issued, now_ms) + self.root_pem

    def client(self, connection: Transaction, name: str, now_ms: int, lasts_ms: int = profile.LEAF_MS) -> Issued:
        """Key and certificate for a client of ours."""
        issued = authority.issue_client(self.opened.issuing, name, now_ms, lasts_ms)
        self._noted(connection, issued, now_ms)
        return issued

    def good(self, connection: Transaction, certificate: x509.Certificate, now_ms: int) -> bool:
        """Whether we signed a certificate, and it counts still."""
        entry = certificates.find(connection, authority.serial(certificate))
        start_ms, end_ms = authority.span_ms(certificate)
        return (
            entry is not None
            and entry.revoked_ms is None
            and entry.pem.encode() == authority.pem(certificate)
            and start_ms <= now_ms <= end_ms
        )

    def crl(self, connection: Transaction, now_ms: int) -> bytes:
        """The next list of revoked certificates, PEM, to be written after the commit."""
        authority.check_clock(self.opened.issuing, now_ms)
        before = certificates.last_list(connection, self.issuer)
        made = revocation.crl(
            self.opened.issuing,
            [
                revocation.Revoked(each.serial, each.revoked_ms or 0)
                for each in certificates.revoked(connection, self.issuer, now_ms - profile.BACKDATE_MS)
            ],
            1 if before is None else before.number + 1,
            now_ms,
            None if before is None else before.start_ms,
        )
        start_ms, ends_ms = revocation.crl_span_ms(made)
        new = ListMade(revocation.crl_number(made), start_ms, now_ms, ends_ms)
        certificates.note_list(connection, self.issuer, new)
        return revocation.crl_pem(made)

    def crl_due(self, connection: Transaction, now_ms: int) -> bool:
        """Whether the list is older than a day, or a revocation or a file got lost on the way."""
        last = certificates.last_list(connection, self.issuer)
        there = crl_in(self.folder.path / CRL)
        if last is None or there is None or revocation.crl_number(there) != last.number:
            return True
        # A list of a clock that was ahead is made again too.
        if not 0 <= now_ms - last.made_ms < profile.CRL_RENEW_MS:
            return True
        wanted = {each.serial for each in certificates.revoked(connection, self.issuer, now_ms)}
        return not wanted <= {f"{each.serial_number:040x}" for each in there}

    def write_crl(self, made: bytes) -> None:
        """Keep a list."""
        write(self.folder.path / CRL, made, PUBLIC)

    def _noted(self, connection: Transaction, issued: Issued, now_ms: int) -> bytes:
        certificates.note(
            connection,
            Entry(
                serial=authority.serial(issued.certificate),
                issuer=self.issuer,
                kind=issued.kind,
                name=authority.common_name(issued.certificate),
                issued_ms=now_ms,
                ends_ms=authority.span_ms(issued.certificate)[1],
                revoked_ms=None,
                pem=issued.pem.decode(),
            ),
        )
        return self.opened.chain(issued)
