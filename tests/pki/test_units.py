"""The units that give the broker its new certificates."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from zonetag_backend.pki import mosquitto

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy/systemd"
LIMIT_S = 60


def test_systemd_takes_the_units(require: Callable[..., str], tmp_path: Path) -> None:
    analyze = require("systemd-analyze", "apt-get install systemd")
    names = ("zonetag-broker.service", "zonetag-broker.path")
    for name in names:
        (tmp_path / name).write_text((UNITS / name).read_text())

    def faults() -> list[str]:
        words = [analyze, "verify", "--man=no", *(str(tmp_path / name) for name in names)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT_S)
        return [line for line in done.stderr.splitlines() if "zonetag-broker" in line]

    assert faults() == []
    unit = tmp_path / names[0]
    unit.write_text(unit.read_text().replace("Type=oneshot", "Type=often"))
    assert faults(), "the control"


def test_what_is_copied_is_what_is_written(require: Callable[..., str], tmp_path: Path) -> None:
    """The unit's own line, with this machine's users: both files, and never by way of a link."""
    shell = require("sh", "apt-get install dash")
    [line] = re.findall(
        r"^ExecStart=/bin/sh -euc '(.*)'$", (UNITS / "zonetag-broker.service").read_text(), re.MULTILINE
    )
    line = line.replace("-o root -g mosquitto ", "")
    out, to = tmp_path / "out", tmp_path / "to"
    for folder in (out, to):
        folder.mkdir()
    for name in (mosquitto.CERT, mosquitto.CRL):
        (out / name).write_text(name)

    def copy() -> int:
        environment = {"FROM": str(out), "TO": str(to), "PATH": "/usr/bin:/bin"}
        return subprocess.run([shell, "-euc", line], env=environment, check=False, timeout=LIMIT_S).returncode

    assert copy() == 0
    assert {path.name: path.read_text() for path in to.iterdir()} == {
        name: name for name in (mosquitto.CERT, mosquitto.CRL)
    }
    (out / mosquitto.CRL).unlink()
    (tmp_path / "secret").write_text("of root's")
    (out / mosquitto.CRL).symlink_to(tmp_path / "secret")
    assert copy() != 0
    assert (to / mosquitto.CRL).read_text() == mosquitto.CRL
