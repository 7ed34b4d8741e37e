"""One connection to an MQTT broker.  The only file of the gateway that imports paho.

A `Connection` is used once: connected, lost, thrown away.  So no queue and no session of the library lives longer than
its connection; what must last is in the spool, and the session at the broker (which keeps acknowledgements for a
gateway that is away) goes by the client's name.

paho runs a thread of its own.  Everything it has to say becomes an event, given to `tell` in that thread.  At most
`MAX_WAITING` received messages wait to be handled: beyond that the thread stops reading, and TCP holds the broker back.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from zonetag_gateway.config import BrokerConfig
from zonetag_gateway.errors import BrokerSettings
from zonetag_gateway.tls import context
from zonetag_protocol.envelope import MAX_BYTES

V5 = "5"
V311 = "3.1.1"
KEEPALIVE_S = 30  # so that a dead link is noticed, and the last will sent, within 45 s
SESSION_EXPIRY_S = 24 * 3600  # acknowledgements wait so long for a gateway; what is lost then is sent again
RECEIVE_MAXIMUM = 32  # messages that the broker may have under way to us
CONNECT_TIMEOUT_S = 10.0
BESIDE = 4  # messages under way beside the reports: state, health, and what is sent again
MAX_WAITING = 64
STOP_S = 3.0  # how long `stop` waits for the goodbye to go out
WAIT_S = 5.0  # how long the thread waits for its messages to be handled before one is dropped
_UNSUPPORTED_VERSION = 0x84  # MQTT v5 reason code; paho turns 3.1.1's 0x01 into it
_BAD_CREDENTIALS = (0x86, 0x87)  # bad user name or password, not authorized


@dataclass(frozen=True, slots=True)
class Message:
    """Something to publish."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has taken us in."""

    version: str
    # V5 or V311
    room: int
    # messages that the broker lets us have under way (Receive Maximum)


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, or never came about; said once."""

    what: str
    # for the log
    connected: bool
    # whether it had come about
    version_refused: bool = False
    # the broker does not speak this version, or hung up without a word
    denied: bool = False
    # the broker refuses these credentials


@dataclass(frozen=True, slots=True)
class Received:
    """A message on a subscribed topic.  Call `Connection.handled` when done with it."""

    topic: str
    payload: bytes
    retained: bool
    # kept by the broker from before this subscription


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker has refused a publish aloud (PUBACK with an error, MQTT v5 only)."""

    mid: int
    # as `publish` gave it
    what: str
    # for the log


@dataclass(frozen=True, slots=True)
class Roomy:
    """There is room again, after `publish` had none."""


Event = Connected | Ended | Received | Refused | Roomy


class Connection:
    """One connection, from `start` to `stop`."""

    def __init__(
        self,
        settings: BrokerConfig,
        client_id: str,
        *,
        version: str,
        will: Message,
        subscribe: Sequence[str],
        tell: Callable[[Event], None],
        check_time: bool = True,
    ) -> None:
        """BrokerSettings when a certificate or the password cannot be used.  `tell` is called in paho's thread.

        `check_time`: whether the broker's certificate must be of our day; see tls.py.
        """
        self._settings = settings
        self._version = version
        self._subscribe = subscribe
        self._tell = tell
        self._waiting = threading.Semaphore(MAX_WAITING)
        # paho knows the broker's Receive Maximum but does not keep to it, so the count is kept here
        self._room = threading.Semaphore(settings.in_flight + BESIDE)
        self._was_full = False  # `publish` had no room
        self._connected = False
        self._ended = False
        extra: dict[str, Any] = {} if version == V5 else {"clean_session": False}
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTv5 if version == V5 else MQTTv311,
            reconnect_on_failure=False,
            **extra,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        client.max_inflight_messages_set(0)  # no second limit beside `_room`
        _credentials(client, settings, check_time)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_socket_open = _no_delay

    def start(self) -> None:
        """Begin to connect; an event tells how it went."""
        url = self._settings.url
        extra: dict[str, Any] = {}
        if self._version == V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            properties.MaximumPacketSize = MAX_BYTES
            extra = {"clean_start": False, "properties": properties}
        self._client.connect_async(url.host, url.port, keepalive=KEEPALIVE_S, **extra)
        self._client.loop_start()

    def publish(self, message: Message) -> int | None:
        """Queue a message with QoS 1; its number, or None when the connection does not take it.  Never blocks."""
        if not self._connected or self._ended:
            return None
        if not self._room.acquire(blocking=False):
            self._was_full = True
            # A PUBACK in the other thread may have come between the two lines above.
            if not self._room.acquire(blocking=False):
                return None
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        return info.mid if info.rc == 0 else None

    def handled(self) -> None:
        """A Received event has been dealt with: there is room for another."""
        self._waiting.release()

    def stop(self) -> None:
        """Send what is queued, say goodbye (no last will then), end the thread.  Blocks for a moment."""
        self._ended = True
        self._waiting.release()
        self._client.disconnect()
        # paho's own waiting has no limit: a link that swallows everything would hold up the end of the program.
        ending = threading.Thread(target=self._client.loop_stop, daemon=True)
        ending.start()
        ending.join(STOP_S)

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._end(
                f"the broker refuses: {reason}",
                version_refused=reason.value in (_UNSUPPORTED_VERSION, 1),
                denied=reason.value in _BAD_CREDENTIALS,
            )
            return
        room = self._settings.in_flight + BESIDE
        allowed = getattr(properties, "ReceiveMaximum", room)  # absent: 65535
        while room > allowed:
            self._room.acquire(blocking=False)
            room -= 1
        client.subscribe([(topic, 1) for topic in self._subscribe])
        self._connected = True
        self._tell(Connected(self._version, room))

    def _on_connect_fail(self, client: Client, userdata: object) -> None:
        client.loop_stop()  # in its own thread this only says "no further attempt"
        self._end("no connection")

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        # A 3.1.1 broker may hang up on a v5 CONNECT without a word.
        self._end(str(reason), version_refused=not self._connected)

    def _end(self, what: str, *, version_refused: bool = False, denied: bool = False) -> None:
        if not self._ended:
            self._ended = True
            self._tell(Ended(what, self._connected, version_refused, denied))

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        if len(message.payload) <= MAX_BYTES and self._waiting.acquire(timeout=WAIT_S):
            self._tell(Received(message.topic, bytes(message.payload), message.retain))

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._room.release()
        if self._was_full:
            self._was_full = False
            self._tell(Roomy())
        if reason.is_failure:
            self._tell(Refused(mid, str(reason)))


def _no_delay(client: Client, userdata: object, link: Any) -> None:
    """Small messages go at once: with few in flight, the 40 ms that TCP waits to fill a packet would set the pace."""
    with contextlib.suppress(OSError, AttributeError):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _credentials(client: Client, settings: BrokerConfig, check_time: bool) -> None:
    if settings.username:
        password = None
        if settings.password_file is not None:
            try:
                password = settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise BrokerSettings(
                    f"the password in {settings.password_file} cannot be read", "Correct broker.password_file"
                ) from error
        client.username_pw_set(settings.username, password)
    if settings.url.tls:
        try:
            client.tls_set_context(context(settings.ca, settings.cert, settings.key, check_time=check_time))
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise BrokerSettings(
                f"the certificates for {settings.url} cannot be used ({error})",
                "Correct broker.ca, broker.cert and broker.key: PEM files that belong together",
            ) from error
