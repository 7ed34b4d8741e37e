"""Who may connect, and for how long: the budget that keeps strangers from draining or blocking a tag.  Pure.

SPEC.md section 12.1.  Only time before a connection has proved itself counts.
"""

BUDGET_MS = 40000
REFILL = 60  # ms of time for one ms of budget
LEAST_MS = 6000  # of budget, for a connectable advert: what a silent stranger may take
BACK_OFF_MS = (4000, 256000)
HELLO_MS = 6000  # from the connection to a good hello, for which a client first looks for service and attributes
PROOF_MS = 10000  # and to the first good sealed message
SILENT_MS = 20000  # without a good message, later
LONGEST_MS = 300000


class Gate:
    """Counts time, good connections and bad ones."""

    def __init__(self) -> None:
        self.budget_ms = BUDGET_MS
        self._rest = 0  # ms that did not make one of budget yet
        self._wait_ms = 0
        self._back_off_ms = BACK_OFF_MS[0]

    def passed(self, ms: int, unproven: bool) -> None:
        """So much time went by; `unproven`: with a connection that has not proved itself."""
        self._wait_ms = max(0, self._wait_ms - ms)
        if unproven:
            self.budget_ms = max(0, self.budget_ms - ms)
            return
        self._rest += ms
        self.budget_ms = min(BUDGET_MS, self.budget_ms + self._rest // REFILL)
        self._rest %= REFILL

    def open(self) -> bool:
        """Whether a connectable advert may be sent."""
        return self._wait_ms == 0 and self.budget_ms >= LEAST_MS

    def ended(self, proved: bool) -> None:
        """A connection is over."""
        if proved:
            self._wait_ms = 0
            self._back_off_ms = BACK_OFF_MS[0]
        else:
            self._wait_ms = self._back_off_ms
            self._back_off_ms = min(BACK_OFF_MS[1], 2 * self._back_off_ms)


def overdue(proved: bool, greeted: bool, age_ms: int, silent_ms: int) -> bool:
    """Whether a connection of that age must end (`greeted`: its hello was good)."""
    if proved:
        return silent_ms >= SILENT_MS or age_ms >= LONGEST_MS
    return age_ms >= (PROOF_MS if greeted else HELLO_MS)
