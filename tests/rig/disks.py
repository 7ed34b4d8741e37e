"""Small disks that really get full."""

import contextlib
from pathlib import Path

PAGE = 4096


def take_the_rest(disk: Path) -> None:
    """Somebody else fills the disk to its last page."""
    with (disk / "somebody-else").open("wb", buffering=0) as other, contextlib.suppress(OSError):
        while True:
            other.write(bytes(PAGE))
