"""One-time codes with which people see what is held about them, and the short sessions that follow.

A code is little to type and so little to guess: Argon2id, few tries, one day, one use, and a limit on all wrong codes.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from zonetag_backend import passwords
from zonetag_backend.errors import NotFound
from zonetag_backend.store import typed_number
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.office import mine_code, mine_session, mine_wrong
from zonetag_backend.store.sessions import LONGEST_TOKEN, new_token

# No 0 O, 1 I L, 2 Z, 5 S, 8 B: read from paper, typed on a telephone.
LETTERS = "ACDEFGHJKMNPQRTUVWXY34679"
LENGTH = 10  # 46 bits: in five tries one in 20 billion
CODE_MS = 24 * 3_600_000  # from the desk to the next break, or home and back
TRIES = 5
SESSION_MS = 15 * 60_000  # on a telephone that several people share; not prolonged
WRONG_MS = 10 * 60_000
MOST_WRONG = 30  # wrong codes within WRONG_MS, whoever's; then nobody is let in until it is less


@dataclass(frozen=True, slots=True)
class Claim:
    """A try that is counted already and may now be looked at."""

    person: int | None
    # none: no such tag, or no code for its wearer
    hash: str


def issue(connection: Connection, who: int, now_ms: int) -> str:
    """A new code for a person, in groups; an earlier one ends.  NotFound."""
    if connection.scalar(select(person.c.id).where(person.c.id == who)) is None:
        raise NotFound("there is no such person: zonetag person list shows all")
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    connection.execute(delete(mine_code).where((mine_code.c.person == who) | (mine_code.c.expires_ms <= now_ms)))
    values = {"person": who, "hash": passwords.hashed(code), "expires_ms": now_ms + CODE_MS, "tries": 0}
    connection.execute(insert(mine_code).values(**values))
    return f"{code[:5]}-{code[5:]}"


def wearer(connection: Connection, number: str) -> int | None:
    """Who wears the tag of this number, as they type it."""
    which = typed_number.find(connection, number)
    return connection.scalar(select(wearing.c.person).where(wearing.c.tag == which, wearing.c.until_ms.is_(None)))


def number_of(connection: Connection, who: int) -> str:
    """The number on the tag that a person wears; empty when none."""
    worn = select(tag.c.number).join(wearing, wearing.c.tag == tag.c.id)
    return connection.scalar(worn.where(wearing.c.person == who, wearing.c.until_ms.is_(None))) or ""


def waits(connection: Connection, now_ms: int) -> bool:
    """Whether too many wrong codes came lately, of whomever."""
    connection.execute(delete(mine_wrong).where(~mine_wrong.c.at_ms.between(now_ms - WRONG_MS, now_ms + WRONG_MS)))
    return int(connection.scalar(select(func.count()).select_from(mine_wrong)) or 0) >= MOST_WRONG


def claim(connection: Connection, number: str, now_ms: int) -> Claim:
    """Count a try, to be committed before the code is looked at: two at once are two tries."""
    connection.execute(insert(mine_wrong).values(id=new_id(), at_ms=now_ms))
    who = wearer(connection, number)
    alive = (mine_code.c.person == who, mine_code.c.tries < TRIES)
    timely = mine_code.c.expires_ms.between(now_ms + 1, now_ms + CODE_MS)  # beyond: from before the clock went back
    if who is None:
        return Claim(None, "")
    if not connection.execute(update(mine_code).where(*alive, timely).values(tries=mine_code.c.tries + 1)).rowcount:
        return Claim(None, "")
    return Claim(who, connection.execute(select(mine_code.c.hash).where(mine_code.c.person == who)).scalar_one())


def fits(claimed: Claim, code: str) -> bool:
    """Whether it is the code; takes as long for one that is not there."""
    typed = "".join(each for each in code.upper() if each.isalnum())
    return passwords.fits(claimed.hash, typed[: 2 * LENGTH]) and claimed.person is not None


def enter(connection: Connection, claimed: Claim, now_ms: int) -> str | None:
    """Use the code up and open a session: its token; none when another has just used the code."""
    mine = (mine_code.c.person == claimed.person, mine_code.c.hash == claimed.hash)
    if connection.execute(delete(mine_code).where(*mine)).rowcount != 1:
        return None
    # The try that was right is none of the wrong ones.
    last = select(func.max(mine_wrong.c.id)).scalar_subquery()
    connection.execute(delete(mine_wrong).where(mine_wrong.c.id == last))
    token = new_token()
    connection.execute(delete(mine_session).where(mine_session.c.made_ms <= now_ms - SESSION_MS))
    connection.execute(insert(mine_session).values(hash=_hash(token), person=claimed.person, made_ms=now_ms))
    return token


def find(connection: Connection, token: str, now_ms: int) -> int | None:
    """Whose session a token is, while it lasts."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    s = mine_session.c
    lasts = (s.made_ms > now_ms - SESSION_MS, s.made_ms <= now_ms + WRONG_MS)
    found: int | None = connection.scalar(select(s.person).where(s.hash == _hash(token), *lasts))
    return found


def close(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(mine_session).where(mine_session.c.hash == _hash(token)))


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"mine " + token.encode("utf-8", "replace")).digest()
