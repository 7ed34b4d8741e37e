"""What gateway and backend say to each other of a tag's link (SPEC.md section 12.8).  Servers only.

downlink = {                 ; backend -> gateway
  1: 1,                      ; version
  2: tstr,                   ; gateway
  3: bstr .size 8,           ; session
  4: uint,                   ; number of this message: 0 is the call, then 1, 2, ...
  5: bstr,                   ; of a call the identifier to be called, 8 bytes; else empty
  6: uint,                   ; of a call: how urgent, seconds since the tag was last fetched
  7: uint,                   ; of a call: for how many seconds it is good
  8: [* bstr],  ; messages to the tag; of a call the hello alone
  9: bool                    ; over: hang up behind them
}

uplink = {                   ; gateway -> backend
  1: 1, 2: tstr, 3: bstr .size 8, 4: uint,  ; version, gateway, session, number of this message from 0 on
  5: [* bstr],  ; messages of the tag
  6: tstr                    ; how it ended, a code of ENDED; empty while it goes on
}
"""

from dataclasses import dataclass

import cbor2

from zonetag_protocol.envelope import VERSION, is_uint, record
from zonetag_protocol.errors import Malformed
from zonetag_protocol.fragments import MOST
from zonetag_protocol.topics import is_name

SESSION = 8  # bytes
EID = 8  # bytes
MOST_MESSAGES = 32  # in one of either: 16 kB
MOST_VALID_S = 300  # of a call

# How a session ended, as the gateway says it.
OVER = "over"  # as the backend wanted
GONE = "gone"  # the connection ended: out of reach, or the tag hung up
EXPIRED = "expired"  # the call: there was no turn for it, or the tag was not heard any more, while it was good
UNREACHABLE = "unreachable"  # no connection came about
NO_LINK = "no-link"  # it has not the service of a tag
TIME = "time"  # it took longer than the gateway allows one
MALFORMED = "malformed"  # parts that make no message
LOST = "lost"  # a message between gateway and backend did not come
BUSY = "busy"  # too many calls
ENDED = (OVER, GONE, EXPIRED, UNREACHABLE, NO_LINK, TIME, MALFORMED, LOST, BUSY)


@dataclass(frozen=True, slots=True)
class Downlink:
    """From the backend to a gateway, about one session."""

    gateway: str
    session: bytes
    number: int
    # of the message; 0 is the call
    eid: bytes = b""
    # whom to call
    waited_s: int = 0
    # since it was last fetched
    valid_s: int = 0
    # for how long the call is good, from its arrival
    messages: tuple[bytes, ...] = ()
    # to the tag
    over: bool = False
    # hang up afterwards


@dataclass(frozen=True, slots=True)
class Uplink:
    """From a gateway to the backend, about one session."""

    gateway: str
    session: bytes
    number: int
    messages: tuple[bytes, ...] = ()
    # of the tag
    ended: str = ""
    # a code of ENDED, or empty


def encode_down(down: Downlink) -> bytes:
    """The payload (unsealed: see `zonetag_protocol.envelope`)."""
    d = down
    call = {5: d.eid, 6: d.waited_s, 7: d.valid_s}
    return cbor2.dumps({**_head(d), **call, 8: list(d.messages), 9: d.over})


def encode_up(up: Uplink) -> bytes:
    """The payload (unsealed)."""
    return cbor2.dumps({**_head(up), 5: list(up.messages), 6: up.ended})


def decode_down(payload: bytes) -> Downlink:
    """Read one; Malformed for anything that section 12.8 does not allow, whatever the bytes."""
    item = record(payload, 9)
    gateway, session, number = _read_head(item)
    eid, waited_s, valid_s, over = item[5], item[6], item[7], item[9]
    messages = _read_messages(item[8])
    if not isinstance(eid, bytes) or len(eid) != (0 if number else EID):
        raise Malformed("a call names an identifier of 8 bytes, and nothing else does")
    if not is_uint(waited_s, 32) or not is_uint(valid_s, 32) or valid_s > MOST_VALID_S:
        raise Malformed("a call's seconds are out of range")
    if number == 0 and (len(messages) != 1 or not valid_s):
        raise Malformed("a call has one message, the hello, and is good for a while")
    if type(over) is not bool:
        raise Malformed("over is true or false")
    return Downlink(gateway, session, number, eid, waited_s, valid_s, messages, over)


def decode_up(payload: bytes) -> Uplink:
    """Read one; Malformed for anything that section 12.8 does not allow, whatever the bytes."""
    item = record(payload, 6)
    gateway, session, number = _read_head(item)
    messages, ended = _read_messages(item[5]), item[6]
    if not isinstance(ended, str) or (ended and ended not in ENDED):
        raise Malformed("an end that this version does not know")
    return Uplink(gateway, session, number, messages, ended)


def _head(of: Downlink | Uplink) -> dict[int, object]:
    return {1: VERSION, 2: of.gateway, 3: of.session, 4: of.number}


def _read_head(item: dict[int, object]) -> tuple[str, bytes, int]:
    gateway, session, number = item[2], item[3], item[4]
    if not isinstance(gateway, str) or not is_name(gateway):
        raise Malformed("a gateway's name breaks the rule of names")
    if not isinstance(session, bytes) or len(session) != SESSION:
        raise Malformed("a session is named by 8 bytes")
    if not isinstance(number, int) or not is_uint(number, 32):
        raise Malformed("a number is out of range")
    return gateway, session, number


def _read_messages(item: object) -> tuple[bytes, ...]:
    if not isinstance(item, list) or len(item) > MOST_MESSAGES:
        raise Malformed("messages are a list of at most 32")
    if not all(isinstance(message, bytes) and 0 < len(message) <= MOST for message in item):
        raise Malformed("a message of the link has 1 to 512 bytes")
    return tuple(item)
