"""Fixtures of the test benches, and what holds for every test run; `tests/conftest.py` loads this file."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from rig.brokers import Mosquitto
from rig.components import missing
from rig.debian import Unobtainable
from rig.micropython import Micropython, obtain
from rig.ports import hold
from rig.postgresql import PostgreSQL, programs

from zonetag_backend.store.engine import open_database

# A busy machine makes no test fail; what fails is printed with the line that repeats it.
settings.register_profile("zonetag", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zonetag")


BOTH = "both_databases"
READY = "ready"  # a database with all tables, of which others are copied


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{BOTH}: runs on SQLite and on PostgreSQL (the fixture database_url); empty: without tables"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker(BOTH) is not None:
        metafunc.parametrize("database_url", ("sqlite", "postgresql"), indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server of its own for all tests that want one; none kills it."""
    found = programs()
    if found is None:
        missing("PostgreSQL is not installed: apt-get install postgresql")
    server = PostgreSQL(found)
    server.start()
    open_database(server.make(READY)).dispose()
    yield server
    server.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database of PostgreSQL, for tests with the mark `both_databases`; empty: a file, where the test likes."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield ""
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = f"test_{abs(hash(tmp_path)):x}"
    mark = request.node.get_closest_marker(BOTH)
    yield server.make(name, "template1" if mark is not None and mark.kwargs.get("empty") else READY)
    server.drop(name)


@pytest.fixture(scope="session")
def micropython() -> Micropython:
    """Real MicroPython with 32-bit words.  Where there is none the tests skip and say why; on CI they fail."""
    try:
        return obtain()
    except Unobtainable as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI wants this test run. {error}", pytrace=False)
        pytest.skip(str(error))


@pytest.fixture
def port() -> Iterator[int]:
    """A port for a server that must be told its own before it begins."""
    with hold() as held:
        yield held.getsockname()[1]


@pytest.fixture
def mosquitto(require: Callable[..., str], tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker that runs, with its files in `tmp_path / "broker"`."""
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def tiny_disk(tmp_path: Path, require: Callable[..., str]) -> Iterator[Path]:
    """A disk of 8 MB that really gets full."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small tmpfs")
    mount = require("mount", "apt-get install mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
