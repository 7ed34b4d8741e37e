"""A gateway learns the time: what it heard in this boot before gets the right UTC, and is judged again.

Monotonic time never jumps within a boot, so one report with a synchronised clock says what UTC was at every other
moment of that boot.  A report of an unsynchronised gateway of which windows were kept apart is held as it came; when a
synchronised one of the same boot is in, before or after it, those windows are judged as if they came now (SPEC.md
section 10.5).  What was believed already stays as it is.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, and_, delete, insert, select, update

from zonetag_backend import rules
from zonetag_backend.records import Verdict
from zonetag_backend.store import schema
from zonetag_backend.store.schema.held import held_report
from zonetag_protocol import report as wire
from zonetag_protocol.report import Base, Columns, Report

NEAR_MS = 2000  # a clock that was right to two seconds was right enough
MAX_HELD = 20_000  # reports of one boot: a day of one every four seconds; later ones are not repaired
AT_ONCE = 200  # repaired in one transaction: other gateways wait meanwhile
# What a wrong clock can make of an honest window.  One that is forged is forged at any time.
CURABLE = {rules.CLOCK, rules.UNKNOWN, rules.STALE, rules.EXPIRED}

Boot = tuple[str, int]
"""Gateway and boot."""

_h, _r, _x = held_report.c, schema.report.c, schema.rejected.c


@dataclass(frozen=True, slots=True)
class Held:
    """A held report with its time set right, its curable windows alone."""

    report: Report
    # base.synchronised stays false: the gateway's crystal was alone for a while
    rows: Sequence[int]
    # where each of these windows stands in the report as it came


def hold(connection: Connection, came: Iterable[tuple[Report, Verdict]], now_ms: int) -> set[Boot]:
    """Hold those of the reports that may be cured later; the boots of those that are."""
    new = []
    for report, verdict in came:
        rows = [rejection.row for rejection in verdict.rejections if rejection.reason in CURABLE]
        if rows and not report.base.synchronised and report.seq <= MAX_HELD:
            new.append(
                {
                    "gateway": report.gateway,
                    "boot": report.boot,
                    "seq": report.seq,
                    "payload": wire.encode(report),
                    "rows": array("H", sorted(rows)).tobytes(),
                    "received_ms": now_ms,
                }
            )
    if new:
        connection.execute(insert(held_report), new)
    return {(str(row["gateway"]), int(str(row["boot"]))) for row in new}


def waiting(connection: Connection, boots: Iterable[Boot]) -> set[Boot]:
    """Which of these boots have held reports."""
    found = set()
    for gateway, boot in boots:
        here = select(_h.seq).where(_h.gateway == gateway, _h.boot == boot).limit(1)
        if connection.scalar(here) is not None:
            found.add((gateway, boot))
    return found


def curable(connection: Connection, gateway: str, boot: int) -> list[Held] | None:
    """The first held reports of a boot with the time set right; none while the gateway never knew it in this boot.

    They are held no longer; what does not become an observation now never will.
    """
    here = and_(_r.gateway == gateway, _r.boot == boot, _r.synchronised.is_(True))
    known = connection.execute(select(_r.utc_ms, _r.monotonic_ms).where(here).order_by(_r.seq).limit(1)).first()
    if known is None:
        return None
    offset_ms = known.utc_ms - known.monotonic_ms
    mine = and_(_h.gateway == gateway, _h.boot == boot)
    found = connection.execute(select(_h.seq, _h.payload, _h.rows).where(mine).order_by(_h.seq).limit(AT_ONCE)).all()
    cured = []
    for _, payload, rows in found:
        old = wire.decode(payload)
        right = Base(old.base.monotonic_ms + offset_ms, old.base.monotonic_ms, synchronised=False)
        if abs(right.utc_ms - old.base.utc_ms) > NEAR_MS and right.utc_ms >= 0:
            places = array("H", rows).tolist()
            cured.append(Held(replace(old, base=right, columns=_only(old.columns, places)), places))
    connection.execute(delete(held_report).where(mine, _h.seq.in_([seq for seq, _, _ in found])))
    return cured


def placed(held: Held, verdict: Verdict) -> Verdict:
    """A verdict on the windows of `held` with their places in the report as it came; what was not cured stays apart."""
    observations = [each._replace(row=held.rows[each.row]) for each in verdict.observations]
    return replace(verdict, observations=observations, rejections=[])


def note(connection: Connection, held: Held, verdict: Verdict) -> None:
    """The report has its right time, and the windows that are believed now stand apart no more."""
    name = held.report.gateway, held.report.boot, held.report.seq
    this = and_(_r.gateway == name[0], _r.boot == name[1], _r.seq == name[2])
    connection.execute(update(schema.report).where(this).values(utc_ms=held.report.base.utc_ms))
    believed = [each.row for each in verdict.observations]
    apart = and_(_x.gateway == name[0], _x.boot == name[1], _x.seq == name[2])
    for at in range(0, len(believed), AT_ONCE):
        connection.execute(delete(schema.rejected).where(apart, _x.row.in_(believed[at : at + AT_ONCE])))


def _only(columns: Columns, rows: Sequence[int]) -> Columns:
    """Some of the windows."""

    def some(column: bytes, width: int) -> bytes:
        return b"".join(column[width * row : width * row + width] for row in rows)

    c = columns
    return Columns(
        len(rows),
        some(c.kind, 1),
        some(c.eid, 8),
        some(c.auth, 6),
        *(some(column, 2) for column in (c.first, c.span, c.count)),
        *(some(column, 1) for column in (c.rssi_max, c.rssi_p90, c.rssi_median, c.rssi_min)),
    )
