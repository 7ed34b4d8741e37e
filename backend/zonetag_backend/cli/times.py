"""Times as commands print them: UTC, to the second, as in the log."""

from datetime import UTC, datetime


def day_and_time(utc_ms: int) -> str:
    """As 2026-09-21 01:02:03 UTC."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
