"""How many tags may take a new firmware at once: one, then a tenth, then all.  Pure.

| stage | begins | |
|---|---|---|
| 1 tag | at once | |
| a tenth of them | when that one has kept it | |
| all | when that tenth has kept it | |
| stopped | when any was rolled back, refused it, or was silent for a day | until somebody looks |

A tag has kept it when it reported under the new firmware, and was told to keep it.
"""

from collections.abc import Sequence

from zonetag_backend.link.records import DONE, FAILED, ROLLED_BACK

SILENT = "silent"  # on trial for more than a day: it has rolled back by itself, or is dead, or away
BAD = (FAILED, ROLLED_BACK, SILENT)
PART = 10  # the second stage is one in so many


def allowed(states: Sequence[str]) -> int:
    """How many tags, from the first on, may have begun; `states` of all of them in their order."""
    stages = (1, max(1, len(states) // PART), len(states))
    if any(state in BAD for state in states):
        return 0
    for stage in stages:
        if not all(state == DONE for state in states[:stage]):
            return stage
    return len(states)
