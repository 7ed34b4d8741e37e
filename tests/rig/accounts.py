"""Accounts that are there at once, for tests: signed in without a password."""

from pathlib import Path

from sqlalchemy import Engine, insert, select

from zonetag_backend.clock import utc_ms
from zonetag_backend.roles import FULL
from zonetag_backend.store import registry, sessions
from zonetag_backend.store.engine import connect, writing
from zonetag_backend.store.schema.accounts import account


def cookie_for(data: Path, role: str = "health") -> dict[str, str]:
    """The header of somebody signed in at a server of its own process, by its data folder."""
    engine = connect(f"sqlite:///{data / 'zonetag.db'}")
    try:
        return {"Cookie": f"zonetag={sign_in(engine, role, utc_ms())}"}
    finally:
        engine.dispose()


def sign_in(engine: Engine, role: str, now_ms: int, stage: str = FULL, name: str = "") -> str:
    """The token of a new session of the account `name` (by default the role), which is made if it is not there."""
    name = name or role
    with writing(engine) as connection:
        whose = connection.scalar(select(account.c.id).where(account.c.name == name))
        if whose is None:
            whose = registry.new_id()
            values = {"name": name, "key": name.casefold(), "role": role, "password": "", "totp": None, "totp_step": 0}
            times = {"failures": 0, "locked_until_ms": 0, "disabled": False, "added_ms": now_ms, "login_ms": 0}
            connection.execute(insert(account).values(id=whose, **values, **times))
        return sessions.open_session(connection, whose, stage, now_ms)
