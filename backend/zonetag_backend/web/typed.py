"""What somebody had typed into a form when their session was over: kept in memory until they are back.

Nothing of it is in a page, an address, a log or on a disk before the same account has signed in again, and signing in
does nothing with it.  After an hour, or a start of the server, it is gone.
"""

from dataclasses import dataclass
from threading import Lock

from starlette.datastructures import FormData

from zonetag_backend.roles import HOUR_MS

KEPT_MS = HOUR_MS
MOST = 100  # accounts, the last form of each; one has the size of a form without files
PAGE = "/typed"
# Passwords and codes of one's own account, and what nobody types.
NEVER = ("/account/", "/logout")


@dataclass(frozen=True, slots=True)
class Typed:
    """One form."""

    where: str
    # the address that it was sent to
    fields: tuple[tuple[str, str], ...]
    # as they were sent, without the token
    at_ms: int


def fields_of(form: FormData, most: int, token: str) -> tuple[tuple[str, str], ...]:
    """What can be kept of a form: nothing of one with a file in it, or of more than `most` characters.

    `token` is the name of the field that says whose form it is.
    """
    found = []
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.append((name, value))
        elif value.filename:
            return ()
    if sum(len(name) + len(value) for name, value in found) > most:
        return ()
    return tuple(each for each in found if each[0] != token)


class Drafts:
    """All of this process, by account."""

    def __init__(self) -> None:
        """Nothing is kept."""
        self._lock = Lock()
        self._kept: dict[int, Typed] = {}

    def keep(self, account: int, typed: Typed) -> None:
        """In the place of what was kept of the same account before."""
        with self._lock:
            self._sweep(typed.at_ms)
            self._kept.pop(account, None)
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]  # the oldest
            self._kept[account] = typed

    def of(self, account: int | None, now_ms: int) -> Typed | None:
        """What an account had typed."""
        with self._lock:
            self._sweep(now_ms)
            return None if account is None else self._kept.get(account)

    def drop(self, account: int | None, where: str = "") -> None:
        """It was sent (to `where`), or is wanted no more."""
        with self._lock:
            known = None if account is None else self._kept.get(account)
            if known is not None and account is not None and where in ("", known.where):
                del self._kept[account]

    def _sweep(self, now_ms: int) -> None:
        self._kept = {who: each for who, each in self._kept.items() if abs(now_ms - each.at_ms) < KEPT_MS}
