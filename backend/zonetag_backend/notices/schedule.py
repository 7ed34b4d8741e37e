"""When a notice is tried again.  Pure."""

MINUTE_MS = 60_000
# Waits after each failed try: soon at first, for a receiver that restarts, then about once in a working day's half.
WAITS_MS = tuple(minutes * MINUTE_MS for minutes in (1, 5, 15, 60, 240, 240, 720))
AHEAD_MS = 5 * MINUTE_MS
MOST_TRIES = len(WAITS_MS) + 1


def is_due(tries: int, tried_ms: int | None, now_ms: int) -> bool:
    """Whether a notice that was tried so often, last at `tried_ms`, is to be tried now."""
    if tries == 0 or tried_ms is None:
        return True
    # A try that lies ahead was counted by a clock that was wrong then: it must not be waited for.
    waited = now_ms >= tried_ms + WAITS_MS[min(tries, len(WAITS_MS)) - 1] or tried_ms > now_ms + AHEAD_MS
    return tries < MOST_TRIES and waited
