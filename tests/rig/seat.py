"""An office with its authority, and what answers its gateways."""

from dataclasses import dataclass
from pathlib import Path

from rig.registry import Office

from zonetag_backend.config import Config, load
from zonetag_backend.enrolment import Registrar
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority
from zonetag_backend.pki.folder import Folder
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import tokens
from zonetag_backend.store.engine import writing
from zonetag_protocol.enrolment import Token

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000


@dataclass
class Seat:
    """What answers gateways, without a listener; `now_ms` is moved by hand."""

    office: Office
    ca: OfficeCa
    now_ms: int = NOW_MS

    @property
    def registrar(self) -> Registrar:
        key = open_signing_key(self.office.folder / "backend-signing.key").public_key().public_bytes_raw()
        return Registrar(self.office.database, self.ca, key, "mqtts://office.lan:8883", lambda: self.now_ms)

    def token(self, gateway: str = "gw1", hours: int = 24) -> Token:
        with writing(self.office.database) as connection:
            return tokens.make(connection, (gateway, "hq"), self.ca.pin, self.now_ms, hours)


def make_authority(data: Path, now_ms: int) -> OfficeCa:
    root = authority.init_root(now_ms)
    Folder(data).create(authority.init_issuing(root, now_ms), root.certificate)
    return OfficeCa.open(data)


def settings(data: Path, broker: str, **more: object) -> Config:
    given = {"data": str(data), "broker.url": broker, "http.port": 0, "enrolment.listen": "127.0.0.1:0", **more}
    return load(None, given)
