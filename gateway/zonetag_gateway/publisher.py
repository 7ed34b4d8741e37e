"""What to send next, what is in flight, what to send again, what an acknowledgement allows.  Pure; mqtt.py is its edge.

Laws:
1. A report leaves the spool only because an acknowledgement of the backend names it.  A PUBACK changes nothing.
2. At most `in_flight` reports are sent and not acknowledged; the oldest go first.  One that was sent PATIENT times in
   vain is passed over (it goes on being sent), lest a few that the backend cannot take hold up all others; of those
   there are PASSED_OVER times `in_flight` at most.
3. What is in flight is sent again after each reconnect, and when its acknowledgement has not come for a while.
4. An acknowledgement deletes only what this process has sent: one that claims more is cut down to that.
5. An enrolled gateway takes only acknowledgements that its backend has signed.

Life of a report in flight (now in seconds of the monotonic clock):

| event | effect |
|---|---|
| read from the spool | sent; due again after resend_s |
| due, online | sent again; due after twice the time, at most MAX_RESEND_S, give or take a quarter |
| the connection has no room | due when it has, or after POSTPONED_S |
| offline | waits |
| online | due at once |
| the broker refuses it | due as if it had just been sent |
| acknowledged | gone, and deleted from the spool |
| an acknowledgement of others | the backend is alive: due after resend_s at the latest |
| sent PATIENT times | counts no longer against `in_flight` |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from zonetag_gateway.spool import Record
from zonetag_protocol import acknowledgement, envelope
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import Forged, ZonetagError

MAX_RESEND_S = 120.0  # an operator who registers a gateway sees its reports within two minutes
PATIENT = 4  # sendings: with resend_s = 20 s two to three minutes
PASSED_OVER = 9  # times in_flight: what is kept in memory of a backend that takes nothing
POSTPONED_S = 1.0  # should the connection forget to say that it has room again


@dataclass(slots=True)
class _Flight:
    record: Record
    due: float
    tries: int = 1
    postponed: bool = False  # it has not been sent yet


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    sent: int = 0
    # reports, each once
    resent: int = 0
    # sendings again
    acknowledged: int = 0
    # reports
    refused: int = 0
    # publishes that the broker has refused aloud (MQTT v5)
    acks_ignored: int = 0
    # acknowledgements for another gateway or of nothing that was sent
    acks_malformed: int = 0
    acks_forged: int = 0
    # acknowledgements that the backend has not signed
    asked_again: int = 0
    # reports that the backend has asked for and that were sent once more
    told_lost: int = 0
    # reports that it has asked for and that are no longer here


class Publisher:
    """Decides; does nothing."""

    def __init__(
        self,
        gateway: str,
        in_flight: int,
        resend_s: float,
        jitter: Callable[[], float],
        backend: Ed25519PublicKey | None = None,
    ) -> None:
        """`jitter` gives a random number from 0 to 1 each time; `backend` must have signed acknowledgements."""
        self._gateway = gateway
        self._backend = backend
        self._wanted: dict[int, tuple[int, ...]] = {}  # boot -> what the backend misses
        self._in_flight = in_flight
        self._room = in_flight
        self._resend_s = resend_s
        self._jitter = jitter
        self._flights: dict[tuple[int, int], _Flight] = {}  # (boot, seq), oldest first
        self._highest: dict[int, int] = {}  # boot -> highest seq sent by this process
        self._after = 0  # place in the spool up to which everything has been sent
        self._online = False
        self.counters = Counters()

    @property
    def flying(self) -> int:
        """Reports sent and not acknowledged."""
        return len(self._flights)

    @property
    def passed_over(self) -> int:
        """Those of them that were sent PATIENT times in vain."""
        return sum(flight.tries >= PATIENT for flight in self._flights.values())

    def online(self, now: float, room: int) -> None:
        """A connection stands, whose broker takes `room` messages at a time; the one before may have lost some."""
        self._online = True
        self._room = max(1, min(self._in_flight, room))
        for flight in self._flights.values():
            flight.due = now

    def offline(self) -> None:
        """No connection."""
        self._online = False

    def wants(self) -> tuple[int, int]:
        """(how many, behind which place): what to read from the spool now; how many is 0 when there is no room."""
        if not self._online:
            return 0, self._after
        room = self._room - (len(self._flights) - self.passed_over)
        most = (1 + PASSED_OVER) * self._in_flight - len(self._flights)
        return max(0, min(room, most)), self._after

    def take(self, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Records read as `wants` asked: send them."""
        for record in records:
            self._flights[record.boot, record.seq] = _Flight(record, now + self._wait(1))
            self._highest[record.boot] = max(record.seq, self._highest.get(record.boot, 0))
            self._after = max(self._after, record.id)
        self.counters.sent += len(records)
        return records

    def due(self, now: float) -> list[Record]:
        """What must be sent again at `now`."""
        if not self._online:
            return []
        again = []
        for flight in self._flights.values():
            if now >= flight.due:
                if not flight.postponed:
                    flight.tries += 1
                    self.counters.resent += 1
                flight.postponed = False
                flight.due = now + self._wait(flight.tries)
                again.append(flight.record)
        return again

    def next_due(self) -> float | None:
        """When `due` will have something; None: not before something else happens."""
        if not self._online:
            return None
        return min((flight.due for flight in self._flights.values()), default=None)

    def postpone(self, boot: int, seq: int, now: float) -> None:
        """The connection had no room for a report that `take` or `due` has given."""
        flight = self._flights.get((boot, seq))
        if flight is not None:
            flight.postponed = True
            flight.due = now + POSTPONED_S

    def roomy(self, now: float) -> None:
        """The connection has room again."""
        for flight in self._flights.values():
            if flight.postponed:
                flight.due = now

    def refused(self, boot: int, seq: int, now: float) -> None:
        """The broker has refused a report aloud: it waits like one that nobody acknowledges."""
        self.counters.refused += 1
        flight = self._flights.get((boot, seq))
        if flight is not None:
            flight.due = now + self._wait(flight.tries)

    def acknowledge(self, data: bytes, now: float) -> Acknowledgement | None:
        """A message from the topic `ack`: what to delete from the spool, or None.  Anything may be in `data`."""
        try:
            ack = acknowledgement.decode(envelope.unwrap(data, "ack", self._backend))
        except Forged:
            self.counters.acks_forged += 1
            return None
        except ZonetagError:
            self.counters.acks_malformed += 1
            return None
        if ack.gateway == self._gateway and ack.missing:
            self._wanted[ack.boot] = ack.missing
        highest = self._highest.get(ack.boot)
        if ack.gateway != self._gateway or highest is None:
            self.counters.acks_ignored += 1
            return None
        safe = Acknowledgement(
            ack.gateway, ack.boot, min(ack.through, highest), tuple(seq for seq in ack.beyond if seq <= highest)
        )
        beyond = set(safe.beyond)
        for boot, seq in list(self._flights):
            if boot == safe.boot and (seq <= safe.through or seq in beyond):
                del self._flights[boot, seq]
                self.counters.acknowledged += 1
        for flight in self._flights.values():
            flight.due = min(flight.due, now + self._wait(1))
        return safe

    def wanted(self) -> list[tuple[int, list[int]]]:
        """(boot, seqs) that the backend misses and that are not on their way; each said once."""
        asked, self._wanted = self._wanted, {}
        found = [(boot, [seq for seq in seqs if (boot, seq) not in self._flights]) for boot, seqs in asked.items()]
        return [(boot, seqs) for boot, seqs in found if seqs]

    def again(self, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Of reports that were asked for, those that have their turn behind them: send them once more."""
        behind = [record for record in records if record.id <= self._after]
        self.counters.asked_again += len(behind)
        self.take(behind, now)
        self.counters.sent -= len(behind)
        return behind

    def _wait(self, tries: int) -> float:
        return min(self._resend_s * 2.0 ** min(tries - 1, 10), max(MAX_RESEND_S, self._resend_s)) * (
            0.75 + self._jitter() / 2
        )
