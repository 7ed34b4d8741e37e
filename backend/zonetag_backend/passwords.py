"""Passwords: what one may be, and Argon2id.  Pure, but for the random salt."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST, MOST = 10, 1000  # characters
# OWASP's first choice for Argon2id: 19 MiB and two passes; 20 to 60 ms, also on a small computer.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# So many at once and no more: a flood of logins must not take the memory of the book.
_TURNS = threading.BoundedSemaphore(4)

SHORT, LONG, NAME, PLAIN = "short", "long", "name", "plain"  # what is wrong with a new password


def fault(password: str, name: str) -> str:
    """What is wrong with a new password, a code from above; empty for nothing."""
    text = normal(password)
    if len(text) < LEAST:
        return SHORT
    if len(text) > MOST:
        return LONG
    folded = text.casefold()
    if name and len(folded.replace(name.casefold(), "")) < LEAST // 2:
        return NAME
    return PLAIN if len(set(folded)) < 5 or folded in _WELL_KNOWN else ""


def normal(password: str) -> str:
    """One accent typed in two ways is the same password."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """Argon2id in PHC form."""
    with _TURNS:
        return _HASHER.hash(normal(password).encode("utf-8", "replace"))


def fits(stored: str, password: str) -> bool:
    """Whether it is the password; takes as long for an account that has none, or is not there, as for one that has."""
    # A longer one was never set; hashing it would only cost.
    text = normal(password[: MOST + 1]).encode("utf-8", "replace")
    with _TURNS:
        try:
            right = _HASHER.verify(stored or _NONE, text)
        except (VerificationError, InvalidHashError):
            return False
    return right and bool(stored) and len(password) <= 2 * MOST


_NONE = _HASHER.hash(b"nobody's password")

# The first that anybody tries; the lock-out keeps the others away.
_WELL_KNOWN = frozenset(
    """
    1234567890 0123456789 12345678910 0987654321 password123 password1234 qwertyuiop 1q2w3e4r5t administrator
    matkhau123 matkhau1234 anhyeuem123 iloveyou123 zonetag123 zonetag1234 vietnam123 vietnam1234 covid19covid19
    """.split()  # noqa: SIM905  # a list to be read and added to
)
