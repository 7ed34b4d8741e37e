"""End the broker's session of a revoked gateway, when the broker has been seen to refuse its certificate.

A broker goes on serving whom it has let in, and reads a new list only when told to.  So a probe, a certificate that
was revoked together with the gateway's, knocks until it is refused: then the list is in force.  Then a certificate of
ten minutes with the gateway's name takes over its session, which ends it (MQTT v5 section 3.1.4), and leaves none.

| step | the broker says | next |
|---|---|---|
| probe | taken: the old list is in force | probe again, until the time is up: `STALE` |
| probe | unreachable | probe again, until the time is up: `AWAY` |
| probe | refused | take over |
| take over | taken | `KICKED` |
| take over | anything else | `AWAY` |
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zonetag_backend.errors import PkiError
from zonetag_backend.knock import REFUSED, TAKEN, UNREACHABLE, Door, knock
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, profile
from zonetag_backend.pki.authority import Issued
from zonetag_backend.pki.folder import PRIVATE, ROOT, write
from zonetag_backend.store import certificates
from zonetag_backend.store.engine import Database, Transaction, writing

KICKED, STALE, AWAY = "kicked", "stale", "away"
PAUSE_S = 0.5  # between two knocks


@dataclass(frozen=True, slots=True)
class Revocation:
    """What a revoking transaction leaves to be done after its commit."""

    name: str
    probe: Issued
    # revoked as well
    crl: bytes
    # that says so, PEM


def again(connection: Transaction, ca: OfficeCa, name: str, now_ms: int) -> Revocation:
    """For one that is revoked (`certificates.revoke_gateway`): a probe, revoked with it, and the list that says so."""
    probe = ca.client(connection, profile.PROBE_NAME, now_ms, profile.MOMENT_MS)
    certificates.revoke(connection, [authority.serial(probe.certificate)], now_ms)
    return Revocation(name, probe, ca.crl(connection, now_ms))


@dataclass(frozen=True, slots=True)
class Kicker:
    """The way to the broker."""

    database: Database
    ca: OfficeCa
    host: str
    port: int
    clock: Callable[[], int]
    # UTC ms
    sleep: Callable[[float], object]
    # seconds; a true answer ends the waiting

    def kick(self, revoked: Revocation, until_ms: int) -> str:
        """KICKED, or what stood in the way until then: STALE or AWAY."""
        with tempfile.TemporaryDirectory(prefix="zonetag-") as folder:
            door = Door(self.host, self.port, self.ca.folder.path / ROOT, Path(folder) / "probe.pem")
            self._show(door, revoked.probe)
            found = knock(door, profile.PROBE_NAME)
            while found != REFUSED and self.clock() < until_ms:
                if self.sleep(PAUSE_S):
                    break
                found = knock(door, profile.PROBE_NAME)
            # Also under the old list: until it comes back it is out.
            taken = found != UNREACHABLE and self._take_over(door, revoked.name)
        if found == REFUSED and taken:
            with writing(self.database) as connection:
                certificates.kicked(connection, revoked.name, self.clock())
            return KICKED
        return STALE if found == TAKEN else AWAY

    def _take_over(self, door: Door, name: str) -> bool:
        with writing(self.database) as connection:
            issued = self.ca.client(connection, name, self.clock(), profile.MOMENT_MS)
        try:
            self._show(door, issued)
            return knock(door, name) == TAKEN
        finally:
            with writing(self.database) as connection:
                certificates.revoke(connection, [authority.serial(issued.certificate)], self.clock())

    def _show(self, door: Door, issued: Issued) -> None:
        if door.cert is None:
            raise PkiError("a door to knock at with a certificate wanted")
        write(door.cert, issued.key_pem + self.ca.opened.chain(issued), PRIVATE)
