"""A whole installation as processes in its own networks: air, gateway, mosquitto, server."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from faults import counting
from faults.air import PORT as AIR_PORT
from faults.air import Air
from faults.namespaces import Namespace, Networks, networks, owns, speaks_to
from faults.waiting import LIMIT_S, until
from rig.registry import Office, make_office
from rig.reports import signing_key

from zonetag_backend.signingkey import open_signing_key
from zonetag_gateway.identity import BACKEND, CLIENT, ENROLMENT, SIGNING

HERE = Path(__file__).parent
KEY_FILE = "backend-signing.key"  # in the data folder
GATEWAY = "gw1"
SITE = "hq"
MQTT_PORT = 1883
HTTP_PORT = 8765
TAGS = 4
BACK_MS = 9 * 24 * 3_600_000  # the air's time begins so long ago, so that a fast line never reaches the present
HOUR_MS = 3_600_000


class Process:
    """One process in a network of its own; what it says on its standard error goes to a file."""

    def __init__(self, namespace: Namespace, log: Path, *command: str) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(
                namespace.command(*command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                # A run that is itself killed leaves nothing behind.
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._popen.kill()
        self._end()

    def stop(self) -> None:
        self._popen.send_signal(signal.SIGTERM)
        self._end()

    def wait(self, limit_s: float = LIMIT_S) -> tuple[int, bytes]:
        """Until it ends by itself: exit code and standard output."""
        out, _ = self._popen.communicate(timeout=limit_s)
        return self._popen.returncode, out

    def says(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")

    def _end(self) -> None:
        self._popen.communicate(timeout=LIMIT_S)


@dataclass
class Stack:
    """The pieces, each of which can be killed and started again."""

    networks: Networks
    folder: Path
    office: Office
    air: Air
    settings: dict[str, dict[str, Any]]
    # of the gateway, beside those that every run has
    broker_extra: str
    server_settings: str = ""
    # TOML
    broker: Process = field(init=False)
    server: Process = field(init=False)
    gateway: Process = field(init=False)
    # the one started last
    spool: Path = field(init=False)

    def __post_init__(self) -> None:
        self.spool = self.folder / "spool" / "spool.db"

    @property
    def shadow(self) -> Path:
        return self.folder / "shadow"

    @property
    def database(self) -> Path:
        return self.folder / "office" / "zonetag.db"

    def start_broker(self) -> None:
        config = self.folder / "mosquitto.conf"
        user = "user root\n"  # as root it would become "mosquitto", who cannot read this folder
        config.write_text(
            f"listener {MQTT_PORT} {self.networks.server.address}\n{user}allow_anonymous true\n{self.broker_extra}"
        )
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "mosquitto"
        broker = Process(self.networks.server, self.folder / "broker.log", program, "-v", "-c", str(config))
        self.broker = broker
        until(lambda: owns(broker.pid, MQTT_PORT), "our own mosquitto listens on its port")

    def start_server(self, variant: str = "real", die_at: int = 0) -> None:
        """Start it; returns before it is connected."""
        url = f"mqtt://{self.networks.server.address}:{MQTT_PORT}"
        config = self.folder / "server.toml"
        config.write_text(self.server_settings)
        data = str(self.database.parent)
        serve = ("serve", "--config", str(config), "--data", data, "--broker", url, "--port", str(HTTP_PORT))
        script = str(HERE / "backend_process.py")
        self.server = Process(
            self.networks.server,
            self.folder / "server.log",
            sys.executable,
            script,
            variant,
            str(die_at),
            "--",
            *serve,
        )

    def server_ready(self) -> None:
        server = self.server
        until(lambda: speaks_to(server.pid, MQTT_PORT) or not server.running, "our own server is at the broker")
        assert owns(server.pid, HTTP_PORT) or not server.running

    def start_gateway(self, variant: str = "real", kill_ms: float = 0.0) -> None:
        sections: dict[str, dict[str, Any]] = {
            "source": {"kind": "simulated", "air": f"127.0.0.1:{AIR_PORT}"},
            "report": {"every_s": 8},
            "spool": {"path": str(self.spool), "max_mb": 64},
            "broker": {"url": f"mqtt://{self.networks.server.address}:{MQTT_PORT}", "resend_s": 1, "in_flight": 50},
            "health": {"every_s": 1},
            "identity": {"folder": str(self.folder / "identity")},
        }
        for name, values in self.settings.items():
            sections[name] = {**sections.get(name, {}), **values}
        lines = [f'site = "{SITE}"', f'name = "{GATEWAY}"']
        for name, section in sections.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
        config = self.folder / "gateway.toml"
        config.write_text("\n".join(lines) + "\n")
        script = str(HERE / "gateway_process.py")
        run = ("run", "--config", str(config), "--drain", "300", "--json")
        self.gateway = Process(
            self.networks.office,
            self.folder / "gateway.log",
            sys.executable,
            script,
            str(self.shadow),
            variant,
            str(kill_ms),
            "--",
            *run,
        )

    def gateway_ready(self) -> None:
        gateway = self.gateway
        until(lambda: speaks_to(gateway.pid, MQTT_PORT) or not gateway.running, "our own gateway is at the broker")

    def start(self, server: str = "real", gateway: str = "real") -> None:
        """All of it, and the proof that each talks to the others of this run."""
        self.start_broker()
        self.start_server(server)
        self.server_ready()
        self.air.start()
        self.start_gateway(gateway)
        self.gateway_ready()

    def reports(self) -> int:
        """How many the database has."""
        return self._number("SELECT count(*) FROM report")

    def progress(self, more: int = 2, limit_s: float = LIMIT_S) -> None:
        """Wait until the database has `more` reports than now."""
        wanted = self.reports() + more
        until(lambda: self.reports() >= wanted, "the database goes on growing", limit_s, 0.02)

    def hear_on(self, line_s: float) -> None:
        """Wait while the gateway hears for so many seconds of the air's line."""
        end = self.air.at + line_s
        until(lambda: self.air.at >= end, "the gateway goes on hearing")

    def heard_by(self, life: int) -> None:
        """Wait until the gateway hears, in its so-manieth life."""
        until(lambda: self.air.lives >= life, "the gateway hears")

    def wait_until_said(self, process: Process, text: str) -> None:
        """Wait for an alarm."""
        until(lambda: process.says(text), f"it says {text!r}")

    def kept(self) -> int:
        """Reports that the spool has taken so far."""
        return sum(line.startswith("K") for line in self.shadow.read_text().split("\n"))

    def finish(self) -> None:
        """The air ends; the gateway delivers what is left and ends; the server is told to end."""
        gateway, server = self.gateway, self.server
        self.air.finish()
        code, _ = gateway.wait(600.0)
        assert code == 0, gateway.log.read_text(errors="replace")[-2000:]
        server.stop()

    def count(self, *, gateway_lived: bool = True) -> counting.Count:
        """The figures, from the disks."""
        stored = counting.read_database(self.database)
        return counting.count(counting.read_shadow(self.shadow), stored, self.air.sent, gateway_lived=gateway_lived)

    def close(self) -> None:
        for name in ("gateway", "server", "broker"):
            process: Process | None = getattr(self, name, None)  # not every run has come to start it
            if process is not None and process.running:
                process.kill()
        self.air.close()
        self.office.database.dispose()

    def _number(self, sql: str) -> int:
        with counting.open_database(self.database) as db:
            [(n,)] = db.execute(sql)
        return int(n)


def _identity(folder: Path, office: Path) -> None:
    """What `zonetag-gateway enrol` would have left on the gateway (its TLS apart: these brokers speak none)."""
    folder.mkdir(exist_ok=True)
    key = folder / SIGNING
    key.touch(0o600)
    key.write_bytes(signing_key(GATEWAY).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    backend = open_signing_key(office / KEY_FILE)
    # For one control, which cheats with it.
    stolen = backend.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder.parent / "stolen.pem").write_bytes(stolen)
    (folder / BACKEND).write_bytes(backend.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (folder / CLIENT).write_bytes(_certificate())
    told = {"site": SITE, "name": GATEWAY, "url": "https://127.0.0.1:1", "broker": "", "token": ""}
    (folder / ENROLMENT).write_text(json.dumps(told))


def _certificate() -> bytes:
    """One that nobody is shown: the gateway looks how long it lasts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, GATEWAY)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=90)).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


@contextmanager
def stack(
    folder: Path,
    *,
    joined: bool = True,
    tags: int = TAGS,
    settings: dict[str, dict[str, Any]] | None = None,
    broker_extra: str = "persistence false\n",
    step_s: float = 4.0,
    pause_s: float = 0.04,
) -> Iterator[Stack]:
    """An installation that is not started yet."""
    now_ms = time.time_ns() // 1_000_000
    start_ms = now_ms - BACK_MS
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spool").mkdir(exist_ok=True)
    office = make_office(folder / "office", enrolled=True)
    _identity(folder / "identity", folder / "office")
    for number in range(tags):
        office.add_tag(f"A-{number:03}", at_ms=start_ms - HOUR_MS)
    with networks(joined=joined) as laid:
        air = Air(laid.office, office.tags, start_ms, step_s, pause_s)
        made = Stack(laid, folder, office, air, settings or {}, broker_extra)
        try:
            yield made
        finally:
            with suppress(RuntimeError):  # an air that was never started
                made.close()
