"""How many messages were refused whole, by gateway and reason, kept over restarts.

A message says by its topic whose it is, and names are free to invent: those of gateways that are not registered are
counted together, under an empty name.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, and_, insert, select, update

from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import enrolment, gateway

NOBODY = ""

_r = enrolment.gateway_refusal


def count(connection: Connection, refused: Mapping[tuple[str, str], int], now_ms: int) -> None:
    """So many more messages: (gateway, code) -> how many."""
    if not refused:
        return
    names = {name for name, _ in refused}
    known = set(connection.scalars(select(gateway.c.name).where(gateway.c.name.in_(sorted(names)[:500]))))
    together: dict[tuple[str, str], int] = {}
    for (name, code), n in refused.items():
        where = (name if name in known else NOBODY, code)
        together[where] = together.get(where, 0) + n
    for (name, code), n in sorted(together.items()):
        here = and_(_r.c.gateway == name, _r.c.code == code)
        more = update(_r).where(here).values(messages=_r.c.messages + n, last_ms=now_ms)
        if not connection.execute(more).rowcount:
            connection.execute(insert(_r).values(gateway=name, code=code, messages=n, last_ms=now_ms))


def totals(connection: Connection) -> dict[str, dict[str, int]]:
    """Gateway -> code -> messages."""
    found: dict[str, dict[str, int]] = {}
    for name, code, n in connection.execute(
        select(_r.c.gateway, _r.c.code, _r.c.messages).order_by(by_bytes(_r.c.code))
    ):
        found.setdefault(name, {})[code] = n
    return found
