"""Whether the gateway deserves to be left alive: scan, spool and publisher must all move.  Pure.

Each part has a number that changes whenever it has done something.  What counts is that the part goes round, not that
it succeeds: a restart cures neither a broker that is away, nor a full disk (it would lose what memory holds for it),
nor a missing adapter.  Deafness is the recovery's affair, which judges by adverts.

| part | its number | moves |
|---|---|---|
| scan | the source's line, seen when windows are closed | always; the simulator's stands when it pauses |
| spool | reads that have succeeded | with every look |
| publisher | rounds of the uplink: events, looks at the spool, attempts to connect | every 5 s, or after a back-off |
"""

from collections.abc import Mapping
from dataclasses import dataclass

SCAN, SPOOL, PUBLISHER = "scan", "spool", "publisher"

# Seconds without a movement that are too many.  A worn SD card may take half a minute for one write.  The uplink waits
# 60 s at most between attempts, and 30 s for an answer to one.
LIMITS_S = {SCAN: 30.0, SPOOL: 90.0, PUBLISHER: 150.0}

Signs = Mapping[str, float]
"""Part -> its number."""


@dataclass(frozen=True, slots=True)
class Movement:
    """When a part was last seen to move."""

    sign: float
    # its number then
    at: float
    # monotonic seconds


State = Mapping[str, Movement]
"""Part -> its last movement."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do."""

    feed: bool
    # tell systemd that all is well
    reason: str
    # what stands still and since when; "" when nothing does


def begin(now: float) -> State:
    """At the start each part is given its whole limit."""
    return {part: Movement(float("nan"), now) for part in LIMITS_S}


def advanced(state: State, signs: Signs, now: float) -> State:
    """The state after a look at `now`; any change is a movement, also one backwards."""
    return {
        part: movement if signs[part] == movement.sign else Movement(signs[part], now)
        for part, movement in state.items()
    }


def judge(state: State, now: float) -> Verdict:
    """Feed only when every part has moved within its limit."""
    still = [
        f"{part} has stood still for {now - movement.at:.0f} s"
        for part, movement in state.items()
        if now - movement.at > LIMITS_S[part]
    ]
    return Verdict(not still, "; ".join(still))
