"""Carries the link between tags and backend, blindly: whole messages over MQTT, their parts over Bluetooth.

SPEC.md sections 12.2 and 12.8.  It holds no key; nothing of a session goes to the disk, and what is not acknowledged
the tag still has.  Whom to connect to when is linkpolicy's affair.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from zonetag_gateway import linkpolicy
from zonetag_gateway.central import Central, NoTalk, Talk
from zonetag_gateway.config import Config
from zonetag_gateway.identity import Identity
from zonetag_gateway.linkpolicy import Call
from zonetag_gateway.source import Clock, Hear
from zonetag_gateway.tasks import cancel
from zonetag_protocol import carriage, envelope, fragments, topics
from zonetag_protocol.carriage import Downlink, Uplink
from zonetag_protocol.errors import Malformed, ZonetagError
from zonetag_protocol.frame import HEAD

log = logging.getLogger(__name__)

LOOK_S = 0.25  # how often the calls are looked at
REMEMBERED = 1024  # sessions that are over
WAITING = 64  # messages of one session that wait for the tag
SAY_S = 10.0  # a broker that takes no message for so long has lost it
EID_AT = 13  # in a tag's advert (SPEC.md section 5.1)


class Session:
    """One that is being carried."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.down: asyncio.Queue[Downlink] = asyncio.Queue(WAITING)
        self.expected = 1  # number of the next message downwards
        self.sent = 0  # messages upwards
        self.lost = False


class Carrier:
    """`run` it beside the gateway, give it what comes on `downlink`, and let it listen along."""

    def __init__(
        self,
        config: Config,
        central: Central,
        say: Callable[[str, bytes], bool],
        clock: Clock,
        identity: Identity | None = None,
    ) -> None:
        """`say(leaf, payload)` publishes, False when it cannot now; `identity` of an enrolled gateway."""
        self._gateway = config.name
        self._central = central
        self._say = say
        self._clock = clock
        self._connections = config.link.connections
        self._budget_s = config.link.budget_s
        self._key = None if identity is None else identity.signing
        self._backend = None if identity is None else identity.backend
        self._calls: dict[bytes, Call] = {}  # by session, those that wait
        self._heard: dict[bytes, linkpolicy.Heard] = {}  # of those identifiers
        self._wanted: Counter[bytes] = Counter()
        self._sessions: dict[bytes, Session] = {}
        self._tasks: dict[asyncio.Task[None], bytes] = {}
        self._over: OrderedDict[bytes, None] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def over(self, hear: Hear) -> Hear:
        """`hear`, with this listening along for identifiers that are called."""
        wanted, heard = self._wanted, self._heard

        def listening(data: bytes, rssi: int, at: float, /) -> None:
            hear(data, rssi, at)
            if wanted:
                eid = _eid(data)
                if eid in wanted:
                    heard[eid] = linkpolicy.smoothed(heard.get(eid), self._clock.monotonic(), rssi)

        return listening

    def tell(self) -> dict[str, Any]:
        """For health: that it takes calls, and counts."""
        return {"calls": len(self._calls), "connections": len(self._sessions), **dict(self.counts)}

    def receive(self, payload: bytes, retained: bool) -> None:
        """A message of the topic `downlink`."""
        if retained:
            self.counts["retained"] += 1
            return
        try:
            down = carriage.decode_down(envelope.unwrap(payload, topics.DOWNLINK, self._backend))
        except ZonetagError as error:
            self.counts[error.code] += 1
            return
        if down.gateway != self._gateway:
            self.counts["not-ours"] += 1
        elif down.number == 0:
            self._take_call(down)
        else:
            self._take(down)

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            for task in list(self._tasks):
                await cancel(task)

    def _take_call(self, down: Downlink) -> None:
        if down.session in self._calls or down.session in self._sessions or down.session in self._over:
            self.counts["repeated"] += 1
        elif len(self._calls) >= linkpolicy.MOST_CALLS:
            self._end(down.session, 0, carriage.BUSY)
        else:
            until = self._clock.monotonic() + down.valid_s
            self._calls[down.session] = Call(down.session, down.eid, down.messages[0], down.waited_s, until)
            self._wanted[down.eid] += 1

    def _take(self, down: Downlink) -> None:
        if down.session in self._calls and down.over:  # called off
            self._drop(down.session)
            self._remember(down.session)
            return
        session = self._sessions.get(down.session)
        if session is None:
            self.counts["unknown-session"] += 1
        elif down.number < session.expected:
            self.counts["repeated"] += 1
        else:
            session.lost |= down.number > session.expected or session.down.full()
            session.expected = down.number + 1
            if not session.down.full():
                session.down.put_nowait(down)

    def _look(self) -> None:
        """Give up what is good no more, begin what can be begun."""
        now = self._clock.monotonic()
        for call in linkpolicy.expired(list(self._calls.values()), now):
            self._drop(call.session)
            self._end(call.session, 0, carriage.EXPIRED)
        free = self._connections - len(self._sessions)
        for call in linkpolicy.choose(list(self._calls.values()), self._heard, now, free):
            session = self._sessions[call.session] = Session(call)
            self._drop(call.session)
            task = asyncio.create_task(self._attempt(session))
            self._tasks[task] = call.session
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._sessions.pop(self._tasks.pop(task), None)
        if not task.cancelled() and task.exception() is not None:
            self.counts["failed"] += 1
            log.error("a session of the link broke off", exc_info=task.exception())

    async def _attempt(self, session: Session) -> None:
        """Connect and carry; a call whose connection does not come about waits for another turn."""
        call = session.call
        try:
            async with self._central.talk(call.eid, linkpolicy.CONNECT_S) as talk:
                self.counts["connected"] += 1
                code = await self._carry(session, talk)
        except NoTalk as error:
            again = linkpolicy.failed(call, self._clock.monotonic())
            if error.code == carriage.UNREACHABLE and again is not None and not session.lost and session.down.empty():
                self._calls[call.session] = again
                self._wanted[call.eid] += 1
                self.counts["tried"] += 1
                return
            code = error.code
        self._end(call.session, session.sent, code)

    async def _carry(self, session: Session, talk: Talk) -> str:
        """Both ways until one of the ends; how it ended."""
        upwards = asyncio.create_task(self._upwards(session, talk))
        downwards = asyncio.create_task(self._downwards(session, talk))
        try:
            async with asyncio.timeout(self._budget_s):
                done, _ = await asyncio.wait((upwards, downwards), return_when=asyncio.FIRST_COMPLETED)
                if upwards not in done and downwards.result() == carriage.OVER:
                    await asyncio.wait((upwards,), timeout=SAY_S)  # the tag hangs up once it has read its goodbye
                    return carriage.OVER
                return next(iter(done)).result()
        except TimeoutError:
            return carriage.TIME
        except ConnectionError:
            return carriage.GONE
        except Malformed:
            return carriage.MALFORMED
        finally:
            for task in (upwards, downwards):
                await cancel(task)

    async def _upwards(self, session: Session, talk: Talk) -> str:
        joiner = fragments.Joiner()
        while True:
            message = joiner.take(await talk.part())
            if message is not None and not await self._publish(session, (message,)):
                return carriage.LOST

    async def _downwards(self, session: Session, talk: Talk) -> str:
        await _write(talk, session.call.hello)
        while True:
            down = await session.down.get()
            if session.lost:
                return carriage.LOST
            for message in down.messages:
                await _write(talk, message)
            if down.over:
                return carriage.OVER

    async def _publish(self, session: Session, messages: tuple[bytes, ...]) -> bool:
        up = Uplink(self._gateway, session.call.session, session.sent, messages)
        for _ in range(round(SAY_S / LOOK_S)):
            if self._say(topics.UPLINK, self._sealed(up)):
                session.sent += 1
                self.counts["messages"] += len(messages)
                return True
            await asyncio.sleep(LOOK_S)
        return False

    def _end(self, session: bytes, sent: int, code: str) -> None:
        """Tell the backend, if that can be: if not it finds out by silence."""
        self._remember(session)
        self.counts["ended-" + code] += 1
        log.info("a session of the link ended: %s", code)
        self._say(topics.UPLINK, self._sealed(Uplink(self._gateway, session, sent, ended=code)))

    def _sealed(self, up: Uplink) -> bytes:
        return envelope.wrap(carriage.encode_up(up), topics.UPLINK, self._key)

    def _drop(self, session: bytes) -> None:
        """A call waits no more."""
        eid = self._calls.pop(session).eid
        self._wanted[eid] -= 1
        if not self._wanted[eid]:
            del self._wanted[eid]
            self._heard.pop(eid, None)

    def _remember(self, session: bytes) -> None:
        self._over[session] = None
        if len(self._over) > REMEMBERED:
            self._over.popitem(last=False)


async def _write(talk: Talk, message: bytes) -> None:
    for part in fragments.split(message, talk.mtu):
        await talk.write(part)


def _eid(data: bytes) -> bytes:
    """The identifier of an advert that begins as a tag's does."""
    return data[EID_AT : EID_AT + carriage.EID] if data[: len(HEAD)] == HEAD else b""
