"""Fixtures of the tests of certificates."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig.tls_broker import OfficeRig, TlsBroker, make_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[OfficeRig]:
    made = make_rig(tmp_path / "office")
    yield made
    made.database.dispose()


@pytest.fixture
def broker(require: Callable[..., str], rig: OfficeRig, tmp_path: Path) -> Iterator[TlsBroker]:
    """A real mosquitto with our configuration, at work."""
    made = TlsBroker(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker", rig)
    made.start()
    yield made
    made.stop()
