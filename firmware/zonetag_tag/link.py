"""The tag's end of the link: one connection at a time, its deadlines, its session (SPEC.md sections 12.1 to 12.3).

| state | event | action | next |
|---|---|---|---|
| IDLE | somebody connects | a new session | TALKING |
| TALKING | a good message | what it asks for (`orders`) | TALKING |
| TALKING | a bad message or part, a flood, a deadline, the end of the epoch, bye | drop | ENDING |
| TALKING, ENDING | it is gone | the gate is told | IDLE |

Nothing is sent before a good hello.
"""

from zonetag_protocol import fragments, link, linkmessage
from zonetag_protocol.errors import Forged, Malformed
from zonetag_protocol.rotation import EPOCH_S, epoch_of
from zonetag_tag.board import Board
from zonetag_tag.clock import Clock
from zonetag_tag.gate import Gate, overdue
from zonetag_tag.orders import Orders
from zonetag_tag.radio import Radio

IDLE = "idle"
TALKING = "talking"
ENDING = "ending"

IDLE_MS = 4000
LISTENING_MS = 1000  # while a connectable advert is out: how late a hello may be seen
TALKING_MS = 30
ENDING_MS = 250  # between two tries to end a connection
LAST_S = 4  # before the end of an epoch nobody is let in, and who is in must go
HELLOS = 8  # of those that were taken, so that none is taken twice


class Link:
    """The link of a tag with `k_link`; `orders` carries out what is asked."""

    def __init__(self, radio: Radio, board: Board, clock: Clock, k_link: bytes, orders: Orders) -> None:
        self._radio = radio
        self._board = board
        self._clock = clock
        self._k_link = k_link
        self._orders = orders
        self._gate = Gate()
        self._state = IDLE
        self._group = -1  # of slots, for which `_slot` was drawn
        self._slot = -1
        self._listening = False
        self._hellos: list[bytes] = []
        self._begin()

    def connectable(self, slot: int) -> bool:
        """Whether the advert of this slot is to be a connectable one (asked once for each)."""
        every = self._orders.connectable_every()
        if every == 0:
            self._listening = False
            return False
        if slot // every != self._group:
            self._group = slot // every
            self._slot = self._group * every + self._board.random() % every
        self._listening = slot == self._slot and self._state == IDLE and self._gate.open() and not self._last()
        return self._listening

    def step(self, passed: int) -> int:
        """Do what is due, `passed` ms after the last step; ms until the next."""
        self._gate.passed(passed, self._state == TALKING and not self._proved)
        if self._state == IDLE:
            if not self._radio.connected():
                return LISTENING_MS if self._listening else IDLE_MS
            self._begin()
            self._state = TALKING
            passed = 0
        if not self._radio.connected():
            self._gate.ended(self._proved)
            self._state = IDLE
            self._listening = False
            return IDLE_MS
        if self._state == ENDING:
            self._radio.drop()
            return ENDING_MS
        self._age_ms += passed
        self._silent_ms += passed
        if not self._talk() or self._last() or overdue(self._proved, self._greeted, self._age_ms, self._silent_ms):
            self._state = ENDING
            self._radio.drop()
            return ENDING_MS
        return TALKING_MS

    def _begin(self) -> None:
        self._end = link.tag_end(self._k_link, epoch_of(self._clock.t), self._board.random_bytes(link.NONCE))
        self._joiner = fragments.Joiner()
        self._out: list[bytes] = []  # parts that wait
        self._greeted = False
        self._proved = False
        self._age_ms = 0
        self._silent_ms = 0

    def _last(self) -> bool:
        return self._clock.t % EPOCH_S >= EPOCH_S - LAST_S

    def _talk(self) -> bool:
        """Take what came and send what waits; False: this connection must end."""
        if self._radio.flooded:
            return False
        try:
            for part in self._radio.take_parts():
                message = self._joiner.take(part)
                if message is not None and not self._take(message):
                    return False
            self._say()
        except (Malformed, Forged):
            return False
        return True

    def _take(self, message: bytes) -> bool:
        got = self._end.receive(message)
        self._silent_ms = 0
        if got is None:
            if self._end.nb in self._hellos:
                return False
            self._hellos = self._hellos[1 - HELLOS :] + [self._end.nb]
            self._greeted = True
            self._queue(self._end.answer())
            self._queue(self._end.seal(linkmessage.STATUS, self._orders.status()))
            return True
        self._proved = True
        if got.type == linkmessage.BYE:
            return False
        answer = self._orders.carry_out(got)
        if answer is not None:
            self._queue(self._end.seal(linkmessage.DONE, answer))
        return True

    def _say(self) -> None:
        """Send what waits, and of a fetch one message at a time."""
        while True:
            while self._out:
                if not self._radio.notify(self._out[0]):
                    return
                self._out = self._out[1:]
            if not self._proved:
                return
            chunk = self._orders.next_chunk()
            if chunk is None:
                return
            self._silent_ms = 0
            self._queue(self._end.seal(linkmessage.CONTACTS, chunk))

    def _queue(self, message: bytes) -> None:
        self._out += fragments.split(message, self._radio.mtu)
