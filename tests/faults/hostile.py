"""Hostile messages: by the million into the server's own code, and by the thousand through the real broker."""

import logging
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import cbor2
import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from faults import counting, kills
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import GATEWAY, MQTT_PORT, Stack, stack
from paho.mqtt.enums import CallbackAPIVersion
from rig.registry import HOUR_MS, Office, make_office
from rig.reports import NOW_MS, Gateway, Tag, sealed, signing_key
from sqlalchemy import delete

from zonetag_backend.events import Events
from zonetag_backend.ingest import Ingest
from zonetag_backend.mqtt import Incoming
from zonetag_backend.signatures import FORGED, MALFORMED, OTHER_GATEWAY, UNSIGNED
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema import enrolment
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import Subscriber
from zonetag_protocol import acknowledgement, envelope, report, topics
from zonetag_protocol.bulk import Verifier

BETWEEN = 500  # hostile messages between two honest reports
POOL = 60  # of each costly kind, made once
WINDOWS = 4  # of an honest report
AHEAD_MS = 24 * HOUR_MS  # how far the server's clock is in front of what it is told: a late gateway


class Attacker:
    """Makes hostile messages out of honest ones."""

    def __init__(self, dice: random.Random, honest: list[report.Report], gateway: str = GATEWAY) -> None:
        self._dice = dice
        self._mine = [sealed(made, signing_key(gateway)) for made in honest]
        self._topic = topics.topic("hq", gateway, topics.REPORT)
        stranger = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32))
        fresh = [_renamed(made, 1000 + n) for n, made in enumerate(honest * (POOL // len(honest)))]
        self._unsigned = [envelope.wrap(report.encode(made), topics.REPORT) for made in fresh]
        self._forged = [sealed(made, stranger) for made in fresh]
        self._others = [sealed(made, signing_key("gw2")) for made in fresh]
        self._huge = dice.randbytes(300_000)
        self._bombs = [b"\x81" * 5000, b"\xd2\x84" + b"\xbf" * 3000, b"\xd8\x1d\x00" * 2000, cbor2.dumps([b""] * 9000)]

    def messages(self, times: int) -> Iterator[tuple[str, bytes]]:
        """Topic and payload."""
        dice = self._dice
        for _ in range(times):
            kind = dice.random()
            if kind < 0.85:
                yield self._topic, self._wounded(dice.choice(self._mine))
            elif kind < 0.90:
                yield self._topic, dice.choice(self._unsigned)
            elif kind < 0.93:
                yield self._topic, dice.choice(self._forged)
            elif kind < 0.96:
                yield self._topic, dice.choice(self._others)
            elif kind < 0.98:
                yield topics.topic("hq", "gw2", topics.REPORT), dice.choice(self._mine)
            elif kind < 0.99:
                yield self._topic, dice.choice(self._mine)
            elif kind < 0.999:
                yield self._topic, dice.choice(self._bombs)
            else:
                yield self._topic, self._huge

    def _wounded(self, whole: bytes) -> bytes:
        dice, data = self._dice, bytearray(whole)
        for _ in range(1 + int(dice.random() * 3)):
            at = int(dice.random() * len(data)) if data else 0
            match int(dice.random() * 5):
                case 0:
                    data[at : at + 1] = dice.randbytes(1)
                case 1:
                    del data[at : at + 1 + int(dice.random() * 4)]
                case 2:
                    data[at:at] = dice.randbytes(1 + int(dice.random() * 6))
                case 3:
                    del data[at:]
                case _:
                    data[at : at + 1] = bytes([int(dice.random() * 32)])
        return bytes(data)


def _renamed(made: report.Report, seq: int) -> report.Report:
    """The same under a number that was never used: taken for true, its windows would stand there twice."""
    return report.Report(made.gateway, made.boot, seq, made.previous, made.base, made.columns, made.tallies)


@dataclass
class _Back:
    """The way back: counts what is told."""

    finished: int = 0
    acknowledged: set[int] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def publish(self, topic: str, payload: bytes) -> bool:
        told = acknowledgement.decode(envelope.unwrap(payload, topics.ACK))
        self.acknowledged.update(range(1, told.through + 1), told.beyond)
        return True

    def done(self, message: Incoming) -> None:
        with self.changed:
            self.finished += 1
            self.changed.notify_all()


class _Gullible(Verifier):
    """Control: any authenticator will do."""

    def __init__(self, honest: Verifier) -> None:
        self._honest = honest

    def open(self, epoch: int, eid: bytes, auth: bytes) -> tuple[int, int] | None:
        return self._honest.open(epoch, eid, auth) or (auth[0], 7)


class _NoMac(Ingest):
    """Control: checks no authenticator."""

    def verifier(self, tag: int) -> Verifier:
        return _Gullible(super().verifier(tag))


def _fuzz(run: Run, *, mac: bool = True, signatures: bool = True) -> Count:
    run.folder.mkdir(exist_ok=True)
    office = make_office(run.folder / "office", enrolled=signatures)
    tags = [office.tag(office.add_tag(f"A-{n}")) for n in range(WINDOWS)]
    ingest = (Ingest if mac else _NoMac)(office.keyring.open, 3, 300_000)
    writer = Writer(office.database, ingest, allow_unsigned=not signatures)
    back, gateway = _Back(), Gateway(GATEWAY)
    now = [NOW_MS + AHEAD_MS]
    subscriber = Subscriber(writer, Events(), lambda: now[0], 256)
    logger = logging.getLogger("zonetag_backend.subscriber")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a line for each group, of millions
    subscriber.start(back)
    try:
        sent = _send(run, subscriber, back, gateway, tags, now)
    finally:
        subscriber.stop()
        logger.setLevel(level)
        office.database.dispose()
    counters = subscriber.counters()
    named = counters.malformed + sum(counters.unsigned.values()) + counters.refused + counters.duplicates
    told = "" if not signatures or named == sent.hostile else f"{sent.hostile - named} messages are counted nowhere"
    stored = counting.read_database(run.folder / "office" / "zonetag.db")
    honest = {(GATEWAY, gateway.boot, seq, row) for seq in range(1, sent.honest + 1) for row in range(WINDOWS)}
    lost = len(honest - stored.names)
    wrong = len(stored.names - honest) + sum(n - 1 for n in stored.content.values()) + counters.failed
    told = told or (f"{lost} lost; {wrong} that nobody honest sent" if lost or wrong else "")
    uncounted = sent.hostile - named if signatures else 0
    return Count(WINDOWS * len(back.acknowledged), len(stored.names), lost + abs(uncounted), wrong, told)


@dataclass(frozen=True, slots=True)
class _Sent:
    honest: int
    hostile: int


def _send(run: Run, subscriber: Subscriber, back: _Back, gateway: Gateway, tags: list[Tag], now: list[int]) -> _Sent:
    honest: list[report.Report] = []

    def speak() -> None:
        at = NOW_MS + 4000 * len(honest)
        now[0] = at + AHEAD_MS
        heard = [tag.window(at) for tag in tags]
        true = tags[0].window(at)
        # One who has heard a tag puts an identifier on the air with an authenticator of their own.
        sub = tags[0].t_ms(at) // 1000 % 1024 // 4
        heard.append(true.but(auth=bytes([sub, 0]) + run.dice.randbytes(4)))
        made = gateway.report(*heard)
        honest.append(made)
        subscriber.put(Incoming(gateway.topic(), sealed(made), 1, 0, 1))

    for _ in range(5):
        speak()
    attacker = Attacker(run.dice, honest)
    hostile = 0
    for topic, payload in attacker.messages(run.times):
        subscriber.put(Incoming(topic, payload, 1, 0, 1))
        hostile += 1
        if hostile % BETWEEN == 0:
            speak()
            if hostile % 10_000 == 0:
                run.progress(hostile)
    speak()
    total = hostile + len(honest)
    with back.changed:
        assert back.changed.wait_for(lambda: back.finished >= total, 600.0)
    return _Sent(len(honest), hostile)


def _fuzz_control(run: Run) -> bool:
    """Without the check of authenticators, and without the check of signatures."""
    no_mac = _fuzz(Run(run.folder / "mac", 2000, run.dice, run.progress), mac=False)
    no_signature = _fuzz(Run(run.folder / "signature", 2000, run.dice, run.progress), signatures=False)
    return no_mac.double > 0 and no_signature.double > 0


def _over_the_broker(run: Run, *, signed: bool = True) -> Count:
    """The gateway of the stack goes on, while somebody with access to the broker writes on its topics."""
    with stack(run.folder) as made:
        made.start_broker()
        if not signed:
            _forget_keys(made.office)
            made.server_settings = '[ingest]\nunsigned = "allow"\n'
        made.start_server()
        made.server_ready()
        made.air.start()
        made.start_gateway()
        made.gateway_ready()
        made.progress(3)
        _attack(made, run)
        made.progress(3)
        made.finish()
        count = made.count()
        with counting.open_database(made.database) as db:
            names = {code for (code,) in db.execute("SELECT code FROM gateway_refusal WHERE gateway = ?", (GATEWAY,))}
        if signed:
            missing = {MALFORMED, UNSIGNED, FORGED, OTHER_GATEWAY} - names
            assert not missing, f"nothing was refused as {missing}"
        return count


def _attack(made: Stack, run: Run) -> None:
    shadow = counting.read_shadow(made.shadow)
    attacker = Attacker(run.dice, list(shadow.tried.values())[:5])
    accepted = threading.Semaphore(0)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "attacker", protocol=mqtt.MQTTv311)
    client.max_inflight_messages_set(100)
    client.on_publish = lambda *_: accepted.release()
    made.networks.office.do(lambda: client.connect(made.networks.server.address, MQTT_PORT))
    client.loop_start()
    try:
        for n, (topic, payload) in enumerate(attacker.messages(run.times)):
            client.publish(topic, payload, 1)
            if n >= 100:
                assert accepted.acquire(timeout=120)
            if n % 1000 == 999:
                run.progress(n + 1)
        for _ in range(min(run.times, 100)):
            assert accepted.acquire(timeout=120)
    finally:
        client.disconnect()
        client.loop_stop()


def _forget_keys(office: Office) -> None:
    with writing(office.database) as connection:
        connection.execute(delete(enrolment.gateway_key))


FUZZ = Fault(
    "hostile-fuzz",
    "corrupt, truncated, huge, unsigned, wrongly signed, replayed reports and forged adverts, in the server's code",
    6_000,
    10_000_000,
    _fuzz,
    _fuzz_control,
    "no check of authenticators; no check of signatures",
)
BROKER = Fault(
    "hostile-broker",
    "the same over the real broker, beside a gateway at work",
    500,
    100_000,
    _over_the_broker,
    lambda run: _over_the_broker(Run(run.folder, 300, run.dice, run.progress), signed=False).double > 0,
    "the server takes reports without a signature",
    kills.needs,
)
