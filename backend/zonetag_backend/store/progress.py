"""Which reports of a boot are settled (in, or lost), as runs of numbers: an acknowledgement costs no search.

Only what was committed is put here; another writer's commits may be missing, which makes an acknowledgement say less
than it could, never more.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable

from sqlalchemy import Connection, func, select, union

from zonetag_backend.store import report_runs
from zonetag_backend.store.schema import enrolment, report
from zonetag_protocol.acknowledgement import MAX_BEYOND, MAX_MISSING, Acknowledgement

MAX_BOOTS = 1024  # boots kept at once; an older one is read again when it speaks

Boot = tuple[str, int]
"""Gateway and boot."""


class Runs:
    """A set of whole numbers as runs [first, last], ascending."""

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            self._firsts.append(first)
            self._lasts.append(last)

    def add(self, number: int) -> None:
        """Put in one number."""
        at = bisect_right(self._firsts, number)
        if at and self._lasts[at - 1] >= number:
            return
        joins_before = at > 0 and self._lasts[at - 1] == number - 1
        joins_after = at < len(self._firsts) and self._firsts[at] == number + 1
        if joins_before and joins_after:
            self._lasts[at - 1] = self._lasts.pop(at)
            del self._firsts[at]
        elif joins_before:
            self._lasts[at - 1] = number
        elif joins_after:
            self._firsts[at] = number
        else:
            self._firsts.insert(at, number)
            self._lasts.insert(at, number)

    @property
    def through(self) -> int:
        """Every number from 1 to here is in; 0 for none."""
        return self._lasts[0] if self._firsts and self._firsts[0] <= 1 else 0

    def holes(self, limit: int) -> tuple[list[int], int]:
        """(the lowest `limit` numbers from 1 on that are not in although a higher one is, how many there are)."""
        out: list[int] = []
        count = before = 0
        for first, last in zip(self._firsts, self._lasts, strict=True):
            count += first - before - 1
            out += range(before + 1, min(first, before + 1 + limit - len(out)))
            before = last
        return out, count

    def __contains__(self, number: int) -> bool:
        """Whether a number is in."""
        at = bisect_right(self._firsts, number)
        return at > 0 and self._lasts[at - 1] >= number

    @property
    def last(self) -> int:
        """The highest number; 0 for none."""
        return self._lasts[-1] if self._lasts else 0

    def highest(self, above: int, limit: int) -> list[int]:
        """The highest `limit` numbers above one, ascending."""
        out: list[int] = []
        for first, last in zip(reversed(self._firsts), reversed(self._lasts), strict=True):
            low = max(first, above + 1, last - (limit - len(out)) + 1)
            out += range(last, low - 1, -1)
            if len(out) >= limit or first <= above:
                break
        return out[::-1]


class Progress:
    """The committed reports of the boots that speak."""

    def __init__(self) -> None:
        self._boots: OrderedDict[Boot, Runs] = OrderedDict()

    def forget(self) -> None:
        """Back to knowing nothing; it is read again."""
        self._boots.clear()

    def load(self, connection: Connection, boots: Iterable[Boot]) -> None:
        """Read what is committed of those boots that are not known yet; before a transaction adds to them."""
        for boot in boots:
            if boot not in self._boots:
                self._boots[boot] = _read(connection, boot)
            self._boots.move_to_end(boot)
        while len(self._boots) > MAX_BOOTS:
            self._boots.popitem(last=False)

    def committed(self, gateway: str, boot: int, seqs: Iterable[int]) -> Acknowledgement:
        """These are committed now, or were before; what to tell their gateway.

        Beyond a hole the given ones are told, and the latest: a hole that a full spool has torn is never filled.
        """
        runs = self._boots.setdefault((gateway, boot), Runs())
        told = set(seqs)
        for seq in told:
            runs.add(seq)
        through = runs.through
        beyond = {seq for seq in told if seq > through}
        beyond.update(runs.highest(through, MAX_BEYOND - len(beyond)) if len(beyond) < MAX_BEYOND else ())
        return Acknowledgement(gateway, boot, through, tuple(sorted(beyond)[:MAX_BEYOND]))

    def settled(self, gateway: str, boot: int, seqs: Iterable[int]) -> None:
        """These are in too: another writer committed them, or their gateway has lost them."""
        runs = self._boots.setdefault((gateway, boot), Runs())
        for seq in seqs:
            runs.add(seq)

    def missing(self, gateway: str, boot: int, seqs: Iterable[int]) -> list[int]:
        """Those of these that are not in although a later one is; from now on they count as settled."""
        runs = self._boots.setdefault((gateway, boot), Runs())
        wanted = [seq for seq in seqs if seq < runs.last and seq not in runs]
        for seq in wanted:
            runs.add(seq)
        return wanted

    def holes(self, gateway: str, boot: int, limit: int = MAX_MISSING) -> tuple[list[int], int]:
        """(the lowest missing ones, how many there are) of a boot, as far as is known here."""
        runs = self._boots.get((gateway, boot))
        return runs.holes(limit) if runs else ([], 0)


def _read(connection: Connection, boot: Boot) -> Runs:
    lost = enrolment.report_lost.c
    both = union(
        select(report.c.seq).where(report.c.gateway == boot[0], report.c.boot == boot[1]),
        select(lost.seq).where(lost.gateway == boot[0], lost.boot == boot[1]),
    ).subquery()
    numbered = select(both.c.seq, (both.c.seq - func.row_number().over(order_by=both.c.seq)).label("run")).subquery()
    runs = select(func.min(numbered.c.seq), func.max(numbered.c.seq)).group_by(numbered.c.run)
    young = [(int(first), int(last)) for first, last in connection.execute(runs)]
    return Runs(report_runs.merged(young + report_runs.of_boot(connection, *boot)))
