"""The Debian package: built from this checkout, installed without a network, upgraded, removed without a trace."""

import asyncio
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.captures import btsnoop, le_report
from rig.tags import Tag

from zonetag_gateway.config import load

LIMIT_S = 300
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
UNIT = "usr/lib/systemd/system/zonetag-gateway.service"
DROP_IN = "usr/lib/systemd/system/bluetooth.service.d/zonetag.conf"
LIBRARY = "usr/lib/zonetag-gateway"
Run = Callable[..., str]


def run(*words: str | Path, **environ: str) -> str:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=LIMIT_S, env={**os.environ, **environ}
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def package(root: Path, require: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, for this machine and this Python only: fewer wheels to fetch."""
    require("dpkg-deb", "apt-get install dpkg")
    venv = Path(sys.executable).parent.parent
    out = tmp_path_factory.mktemp("deb")
    return Path(run(root / "scripts/deb", "--python", PYTHON, "--out", out, VENV=str(venv)).splitlines()[-1].strip())


@pytest.fixture
def system(tmp_path: Path, require: Callable[..., str]) -> tuple[Path, Callable[..., str]]:
    """An empty Debian below a folder, and a dpkg that works on it.  The maintainer scripts run with DPKG_ROOT."""
    if os.geteuid() != 0:
        pytest.skip("needs root, which dpkg needs to install")
    top = tmp_path / "system"
    (top / "var/lib/dpkg").mkdir(parents=True)
    (top / "var/lib/dpkg/status").touch()
    program = require("dpkg", "apt-get install dpkg")

    def dpkg(*words: str | Path) -> str:
        return run(
            program, f"--root={top}", "--force-script-chrootless", "--force-depends", *words, PYTHON=sys.executable
        )

    return top, dpkg


def leftovers(top: Path) -> list[str]:
    """What is named after us below `top`, but for dpkg's own books."""
    return sorted(
        str(path.relative_to(top))
        for path in top.rglob("*zonetag*")
        if "var/lib/dpkg" not in str(path.relative_to(top))
    )


def test_it_says_what_it_is_and_needs(package: Path, root: Path) -> None:
    told = run("dpkg-deb", "--field", package)
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert f"Version: {version}\n" in told
    for needed in ("python3 (>= 3.11)", "python3-venv", "bluez", "adduser"):
        assert needed in told
    listed = run("dpkg-deb", "--contents", package)
    assert all(line.split()[1] == "root/root" for line in listed.splitlines())
    assert "/venv/lib/" not in listed
    names = re.findall(r"wheels/(\w+)-", listed)
    assert {"zonetag", "bleak", "paho_mqtt", "cbor2", "cryptography"} <= set(names)
    assert not {"numpy", "sqlalchemy", "starlette", "amqtt"} & {name.lower() for name in names}  # the server's


async def deliver(port: int, *command: str | Path) -> None:
    """Run the gateway; its windows come by the broker."""
    async with BackendStub(port) as backend:
        process = await asyncio.create_subprocess_exec(*command)
        assert await asyncio.wait_for(process.wait(), LIMIT_S) == 0
        await asyncio.to_thread(backend.wait, lambda: bool(backend.windows()))


def test_it_is_installed_delivers_is_upgraded_removed_and_purged(
    package: Path, system: tuple[Path, Callable[..., str]], broker: Mosquitto
) -> None:
    top, dpkg = system
    said = dpkg("--install", package)
    assert "set site, name and broker in /etc/zonetag/gateway.toml" in said
    program = top / LIBRARY / "venv/bin/zonetag-gateway"
    assert run(program, "--version").startswith("zonetag-gateway ")
    assert (top / "usr/bin/zonetag-gateway").resolve() == program.resolve()
    assert run(program, "run", "--help")
    config = top / "etc/zonetag/gateway.toml"
    assert load(config).spool.path == Path("/var/lib/zonetag-gateway/spool.db")  # the unit's StateDirectory
    assert config.parent.stat().st_mode & 0o777 == 0o750
    for path in (UNIT, DROP_IN, f"{LIBRARY}/bluetooth.conf", f"{LIBRARY}/mgmt.conf"):
        assert (top / path).is_file()

    # What its owner sets; and the spool, since this Debian is below a folder.
    for key, value in (("site", "hq"), ("url", broker.url), ("path", str(top / "spool.db"))):
        text, found = re.subn(rf'(?m)^{key} = ".*"', f'{key} = "{value}"', config.read_text(), count=1)
        assert found == 1, key
        config.write_text(text)
    capture = top / "air.btsnoop"
    packet = le_report(Tag(1).advert(100), -60)
    capture.write_bytes(btsnoop(1001, [(1_790_000_000_000_000 + 250_000 * n, 3, packet) for n in range(40)]))
    asyncio.run(deliver(broker.port, program, "replay", "--config", config, "--speed", "max", capture))

    config.write_text(config.read_text().replace('"entrance"', '"kitchen"'))
    made = (top / LIBRARY / "venv/stamp").stat().st_mtime_ns
    dpkg("--install", package)  # again, as an upgrade
    assert load(config).name == "kitchen"
    assert (top / LIBRARY / "venv/stamp").stat().st_mtime_ns == made  # nothing new: not made anew

    (top / "var/lib/zonetag-gateway").mkdir(parents=True)
    (config.parent / "password").write_text("secret")
    dpkg("--remove", "zonetag-gateway")
    assert not (top / LIBRARY).exists()
    assert not (top / DROP_IN).exists()
    assert leftovers(top) == ["etc/zonetag", "var/lib/zonetag-gateway"]
    assert config.exists()
    dpkg("--purge", "zonetag-gateway")
    assert leftovers(top) == ["etc/zonetag"]  # for the password, which is not the package's
    assert [path.name for path in config.parent.iterdir()] == ["password"]


def test_lintian_finds_nothing(package: Path, require: Callable[..., str]) -> None:
    program = require("lintian", "apt-get install lintian")
    done = subprocess.run(
        [program, "--allow-root", "--fail-on", "error,warning", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout


def test_a_wheel_that_was_tampered_with_is_refused(package: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "--extract", package, tmp_path / "x")
    library = tmp_path / "x" / LIBRARY
    wheel = next((library / "wheels").glob("paho_mqtt-*"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    done = subprocess.run(
        [library / "make-venv"],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHON": sys.executable},
    )
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (library / "venv/stamp").exists()


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm", "make-venv"])
def test_the_scripts_are_posix_shell(root: Path, require: Callable[..., str], script: str) -> None:
    path = root / "deploy/debian" / script
    assert path.read_text().startswith("#!/bin/sh\n")
    run(require("dash", "apt-get install dash"), "-n", path)
