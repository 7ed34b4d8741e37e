"""What to send, and when to look again: pure.  (now, battery, card, state) -> plan (SPEC.md sections 4 and 5).

The radio is in one of three states, and each wake takes one step of this table:

| state | the clock says | action | next state |
|---|---|---|---|
| any | not the epoch of the address | ROTATE: all off, new address, check | QUIET; STALE if it is still the old |
| QUIET | the silence is not over | WAIT | QUIET |
| QUIET, ON_AIR | a slot that was not sent yet | SEND its frame | ON_AIR |
| ON_AIR | the slot that is on the air | WAIT | ON_AIR |
"""

from collections import namedtuple

from zonetag_protocol import frame
from zonetag_protocol.card import INTERVALS_MS, Card
from zonetag_protocol.rotation import Keys, epoch_of

ROTATE = "rotate"
SEND = "send"
WAIT = "wait"

STALE = "stale"  # the address does not belong to the present epoch: nothing may be sent
QUIET = "quiet"  # new address, random silence
ON_AIR = "on-air"

NEVER = -1  # an epoch or slot that has not been

# Silence after a new address.  A tag that falls silent and one that appears at the same instant are the same tag; a
# random gap of the order of the advertising interval leaves it open.  Short against the slot, so that no slot is lost.
SILENCE_MS = (250, 1500)
# Each slot's interval is drawn within +-1/8 of the wanted one: a constant interval would be a fingerprint that lives on
# through the rotation.
JITTER = 8
LOW_BATTERY_FACTOR = 2  # at low battery the interval doubles,
LOW_BATTERY_MS = 3000  # but not beyond this, so that each slot of 4 s is still heard at least once
RETRY_MS = 500  # after an address that did not change

State = namedtuple("State", ("radio", "epoch", "slot", "quiet_ms"))
"""radio STALE, QUIET or ON_AIR; epoch of the radio's address; slot last sent (from second 0); quiet_ms left of it."""

Plan = namedtuple("Plan", ("action", "epoch", "slot", "wake_ms"))
"""action ROTATE, SEND or WAIT; epoch and slot of now; wake_ms until the next look, should nothing else happen."""

START = State(STALE, NEVER, NEVER, 0)


def plan(t: int, slot: int, to_slot_end_ms: int, state: State) -> Plan:
    """The one step to take at second `t`, in slot `slot` (from second 0), with so many ms left of it."""
    epoch = epoch_of(t)
    if state.radio == STALE or state.epoch != epoch:
        return Plan(ROTATE, epoch, slot, RETRY_MS)
    if state.radio == QUIET and state.quiet_ms > 0:
        return Plan(WAIT, epoch, slot, state.quiet_ms)
    if state.slot != slot:
        return Plan(SEND, epoch, slot, to_slot_end_ms)
    return Plan(WAIT, epoch, slot, to_slot_end_ms)


def rotated(state: State, epoch: int, changed: bool, random: int) -> State:
    """The state after a ROTATE; `random` is 16 random bits for the length of the silence."""
    if not changed:
        return State(STALE, NEVER, state.slot, 0)
    low, high = SILENCE_MS
    return State(QUIET, epoch, state.slot, low + random % (high - low + 1))


def sent(state: State, slot: int) -> State:
    """The state after a SEND."""
    return State(ON_AIR, state.epoch, slot, 0)


def waited(state: State, ms: int) -> State:
    """The state `ms` later."""
    if state.radio != QUIET:
        return state
    return State(QUIET, state.epoch, state.slot, max(0, state.quiet_ms - ms))


def lost(state: State) -> State:
    """The state after the radio was restarted: its address is anybody's."""
    return State(STALE, NEVER, state.slot, 0)


def frame_of(keys: Keys, card: Card, t: int, status: int) -> bytes:
    """The 31 bytes of the slot of second `t` (section 5)."""
    return frame.seal(keys, t, status, card.tx, card.company)


def interval_ms(card: Card, moving: bool, low_battery: bool, random: int) -> int:
    """The interval for one slot: the card's, by motion, longer at low battery, jittered by 16 random bits."""
    base: int = card.moving_ms if moving else card.rest_ms
    if low_battery:
        base = max(base, min(base * LOW_BATTERY_FACTOR, LOW_BATTERY_MS))
    swing = base // JITTER
    low, high = INTERVALS_MS
    return min(high, max(low, base - swing + random % (2 * swing + 1)))
