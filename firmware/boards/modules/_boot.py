"""What our own builds run first, in place of the port's: mount the file system, or go on without it.

The port's own would wait for ever in front of a damaged file system.  A tag goes on: its firmware is frozen, and says
by LED and serial line that its card is missing.
"""

import vfs  # type: ignore[import-not-found]  # MicroPython's
from flashbdev import bdev  # type: ignore[import-not-found]  # the port's

try:
    vfs.mount(bdev, "/")
except OSError as error:
    print('{"zonetag-fault": "flash", "detail": "the file system cannot be mounted: %s"}' % error)  # noqa: T201  # serial line
