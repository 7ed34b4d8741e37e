"""Reports that are missing: of a boot whose later ones have come (SPEC.md section 7.3).

A gap is open until the reports have come or their gateway has said that it no longer has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import enrolment

_g = enrolment.gateway_gap
_l = enrolment.report_lost
MAX_OPEN = 4096  # gaps that are kept in mind at once; what is over is found again when its gateway speaks


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing of one boot of one gateway."""

    gateway: str
    boot: int
    since_ms: int
    # when it was seen first
    missing: int
    # reports; 0 when it is closed
    lost: int
    # reports of which the gateway says that it no longer has them


def every(connection: Connection) -> list[Gap]:
    """All of them, open and closed, the newest boots first."""
    rows = connection.execute(
        select(_g.c.gateway, _g.c.boot, _g.c.since_ms, _g.c.missing, _g.c.lost).order_by(
            by_bytes(_g.c.gateway), _g.c.boot.desc()
        )
    )
    return [Gap(*row) for row in rows]


def still_open(connection: Connection) -> set[tuple[str, int]]:
    """Gateway and boot of those that are open."""
    rows = connection.execute(select(_g.c.gateway, _g.c.boot).where(_g.c.missing > 0).limit(MAX_OPEN))
    return {(name, boot) for name, boot in rows}


def note(connection: Connection, name: str, boot: int, missing: int, now_ms: int) -> bool:
    """So many reports are missing now; whether that is a gap where there was none."""
    here = and_(_g.c.gateway == name, _g.c.boot == boot)
    before = connection.scalar(select(_g.c.missing).where(here))
    lost = connection.scalar(select(func.count()).where(_l.c.gateway == name, _l.c.boot == boot)) or 0
    if before is None:
        if not missing and not lost:
            return False
        values = {"since_ms": now_ms, "missing": missing, "lost": lost, "changed_ms": now_ms}
        connection.execute(insert(_g).values(gateway=name, boot=boot, **values))
        return missing > 0
    if not missing and not lost:
        connection.execute(delete(_g).where(here))  # it was none: they only came in another order
    else:
        connection.execute(update(_g).where(here).values(missing=missing, lost=lost, changed_ms=now_ms))
    return missing > 0 and before == 0


def lose(connection: Connection, name: str, boot: int, seqs: Sequence[int], now_ms: int) -> None:
    """The gateway no longer has these."""
    here = and_(_l.c.gateway == name, _l.c.boot == boot, _l.c.seq.in_(seqs))
    known = set(connection.scalars(select(_l.c.seq).where(here)))
    new = [{"gateway": name, "boot": boot, "seq": seq, "at_ms": now_ms} for seq in seqs if seq not in known]
    if new:
        connection.execute(insert(_l), new)
