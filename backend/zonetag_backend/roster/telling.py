"""How far an import is: told while a list is read, held against the register and written.  Pure."""

from collections.abc import Callable

READ, CHECK, WRITE = "read", "check", "write"  # stages
EVERY = 100  # rows between two words: a hundred words for the longest list, and a stop is heard within a moment

Tell = Callable[[str, int, int], None]
"""Stage, how many are done, of how many; 0 while nobody knows.  May raise Stopped: then nothing has been changed."""


class Stopped(Exception):
    """Whoever began it wants it no more."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """To nobody."""
