"""An office's authority and a real mosquitto with the configuration that `zonetag broker config` writes.

`Caller` is a client of it, with any certificate, that remembers what the broker said.
"""

import queue
import signal
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from rig.brokers import LIMIT_S, Mosquitto

from zonetag_backend import ca_keeper, kick
from zonetag_backend.ca_keeper import BrokerFolder
from zonetag_backend.kick import Kicker, Revocation
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, mosquitto
from zonetag_backend.pki.authority import Authority
from zonetag_backend.pki.folder import Folder
from zonetag_backend.store import certificates, registry
from zonetag_backend.store.engine import Database, open_database, writing

HOST = "127.0.0.1"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class OfficeRig:
    """An authority, its ledger, and gateways gw1 and gw2 of site hq."""

    data: Path
    database: Database
    root: Authority
    ca: OfficeCa

    def gateway(self, name: str, at_ms: int | None = None) -> Path:
        """Key and chain of a gateway, in one file; made at some time."""
        key = authority.new_key()
        with writing(self.database) as connection:
            chain = self.ca.gateway(connection, request(key, name), name, now_ms() if at_ms is None else at_ms)
        return keep(self.data / f"{name}-{at_ms}.pem", authority.key_pem(key) + chain)

    def own(self, name: str) -> Path:
        return self.ca.folder.file(name)

    def revoke(self, path: Path) -> None:
        """Revoke a certificate, and write the list."""
        serial = authority.serial(certificate_of(path))
        with writing(self.database) as connection:
            certificates.revoke(connection, [serial], now_ms())
        self.keep()

    def throw_out(self, name: str) -> Revocation:
        """Revoke a gateway, as `zonetag gateway revoke` does before it turns to the broker."""
        with writing(self.database) as connection:
            certificates.revoke_gateway(connection, name, now_ms())
            return kick.again(connection, self.ca, name, now_ms())

    def keep(self, at_ms: int | None = None) -> list[str]:
        return ca_keeper.keep(self.database, self.ca, now_ms() if at_ms is None else at_ms)


def request(key: ec.EllipticCurvePrivateKey, name: str) -> bytes:
    """What a gateway sends."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def certificate_of(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def keep(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def make_rig(folder: Path, at_ms: int | None = None) -> OfficeRig:
    """An office of its own."""
    at_ms = now_ms() if at_ms is None else at_ms
    data = folder / "data"
    data.mkdir(parents=True)
    root = authority.init_root(at_ms)
    Folder(data).create(authority.init_issuing(root, at_ms), root.certificate)
    database = open_database(f"sqlite:///{data}/zonetag.db")
    with writing(database) as connection:
        registry.add_site(connection, "hq")
        registry.add_place(connection, "hq", "Door")
        for name in ("gw1", "gw2"):
            registry.add_gateway(connection, name, "hq", "Door", at_ms)
    rig = OfficeRig(data, database, root, OfficeCa.open(data))
    rig.keep(at_ms)
    return rig


class TlsBroker(Mosquitto):
    """mosquitto with our configuration, of an office."""

    def __init__(self, program: str, folder: Path, rig: OfficeRig, extra: str = "") -> None:
        folder.mkdir()
        super().__init__(program, folder)
        self.out = folder
        self.rig = rig
        place = mosquitto.Place(folder, folder, self.port)
        self._config.write_text(f"user root\n{extra}" + mosquitto.conf(place))
        (folder / mosquitto.ACL).write_text(mosquitto.acl())
        ca_keeper.remember_broker(rig.ca.folder, BrokerFolder(folder, ("localhost", HOST), self.port))
        rig.keep()
        self.callers: list[Caller] = []

    def reload(self) -> None:
        """SIGHUP, and wait until it says so."""
        assert self._process is not None
        before = sum("Reloading config" in line for line in self.log)
        self._process.send_signal(signal.SIGHUP)
        until = time.monotonic() + LIMIT_S
        while sum("Reloading config" in line for line in self.log) == before and time.monotonic() < until:
            pause()

    def kicker(self) -> Kicker:
        return Kicker(self.rig.database, self.rig.ca, HOST, self.port, now_ms, lambda _s: self.reload())

    def call(self, cert: Path | None, **how: Any) -> "Caller":
        caller = Caller(self, cert, **how)
        self.callers.append(caller)
        return caller

    def stop(self) -> None:
        for caller in self.callers:
            caller.close()
        super().stop()


def pause() -> None:
    queue_ = queue.Queue[None]()
    try:
        queue_.get(timeout=0.02)
    except queue.Empty:
        return


class Caller:
    """One connection; `said` is "Success", a v5 reason, "refused" or "unreachable"."""

    def __init__(
        self,
        broker: TlsBroker,
        cert: Path | None,
        *,
        client_id: str = "whatever",
        tls: ssl.TLSVersion | None = ssl.TLSVersion.TLSv1_3,
        ca: Path | None = None,
        fresh: bool = True,
    ) -> None:
        self._answers: queue.Queue[str] = queue.Queue()
        self._ends: queue.Queue[str] = queue.Queue()
        self._acks: queue.Queue[tuple[int, str]] = queue.Queue()
        self._subscribed: queue.Queue[str] = queue.Queue()
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.on_connect = lambda _c, _d, _f, reason, _p: self._answers.put(str(reason))
        client.on_disconnect = self._on_disconnect
        client.on_publish = lambda _c, _d, mid, reason, _p: self._acks.put((mid, str(reason)))
        client.on_subscribe = lambda _c, _d, _mid, reasons, _p: self._subscribed.put(str(reasons[0]))
        client.on_message = lambda _c, _d, message: self.heard.put((message.topic, bytes(message.payload)))
        client.connect_timeout = LIMIT_S
        if tls is not None:
            context = ssl.create_default_context(cafile=str(ca or broker.rig.ca.folder.path / "root.pem"))
            context.minimum_version = context.maximum_version = tls
            if cert is not None:
                context.load_cert_chain(cert)
            client.tls_set_context(context)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it without types
        properties.SessionExpiryInterval = 3600
        self._running = False
        try:
            client.connect(HOST, broker.port, 60, clean_start=fresh, properties=properties)
        except ssl.SSLError as error:
            self.said = f"refused: {error.reason}"
            return
        except OSError as error:
            self.said = f"unreachable: {error}"
            return
        client.loop_start()
        self._running = True
        self.said = self._answers.get(timeout=LIMIT_S)

    def _on_disconnect(self, _c: Any, _d: Any, flags: Any, reason: ReasonCode, _p: Any) -> None:
        self._answers.put("refused")
        self._ends.put(str(reason) if flags.is_disconnect_packet_from_server else "cut off")

    def publish(self, topic: str, payload: bytes) -> str:
        """The reason code of the PUBACK, or of the end of the connection."""
        info = self._client.publish(topic, payload, qos=1)
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            while not self._acks.empty():
                mid, reason = self._acks.get()
                if mid == info.mid:
                    return reason
            if not self._ends.empty():
                return self._ends.get()
            pause()
        raise AssertionError("no answer")

    def subscribe(self, topic: str) -> str:
        self._client.subscribe(topic, options=SubscribeOptions(qos=1))
        return self._subscribed.get(timeout=LIMIT_S)

    def hears(self) -> tuple[str, bytes]:
        return self.heard.get(timeout=LIMIT_S)

    def ended(self) -> str:
        """Why the broker ended it; waits for that."""
        return self._ends.get(timeout=LIMIT_S)

    @property
    def is_up(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        self._client.disconnect()
        if self._running:
            self._client.loop_stop()
        if (left := self._client.socket()) is not None:  # the broker was gone before the goodbye
            left.close()
