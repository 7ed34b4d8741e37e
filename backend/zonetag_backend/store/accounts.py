"""Accounts: made, listed, and tried at the door.  Every change of one is in the audit log, by the same transaction."""

import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.keys import Keyring
from zonetag_backend.lockout import is_locked, wait_ms
from zonetag_backend.names import text_key
from zonetag_backend.roles import ADMIN, ROLES
from zonetag_backend.secondfactor import recovery_hash
from zonetag_backend.store import audit, secrets, sessions
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema.accounts import account, account_link, account_recovery

LONGEST_NAME = 64  # characters
_COLUMNS = tuple(
    account.c[name]
    for name in ("id", "name", "role", "password", "totp", "totp_step", "disabled", "login_ms", "locked_until_ms")
)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may use the pages."""

    id: int
    name: str
    role: str
    password: str
    # Argon2id; empty until one is set
    totp: bytes | None
    # sealed; none until set up
    totp_step: int
    disabled: bool
    login_ms: int
    # last one; 0 for never
    locked_until_ms: int
    # after wrong passwords or codes

    def locked(self, now_ms: int) -> bool:
        """Whether it may not even try now."""
        return is_locked(self.locked_until_ms, now_ms)


def key_of(name: str) -> str:
    """A name as it is compared: one way to write it, whatever the keyboard."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def add(connection: Connection, name: str, role: str, now_ms: int, actor: str) -> int:
    """A new account without a password (a link sets it); its id."""
    text = " ".join(unicodedata.normalize("NFC", name).split())
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise BadValue(f"an account's name is 1 to {LONGEST_NAME} characters that can be printed")
    check_role(role)
    if connection.scalar(select(account.c.id).where(account.c.key == key_of(text))) is not None:
        raise AlreadyThere(f"there is an account {text} already")
    new = new_id()
    values = {"id": new, "name": text, "key": key_of(text), "role": role, "password": "", "totp": None}
    start = {"totp_step": 0, "failures": 0, "locked_until_ms": 0, "disabled": False, "added_ms": now_ms, "login_ms": 0}
    connection.execute(insert(account).values(**values, **start))
    audit.record(connection, now_ms, actor, "account.add", text, role)
    return new


def check_role(role: str) -> None:
    """BadValue unless it is one."""
    if role not in ROLES:
        raise BadValue(f"a role is one of {', '.join(ROLES)}")


def all_accounts(connection: Connection) -> list[Account]:
    """Every account, by name."""
    found = [Account(*row) for row in connection.execute(select(*_COLUMNS))]
    return sorted(found, key=lambda each: (text_key(each.name), each.name))


def with_id(connection: Connection, which: int) -> Account:
    """An account; NotFound if there is none."""
    row = connection.execute(select(*_COLUMNS).where(account.c.id == which)).one_or_none()
    if row is None:
        raise NotFound("there is no such account: zonetag account list shows all")
    return Account(*row)


def named(connection: Connection, name: str) -> Account:
    """The account of a name; NotFound if there is none."""
    row = connection.execute(select(*_COLUMNS).where(account.c.key == key_of(name))).one_or_none()
    if row is None:
        raise NotFound(f"there is no account {name}: zonetag account list shows all")
    return Account(*row)


def is_first(connection: Connection) -> bool:
    """Whether nobody can sign in as administrator yet."""
    ready = select(account.c.id).where(account.c.role == ADMIN, account.c.password != "")
    return connection.scalar(ready.limit(1)) is None


def claim(connection: Connection, name: str, now_ms: int) -> Account | None:
    """Count a try at an account before it is judged, so that many at once are many; none if it may not be tried.

    A try that turns out right is taken back by `signed_in`.
    """
    found = connection.execute(select(account).where(account.c.key == key_of(name))).one_or_none()
    locked = found is not None and is_locked(found.locked_until_ms, now_ms)
    tried = -1 if found is None or locked or found.disabled else found.id
    failures = 0 if found is None else found.failures + 1
    # Written in every case: whether a name exists must not show in the time that it takes.
    values = {"failures": failures, "locked_until_ms": now_ms + wait_ms(failures)}
    connection.execute(update(account).where(account.c.id == tried).values(**values))
    return None if tried < 0 or found is None else Account(*(found._mapping[column] for column in _COLUMNS))


def failed(connection: Connection, name: str, now_ms: int) -> None:
    """A try was wrong.  At most one entry a minute for each account: a flood must not bury the log."""
    known = connection.scalar(select(account.c.name).where(account.c.key == key_of(name))) or ""
    # What is no account's name may be a password in the wrong field, and stays out.
    if not audit.recorded_since(connection, now_ms - 60_000, audit.SYSTEM, "login.fail", known):
        audit.record(connection, now_ms, audit.SYSTEM, "login.fail", known)


def take_back(connection: Connection, which: int) -> None:
    """The try was right, but only half of the way in: the failures before it stay."""
    one_less = {"failures": account.c.failures - 1, "locked_until_ms": 0}
    connection.execute(update(account).where(account.c.id == which, account.c.failures > 0).values(**one_less))


def forgiven(connection: Connection, which: int) -> None:
    """The try was right: failures begin anew."""
    connection.execute(update(account).where(account.c.id == which).values(failures=0, locked_until_ms=0))


def signed_in(connection: Connection, who: Account, now_ms: int) -> None:
    """The way in is complete."""
    connection.execute(update(account).where(account.c.id == who.id).values(login_ms=now_ms))
    audit.record(connection, now_ms, f"account:{who.name}", "login", who.name)


def set_password(connection: Connection, who: Account, hashed: str, now_ms: int, actor: str) -> None:
    """A new password; every session and link of the account ends."""
    connection.execute(update(account).where(account.c.id == who.id).values(password=hashed))
    forgiven(connection, who.id)
    sessions.close_all(connection, who.id)
    connection.execute(delete(account_link).where(account_link.c.account == who.id))
    audit.record(connection, now_ms, actor, "account.password", who.name)


def set_second_factor(connection: Connection, keyring: Keyring, who: Account, secret: bytes, now_ms: int) -> None:
    """A new secret, sealed; the code that proved it is used up by `take_step`."""
    under = secrets.of_secrets(connection, keyring, now_ms)
    sealed = keyring.seal_secret(under, _about(who.id), secret)
    connection.execute(update(account).where(account.c.id == who.id).values(totp=sealed, totp_step=0))
    forgiven(connection, who.id)
    audit.record(connection, now_ms, f"account:{who.name}", "account.totp", who.name)


def second_factor(connection: Connection, keyring: Keyring, who: Account, now_ms: int) -> bytes:
    """The secret of an account that has one."""
    assert who.totp is not None
    return keyring.open_secret(secrets.of_secrets(connection, keyring, now_ms), _about(who.id), who.totp)


def take_step(connection: Connection, which: int, step: int) -> bool:
    """Use up a code; whether nobody else just did."""
    fresh = (account.c.id == which, account.c.totp_step != step)
    return connection.execute(update(account).where(*fresh).values(totp_step=step)).rowcount == 1


def set_recovery(connection: Connection, who: Account, codes: list[str]) -> None:
    """These recovery codes, and no others."""
    connection.execute(delete(account_recovery).where(account_recovery.c.account == who.id))
    rows = [{"account": who.id, "hash": recovery_hash(who.id, code)} for code in codes]
    if rows:
        connection.execute(insert(account_recovery), rows)


def take_recovery(connection: Connection, who: Account, code: str, now_ms: int) -> bool:
    """Use up a recovery code; whether it was one."""
    mine = (account_recovery.c.account == who.id, account_recovery.c.hash == recovery_hash(who.id, code))
    used = connection.execute(delete(account_recovery).where(*mine)).rowcount == 1
    if used:
        audit.record(connection, now_ms, f"account:{who.name}", "account.recovery", who.name)
    return used


def recovery_left(connection: Connection, which: int) -> int:
    """How many recovery codes are left."""
    mine = account_recovery.c.account == which
    return int(connection.scalar(select(func.count()).select_from(account_recovery).where(mine)) or 0)


def set_disabled(connection: Connection, who: Account, disabled: bool, now_ms: int, actor: str) -> None:
    """Let an account in no longer, at once; or again.  BadValue for the last administrator."""
    if disabled:
        _not_the_last(connection, who)
        sessions.close_all(connection, who.id)
        connection.execute(delete(account_link).where(account_link.c.account == who.id))
    connection.execute(update(account).where(account.c.id == who.id).values(disabled=disabled))
    audit.record(connection, now_ms, actor, "account.disable" if disabled else "account.enable", who.name)


def reset(connection: Connection, who: Account, now_ms: int, actor: str) -> None:
    """Take password, second factor and sessions away: only a new link lets them in again."""
    connection.execute(update(account).where(account.c.id == who.id).values(password="", totp=None, totp_step=0))
    set_recovery(connection, who, [])
    forgiven(connection, who.id)
    sessions.close_all(connection, who.id)
    audit.record(connection, now_ms, actor, "account.reset", who.name)


def set_role(connection: Connection, who: Account, role: str, now_ms: int, actor: str) -> None:
    """Another role, from the next sign-in on; sessions and links of the old one end.  BadValue: the last administrator.

    Whoever comes from reception has no second factor yet, and is asked to set one up.
    """
    check_role(role)
    if role != ADMIN:
        _not_the_last(connection, who)
    connection.execute(update(account).where(account.c.id == who.id).values(role=role))
    sessions.close_all(connection, who.id)
    connection.execute(delete(account_link).where(account_link.c.account == who.id))
    audit.record(connection, now_ms, actor, "account.role", who.name, f"{who.role} to {role}")


def reset_second_factor(connection: Connection, who: Account, now_ms: int, actor: str) -> None:
    """Take the second factor and its recovery codes away: the next sign-in, with the password, sets another one up."""
    connection.execute(update(account).where(account.c.id == who.id).values(totp=None, totp_step=0))
    set_recovery(connection, who, [])
    sessions.close_all(connection, who.id)
    audit.record(connection, now_ms, actor, "account.totp-reset", who.name)


def unlock(connection: Connection, who: Account, now_ms: int, actor: str) -> None:
    """It may try at once again, after too many wrong passwords or codes."""
    forgiven(connection, who.id)
    audit.record(connection, now_ms, actor, "account.unlock", who.name)


def _not_the_last(connection: Connection, who: Account) -> None:
    others = select(account.c.id).where(account.c.role == ADMIN, account.c.disabled.is_(False), account.c.id != who.id)
    if who.role == ADMIN and connection.scalar(others.where(account.c.password != "").limit(1)) is None:
        raise BadValue(f"{who.name} is the last administrator: make another one first")


def _about(which: int) -> str:
    return f"second factor of account {which}"
