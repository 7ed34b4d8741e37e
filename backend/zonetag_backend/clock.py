"""The system's clock: the only file of the backend that reads it, and only app.py and the commands import it."""

import time


def utc_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds since some point; never steps."""
    return time.monotonic()
