"""Looks for other tags and writes down whom it heard: joins `contacts`, `log` and the radio."""

from zonetag_protocol import linkmessage
from zonetag_protocol.card import Card
from zonetag_protocol.rotation import epoch_of
from zonetag_tag import faults, leds, radio
from zonetag_tag.board import Board
from zonetag_tag.clock import Clock
from zonetag_tag.contacts import START, STOP, Contacts, Ear, Plan, look_ms
from zonetag_tag.health import Health
from zonetag_tag.log import Log
from zonetag_tag.radio import Radio
from zonetag_tag.settings import Settings

LOW_BATTERY_FACTOR = 2  # looks are half as many then


class Listener:
    """The ears of the tag with `card`."""

    def __init__(
        self,
        board: Board,
        radio: Radio,
        *,
        health: Health,
        clock: Clock,
        card: Card,
        log: Log,
        settings: Settings,
    ) -> None:
        self._board = board
        self._radio = radio
        self._health = health
        self._clock = clock
        self._card = card
        self._log = log
        self._settings = settings
        self._ear = Ear(card.company, -settings.get(linkmessage.WEAKEST))
        self._contacts = Contacts()
        self._due_ms = 0
        self._epoch = 0  # in which what is too old was looked for
        self._plan = Plan(1, look_ms(card.moving_ms))

    def step(self, low_battery: bool) -> int:
        """Do what is due; ms until the next."""
        clock = self._clock
        now_ms = clock.t * 1000 + clock.ms
        if now_ms < self._due_ms:  # woken for something else, as most often
            return self._due_ms - now_ms
        self._take_settings(low_battery)
        if self._epoch != epoch_of(clock.t):
            self._epoch = epoch_of(clock.t)
            self._log.expire(self._epoch)
        action, wake = self._plan.step(clock.t, clock.ms, self._board.random())
        if action == START and self._radio.state == radio.ON_AIR:
            try:
                self._radio.look(self._ear)
            except OSError as error:
                self._health.fault(clock.t, faults.RADIO, "", str(error))
        elif action == STOP:
            if self._radio.looking():
                self._radio.look_away()
            self._write(self._contacts.add(clock.t, self._ear))
        else:
            self._write(self._contacts.close(clock.t))
        self._due_ms = now_ms + wake
        return wake

    def _write(self, records: list[bytes]) -> None:
        if records and not self._log.append(records):
            self._health.fault(self._clock.t, faults.FLASH, leds.FLASH, "contacts not written")

    def _take_settings(self, low_battery: bool) -> None:
        every = self._settings.get(linkmessage.LOOK_EVERY)
        self._plan.every = every * LOW_BATTERY_FACTOR if low_battery else every
        self._plan.length_ms = self._settings.get(linkmessage.LOOK_MS) or look_ms(self._card.moving_ms)
        self._ear.weakest_dbm = -self._settings.get(linkmessage.WEAKEST)
