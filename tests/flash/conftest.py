"""What is flashed."""

from pathlib import Path

import pytest


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Something as large as a small MicroPython."""
    path = tmp_path / "micropython.bin"
    path.write_bytes(bytes(range(256)) * 800)
    return path
