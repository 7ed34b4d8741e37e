"""The test bench itself: the virtual machine outlives nobody, and where it cannot be had the tests say why."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.bluez.machine import Machine

LIMIT_S = 300.0
TESTS = Path(__file__).parents[1]
BOOTS = """
import sys
from rig.bluez import image
from rig.bluez.machine import Machine
machine = Machine(image.obtain(), sys.argv[1])
machine.boot()
print(machine.pid, flush=True)
try:
    sys.stdin.read()
finally:
    machine.kill()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_it_does_not_outlive_the_tests(booted: Machine, require: Callable[..., str], number: signal.Signals) -> None:
    qemu = require("qemu-system-x86_64", "apt-get install qemu-system-x86")
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [sys.executable, "-c", BOOTS, qemu],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as program:
        assert program.stdout is not None
        machine = os.pidfd_open(int(program.stdout.readline()))
        program.send_signal(number)
        program.wait(LIMIT_S)
    try:
        # The descriptor of a process is readable once it has ended.
        assert select.select([machine], [], [], LIMIT_S)[0]
    finally:
        os.close(machine)


@pytest.mark.parametrize(
    ("ci", "outcome"), [({}, "1 skipped"), ({"CI": "true"}, "1 error")], ids=["at a desk", "on CI"]
)
@pytest.mark.parametrize("lacking", ["qemu", "packages"])
def test_without_the_machine(
    tmp_path: Path, require: Callable[..., str], lacking: str, ci: dict[str, str], outcome: str
) -> None:
    """Skipped with what is missing and why; on CI failed."""
    if lacking == "packages":
        for program in ("qemu-system-x86_64", "setpriv"):
            (tmp_path / program).symlink_to(require(program, "apt-get install qemu-system-x86"))
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    environment = kept | {"PATH": str(tmp_path), "ZONETAG_CACHE": str(tmp_path)} | ci
    test = TESTS / "bluez/test_doctor.py::test_all_is_well"
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(test)]
    done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout, done.stdout + done.stderr
    why = {"qemu": "qemu-system-x86_64 is not installed", "packages": "bookworm/amd64: no apt-get here"}[lacking]
    assert why in done.stdout
