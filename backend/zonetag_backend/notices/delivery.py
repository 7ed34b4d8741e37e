"""One round of sending: what is common to whatever is sent, and however.

A way that gives no answer at all is left alone for the rest of the round: 20 seconds of waiting for each of hundreds
would keep the other ways from being tried.  The next round asks it again.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping

from zonetag_backend.notices.outgoing import NotSent, Outgoing, Sender

SILENCES = 2  # in a row, without any answer
FAULT = "a fault of this program: the log of zonetag serve says which"

log = logging.getLogger(__name__)


class Round:
    """`ways` by channel; `clock` gives UTC ms, at each sending: a round may take longer than a signature holds."""

    def __init__(self, ways: Mapping[str, Sender], clock: Callable[[], int]) -> None:
        self._ways = ways
        self._clock = clock
        self._silences: Counter[str] = Counter()

    def is_open(self, channel: str) -> bool:
        """Whether a way is still to be tried in this round."""
        return self._silences[channel] < SILENCES

    def send(self, channel: str, outgoing: Outgoing) -> tuple[str, int | None]:
        """What the other side said, and when it took it; none: it did not."""
        try:
            answer = self._ways[channel].send(outgoing, self._clock())
        except NotSent as error:
            self._silences[channel] = self._silences[channel] + 1 if error.silent else 0
            return str(error), None
        except Exception:  # one that cannot be sent must not keep all behind it from being sent
            log.exception("notice %d could not be sent by %s", outgoing.id, channel)
            return FAULT, None
        self._silences[channel] = 0
        return answer, self._clock()
