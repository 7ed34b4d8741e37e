"""The bundle that flash.sh writes becomes tags, all of it or nothing; for the command line and the pages alike."""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection

from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.keys import Keyring
from zonetag_backend.store import audit, tags
from zonetag_protocol import bundle
from zonetag_protocol.errors import Forged, ZonetagError

# Why a bundle is refused.
NO_BUNDLE, NOT_OURS, TAKEN, BAD = "no-bundle", "not-ours", "taken", "bad"


class Refused(BadValue):
    """A line of a bundle that is not taken, and so none of them; `code` says why."""

    def __init__(self, code: str, line: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a bundle."""

    added: int
    known: int
    # that were there already, with the same keys


def take_in(
    connection: Connection, keyring: Keyring, private: X25519PrivateKey, lines: Iterable[str], by: tuple[str, int]
) -> Taken:
    """Add the tags of a bundle, inside the caller's transaction; `by`: actor and now, UTC ms.  Refused."""
    actor, now_ms = by
    added = known = 0
    masters = tags.known_keys(connection, keyring)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            issued = bundle.unseal(line, private)
        except Forged as error:
            raise Refused(NOT_OURS, number, str(error)) from error
        except ZonetagError as error:
            raise Refused(NO_BUNDLE, number, str(error)) from error
        card = issued.card
        try:
            if tags.has_key(connection, keyring, card.number, card.master):
                known += 1
                continue
            tags.check_new_key(masters, card.master)
            masters[card.master] = card.number
            when = issued.issued * 1000
            tags.add_tag(connection, keyring, card.number, now_ms, master=card.master, t0=card.t0, issued_ms=when)
        except AlreadyThere as error:
            raise Refused(TAKEN, number, str(error)) from error
        except BadValue as error:
            raise Refused(BAD, number, str(error)) from error
        audit.record(connection, now_ms, actor, "tag.add", card.number)
        added += 1
    return Taken(added, known)
