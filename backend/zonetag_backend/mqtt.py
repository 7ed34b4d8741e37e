"""The broker: the only file of the backend that imports paho.

A session that outlives the connection, under a client identifier that never changes, so that the broker keeps what
comes while the backend is away.  A message is PUBACKed only when `done` is called for it, which is after its commit.

States of one connection, and what each event does:

| state | connected | refused for its version, or ended unanswered | ended | stop |
|---|---|---|---|---|
| connecting | serving | connecting, with the other version if that is auto | connecting, after a while | stopped |
| serving | | | connecting, after a while | stopped |
"""

import logging
import random
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from zonetag_backend.config import Broker
from zonetag_backend.errors import BrokerError
from zonetag_protocol import topics

LEAVES = (topics.REPORT, topics.LOST, topics.STATE, topics.HEALTH, topics.UPLINK)  # what the backend listens to
QOS = 1
SESSION_S = 7 * 24 * 3600  # how long a v5 broker keeps what the backend misses; gateways keep it until acknowledged
KEEPALIVE_S = 30
ANSWER_S = 10.0  # a broker that has not answered a CONNECT by then is asked again
BACK_OFF_S = (0.5, 30.0)  # first and longest wait before the next attempt; doubled each time, with jitter
MAX_QUEUED = 10_000  # acknowledgements that wait for a slow broker; what is over is asked for again

_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
_OTHER_VERSION = 0x84  # MQTT v5 section 4.13: unsupported protocol version
_TAKEN_OVER = 0x8E  # MQTT v5 section 2.4: another client came with the same identifier

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as the broker handed it over; it stays the broker's problem until `Link.done`."""

    topic: str
    payload: bytes
    connection: int
    # which connection brought it
    mid: int
    # its number on that connection
    qos: int


class Link:
    """Keeps a connection to the broker from `start` to `stop`, whatever happens to it."""

    def __init__(
        self,
        settings: Broker,
        receive_maximum: int,
        on_message: Callable[[Incoming], None],
        on_change: Callable[[bool], None] = lambda _connected: None,
        *,
        leaves: tuple[str, ...] = LEAVES,
        persistent: bool = True,
    ) -> None:
        """`on_message` is called in paho's thread and may block: then nothing more is read from the broker.

        At most `receive_maximum` messages are handed over before `done` (as far as the broker heeds that).
        """
        self._settings = settings
        self._receive_maximum = receive_maximum
        self._on_message = on_message
        self._on_change = on_change
        self._leaves = leaves
        self._persistent = persistent
        self._version = "5" if settings.mqtt_version == "auto" else settings.mqtt_version
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._connected = False
        self._connection = 0
        self._failures = 0  # attempts since the last connection that held
        self._client: paho.Client | None = None
        self._thread = threading.Thread(target=self._run, name="zonetag-mqtt", daemon=True)
        # Wrong settings are told at the start, by whoever starts it, and not by a thread later.
        self._password = _password(settings)
        self._tls = _tls(settings)

    @property
    def connected(self) -> bool:
        """Whether the broker has taken us."""
        return self._connected

    @property
    def version(self) -> str:
        """The MQTT version of this or the next connection."""
        return self._version

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Say goodbye and end.  The broker goes on keeping messages for us."""
        self._stopping.set()
        client = self._client
        if client is not None:
            client.disconnect()
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send a message at QoS 1; False if there is no connection or it is too slow.  From any thread."""
        client = self._client
        if client is None or not self._connected:
            return False
        return client.publish(topic, payload, qos=QOS).rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def done(self, message: Incoming) -> None:
        """The message is safe (or worthless): the broker may forget it.  From any thread."""
        client = self._client
        # A message of a connection that has ended comes again on the next one, under a number that may mean another.
        if client is not None and self._connected and message.connection == self._connection:
            client.ack(message.mid, message.qos)

    def _run(self) -> None:
        first, longest = BACK_OFF_S
        while not self._stopping.is_set():
            if self._one_connection():
                continue
            wait = min(first * 2.0 ** min(self._failures, 16), longest)
            self._failures += 1
            self._stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311  # spreads reconnects, guards nothing

    def _one_connection(self) -> bool:
        """Connect and serve until it ends.  True: try again at once."""
        self._ended.clear()
        self._answered.clear()
        self._connection += 1
        client = self._client = self._make(self._connection)
        try:
            self._connect(client)
        except (OSError, ValueError) as error:
            log.warning("no connection to the broker at %s: %s", self._settings.url, error)
            return False
        client.loop_start()
        try:
            if not self._wait_for_answer():
                return self._other_version()
            self._ended.wait()
            return False
        finally:
            was_connected, self._connected = self._connected, False
            client.disconnect()
            client.loop_stop()
            if was_connected:
                self._on_change(False)

    def _wait_for_answer(self) -> bool:
        """Whether the broker took us."""
        self._answered.wait(ANSWER_S)
        return self._connected or self._stopping.is_set()

    def _other_version(self) -> bool:
        """After a CONNECT that got nowhere: on to the other version, if that is allowed."""
        if self._settings.mqtt_version != "auto" or self._stopping.is_set():
            return False
        self._version = "3.1.1" if self._version == "5" else "5"
        return self._version == "3.1.1"  # at once; but no race between the two with a broker that takes neither

    def _make(self, connection: int) -> paho.Client:
        v5 = self._version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            clean_session=None if v5 else not self._persistent,
            protocol=_VERSIONS[self._version],
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_queued_messages_set(MAX_QUEUED)
        if self._settings.username:
            client.username_pw_set(self._settings.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._newest_tls(self._tls))

        def connected(client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            if reason.is_failure:
                # Of a broker that speaks 3.1.1 only that is an answer, not a trouble, when there is a choice.
                expected = self._settings.mqtt_version == "auto" and reason.value == _OTHER_VERSION
                level = logging.INFO if expected else logging.WARNING
                log.log(level, "%s refuses us over MQTT %s: %s", self._settings.url, self._version, reason)
            else:
                client.subscribe([(topics.every(leaf), QOS) for leaf in self._leaves])
                self._connected = True
                self._failures = 0
                log.info("connected to %s over MQTT %s", self._settings.url, self._version)
                self._on_change(True)
            self._answered.set()

        def ended(_client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
            if reason.value == _TAKEN_OVER:
                log.error(
                    "another client took over our identifier %r: give each backend its own broker.client_id",
                    self._settings.client_id,
                )
            elif not self._stopping.is_set() and self._connected:
                log.warning("the connection to %s ended: %s", self._settings.url, reason)
            self._answered.set()
            self._ended.set()

        def message(_client: paho.Client, _data: Any, heard: paho.MQTTMessage) -> None:
            self._on_message(Incoming(heard.topic, bytes(heard.payload), connection, heard.mid, heard.qos))

        client.on_connect = connected
        client.on_disconnect = ended
        client.on_message = message
        return client

    def _newest_tls(self, before: ssl.SSLContext) -> ssl.SSLContext:
        """Our certificate as it is on disk now: it is renewed while we run."""
        try:
            self._tls = _tls(self._settings)
        except BrokerError as error:
            log.warning("still with the certificate of before: %s", error)
        return self._tls or before

    def _connect(self, client: paho.Client) -> None:
        s = self._settings
        if self._version != "5":
            client.connect(s.host, s.port, KEEPALIVE_S)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it without types
        properties.ReceiveMaximum = self._receive_maximum
        properties.SessionExpiryInterval = SESSION_S if self._persistent else 0
        client.connect(s.host, s.port, KEEPALIVE_S, clean_start=not self._persistent, properties=properties)


def _password(settings: Broker) -> str | None:
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(f"cannot read the password in {settings.password_file}: {error}") from error


def _tls(settings: Broker) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=None if settings.ca is None else str(settings.ca))
        if settings.cert is not None:
            context.load_cert_chain(settings.cert, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise BrokerError(
            f"cannot use the certificates: {error}. Check broker.ca, broker.cert and broker.key."
        ) from error
    return context
