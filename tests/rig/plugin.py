"""Fixtures of the test benches, and what holds for every test run; `tests/conftest.py` loads this file."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from rig.debian import Unobtainable
from rig.micropython import Micropython, obtain

# A busy machine makes no test fail; what fails is printed with the line that repeats it.
settings.register_profile("zonetag", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zonetag")


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
