"""One connection to the broker for a moment, to see whether it takes a certificate, or to end a session by taking its
name.  Beside `mqtt`, which keeps one connection for ever."""

import contextlib
import queue
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

TAKEN, REFUSED, UNREACHABLE = "taken", "refused", "unreachable"
LIMIT_S = 10.0  # a broker answers within one; a slow link within some
KEEPALIVE_S = 30


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock, and what to show.  TLS always."""

    host: str
    port: int
    ca: Path
    # PEM: whom we believe
    cert: Path | None
    # PEM: key and chain; none to come without


def knock(door: Door, client_id: str, limit_s: float = LIMIT_S) -> str:
    """TAKEN, REFUSED or UNREACHABLE.  Leaves no session behind, and ends whatever session had this name."""
    answers: queue.Queue[str] = queue.Queue()
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
    )

    def connected(_client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        answers.put(REFUSED if reason.is_failure else TAKEN)

    def ended(_client: paho.Client, _data: Any, _flags: Any, _reason: ReasonCode, _properties: Any) -> None:
        answers.put(REFUSED)  # with TLS 1.3 a certificate is refused after the client's side of the handshake is done

    client.on_connect = connected
    client.on_disconnect = ended
    context = ssl.create_default_context(cafile=str(door.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if door.cert is not None:
        context.load_cert_chain(door.cert)
    client.tls_set_context(context)
    client.connect_timeout = limit_s
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it without types
    properties.SessionExpiryInterval = 0
    try:
        client.connect(door.host, door.port, KEEPALIVE_S, clean_start=True, properties=properties)
    except ssl.SSLCertVerificationError:
        return UNREACHABLE  # that is not our broker
    except (ssl.SSLError, ConnectionResetError):
        return REFUSED
    except (OSError, ValueError):
        return UNREACHABLE
    client.loop_start()
    try:
        return answers.get(timeout=limit_s)
    except queue.Empty:
        return UNREACHABLE
    finally:
        with contextlib.suppress(OSError, ValueError):
            client.disconnect()
        client.loop_stop()
        if (left := client.socket()) is not None:  # the broker went before the goodbye
            left.close()
