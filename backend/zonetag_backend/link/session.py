"""One session with a tag, from its answer to goodbye: what to say after each of its messages.  Pure.

| message of the tag | what follows |
|---|---|
| answer | nothing: its status is on the way |
| status | the plan: acknowledge what is committed, time, keep, orders, fetch, update |
| contacts | records; at the end of a fetch an acknowledgement, and the next fetch |
| done | the order is settled, the next of the plan |

When the plan is empty, `bye`.  Anything else is Malformed, and the session is over.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from zonetag_backend.link.records import (
    CANCELLED,
    DONE,
    FAILED,
    FIND,
    ROLLED_BACK,
    SETTINGS,
    TRIAL,
    UPDATE,
    WAITING,
    Known,
    Order,
    Settled,
    Step,
)
from zonetag_protocol import linkmessage as say
from zonetag_protocol.errors import Malformed
from zonetag_protocol.link import End

FETCH_MOST = 120  # records asked for at a time: they are acknowledged together
CLOCK_OFF_S = 30  # a tag whose idea of UTC is off by more is told again
COMMANDS = {FIND: say.FIND_ME, SETTINGS: say.SETTINGS}


class Todo(NamedTuple):
    """A command of the plan."""

    kind: int
    body: bytes = b""
    order: Order | None = None


class Session:
    """`end` is `link.backend_end`, called; `orders` those that are open for the tag."""

    def __init__(self, end: End, known: Known, orders: Sequence[Order]) -> None:
        self._end = end
        self._known = known
        self._orders = orders
        self._plan: deque[Todo] = deque()
        self._asked: Todo | None = None
        self._expected = 0  # number of the next record
        self._left = 0  # records of this fetch that may still come
        self.status: say.Status | None = None

    @property
    def proved(self) -> bool:
        """Whether the tag has shown that it is the tag."""
        return self.status is not None

    def take(self, message: bytes, now_ms: int) -> Step:
        """A whole message of the tag; Malformed or Forged: hang up."""
        got = self._end.receive(message)
        step = Step()
        if got is None:
            return step
        if self.status is None:
            if got.type != say.STATUS:
                raise Malformed("a session begins with a status")
            self.status = step.status = say.unpack_status(got.body)
            self._make_plan(self.status, now_ms, step)
        elif got.type == say.CONTACTS:
            if not self._take_contacts(got.body, step):
                return step
        elif got.type == say.DONE:
            self._take_done(got.body, step)
        else:
            raise Malformed("a message of the link that this version does not know")
        self._go_on(step)
        return step

    def _make_plan(self, status: say.Status, now_ms: int, step: Step) -> None:
        same_log = self._known.log == status.log and self._known.through < status.next
        through = self._known.through if same_log else 0
        self._expected = max(status.first, through + 1)
        if through >= status.first:
            self._plan.append(Todo(say.ACKNOWLEDGE, say.pack_acknowledge(status.log, through)))
        utc_s = now_ms // 1000
        if not status.flags & say.CONFIRMED or abs(status.utc_s - utc_s) > CLOCK_OFF_S:
            # Its own second, which sets nothing forward: the offset between the two clocks is what is told.
            self._plan.append(Todo(say.SET_TIME, say.pack_time(status.t, utc_s)))
        updates = []
        for order in self._orders:
            if order.kind == UPDATE:
                updates += self._plan_update(order, status, step)
            elif order.state == WAITING and now_ms < order.until_ms:
                self._plan.append(Todo(COMMANDS[order.kind], order.body, order))
        if status.first < status.next:
            self._plan_fetch()
        self._plan += updates

    def _plan_update(self, order: Order, status: say.Status, step: Step) -> list[Todo]:
        """An update goes last, since it takes long and ends in a restart; that a new firmware stays is said first."""
        firmware = order.firmware
        assert firmware is not None
        if status.version == firmware.version:
            if status.flags & say.TRIAL:
                self._plan.append(Todo(say.UPDATE_KEEP, b"", order))
            else:
                step.settled.append(Settled(order.id, DONE))
        elif status.version > firmware.version and bytes(status.version) != order.body:
            # Newer firmware came in another way since then.  An order that waited for long sets no tag back.
            step.settled.append(Settled(order.id, CANCELLED))
        elif order.state == TRIAL:
            if status.flags & say.ROLLED_BACK:
                step.settled.append(Settled(order.id, ROLLED_BACK))
        else:
            return [
                Todo(say.UPDATE_BEGIN, say.pack_begin(len(firmware.archive), firmware.digest, firmware.version), order)
            ]
        return []

    def _plan_fetch(self) -> None:
        self._plan.append(Todo(say.FETCH, say.pack_fetch(self._expected, FETCH_MOST)))

    def _take_contacts(self, body: bytes, step: Step) -> bool:
        """Whether that was the last of the fetch."""
        if self._asked is None or self._asked.kind != say.FETCH:
            raise Malformed("contacts that nobody asked for")
        first, records = say.unpack_contacts(body)
        if first < self._expected or len(records) > self._left:
            raise Malformed("contacts of other numbers than asked for")
        step.passed_over = first - self._expected
        step.records = records
        self._expected = first + len(records)
        self._left -= len(records)
        step.through = self._expected - 1
        if records and self._left:
            return False
        assert self.status is not None
        self._asked = None
        if records:
            self._plan.appendleft(Todo(say.FETCH, say.pack_fetch(self._expected, FETCH_MOST)))
        self._plan.appendleft(Todo(say.ACKNOWLEDGE, say.pack_acknowledge(self.status.log, step.through)))
        return True

    def _take_done(self, body: bytes, step: Step) -> None:
        command, code, value = say.unpack_done(body)
        asked, self._asked = self._asked, None
        if asked is None or asked.kind != command:
            raise Malformed("an answer to what nobody asked")
        if asked.order is None:
            assert self.status is not None
            step.empty = asked.kind == say.ACKNOWLEDGE and code == say.OK and value >= self.status.next
            return
        if asked.order.kind == UPDATE:
            self._go_on_update(asked, asked.order, code, value, step)
        else:
            step.settled.append(Settled(asked.order.id, DONE if code == say.OK else FAILED, code))

    def _go_on_update(self, asked: Todo, order: Order, code: int, value: int, step: Step) -> None:
        firmware = order.firmware
        assert firmware is not None
        if asked.kind == say.UPDATE_KEEP:
            if code == say.OK:
                step.settled.append(Settled(order.id, DONE, code))
        elif code != say.OK:
            step.settled.append(Settled(order.id, FAILED, code))
        elif asked.kind == say.UPDATE_END:
            step.settled.append(Settled(order.id, TRIAL, code))
        elif value < len(firmware.archive):
            part = say.pack_part(value, firmware.archive[value : value + say.PART])
            self._plan.appendleft(Todo(say.UPDATE_PART, part, order))
        else:
            self._plan.appendleft(Todo(say.UPDATE_END, b"", order))

    def _go_on(self, step: Step) -> None:
        """Say the next of the plan, one at a time: a tag's memory holds little."""
        if self._asked is not None:
            return
        if not self._plan:
            step.say.append(self._end.seal(say.BYE))
            step.over = True
            return
        self._asked = self._plan.popleft()
        if self._asked.kind == say.FETCH:
            self._left = FETCH_MOST
        step.say.append(self._end.seal(self._asked.kind, self._asked.body))
