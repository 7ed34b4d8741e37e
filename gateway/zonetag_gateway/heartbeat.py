"""The heartbeat: a plain badge that hangs at the gateway and always says the same.  Pure.

It is known by its identifier alone, which never changes: an Eddystone-EID of 8 bytes, or an Eddystone-UID (namespace
and instance) of 16.  A rotating tag cannot serve: a gateway has no keys, so it cannot know one again.
"""

EID_BYTES, UID_BYTES = 8, 16
_FRAME_OF = {EID_BYTES: 0x30, UID_BYTES: 0x00}  # length of the identifier: Eddystone's frame type
_HEAD = 2  # frame type, transmit power


def is_heartbeat(frame: bytes, identifier: bytes) -> bool:
    """Whether `frame`, the service data of 0xFEAA, is of the badge with this identifier."""
    return (
        len(frame) > _HEAD
        and frame[0] == _FRAME_OF.get(len(identifier))
        and frame[_HEAD : _HEAD + len(identifier)] == identifier
    )
