"""The chain of hashes: each report of a boot carries the hash of the one before.  A break is counted and shown."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select, tuple_

from zonetag_backend.store import report_runs
from zonetag_backend.store.schema import report
from zonetag_protocol.report import FIRST_PREVIOUS

Name = tuple[str, int, int]
"""Gateway, boot and seq: names a report for ever."""

PARAMETERS = 500  # names at a time: SQLite takes no more than some thousand


def breaks(connection: Connection, new: Mapping[Name, tuple[bytes, bytes]]) -> Counter[str]:
    """By gateway, how many links next to `new` reports (hash and `previous` of each) do not fit.

    Reports come in any order: a link is looked at when the later of its two ends comes in.
    """
    beside = {(gateway, boot, seq + step) for gateway, boot, seq in new for step in (-1, 1)} - new.keys()
    beside = {name for name in beside if 0 < name[2] < 1 << 63}
    known = dict(new) | _read(connection, beside)
    broken: Counter[str] = Counter()
    for name, (_, previous) in known.items():
        gateway, boot, seq = name
        before = (gateway, boot, seq - 1)
        if name not in new and before not in new:
            continue
        expected = FIRST_PREVIOUS if seq == 1 else known[before][0] if before in known else previous
        broken[gateway] += previous != expected
    return +broken


def _read(connection: Connection, names: Iterable[Name]) -> dict[Name, tuple[bytes, bytes]]:
    r = report.c
    asked = sorted(names)
    known: dict[Name, tuple[bytes, bytes]] = {}
    for at in range(0, len(asked), PARAMETERS):
        here = tuple_(r.gateway, r.boot, r.seq).in_(asked[at : at + PARAMETERS])
        for gateway, boot, seq, hashed, previous in connection.execute(
            select(r.gateway, r.boot, r.seq, r.hash, r.previous).where(here)
        ):
            known[gateway, boot, seq] = (hashed, previous)
    return known


def committed(connection: Connection, names: Iterable[Name]) -> set[Name]:
    """Which of these reports are in."""
    asked = set(names)
    known = set(_read(connection, asked))
    return known | report_runs.among(connection, asked - known)
