"""Reports that are older than the retention time, as runs of their numbers: enough to know one that comes again.

A gateway sends a report every few seconds for years; what is kept of an old one is that it was in.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, and_, delete, func, insert, select

from zonetag_backend.store.schema import report, report_run

_r = report_run.c
Name = tuple[str, int, int]
"""Gateway, boot and seq."""

Runs = list[tuple[int, int]]
"""First and last number, both in."""


def of_boot(connection: Connection, gateway: str, boot: int) -> Runs:
    """The runs of a boot, ascending."""
    here = select(_r.first, _r.last).where(_r.gateway == gateway, _r.boot == boot).order_by(_r.first)
    return [(first, last) for first, last in connection.execute(here)]


def among(connection: Connection, names: Iterable[Name]) -> set[Name]:
    """Which of these stand in a run."""
    boots: dict[tuple[str, int], list[int]] = defaultdict(list)
    for gateway, boot, seq in names:
        boots[gateway, boot].append(seq)
    found: set[Name] = set()
    for (gateway, boot), seqs in boots.items():
        near = and_(_r.gateway == gateway, _r.boot == boot, _r.first <= max(seqs), _r.last >= min(seqs))
        for first, last in connection.execute(select(_r.first, _r.last).where(near)):
            found.update((gateway, boot, seq) for seq in seqs if first <= seq <= last)
    return found


def fold(connection: Connection, before_ms: int) -> int:
    """Turn reports that came before a time into runs; how many reports."""
    old = report.c.received_ms < before_ms
    boots = connection.execute(select(report.c.gateway, report.c.boot).where(old).distinct()).all()
    gone = 0
    for gateway, boot in boots:
        here = and_(report.c.gateway == gateway, report.c.boot == boot, old)
        numbered = (
            select(report.c.seq, (report.c.seq - func.row_number().over(order_by=report.c.seq)).label("run"))
            .where(here)
            .subquery()
        )
        runs = select(func.min(numbered.c.seq), func.max(numbered.c.seq)).group_by(numbered.c.run)
        new = [(int(first), int(last)) for first, last in connection.execute(runs)]
        joined = merged(of_boot(connection, gateway, boot) + new)
        connection.execute(delete(report_run).where(_r.gateway == gateway, _r.boot == boot))
        rows = [{"gateway": gateway, "boot": boot, "first": first, "last": last} for first, last in joined]
        connection.execute(insert(report_run), rows)
        gone += connection.execute(delete(report).where(here)).rowcount
    return gone


def merged(runs: Iterable[tuple[int, int]]) -> Runs:
    """The same numbers in as few runs as can be."""
    out: Runs = []
    for first, last in sorted(runs):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return out
