"""Messages of the link in parts that fit an ATT value (SPEC.md sections 12.1 and 12.2).  All that a carrier needs.

Header byte of a part: bit 7 first, bit 6 last, bits 0-5 its number.  Runs on CPython and MicroPython.
"""

from zonetag_protocol.errors import Malformed

SERVICE_UUID = "a5a17040-4198-4df3-a679-40d863f3c048"
DOWN_UUID = "a5a17041-4198-4df3-a679-40d863f3c048"
UP_UUID = "a5a17042-4198-4df3-a679-40d863f3c048"

MOST = 512  # bytes of a message
ATT_HEADER = 3  # bytes of a write or notification before its value
ATT_MTU = (23, 247)
FIRST_PART = 0x80
LAST_PART = 0x40
NUMBER = 0x3F


def split(message: bytes, mtu: int = ATT_MTU[0]) -> list[bytes]:
    """The parts of a message for an ATT MTU of 23 to 247; ValueError outside, or for a message of a wrong length."""
    if not ATT_MTU[0] <= mtu <= ATT_MTU[1]:
        raise ValueError("an MTU is 23 to 247")
    if not 0 < len(message) <= MOST:
        raise ValueError("a message has 1 to 512 bytes")
    room = mtu - ATT_HEADER - 1
    count = (len(message) + room - 1) // room
    return [
        bytes([(FIRST_PART if i == 0 else 0) | (LAST_PART if i == count - 1 else 0) | i & NUMBER])
        + message[i * room : (i + 1) * room]
        for i in range(count)
    ]


class Joiner:
    """Parts to messages, for one direction of one connection."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def take(self, part: bytes) -> bytes | None:
        """The message that this part completes, or None; Malformed if the part cannot follow the ones before."""
        if len(part) < 2:
            raise Malformed("a part without bytes")
        head = part[0]
        if bool(head & FIRST_PART) == bool(self._parts) or head & NUMBER != len(self._parts) & NUMBER:
            raise Malformed("a part out of order")
        self._length += len(part) - 1
        if self._length > MOST:
            raise Malformed("a message of more than 512 bytes")
        self._parts.append(bytes(part[1:]))
        if not head & LAST_PART:
            return None
        whole = b"".join(self._parts)
        self._parts = []
        self._length = 0
        return whole
