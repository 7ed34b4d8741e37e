"""The link between a tag and the backend: sealed sessions (SPEC.md section 12.3).  Pure.

Bytes in, bytes and records out; the carrier in between (GATT, MQTT) is somebody else's.  The backend's side:

    end = link.backend_end(k_link, epoch, random_8_bytes)
    to_tag = end.begin()                          # the hello; goes to the tag as fragments.split(to_tag, mtu)
    for got in end.receive(message):              # each whole message of the tag, joined by a fragments.Joiner
        ... got.type, got.body                    # the first is the status (linkmessage.unpack_status)
    to_tag = end.seal(linkmessage.FETCH, body)

Whatever is wrong raises Malformed or Forged, and the end is CLOSED from then on: the connection is to be dropped.

| state | message | next |
|---|---|---|
| CALLING (backend) | answer | ANSWERED |
| WAITING (tag) | hello | ANSWERED |
| ANSWERED, OPEN | sealed, and it opens | OPEN |
| any | anything else | CLOSED |

Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol import ccm
from zonetag_protocol.crypto import KEY, cmac, hkdf_sha256, same, sha256
from zonetag_protocol.errors import Forged, Malformed
from zonetag_protocol.fragments import MOST

VERSION = 1
NONCE = 8  # bytes of Nb and Nt
HELLO_MAC = 8  # bytes
MOST_MESSAGES = 1 << 16  # of one direction in a session

# Kinds of messages: their first byte.
HELLO = 1
ANSWER = 2
SEALED = 3

# States.
CALLING = "calling"
WAITING = "waiting"
ANSWERED = "answered"
OPEN = "open"
CLOSED = "closed"

TABLE = {
    (CALLING, ANSWER): ANSWERED,
    (WAITING, HELLO): ANSWERED,
    (ANSWERED, SEALED): OPEN,
    (OPEN, SEALED): OPEN,
}
LENGTHS = {HELLO: 2 + NONCE + HELLO_MAC, ANSWER: 2 + NONCE}  # a sealed one is longer than SHORTEST
SHORTEST = 1 + 1 + ccm.TAG

DOWN = 0  # directions, in the nonce
UP = 1

Message = namedtuple("Message", ("type", "body"))
"""A plaintext: type byte and body (`linkmessage` has both)."""


def hello(k_link: bytes, epoch: int, nb: bytes) -> bytes:
    """The hello for the epoch of the identifier that is being called: 18 bytes."""
    head = bytes([HELLO, VERSION])
    return head + nb + _hello_mac(k_link, head, epoch, nb)


def _hello_mac(k_link: bytes, head: bytes, epoch: int, nb: bytes) -> bytes:
    k_hello = hkdf_sha256(k_link, b"", b"zonetag v1 link hello", KEY)
    return cmac(k_hello, head + epoch.to_bytes(4, "big") + nb)[:HELLO_MAC]


class End:
    """One end of one session; made by `tag_end` or `backend_end`, used once."""

    def __init__(self, k_link: bytes, epoch: int, nonce: bytes, outward: int) -> None:
        if len(nonce) != NONCE:
            raise ValueError("a nonce of the link has 8 bytes")
        self.state = CALLING if outward == DOWN else WAITING
        self.nb = nonce if outward == DOWN else b""  # the backend's nonce, once known
        self._k_link = k_link
        self._epoch = epoch
        self._nonce = nonce
        self._outward = outward
        self._hello = b""
        self._keys = (b"", b"")  # outward, inward
        self._sent = 0
        self._received = 0

    def begin(self) -> bytes:
        """The backend's first message."""
        self._hello = hello(self._k_link, self._epoch, self._nonce)
        return self._hello

    def answer(self) -> bytes:
        """The tag's first message, once its state is ANSWERED; a sealed status must follow."""
        return bytes([ANSWER, VERSION]) + self._nonce

    def receive(self, message: bytes) -> Message | None:
        """Take a whole message of the other end; what it says, or None for hello and answer.  Malformed, Forged."""
        try:
            return self._receive(message)
        except (Malformed, Forged):
            self.state = CLOSED
            raise

    def seal(self, kind: int, body: bytes = b"") -> bytes:
        """A message of ours, to be sent in this order, once.  ValueError before the keys are there, or if too long."""
        if self.state not in (ANSWERED, OPEN):
            raise ValueError("no session is open")
        if self._sent >= MOST_MESSAGES or len(body) + SHORTEST > MOST:
            raise ValueError("a session has 65536 messages each way, a message 512 bytes")
        nonce = _nonce(self._outward, self._sent)
        self._sent += 1
        return _AAD[:1] + ccm.seal(self._keys[0], nonce, _AAD, bytes([kind]) + body)

    def _receive(self, message: bytes) -> Message | None:
        kind = message[0] if message else 0
        after = TABLE.get((self.state, kind))
        if after is None:
            raise Malformed("a message out of turn")
        if len(message) != LENGTHS.get(kind, len(message)) or len(message) > MOST:
            raise Malformed("a message of the wrong length")
        got = None
        if kind == SEALED:
            got = self._open(message)
        elif message[1] != VERSION:
            raise Malformed("another version of the link")
        elif kind == HELLO:
            self._take_hello(message)
        else:
            self._derive(message)
        self.state = after
        return got

    def _take_hello(self, message: bytes) -> None:
        nb = message[2 : 2 + NONCE]
        if not same(_hello_mac(self._k_link, message[:2], self._epoch, nb), message[2 + NONCE :]):
            raise Forged("this hello is not from the backend, or not of this epoch")
        self.nb = nb
        self._hello = message
        self._derive(self.answer())

    def _derive(self, answer: bytes) -> None:
        both = hkdf_sha256(self._k_link, sha256(self._hello + answer), b"zonetag v1 link session", 2 * KEY)
        down, up = both[:KEY], both[KEY:]
        self._keys = (down, up) if self._outward == DOWN else (up, down)

    def _open(self, message: bytes) -> Message:
        if len(message) < SHORTEST or self._received >= MOST_MESSAGES:
            raise Malformed("a sealed message of no bytes, or one too many")
        nonce = _nonce(1 - self._outward, self._received)
        plain = ccm.unseal(self._keys[1], nonce, _AAD, message[1:])
        self._received += 1
        return Message(plain[0], plain[1:])


_AAD = bytes([SEALED, VERSION])


def _nonce(direction: int, counter: int) -> bytes:
    return bytes([direction]) + bytes(8) + counter.to_bytes(4, "big")


def tag_end(k_link: bytes, epoch: int, nt: bytes) -> End:
    """The tag's end of a connection made in `epoch` of its clock; `nt` 8 fresh random bytes."""
    return End(k_link, epoch, nt, UP)


def backend_end(k_link: bytes, epoch: int, nb: bytes) -> End:
    """The backend's end of a connection to the tag whose identifier is that of `epoch`; `nb` 8 fresh random bytes."""
    return End(k_link, epoch, nb, DOWN)
