"""Puts the frames on the air: one step of `beacon`'s table at a time, with time that `store` has reserved."""

import gc

from zonetag_protocol import status
from zonetag_protocol.card import Card
from zonetag_protocol.rotation import Keys
from zonetag_tag import beacon, faults, leds
from zonetag_tag.board import Board
from zonetag_tag.clock import Clock
from zonetag_tag.health import Health
from zonetag_tag.link import Link
from zonetag_tag.log import Log
from zonetag_tag.radio import Radio
from zonetag_tag.senses import Senses
from zonetag_tag.store import Store

IDLE_MS = 4000  # between two looks of a tag that has nothing to send
RESTART_AFTER = 8  # refusals of a new address in a row, until the stack is restarted
RESET_AFTER = 32  # and until the whole tag is


class Stuck(Exception):
    """The radio does not do what it is told; only a reset is left."""


class Sender:
    """The sender of the tag with `card` and its `keys`, from the `clock`'s present second on."""

    def __init__(
        self,
        board: Board,
        radio: Radio,
        *,
        health: Health,
        senses: Senses,
        store: Store,
        card: Card,
        keys: Keys,
        clock: Clock,
        log: Log,
        link: Link,
    ) -> None:
        self._board = board
        self._radio = radio
        self._health = health
        self._senses = senses
        self._store = store
        self._card = card
        self._keys = keys
        self._clock = clock
        self._log = log
        self._link = link
        self._state = beacon.START
        self._refusals = 0
        self._proven = False  # this firmware has sent a frame

    def step(self, passed: int) -> int:
        """Do what is due, `passed` ms after the last step; ms until the next."""
        clock = self._clock
        if clock.exhausted():
            return IDLE_MS
        self._state = beacon.waited(self._state, passed)
        plan = beacon.plan(clock.t, clock.slot(), clock.to_slot_end_ms(), self._state)
        if plan.action == beacon.ROTATE:
            return self._rotate(plan)
        if plan.action == beacon.SEND:
            self._send(plan)
        return int(plan.wake_ms)

    def _rotate(self, plan: beacon.Plan) -> int:
        gc.collect()  # once an epoch, while nothing is on the air
        self._health.check_room(self._clock.t)
        detail = "address not changed"
        try:
            changed = self._radio.rotate()
        except OSError as error:
            changed = False
            detail = str(error)
        self._state = beacon.rotated(self._state, plan.epoch, changed, self._board.random())
        if not changed:
            self._refused(detail)
            return int(plan.wake_ms)
        self._refusals = 0
        self._health.mark(leds.RADIO, False)
        return int(self._state.quiet_ms)

    def _refused(self, detail: str) -> None:
        self._refusals += 1
        self._health.fault(self._clock.t, faults.ADDRESS, leds.RADIO, detail)
        if self._refusals >= RESET_AFTER:
            raise Stuck("no new address in " + str(self._refusals) + " tries")
        if self._refusals % RESTART_AFTER == 0:
            self._restart()

    def _send(self, plan: beacon.Plan) -> None:
        t = self._clock.t
        if not self._reserved(t):
            # What is on the air is the frame of a slot that is over.  Silence, and another try in the next slot.
            self._radio.stop()
            self._state = beacon.sent(self._state, plan.slot)
            return
        unsynchronised = not self._clock.synchronised
        byte = status.pack(self._senses.level(), self._senses.calling(t), unsynchronised, self._log.waiting())
        frame = beacon.frame_of(self._keys, self._card, t, byte)
        interval = beacon.interval_ms(self._card, self._senses.moving(t), self._senses.low, self._board.random())
        try:
            self._radio.advertise(interval, frame, self._link.connectable(plan.slot))
        except OSError as error:
            self._health.fault(t, faults.RADIO, leds.RADIO, str(error))
            self._restart()
            return
        self._health.mark(leds.RADIO, False)
        self._state = beacon.sent(self._state, plan.slot)
        if not self._proven:
            self._proven = True
            self._board.confirm_firmware()

    def _reserved(self, t: int) -> bool:
        usable = self._store.reserve(t)
        nvs_failed, file_failed = self._store.failures()
        if nvs_failed:
            self._health.fault(t, faults.NVS, leds.FLASH, "reservation not written")
        if file_failed:
            self._health.fault(t, faults.FLASH, leds.FLASH, "clock.bin not written")
        self._health.mark(leds.FLASH, nvs_failed or file_failed)
        return usable

    def _restart(self) -> None:
        try:
            self._radio.restart()
        except OSError as error:
            raise Stuck("the Bluetooth stack does not start: " + str(error))
        self._state = beacon.lost(self._state)
