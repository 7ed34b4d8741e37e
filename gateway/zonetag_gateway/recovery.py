"""When a scanner that hears nothing is helped, and how: a ladder of rungs.  Pure.

It is judged by adverts heard, never by what a call returned.  Two ears: everything, and (if one is configured) the
heartbeat, a badge of fixed identifier that hangs at the gateway.  What silence means, where "heard" is since the last
step and within the patience of the next:

| heartbeat           | others | meaning                          | step                      | afterwards  |
|---------------------|--------|----------------------------------|---------------------------|-------------|
| none, or never heard| heard  | it hears                         | none                      | bottom      |
| none, or never heard| silent | deaf, or nobody there            | the next rung             | one higher  |
| heard               | heard  | it hears                         | none                      | bottom      |
| heard               | silent | nobody there                     | none                      | bottom      |
| silent              | heard  | deaf in part, or its cell is flat| RESTART_SCAN, never higher| POWER_CYCLE |
| silent              | silent | deaf, or flat and nobody there   | the next rung             | one higher  |

A heartbeat that was never heard counts as none, so that a wrong identifier does no harm.  Each step in a row is given
twice the time, as silence may be what it looks like.  Above the highest rung comes the lowest again.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

SILENCE_S = 90.0  # an office is never that quiet; recovery before that would be cycling the scanner
MAX_SILENCE_S = 1800.0  # an empty building may be quiet for hours: then one step in half an hour is enough
GROWTH = 2  # with 90 s: steps 90, 270, 630, 1350 and 2790 s after the last advert, so each rung is rarer by half
NEVER = float("-inf")


class Rung(IntEnum):
    """What can be done, from harmless to harsh; each is tried before the next."""

    RESTART_SCAN = 1
    POWER_CYCLE = 2
    RFKILL = 3
    RESTART_BLUETOOTH = 4
    REBOOT = 5

    @property
    def label(self) -> str:
        """As settings, health and logs write it: "restart-scan"."""
        return self.name.lower().replace("_", "-")


LABELS = {rung.label: rung for rung in Rung}
LOCAL = Rung.RFKILL  # the highest that touches one adapter alone; those above it hit every one


@dataclass(frozen=True, slots=True)
class State:
    """Where on the ladder a gateway is."""

    acted_at: float
    # seconds: when the last step was taken, at first when listening began
    next: Rung = Rung.RESTART_SCAN
    # to be taken when silence has been too long
    steps: int = 0
    # in a row, none of which brought adverts


@dataclass(frozen=True, slots=True)
class Ears:
    """When something was last heard, in seconds; NEVER if it never was."""

    others_at: float = NEVER
    # an advert that is not the heartbeat's
    heartbeat_at: float = NEVER
    # the heartbeat's

    @property
    def proof_at(self) -> float:
        """When it was last certain that the scanner hears."""
        return self.others_at if self.heartbeat_at == NEVER else self.heartbeat_at


def patience_s(steps: int, first_s: float = SILENCE_S) -> float:
    """Seconds of silence before the next step, after `steps` in a row."""
    return max(first_s, min(MAX_SILENCE_S, first_s * float(GROWTH ** min(steps, 16))))


def remaining_s(state: State, ears: Ears, now: float, first_s: float = SILENCE_S) -> float:
    """Seconds until a step is due if nothing is heard meanwhile; 0 when it is."""
    state = _settled(state, ears)
    return max(0.0, max(state.acted_at, ears.proof_at) + patience_s(state.steps, first_s) - now)


def step(state: State, ears: Ears, now: float, highest: Rung, first_s: float = SILENCE_S) -> tuple[State, Rung | None]:
    """What to do now, None for nothing, and the state afterwards."""
    state = _settled(state, ears)
    if remaining_s(state, ears, now, first_s) > 0:
        return state, None
    half_deaf = ears.others_at > max(state.acted_at, now - patience_s(state.steps, first_s))
    rung = Rung.RESTART_SCAN if half_deaf or state.next > highest else state.next
    above = Rung(rung + 1) if rung < highest else Rung.RESTART_SCAN
    return State(now, above, state.steps + 1), rung


def _settled(state: State, ears: Ears) -> State:
    """Back at the bottom once it is certain that the scanner hears again."""
    return State(state.acted_at) if ears.proof_at > state.acted_at else state


class Watch:
    """The ladder of one adapter, with what it has done so far."""

    def __init__(self, now: float, highest: Rung = Rung.POWER_CYCLE, first_s: float = SILENCE_S) -> None:
        self._state = State(now)
        self._others_at = NEVER
        self._heartbeat_at = NEVER
        self._highest = highest
        self._first_s = first_s
        self._fresh = True  # no scan has begun since the last step
        self.counts = {rung.label: 0 for rung in Rung}
        # steps taken, by rung
        self.failed = {rung.label: 0 for rung in Rung}
        # of these, those that could not be carried out

    def heard(self, at: float, *, heartbeat: bool = False) -> None:
        """An advert came."""
        if heartbeat:
            self._heartbeat_at = at
        else:
            self._others_at = at

    def started(self, now: float) -> None:
        """The scan begins: silence counts from here, once for each step.

        Only once: a scanner that begins anew every minute, and hears nothing, must not hold up the ladder.
        """
        if self._fresh:
            self._fresh = False
            self._state = replace(self._state, acted_at=now)

    def forget_heartbeat(self) -> None:
        """The way of scanning does not show it reliably: its silence means nothing."""
        self._heartbeat_at = NEVER

    @property
    def steps(self) -> int:
        """Taken in a row, none of which brought adverts."""
        return self._state.steps

    def hears(self, now: float) -> bool:
        """Whether anything was heard within the first patience."""
        return now - max(self._others_at, self._heartbeat_at) < self._first_s

    @property
    def _ears(self) -> Ears:
        return Ears(self._others_at, self._heartbeat_at)

    def remaining(self, now: float) -> float:
        """Seconds until silence is too long; 0 when it is."""
        return remaining_s(self._state, self._ears, now, self._first_s)

    def step(self, now: float, highest: Rung | None = None) -> tuple[Rung, str] | None:
        """The rung to take now, counted, and why; None while there is no need.  `highest`: lower than its own."""
        before = max(self._state.acted_at, self._ears.proof_at)
        self._state, rung = step(
            self._state, self._ears, now, min(self._highest, highest or self._highest), self._first_s
        )
        if rung is None:
            return None
        self._fresh = True
        self.counts[rung.label] += 1
        what = "nothing was heard" if self._heartbeat_at == NEVER else "the heartbeat was not heard"
        return rung, f"{what} for {now - before:.0f} s (step {self._state.steps} in a row)"

    def tell(self, now: float, *, configured: bool) -> dict[str, Any]:
        """For health: steps by rung, those that failed, and how the heartbeat is."""
        if not configured:
            heartbeat = "none"
        elif self._heartbeat_at == NEVER:
            heartbeat = "never"
        else:
            heartbeat = "heard" if now - self._heartbeat_at < self._first_s else "silent"
        return {"recovery": dict(self.counts), "recovery_failed": dict(self.failed), "heartbeat": heartbeat}
