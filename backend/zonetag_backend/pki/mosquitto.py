"""A mosquitto configuration (2.0.11 or newer) and its access list, as text: SPEC.md section 8 as rights.

`use_username_as_clientid` makes the certificate's name the client identifier, so that nobody takes over another's
session, and `%u` in a pattern is that name, so that a gateway reaches its own topics alone.  Its site is checked by the
backend, which knows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from zonetag_backend.pki import profile
from zonetag_protocol import topics
from zonetag_protocol.envelope import MAX_BYTES

CONF, ACL, CA, CERT, CRL = "mosquitto.conf", "acl", "ca.pem", "broker.pem", "crl.pem"
PORT = 8883  # IANA
PACKET_BYTES = MAX_BYTES + 1024  # and its topic, and MQTT's own words
# What is not acknowledged by the backend stays in its gateway, so the broker needs room for a moment alone; and it
# writes all it holds at each change.
QUEUED, QUEUED_BYTES = 1000, 16 * 1024 * 1024
INFLIGHT = 32
MEMORY_BYTES = 512 * 1024 * 1024
CONNECTIONS = 2000
SESSION = "14d"  # as long as a gateway's acknowledgements could matter
KEEPALIVE_S = 120

READ, WRITE = "read", "write"
# Leaf -> what its own gateway may do with it.
GATEWAY_RIGHTS: Mapping[str, str] = {
    topics.STATE: WRITE,
    topics.REPORT: WRITE,
    topics.LOST: WRITE,
    topics.HEALTH: WRITE,
    topics.UPLINK: WRITE,
    topics.DONE: WRITE,
    topics.ACK: READ,
    topics.DOWNLINK: READ,
    topics.CMD: READ,
}
# Who -> leaf -> what may be done with it, of every gateway.
OUR_RIGHTS: Mapping[str, Mapping[str, str]] = {
    profile.BACKEND_NAME: {
        topics.STATE: READ,
        topics.REPORT: READ,
        topics.LOST: READ,
        topics.HEALTH: READ,
        topics.UPLINK: READ,
        topics.ACK: WRITE,
        topics.DOWNLINK: WRITE,
    },
    profile.OPERATOR_NAME: {topics.CMD: WRITE, topics.DONE: READ},
    profile.TAP_NAME: dict.fromkeys((topics.STATE, topics.REPORT, topics.LOST, topics.HEALTH, topics.ACK), READ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker runs."""

    installed: PurePath
    # folder of these files on the broker's machine
    persistence: PurePath
    # folder of its database there
    port: int = PORT


def conf(place: Place) -> str:
    """The whole configuration."""
    at = place.installed
    return f"""# Written by `zonetag broker config`; written anew, it loses what was changed here.

listener {place.port}
tls_version tlsv1.3
cafile {at / CA}
certfile {at / CERT}
keyfile {at / CERT}
crlfile {at / CRL}
require_certificate true
allow_anonymous false
# The certificate's name is the user, and the client identifier too: nobody takes over the session of another.
use_identity_as_username true
use_username_as_clientid true
max_connections {CONNECTIONS}
acl_file {at / ACL}

# On disk after every change.  What counts is acknowledged by the backend all the same, not by the broker.
persistence true
persistence_location {place.persistence}/
autosave_on_changes true
autosave_interval 1
persistent_client_expiration {SESSION}

# Limits: a report has at most {MAX_BYTES} bytes.  (message_size_limit answers with a code unknown to MQTT.)
max_packet_size {PACKET_BYTES}
max_inflight_messages {INFLIGHT}
max_queued_messages {QUEUED}
max_queued_bytes {QUEUED_BYTES}
memory_limit {MEMORY_BYTES}
max_keepalive {KEEPALIVE_S}
queue_qos0_messages false
set_tcp_nodelay true

log_type error
log_type warning
log_type notice
log_type information
log_timestamp_format %Y-%m-%dT%H:%M:%S
"""


def acl() -> str:
    """The access list: what is not in it is refused."""
    lines = ["# Written by `zonetag broker config`: the rights of SPEC.md section 8.", ""]
    for who, rights in OUR_RIGHTS.items():
        lines += [f"user {who}", *_lines("topic", "+", rights), ""]
    lines += ["# Everybody else is a gateway, and %u its name.", *_lines("pattern", "%u", GATEWAY_RIGHTS)]
    return "\n".join(lines) + "\n"


def _lines(word: str, who: str, rights: Mapping[str, str]) -> Sequence[str]:
    return [f"{word} {right} {topics.PREFIX}/+/{who}/{leaf}" for leaf, right in rights.items()]
