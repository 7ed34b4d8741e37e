"""How long an account waits after wrong passwords or codes.  Pure."""

FREE = 4  # mistakes without any wait: everybody types wrongly now and then
FIRST_MS = 5_000  # the wait after the next, doubled with each further one
MOST_MS = 15 * 60_000  # a guesser gets under 100 tries a day, and the rightful owner waits no longer than this


def wait_ms(failures: int) -> int:
    """The wait after so many failures in a row."""
    if failures <= FREE:
        return 0
    return min(MOST_MS, FIRST_MS << min(failures - FREE - 1, 20))


def is_locked(locked_until_ms: int, now_ms: int) -> bool:
    """Whether it waits now; a wait that is longer than any can be comes from before the clock was set back."""
    return 0 < locked_until_ms - now_ms <= MOST_MS
