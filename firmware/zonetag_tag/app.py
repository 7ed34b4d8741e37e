"""The tag: joins the parts.  One `step` per wake, and nothing runs between.

Order of a start: radio (its stack takes memory first), board, card, records, clock.  What is missing is told by the
LED, on the serial line and in the counters; what can go on goes on.
"""

import gc

from zonetag_protocol import card as cards
from zonetag_protocol import rotation
from zonetag_protocol.errors import ZonetagError
from zonetag_tag import faults, leds
from zonetag_tag.board import Board, detect
from zonetag_tag.clock import SECOND_MS, Clock
from zonetag_tag.health import Health
from zonetag_tag.link import Link
from zonetag_tag.listener import Listener
from zonetag_tag.log import Log
from zonetag_tag.orders import Orders
from zonetag_tag.radio import Radio
from zonetag_tag.sender import IDLE_MS, Sender
from zonetag_tag.senses import Senses
from zonetag_tag.settings import Settings
from zonetag_tag.store import ClockLost, Store
from zonetag_tag.update import Update

VERSION = "0.1.0"
CARD_FILE = "card.bin"
CARD_CHECK = 4  # bytes at the end of a card, by which our records know whose they are
RESET_PAUSE_MS = 5000  # before the reset after a crash: a tag that crashes at each start must not wear its flash
MOTION_MS = 1000  # between two readings of the accelerometer
# A tag says who it is more than once: a chip with USB of its own is not heard in its first moments.
INTRODUCTIONS = 4
INTRODUCTION_S = 2  # between them


class Tag:
    """A tag on `board` with `radio`, its files in folder `root` (ends in "/" or is empty)."""

    def __init__(self, board: Board, radio: Radio, root: str = "") -> None:
        self._board = board
        self._radio = radio
        self._root = root
        self.clock = Clock(0, board.ticks())
        self.health = Health(board, root)
        self._senses = Senses(board, self.health)
        self._sender: Sender | None = None  # none: nothing may be sent
        self._listener: Listener | None = None
        self._link: Link | None = None
        self._update = Update(root)
        self._introduction: dict[str, object] | None = None  # none: nothing to say, or said often enough
        self._introduced = 0
        self._introduce_at = 0

    def boot(self) -> None:
        """Read card and records, begin the clock, say who we are."""
        self._sender = self._make_sender()
        self.health.started(self.clock.t)
        gc.collect()

    def step(self) -> int:
        """Do what is due; the milliseconds until the next step."""
        passed = self._advance()
        self._board.watch()
        self._introduce()
        self._senses.look(self.clock.t)
        wake = IDLE_MS if self._sender is None else self._send_and_hear(self._sender, passed)
        if self._board.has_accelerometer:
            wake = min(wake, MOTION_MS)
        return max(1, min(wake, self.health.show(passed)))

    def _send_and_hear(self, sender: Sender, passed: int) -> int:
        wake = sender.step(passed)
        if self._listener is not None and self._link is not None:
            wake = min(wake, self._listener.step(self._senses.low), self._link.step(passed))
        if self._update.look(self.clock.t):
            self._board.reset()
        return wake

    def crashed(self, error: BaseException) -> None:
        """Write down an exception nobody expected, before the reset."""
        self.health.fault(self.clock.t, faults.CRASH, "", type(error).__name__ + " " + str(error))

    def confirm(self, t: int) -> None:
        """Take the true second from the backend, as `set time` of the link does."""
        self.clock.confirm(t)

    def _advance(self) -> int:
        before_t, before_ms = self.clock.t, self.clock.ms
        self.clock.advance(self._board.ticks())
        return (self.clock.t - before_t) * SECOND_MS + self.clock.ms - before_ms

    def _make_sender(self) -> Sender | None:
        try:
            with open(self._root + CARD_FILE, "rb") as file:
                data = file.read(cards.LENGTH + 1)
            card = cards.unpack(data)
        except OSError:
            self.health.fault(0, faults.CARD, leds.CARD, "card.bin cannot be read: flash the tag again")
            return None
        except ZonetagError as error:
            self.health.fault(0, faults.CARD, leds.CARD, str(error))
            return None
        store = Store(self._board, self._root, data[-CARD_CHECK:])
        try:
            t = max(card.t0, store.resume(card.t0))
        except ClockLost:
            self.health.fault(0, faults.CLOCK, leds.CLOCK, "records unreadable: flash the tag again")
            return None
        self.clock = Clock(t, self._board.ticks())
        keys = rotation.derive_keys(card.master)
        self._introduction = {
            "zonetag": VERSION,
            "number": card.number,
            "board": self._board.pins.name,
            "t": t,
            "eid": rotation.eid_of(keys.eid, t).hex(),
        }
        self._introduce()
        owner = data[-CARD_CHECK:]
        log = Log(self._board, self._root, owner)
        settings = Settings(self._board, owner)
        self._listener = Listener(
            self._board,
            self._radio,
            health=self.health,
            clock=self.clock,
            card=card,
            log=log,
            settings=settings,
        )
        orders = Orders(
            clock=self.clock,
            log=log,
            settings=settings,
            senses=self._senses,
            health=self.health,
            update=self._update,
            version=_numbers(VERSION),
        )
        self._link = Link(self._radio, self._board, self.clock, keys.link, orders)
        return Sender(
            self._board,
            self._radio,
            health=self.health,
            senses=self._senses,
            store=store,
            card=card,
            keys=keys,
            clock=self.clock,
            log=log,
            link=self._link,
        )

    def _introduce(self) -> None:
        """One line on the serial line, by which the flashing tool knows the tag, if it is time for it."""
        if self._introduction is None or self.clock.t < self._introduce_at:
            return
        self.health.say(self._introduction)
        self._introduced += 1
        self._introduce_at = self.clock.t + INTRODUCTION_S
        if self._introduced == INTRODUCTIONS:
            self._introduction = None


def run(root: str = "") -> None:
    """For ever, on the board this runs on; a crash is written down and ends in a reset."""
    radio = Radio()
    broken = _started(radio)
    board = detect(root)
    tag = Tag(board, radio, root)
    try:
        if broken is not None:
            raise broken
        board.save_power()
        tag.boot()
        while True:
            board.sleep_ms(tag.step())
    except Exception as error:  # noqa: BLE001  # the last line of defence: whatever it is, the tag must come back
        tag.crashed(error)
        board.sleep_ms(RESET_PAUSE_MS)
        board.reset()


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)


def _started(radio: Radio) -> OSError | None:
    try:
        radio.start()
    except OSError as error:
        return error
    return None
