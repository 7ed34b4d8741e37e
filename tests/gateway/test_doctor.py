"""Doctor: each planted fault is found, named, and comes with something to type; a healthy machine has none."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from rig.brokers import Mosquitto

from zonetag_gateway import identity, office
from zonetag_gateway.config import BrokerConfig, parse
from zonetag_gateway.doctor import Finding, doctor
from zonetag_gateway.doctor.bluetooth import Switch, version_of
from zonetag_gateway.doctor.enrolment import Enrolled
from zonetag_gateway.doctor.probes import Probes, disk, reach, real, switches
from zonetag_gateway.doctor.system import Disk
from zonetag_gateway.errors import IdentityUnusable, SourceError
from zonetag_gateway.mgmt import PERMISSION_DENIED, START_DISCOVERY
from zonetag_gateway.mgmt_socket import refusal
from zonetag_gateway.source import Moment

CONFIG = """
site = "hq"
name = "entrance"
[spool]
path = "spool.db"
max_mb = 100
[broker]
url = "mqtt://broker.example"
"""

T = TypeVar("T")
DAY_MS = 86_400_000
NOW = Moment(1_800_000_000_000, 5000, True)


@dataclass
class State:
    name: str = "hci0"
    powered: bool = True
    power_state: str = "on"
    central: bool = True
    monitors: bool = True


@dataclass
class Clock:
    moment: Moment

    def now(self) -> Moment:
        return self.moment

    def monotonic(self) -> float:
        return 5.0


def answers(value: Any) -> Callable[..., Any]:
    async def answer(*_: object) -> Any:
        return value

    return answer


def answer_of(value: Any) -> Callable[..., Any]:
    return lambda *_: value


HEALTHY = Probes(
    bluez=answers("bluetoothctl: 5.66\n"),
    kernel=lambda: "6.1.0-rpi7-rpi-v8",
    bleak=lambda: True,
    rfkill=lambda: [Switch("hci0", False, False)],
    adapters=answers([State()]),
    mgmt=answers(None),
    identity=lambda _: Enrolled("entrance", NOW.utc_ms - 10 * DAY_MS, NOW.utc_ms + 80 * DAY_MS),
    settings=lambda config: config.broker,
    disk=lambda _: Disk(10_000_000_000, True, True),
    reach=answers(""),
    speak=answers(("", False)),
)
CHECKS = ["config", "bleak", "bluez", "kernel", "rfkill", "bluetoothd", "adapter", "passive-scanning", "mgmt"]
CHECKS += ["clock", "spool", "identity", "broker", "mqtt"]


def examine(
    tmp_path: Path, probes: Probes = HEALTHY, clock: Clock | None = None, config: str = CONFIG
) -> dict[str, Finding]:
    path = tmp_path / "gateway.toml"
    path.write_text(config)
    findings = asyncio.run(doctor(path, clock or Clock(NOW), probes))
    assert all(bool(finding.to_do) == (finding.level != "ok") for finding in findings)
    return {finding.check: finding for finding in findings}


def test_a_healthy_machine_has_no_fault(tmp_path: Path) -> None:
    found = examine(tmp_path)
    assert list(found) == CHECKS
    assert {finding.level for finding in found.values()} == {"ok"}


MIB = 1_000_000
PLANTS: list[tuple[str, str, str, dict[str, Any]]] = [
    # check, level, what must stand in what to type, the fault
    ("bleak", "fail", "pip install", {"bleak": lambda: False}),
    ("bluez", "fail", "apt install bluez", {"bluez": answers(None)}),
    ("bluez", "fail", "5.66", {"bluez": answers("bluetoothctl: 5.50")}),
    ("bluez", "warn", "upgrade", {"bluez": answers("bluetoothctl: 5.64")}),
    ("kernel", "warn", "5.10", {"kernel": lambda: "5.4.0-150-generic"}),
    ("rfkill", "fail", "rfkill unblock", {"rfkill": lambda: [Switch("hci0", True, False)]}),
    ("rfkill", "fail", "switch", {"rfkill": lambda: [Switch("hci0", True, True)]}),
    ("bluetoothd", "fail", "usermod", {"adapters": answers(SourceError("not allowed", "sudo usermod -aG bluetooth"))}),
    ("adapter", "fail", "rfkill list", {"adapters": answers([])}),
    ("adapter", "fail", "power on", {"adapters": answers([State(powered=False, power_state="off")])}),
    ("adapter", "fail", "unblock", {"adapters": answers([State(powered=False, power_state="off-blocked")])}),
    ("adapter", "fail", "4.0", {"adapters": answers([State(central=False)])}),
    ("passive-scanning", "warn", "Experimental = true", {"adapters": answers([State(monitors=False)])}),
    ("mgmt", "warn", "CAP_NET_ADMIN", {"mgmt": answers(refusal(START_DISCOVERY, PERMISSION_DENIED))}),
    ("spool", "fail", "install -d", {"disk": lambda _: Disk(10**10, False, False)}),
    ("spool", "fail", "chown", {"disk": lambda _: Disk(10**10, False, True)}),
    ("spool", "fail", "Make room", {"disk": lambda _: Disk(10 * MIB, True, True)}),
    ("spool", "warn", "max_mb to 40", {"disk": lambda _: Disk(80 * MIB, True, True)}),
    ("identity", "warn", "gateway enrol", {"identity": answer_of(None)}),
    ("identity", "fail", "enrol it", {"identity": answer_of(IdentityUnusable("of another site", "Or enrol it"))}),
    ("identity", "fail", "gateway enrol", {"identity": answer_of(Enrolled("a", 0, NOW.utc_ms))}),
    ("identity", "warn", "journalctl", {"identity": answer_of(Enrolled("a", 0, NOW.utc_ms + DAY_MS))}),
    ("identity", "fail", "set-ntp", {"identity": answer_of(Enrolled("a", NOW.utc_ms + 1, 2 * NOW.utc_ms))}),
    ("broker", "fail", "nc -vz broker.example 1883", {"reach": answers("Connection refused")}),
    ("mqtt", "fail", "password_file", {"speak": answers(("not authorized", True))}),
    ("mqtt", "fail", "certificates", {"speak": answers(("certificate verify failed", False))}),
]


@pytest.mark.parametrize(("check", "level", "to_do", "fault"), PLANTS)
def test_a_planted_fault_is_found(tmp_path: Path, check: str, level: str, to_do: str, fault: dict[str, Any]) -> None:
    found = examine(tmp_path, replace(HEALTHY, **fault))
    assert found[check].level == level
    assert to_do in found[check].to_do
    assert [name for name, finding in found.items() if finding.level != "ok"] == [check]


@pytest.mark.parametrize(
    ("moment", "level"),
    [(Moment(0, 1, True), "fail"), (Moment(0, 1, False), "fail"), (Moment(1_800_000_000_000, 1, False), "warn")],
)
def test_a_clock_that_is_wrong(tmp_path: Path, moment: Moment, level: str) -> None:
    assert examine(tmp_path, clock=Clock(moment))["clock"].level == level


def test_passive_scanning_that_is_asked_for_but_not_offered_fails(tmp_path: Path) -> None:
    probes = replace(HEALTHY, adapters=answers([State(monitors=False)]))
    assert (
        examine(tmp_path, probes, config=CONFIG + '[source]\nscanning = "passive"\n')["passive-scanning"].level
        == "fail"
    )


@pytest.mark.parametrize(
    ("source", "level"),
    [('kind = "mgmt"', "fail"), ('kind = "auto"\nscanning = "passive"', "ok"), ('kind = "bleak"', None)],
)
def test_a_management_socket_that_may_not_be_used(tmp_path: Path, source: str, level: str | None) -> None:
    probes = replace(HEALTHY, mgmt=answers(refusal(START_DISCOVERY, PERMISSION_DENIED)))
    found = examine(tmp_path, probes, config=f"{CONFIG}[source]\n{source}\n").get("mgmt")
    assert (found.level if found else None) == level


def test_an_adapter_that_is_configured_but_not_there(tmp_path: Path) -> None:
    found = examine(tmp_path, config=CONFIG + '[source]\nadapters = ["hci7"]\n')
    assert found["adapter"].level == "fail"
    assert "hci0" in found["adapter"].to_do


def test_all_faults_of_a_configuration_are_told_and_the_machine_is_checked_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('site = "HQ!"\nnonsense = 1\n')
    findings = asyncio.run(doctor(path, Clock(NOW), HEALTHY))
    assert sum(finding.check == "config" and not finding.ok for finding in findings) >= 3
    assert {"bluez", "adapter", "clock"} <= {finding.check for finding in findings}


def test_no_bluetooth_is_asked_for_where_none_is_used(tmp_path: Path) -> None:
    found = examine(tmp_path, config=CONFIG + '[source]\nkind = "simulated"\n')
    assert set(found) == {"config", "clock", "spool", "identity", "broker", "mqtt"}


@pytest.mark.parametrize(
    ("text", "version"),
    [("bluetoothctl: 5.66", (5, 66)), ("6.12.1+deb13", (6, 12)), ("5.82\n", (5, 82)), ("none", None), ("", None)],
)
def test_versions(text: str, version: tuple[int, int] | None) -> None:
    assert version_of(text) == version


def test_switches_are_read_from_the_kernel(tmp_path: Path) -> None:
    for name, said in {"rfkill0": ("wlan", "phy0", "1", "0"), "rfkill1": ("bluetooth", "hci0", "1", "0")}.items():
        (tmp_path / name).mkdir()
        for file, text in zip(("type", "name", "soft", "hard"), said, strict=True):
            (tmp_path / name / file).write_text(text + "\n")
    (tmp_path / "rfkill2").mkdir()  # unplugged at this moment
    assert switches(tmp_path) == [Switch("hci0", True, False)]
    assert switches(tmp_path / "none") == []


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    seen = disk(tmp_path / "a" / "b")
    assert (seen.exists, seen.writable, seen.free > 0) == (False, False, True)
    assert disk(tmp_path).writable


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but not listening
        assert asyncio.run(reach("127.0.0.1", bound.getsockname()[1])) != ""


def test_a_name_that_does_not_resolve() -> None:
    assert asyncio.run(reach("no name at all", 1883)) != ""


def identity_folder(folder: Path, days: tuple[int, int], site: str = "hq") -> Path:
    """An identity as `enrol` leaves it, its certificate good from and to so many days from now."""
    signing, client = Ed25519PrivateKey.generate(), office.new_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "entrance")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, client.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days[0]))
        .not_valid_after(now + timedelta(days[1]))
        .sign(client, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    public = signing.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    told = {"url": "https://x", "site": site, "name": "entrance", "broker": "", "token": ""}
    identity.write(folder / identity.SIGNING, office.pem_of(signing), identity.PRIVATE)
    identity.write(folder / identity.CLIENT, office.pem_of(client) + certificate.public_bytes(pem), identity.PRIVATE)
    identity.write(folder / identity.BACKEND, public, identity.PUBLIC)
    identity.write(folder / identity.ENROLMENT, identity.text_of(told), identity.PUBLIC)
    return folder


@pytest.mark.parametrize(
    ("days", "site", "open_file", "level", "to_do"),
    [
        ((-10, 80), "hq", "", "ok", ""),
        ((-90, -1), "hq", "", "fail", "gateway enrol"),
        ((-80, 10), "hq", "", "warn", "renew"),
        ((1, 91), "hq", "", "fail", "set-ntp"),
        ((-10, 80), "elsewhere", "", "fail", "site and name"),
        ((-10, 80), "hq", identity.SIGNING, "fail", "chmod 600"),
        ((-10, 80), "hq", identity.CLIENT, "fail", "chmod 600"),
    ],
)
def test_a_real_identity(
    tmp_path: Path, days: tuple[int, int], site: str, open_file: str, level: str, to_do: str
) -> None:
    folder = identity_folder(tmp_path / "identity", days, site)
    if open_file:
        (folder / open_file).chmod(0o644)
    now = Clock(Moment(time.time_ns() // 1_000_000, 1, True))
    probes = replace(HEALTHY, identity=real().identity, settings=real().settings)
    found = examine(tmp_path, probes, now, f'{CONFIG}[identity]\nfolder = "{folder}"\n')["identity"]
    assert found.level == level
    assert to_do in found.to_do


def test_the_broker_is_asked_with_the_certificate_of_an_enrolled_gateway(tmp_path: Path) -> None:
    folder = identity_folder(tmp_path / "identity", (-10, 80))
    table = {"site": "hq", "name": "entrance", "broker": {"url": "mqtts://x"}, "identity": {"folder": str(folder)}}
    asked = real().settings(parse(table, tmp_path))
    assert (asked.cert, asked.ca) == (folder / identity.CLIENT, folder / identity.CA)


def wait(awaitable: Awaitable[T]) -> T:
    async def go() -> T:
        return await awaitable

    return asyncio.run(go())


def settings(port: int, folder: Path, **more: object) -> BrokerConfig:
    table = {"site": "hq", "name": "entrance", "broker": {"url": f"mqtt://127.0.0.1:{port}", **more}}
    return parse(table, folder).broker


def test_a_real_broker(broker: Mosquitto, tmp_path: Path) -> None:
    probes = real()
    assert wait(probes.reach("127.0.0.1", broker.port)) == ""
    for version in ("auto", "5", "3.1.1"):
        asked = settings(broker.port, tmp_path, mqtt_version=version)
        assert wait(probes.speak(asked, "hq", "entrance")) == ("", False)


def test_a_real_broker_that_asks_for_a_password(new_broker: Callable[[str], Mosquitto], tmp_path: Path) -> None:
    broker = new_broker("allow_anonymous false\n")
    broker.start()
    why, denied = wait(real().speak(settings(broker.port, tmp_path), "hq", "entrance"))
    assert why
    assert denied


def run_doctor(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from zonetag_gateway.cli import main; sys.exit(main())", "doctor"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)


def test_the_command_exits_1_when_something_fails_and_0_when_not(broker: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    text = CONFIG.replace("mqtt://broker.example", f"mqtt://127.0.0.1:{broker.port}")
    config.write_text(text + '[source]\nkind = "simulated"\n')
    good = run_doctor(["--config", str(config), "--json"])
    said = json.loads(good.stdout)
    assert (good.returncode, said["ok"]) == (0, True), good.stdout
    broker.stop()
    bad = run_doctor(["--config", str(config)])
    assert bad.returncode == 1
    assert "fail  broker: " in bad.stdout
    assert "\n      -> " in bad.stdout
