"""What a gateway tells of itself: `health` for operators, the summary at its end.  Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from zonetag_gateway.publisher import Counters
from zonetag_gateway.source import Moment
from zonetag_gateway.spool import Fill


class Tallies:
    """The tallies of all reports added up, since the gateway started."""

    def __init__(self) -> None:
        self._total: Counter[str] = Counter()

    def add(self, tallies: Mapping[str, int]) -> None:
        """One report's."""
        self._total.update(tallies)

    def set(self, counts: Mapping[str, int]) -> None:
        """Counts that somebody else adds up."""
        self._total.update(dict.fromkeys(counts, 0))
        for name, n in counts.items():
            self._total[name] = n

    def __getitem__(self, name: str) -> int:
        return self._total[name]

    @property
    def dropped(self) -> int:
        """Everything dropped for whatever reason: adverts of a flood, reports over the cap."""
        return sum(n for name, n in self._total.items() if name.startswith("dropped."))

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return dict(sorted(self._total.items()))


def health(
    *,
    now: Moment,
    boot: int,
    source: str,
    fill: Fill,
    held: int,
    counters: Counters,
    tallies: Tallies,
    broker: Mapping[str, Any],
    commands: Mapping[str, int],
    certificate: Mapping[str, Any] | None = None,
    link: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The message on the topic `health` (SPEC.md section 8.3).  Holds no identifier of a tag.

    `held`: reports in memory because the disk refuses; `certificate`: of an enrolled gateway; `link`: of one that
    connects to tags.
    """
    return {
        "utc_ms": now.utc_ms,
        "synchronised": now.synchronised,
        "boot": boot,
        "source": source,
        "spool": {"reports": fill.reports, "bytes": fill.bytes, "dropped": fill.dropped, "held": held},
        "sent": counters.sent,
        "resent": counters.resent,
        "acknowledged": counters.acknowledged,
        "refused": counters.refused,
        "acks_ignored": counters.acks_ignored,
        "acks_malformed": counters.acks_malformed,
        "acks_forged": counters.acks_forged,
        "asked_again": counters.asked_again,
        "told_lost": counters.told_lost,
        "tallies": tallies.as_dict(),
        "broker": dict(broker),
        "commands": dict(commands),
        **({"certificate": dict(certificate)} if certificate else {}),
        **({} if link is None else {"link": dict(link)}),
    }


def summary(*, tallies: Tallies, reports: int, counters: Counters, spooled: int) -> dict[str, int]:
    """What `run --json` prints at the end: counts of this run; `spooled` are reports that still wait."""
    return {
        "adverts": tallies["adverts"],
        "windows": tallies["windows"],
        "reports": reports,
        "sent": counters.sent,
        "acknowledged": counters.acknowledged,
        "spooled": spooled,
        "dropped": tallies.dropped,
    }
