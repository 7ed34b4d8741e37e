"""Fixtures of the test benches; `tests/conftest.py` loads this file."""

import os

import pytest
from rig.micropython import Micropython, Unobtainable, obtain


@pytest.fixture(scope="session")
def micropython() -> Micropython:
    """Real MicroPython with 32-bit words.  Where there is none the tests skip and say why; on CI they fail."""
    try:
        return obtain()
    except Unobtainable as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI wants this test run. {error}", pytrace=False)
        pytest.skip(str(error))
