"""A hundred tags and the gateways that fetch their logs, second by second: who is called, connected to, and when.

Pure: the backend's `Calls` and `Session`, the gateway's `linkpolicy` and the sizes of real messages decide; the radio
and the wearers are made up.

- A session's messages are those of the real `Session` with a tag that holds so many records; each part takes an
  exchange of 50 ms (several go into one with most controllers), the search for the service ten exchanges there and
  back, a turn of the backend 0.1 s.
- A tag lets somebody in during one slot of four, drawn anew for each group; one connection in ten fails all the same.
- Linux scans on until it hears a connectable advert, asks its controller for the connection then, and hears nobody
  until the tag's next advert, or until the try is given up: measured, docs/en/link.md.  It asks for one at a time.
  With an adapter of its own for the link a gateway hears all.
- A tag at rest sends each second, one that walks each quarter; one advert in five is not heard.
- Who walks away in mid-transfer keeps what was not acknowledged; what was stays fetched.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from zonetag_backend.link import calls
from zonetag_backend.link.calls import Calls, Sighting
from zonetag_backend.link.records import Known
from zonetag_backend.link.session import FETCH_MOST, Session
from zonetag_gateway import linkpolicy
from zonetag_gateway.linkpolicy import Call, Heard
from zonetag_protocol import fragments, link
from zonetag_protocol import linkmessage as say

EXCHANGE_S = 0.05
SEARCH_S = 20 * EXCHANGE_S
BACKEND_S = 0.1
MTU = 185
PIECE = 10  # records of a tag's message
RECORD = bytes(19) + b"\1" + b"\x10" * 16
SLOT_S, GROUP = 4, 4
FAILS = 0.1
UNHEARD = 0.2
GIVES_UP_S = {"6.1": 4.0, "6.12": linkpolicy.CONNECT_S}  # Linux, of what it has asked the controller for
STEP_S = 0.25
REST_STEPS = 4  # from one advert to the next; 1 while it walks
REPORT_S = 5.0  # report.every_s
NOW_MS = 1_795_140_000_000


@dataclass(frozen=True, slots=True)
class Stay:
    """A tag within reach of a gateway, s of the simulation."""

    gateway: str
    begin: float
    end: float
    rssi: int
    walking: bool = False
    # sends more often


@dataclass(slots=True)
class Wearer:
    """A tag and its way."""

    stays: tuple[Stay, ...]
    waiting: int
    # records of its log
    fetched: list[float] = field(default_factory=list)
    # when its log was empty
    at: list[str] = field(default_factory=list)
    # gateways that it has talked to

    def stay(self, now: float) -> Stay | None:
        """Where it is."""
        return next((each for each in self.stays if each.begin <= now < each.end), None)


@dataclass(slots=True)
class Door:
    """A gateway."""

    name: str
    calls: dict[int, Call] = field(default_factory=dict)
    heard: dict[bytes, Heard] = field(default_factory=dict)
    busy: dict[int, "Talk"] = field(default_factory=dict)
    asked: int | None = None
    # the tag that the controller is to connect to
    deaf: float = 0.0
    # seconds in which there was one


@dataclass(slots=True)
class Talk:
    """A connection, s of the simulation."""

    call: Call
    begun: float
    # when the gateway began to want it
    asked: float = 0.0
    # when the controller was asked for it
    opened: float = 0.0
    # since when it stands
    closes: float | None = None
    # when it is over; none until it stands


def session_s(records: int) -> tuple[float, float]:
    """Seconds from the connection to the goodbye for so many records, and until the first of them are acknowledged."""
    backend = link.backend_end(bytes(16), 4, bytes(8))
    tag = link.tag_end(bytes(16), 4, bytes(range(8)))
    took = SEARCH_S + _air(backend.begin())
    tag.receive(backend.begin())
    session = Session(backend, Known(), ())
    session.take(tag.answer(), NOW_MS)
    took += _air(tag.answer())
    status = say.Status(5000, 1, 800, (0, 1, 0), 0, b"log1", 1, records + 1, 0, bytes(4), 0, (0,) * 11)
    up, number, first = [(say.STATUS, say.pack_status(status))], 1, 0.0
    while True:
        told = []
        for kind, body in up:
            message = tag.seal(kind, body)
            took += _air(message) + BACKEND_S
            told += session.take(message, NOW_MS).say
        up = []
        for message in told:
            took += _air(message)
            got = tag.receive(message)
            assert got is not None
            if got.type == say.BYE:
                return took, first
            if got.type == say.FETCH:
                number, most = say.unpack_fetch(got.body)
                while most and number <= records:
                    count = min(PIECE, most, records + 1 - number)
                    up.append((say.CONTACTS, say.pack_contacts(number, [RECORD] * count)))
                    number, most = number + count, most - count
                if most:
                    up.append((say.CONTACTS, say.pack_contacts(number, [])))
            else:
                if got.type == say.ACKNOWLEDGE and not first:
                    first = took
                up.append((say.DONE, say.pack_done(got.type, say.OK, number)))


def _air(message: bytes) -> float:
    return EXCHANGE_S * len(fragments.split(message, MTU))


class Crowd:
    """Wearers among gateways, `connections` at each; `run` it once, then read what became of everybody."""

    def __init__(self, wearers: Sequence[Wearer], connections: int, every_s: int = 900, linux: str = "6.12") -> None:
        self.wearers = wearers
        self._gives_up_s = GIVES_UP_S[linux]
        self._connections = connections
        self._roll = random.Random(1)
        self._calls = Calls(every_s)
        self.doors = {stay.gateway: Door(stay.gateway) for each in wearers for stay in each.stays}
        self._out: dict[int, tuple[Sighting, float]] = {}  # tag -> where it is called, until when
        self._length = {records: session_s(records) for records in range(0, 2 * FETCH_MOST + 1, 20)}
        self.counts: Counter[str] = Counter()
        # calls, and how they ended
        self.most = 0  # connections at one gateway at once

    def run(self, seconds: float, grow_s: float = 0.0) -> None:
        """So long; with `grow_s` each tag logs a record more in each of so many seconds."""
        for step in range(round(seconds / STEP_S)):
            now = step * STEP_S
            if grow_s and now % grow_s < STEP_S:
                for each in self.wearers:
                    each.waiting += 1
            if now % REPORT_S < STEP_S:
                self._call(now)
            for door in self.doors.values():
                self._end(door, now)
                self._begin(door, now)
                self._connect(door, now)
                door.deaf += STEP_S * (door.asked is not None)

    def deaf(self, gateway: str, seconds: float) -> float:
        """Share of the time in which a gateway whose adapter connects too heard nobody."""
        return self.doors[gateway].deaf / seconds

    def _call(self, now: float) -> None:
        """The backend, at each report: as `link_desk.Desk` does."""
        now_ms = round(now * 1000)
        for tag, (_, until) in list(self._out.items()):
            if now > until:
                self._over(tag, now, proved=False, complete=False)
        seen = []
        for tag, each in enumerate(self.wearers):
            if (stay := each.stay(now)) is not None:
                eid = tag.to_bytes(8, "big")
                waits = each.waiting > 0
                seen.append(Sighting(tag, stay.gateway, "hq", now_ms, eid, 4, stay.rssi, now_ms + 600_000, waits))
        seen.sort(key=lambda s: (self._calls.waited_s(s.tag, now_ms), s.rssi_max), reverse=True)
        at = Counter(sighting.gateway for sighting, _ in self._out.values())
        for one in seen:
            if one.tag in self._out or at[one.gateway] >= calls.MOST_AT_GATEWAY:
                continue
            if self._calls.wanted(one, False, now_ms):
                at[one.gateway] += 1
                valid_s = calls.valid_s(one, now_ms)
                self._out[one.tag] = one, now + valid_s + calls.IDLE_MS / 1000
                waited_s = self._calls.waited_s(one.tag, now_ms)
                self.doors[one.gateway].calls[one.tag] = Call(one.eid, one.eid, b"", waited_s, now + valid_s)
                self.counts["called"] += 1

    def _begin(self, door: Door, now: float) -> None:
        """A gateway: whom it tries now."""
        for tag, call in list(door.calls.items()):
            stay = self.wearers[tag].stay(now)
            if stay is not None and stay.gateway == door.name:
                door.heard[call.eid] = linkpolicy.smoothed(door.heard.get(call.eid), now, stay.rssi)
        for call in linkpolicy.expired(list(door.calls.values()), now):
            self._give_up(door, call, now, "expired")
        free = self._connections - len(door.busy)
        for call in linkpolicy.choose(list(door.calls.values()), door.heard, now, free):
            tag = int.from_bytes(call.eid, "big")
            del door.calls[tag]
            door.busy[tag] = Talk(call, now)
        self.most = max(self.most, len(door.busy))

    def _connect(self, door: Door, now: float) -> None:
        """Linux and the controller of a gateway, in one step."""
        for tag, talk in list(door.busy.items()):
            if talk.closes is not None:
                continue
            connecting = door.asked == tag
            if now - talk.begun >= linkpolicy.CONNECT_S or (connecting and now - talk.asked >= self._gives_up_s):
                self._failed(door, tag, now)
            elif door.asked in (None, tag) and self._lets_in(tag, door.name, now):
                if not connecting:
                    door.asked, talk.asked = tag, now
                elif self._roll.random() < FAILS:
                    self._failed(door, tag, now)
                else:
                    door.asked, talk.opened = None, now
                    talk.closes = now + self._takes(self.wearers[tag].waiting)[0]

    def _lets_in(self, tag: int, gateway: str, now: float) -> bool:
        """Whether a connectable advert of it is heard in this step."""
        stay = self.wearers[tag].stay(now)
        group = int(now // (SLOT_S * GROUP))
        drawn = group * GROUP + random.Random(group * 1000 + tag).randrange(GROUP)
        if stay is None or stay.gateway != gateway or int(now // SLOT_S) != drawn:
            return False
        sends = stay.walking or (round(now / STEP_S) + tag) % REST_STEPS == 0
        return sends and self._roll.random() >= UNHEARD

    def _failed(self, door: Door, tag: int, now: float) -> None:
        call = door.busy.pop(tag).call
        if door.asked == tag:
            door.asked = None
        again = linkpolicy.failed(call, now)
        if again is None or again.until < now:
            self._give_up(door, call, now, "unreachable")
        else:
            door.calls[tag] = again
            self.counts["tried again"] += 1

    def _takes(self, records: int) -> tuple[float, float]:
        return self._length[min(max(self._length), -(-records // 20) * 20)]

    def _end(self, door: Door, now: float) -> None:
        for tag, talk in list(door.busy.items()):
            each = self.wearers[tag]
            stay = each.stay(now)
            here = stay is not None and stay.gateway == door.name
            if talk.closes is not None and (now >= talk.closes or not here):
                del door.busy[tag]
                each.at.append(door.name)
                whole = now >= talk.closes
                if whole:
                    each.waiting = 0
                    each.fetched.append(now)
                elif now - talk.opened >= self._takes(each.waiting)[1]:
                    each.waiting = max(1, each.waiting - FETCH_MOST)
                self.counts["fetched" if whole else "broken off"] += 1
                self._over(tag, now, proved=True, complete=whole)

    def _give_up(self, door: Door, call: Call, now: float, why: str) -> None:
        tag = int.from_bytes(call.eid, "big")
        door.calls.pop(tag, None)
        self.counts[why] += 1
        self._over(tag, now, proved=False, complete=False)

    def _over(self, tag: int, now: float, *, proved: bool, complete: bool) -> None:
        if tag in self._out:
            gateway = self._out.pop(tag)[0].gateway
            self._calls.ended(tag, gateway, proved, complete, round(now * 1000))


def morning(
    tags: int = 100, minutes: float = 30, door_s: float = 20, records: int = 120, seed: int = 1
) -> list[Wearer]:
    """All come in through one door, where each is heard for some seconds, then sit in one of three rooms."""
    roll = random.Random(seed)
    out = []
    for number in range(tags):
        came = roll.uniform(0, 60 * minutes)
        room = f"room {number % 3}"
        stays = (
            Stay("door", came, came + door_s, -60, walking=True),
            Stay(room, came + door_s + 10, 1e9, roll.randint(-82, -55)),
        )
        out.append(Wearer(stays, records))
    return out


def seated(tags: int = 100, records: int = 16, seed: int = 1) -> list[Wearer]:
    """All at one gateway all the time."""
    roll = random.Random(seed)
    return [Wearer((Stay("hall", 0, 1e9, roll.randint(-82, -55)),), records) for _ in range(tags)]
