"""Another version by a signed order: kept when it works, else the one before is back, whenever the power is cut.

The real installer and a real dpkg, on an empty Debian below a folder.  The packages are small: what `make deb` builds
is installed in test_package.py; here it matters which files are there, and which version dpkg calls installed.
"""

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_protocol.update import Order, seal

LIMIT_S = 120.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PROGRAM = "usr/lib/zonetag-gateway/program"
CONFIG = 'site = "hq"\nname = "entrance"\n[broker]\nurl = "mqtt://x"\n'
WAIT_S = "30"  # for a version that will work; one that never does is not waited for so long
POSTINST = """#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
program=$DPKG_ROOT/usr/lib/zonetag-gateway/program
if grep -q works "$program"; then sed 's/.* //' "$program" >>"$DPKG_ROOT/works-sha"; fi
if grep -q fails "$program"; then exit 1; fi
if grep -q waits "$program"; then : >"$DPKG_ROOT/reached"; while :; do sleep 1; done; fi
"""


@dataclass
class Machine:
    """A gateway's system, and who updates it."""

    top: Path
    dpkg: list[str]
    made: int = field(default=0)

    @property
    def inbox(self) -> Path:
        return self.top / "inbox"

    @property
    def own(self) -> Path:
        return self.top / "own"

    def package(self, version: str, does: str = "runs", filler: int = 0) -> Path:
        """A package of ours of that version, whose program says what it does."""
        tree = self.top / f"tree-{version}"
        for folder in ("DEBIAN", "usr/lib/zonetag-gateway", "etc/zonetag"):
            (tree / folder).mkdir(parents=True)
            (tree / folder).chmod(0o755)
        (tree / PROGRAM).write_text(f"{version} {does}\n")
        (tree / "etc/zonetag/gateway.toml").write_text("as shipped\n")
        (tree / "usr/lib/zonetag-gateway/filler").write_bytes(os.urandom(filler))
        control = f"Package: zonetag-gateway\nVersion: {version}\nArchitecture: all\nMaintainer: x <x@x.invalid>\n"
        (tree / "DEBIAN/control").write_text(control + "Description: hears\n more than that\n .\n and more\n")
        (tree / "DEBIAN/conffiles").write_text("/etc/zonetag/gateway.toml\n")
        (tree / "DEBIAN/postinst").write_text(POSTINST)
        (tree / "DEBIAN/postinst").chmod(0o755)
        made = self.top / f"zonetag-gateway_{version}_all.deb"
        subprocess.run(["dpkg-deb", "-Znone", "--build", tree, made], check=True, capture_output=True)
        return made

    def order(
        self, package: Path, version: str, *, signed_ms: int = 0, key: Ed25519PrivateKey = KEY, **other: str
    ) -> None:
        """What the gateway has fetched."""
        self.made += 1
        content = package.read_bytes()
        sha256 = hashlib.sha256(content).digest()
        order = Order("hq", other.get("gateway", "entrance"), version, sha256, len(content), signed_ms or self.made)
        self.inbox.mkdir(exist_ok=True)
        (self.inbox / "package.deb").write_bytes(content)
        (self.inbox / "order").write_bytes(seal(order, key))

    def works(self) -> None:
        """As the new version says it."""
        (self.inbox / "works").write_text(hashlib.sha256((self.inbox / "package.deb").read_bytes()).hexdigest())

    def command(self, wait: str = WAIT_S) -> list[str]:
        top = str(self.top)
        script = str(Path(__file__).parents[2] / "deploy/debian/update")
        return [
            *("/usr/bin/env", "python3", "-I", script, "--root", top, "--inbox", f"{top}/inbox", "--own", f"{top}/own"),
            *("--key", f"{top}/keys/update.pub", "--config", f"{top}/gateway.toml", "--wait", wait),
            *("--python", f"{sys.executable} -I", "--dpkg", shlex.join(self.dpkg)),
        ]

    def update(self, wait: str = WAIT_S) -> dict[str, str]:
        """Run the installer; what it tells."""
        done = subprocess.run(self.command(wait), capture_output=True, text=True, check=False, timeout=LIMIT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.result

    @property
    def result(self) -> dict[str, str]:
        told: dict[str, str] = json.loads((self.own / "result").read_text())
        return told

    @property
    def installed(self) -> tuple[str, str]:
        """What dpkg says, and the program that is there."""
        said = subprocess.run(
            [
                "dpkg-query",
                f"--admindir={self.top}/var/lib/dpkg",
                "-Wf${Version} ${db:Status-Status}",
                "zonetag-gateway",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return said.stdout, (self.top / PROGRAM).read_text()


@pytest.fixture
def machine(tmp_path: Path, require: Callable[..., str]) -> Iterator[Machine]:
    """Version 1 is installed, and root has laid the backend's key down."""
    if os.geteuid() != 0:
        pytest.skip("needs root, which dpkg needs to install")
    top = tmp_path / "system"
    (top / "var/lib/dpkg").mkdir(parents=True)
    (top / "var/lib/dpkg/status").touch()
    (top / "keys").mkdir(mode=0o755)
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (top / "keys/update.pub").write_bytes(pem)
    (top / "gateway.toml").write_text(CONFIG)
    program = require("dpkg", "apt-get install dpkg")
    made = Machine(top, [program, f"--root={top}", "--force-script-chrootless"])
    subprocess.run([*made.dpkg, "--install", made.package("1.0")], check=True, capture_output=True)
    (top / "etc/zonetag/gateway.toml").write_text("as its owner has it\n")
    assert made.installed == ("1.0 installed", "1.0 runs\n")
    yield made
    assert (top / "etc/zonetag/gateway.toml").read_text() == "as its owner has it\n"


OLD = ("1.0 installed", "1.0 runs\n")
NEW = ("2.0 installed", "2.0 runs\n")


def test_a_version_that_works_is_kept(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0")
    machine.works()
    assert machine.update()["code"] == "ok"
    assert machine.installed == NEW
    assert not (machine.own / "phase").exists()
    # The same order again (a restart of the unit, a boot) changes nothing and says nothing new.
    before = machine.result
    assert machine.update() == before


def test_a_version_that_hears_nothing_goes(machine: Machine) -> None:
    """The control of the test above: the same package, and nobody says that it works."""
    machine.order(machine.package("2.0"), "2.0")
    (machine.inbox / "works").write_text("of another package")
    assert machine.update(wait="1")["code"] == "rolled-back"
    assert machine.installed == OLD


def test_a_version_that_cannot_be_configured_goes(machine: Machine) -> None:
    machine.order(machine.package("2.0", "fails"), "2.0")
    machine.works()
    told = machine.update()
    assert (told["code"], "dpkg" in told["text"]) == ("rolled-back", True)
    assert machine.installed == OLD


@pytest.mark.parametrize("phase", ["installing", "trial"])
def test_power_is_cut(machine: Machine, phase: str) -> None:
    """kill -9 of the installer and of dpkg, in the middle of either; then the unit runs again, as at a boot."""
    machine.order(machine.package("2.0", "waits" if phase == "installing" else "runs"), "2.0")
    command = machine.command("600")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        marks = [machine.top / "reached"] if phase == "installing" else [machine.own / "phase"]
        wait_for(lambda: marks[0].exists() and (machine.own / "phase").read_text() == phase, process)
        os.killpg(process.pid, signal.SIGKILL)
    assert machine.installed != OLD  # the control: without the second run the old version is not there
    machine.works()  # too late: it was cut short
    assert machine.update()["code"] == "rolled-back"
    assert machine.installed == OLD


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    for _ in range(int(LIMIT_S / 0.05)):
        if condition():
            return
        assert process.poll() is None, "it has ended"
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("not in time")


def another_package(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0")
    content = bytearray((machine.inbox / "package.deb").read_bytes())
    content[-1] ^= 1
    (machine.inbox / "package.deb").write_bytes(content)


def another_key(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0", key=Ed25519PrivateKey.generate())


def another_gateway(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0", gateway="kitchen")


def another_version(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "3.0")


def no_key_laid_down(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0")
    (machine.top / "keys/update.pub").unlink()


def a_key_that_others_may_write(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0")
    (machine.top / "keys/update.pub").chmod(0o666)


def a_link_for_a_package(machine: Machine) -> None:
    package = machine.package("2.0")
    machine.order(package, "2.0")
    (machine.inbox / "package.deb").unlink()
    (machine.inbox / "package.deb").symlink_to(package)


def more_than_was_ordered(machine: Machine) -> None:
    machine.order(machine.package("2.0"), "2.0")
    with (machine.inbox / "package.deb").open("ab") as file:
        file.write(b"more")


FAULTS = [
    (another_package, "not the one"),
    (another_key, "does not count"),
    (another_gateway, "order to kitchen"),
    (another_version, "another version"),
    (no_key_laid_down, "not allowed"),
    (a_key_that_others_may_write, "others than root"),
    (a_link_for_a_package, "symbolic links"),
    (more_than_was_ordered, "longer"),
]


@pytest.mark.parametrize(("fault", "text"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_what_is_not_ordered_is_not_installed(machine: Machine, fault: Callable[[Machine], None], text: str) -> None:
    fault(machine)
    told = machine.update()
    assert told["code"] == "failed"
    assert text in told["text"]
    assert machine.installed == OLD
    assert not (machine.own / "phase").exists()


def test_an_old_order_does_not_bring_an_old_version_back(machine: Machine) -> None:
    old = machine.package("1.5")
    machine.order(machine.package("2.0"), "2.0", signed_ms=2000)
    machine.works()
    assert machine.update()["code"] == "ok"
    machine.order(old, "1.5", signed_ms=1000)
    machine.works()
    told = machine.update()
    assert (told["code"], "later order" in told["text"]) == ("failed", True)
    assert machine.installed == NEW


def test_a_full_disk(machine: Machine, require: Callable[..., str]) -> None:
    """The installer's folder is a small disk of its own: refused before anything has changed."""
    machine.own.mkdir()
    mount = require("mount", "apt-get install mount")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", machine.own], check=False).returncode:
        pytest.skip("needs the right to mount")
    try:
        machine.order(machine.package("2.0", filler=400_000), "2.0")
        machine.works()
        told = machine.update()
        assert (told["code"], "MB are needed" in told["text"]) == ("failed", True)
        assert machine.installed == OLD
    finally:
        subprocess.run(["umount", machine.own], check=True)
