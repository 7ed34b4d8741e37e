"""One virtual machine with real BlueZ for all tests of this folder."""

from collections.abc import Callable, Iterator

import pytest
from rig.bluez import image
from rig.bluez.machine import EXPERIMENTAL, BootFailed, Machine
from rig.components import missing
from rig.debian import Unobtainable


@pytest.fixture(scope="session")
def booted(require: Callable[..., str]) -> Iterator[Machine]:
    """The machine, with D-Bus and no bluetoothd."""
    qemu = require("qemu-system-x86_64", "apt-get install qemu-system-x86")
    require("setpriv", "apt-get install util-linux")
    try:
        files = image.obtain()
    except Unobtainable as error:
        missing(f"the virtual machine with BlueZ cannot be made: {error}")
    machine = Machine(files, qemu)
    try:
        machine.boot()
    except BootFailed as error:
        missing(f"the virtual machine with BlueZ does not boot: {error}")
    yield machine
    machine.kill()


@pytest.fixture
def machine(booted: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The machine with bluetoothd as Zonetag wants it, whose system bus this process takes for its own."""
    for name, value in booted.environment.items():
        monkeypatch.setenv(name, value)
    booted.bluetoothd(EXPERIMENTAL)
    yield booted
    booted.kill_bluetoothd()
