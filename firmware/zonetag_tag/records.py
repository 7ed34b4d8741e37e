"""How a value is written down so that a torn or foreign one is known for what it is.  Pure.

| offset | bytes | field |
|---|---|---|
| 0 | n | value |
| n | 4 | SHA-256(owner, name, value)[0:4] |

`owner` is the provisioning card's own check: what a former life of this board left in NVS, under another key and
another clock, does not fit.
"""

from zonetag_protocol.crypto import same, sha256

CHECK = 4  # bytes


def pack(owner: bytes, name: str, value: bytes) -> bytes:
    """The value with its check behind it."""
    return value + _check(owner, name, value)


def unpack(owner: bytes, name: str, data: bytes | None) -> bytes | None:
    """The value, or None if there is none, or it is torn, or somebody else's."""
    if data is None or len(data) < CHECK:
        return None
    value = data[:-CHECK]
    return value if same(_check(owner, name, value), data[-CHECK:]) else None


def _check(owner: bytes, name: str, value: bytes) -> bytes:
    return sha256(owner + name.encode() + b"\0" + value)[:CHECK]
