"""Why something is kept apart: the chain of rules that a report and its windows pass, in order, and their codes.

A report is refused or passed whole by the first two; the others judge a window each.  What a window fails is its
reason, kept with it and counted.
"""

from zonetag_protocol.errors import Forged, Stale, Unknown

# Of a whole report.
KNOWN_GATEWAY = (
    "refused"  # the gateway is not registered at that site: not stored, not acknowledged, so nothing is lost
)
DUPLICATE = "duplicate"  # committed before: acknowledged again, changes nothing

# Of a window, in the order in which they are asked.
CLOCK = "clock"  # captured before this system existed, or in the future: the gateway's clock cannot be right
UNKNOWN = Unknown.code  # no tag on record has this identifier near that time
FORGED = Forged.code  # a tag on record has it, but the authenticator is not that tag's
STALE = Stale.code  # authentic, but not of that moment: replayed, or the tag's clock has jumped
REASONS = (CLOCK, UNKNOWN, FORGED, STALE)

EARLIEST_MS = 1_704_067_200_000  # 2024-01-01 UTC: a gateway's clock that says earlier was never set


def clock_fault(start_ms: int, end_ms: int, now_ms: int, future_ms: int) -> bool:
    """Whether a window's capture times (UTC ms) are impossible at time `now_ms`."""
    return start_ms < EARLIEST_MS or end_ms > now_ms + future_ms
