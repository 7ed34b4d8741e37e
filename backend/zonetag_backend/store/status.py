"""What gateways say of themselves, and how often one was refused: also of those that nobody registered, which knock."""

from sqlalchemy import Connection, and_, func, insert, select, update

from zonetag_backend.store.schema import gateway, gateway_status

MAX_KNOCKING = 1000  # unregistered ones that are remembered: names are free to invent


def note_state(connection: Connection, name: str, site: str, online: bool, now_ms: int) -> None:
    """The gateway said, or the broker for it, that it is online or not."""
    _set(connection, name, site, {"online": online, "state_ms": now_ms})


def note_health(connection: Connection, name: str, site: str, health: str, now_ms: int) -> None:
    """The gateway sent its health, JSON."""
    _set(connection, name, site, {"health": health, "health_ms": now_ms})


def count(connection: Connection, name: str, site: str, *, refused: int = 0, broken: int = 0) -> None:
    """So many more of its reports were refused, or were not the continuation of the one before."""
    s = gateway_status.c
    values: dict[str, object] = {"refused": s.refused + refused, "broken": s.broken + broken}
    _set(connection, name, site, values, refused=refused, broken=broken)


def _set(
    connection: Connection, name: str, site: str, values: dict[str, object], *, refused: int = 0, broken: int = 0
) -> None:
    s = gateway_status.c
    statement = update(gateway_status).where(and_(s.gateway == name, s.site == site)).values(**values)
    if connection.execute(statement).rowcount or not _has_room(connection, name):
        return
    new: dict[str, object] = {"online": False, "state_ms": 0, "health": "{}", "health_ms": 0}
    new |= values | {"refused": refused, "broken": broken, "gateway": name, "site": site}
    connection.execute(insert(gateway_status).values(**new))


def _has_room(connection: Connection, name: str) -> bool:
    if connection.scalar(select(gateway.c.name).where(gateway.c.name == name)) is not None:
        return True
    known = select(gateway.c.name).where(gateway.c.name == gateway_status.c.gateway).exists()
    knocking = connection.scalar(select(func.count()).select_from(gateway_status).where(~known)) or 0
    return knocking < MAX_KNOCKING
