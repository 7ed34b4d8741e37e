"""What an advert is: AD structures parsed by hand, in any order (SPEC.md section 6).

Everything from the air is hostile: each length is checked before it is used, and nothing but the errors of this
package leaves these functions, whatever bytes go in.  Runs on CPython and MicroPython.

AD structure: length (1 byte, counts what follows it) | type (1) | data (length - 1).  A zero length ends the advert;
what follows it must be zero too.
"""

from collections import namedtuple

from zonetag_protocol.errors import Malformed
from zonetag_protocol.frame import TEST_COMPANY, Frame
from zonetag_protocol.rotation import EID

# Kinds: machine codes, the same everywhere.
ZONETAG = "zonetag"
EDDYSTONE_EID = "eddystone-eid"
EDDYSTONE_ETLM = "eddystone-etlm"
BLUEZONE = "bluezone"
EXPOSURE_NOTIFICATION = "exposure-notification"
TRACETOGETHER_TOKEN = "tracetogether-token"  # noqa: S105  # a name, no secret
BLUETRACE = "bluetrace"
FIND_HUB = "find-hub"
UNKNOWN = "unknown"
MALFORMED = "malformed"
KINDS = (
    ZONETAG,
    EDDYSTONE_EID,
    EDDYSTONE_ETLM,
    BLUEZONE,
    EXPOSURE_NOTIFICATION,
    TRACETOGETHER_TOKEN,
    BLUETRACE,
    FIND_HUB,
    UNKNOWN,
    MALFORMED,
)
PHONES = (BLUEZONE, EXPOSURE_NOTIFICATION, TRACETOGETHER_TOKEN, BLUETRACE)  # counted, never tracked

# AD types (Bluetooth Assigned Numbers 2.3).
FLAGS = 0x01
UUIDS16 = (0x02, 0x03)  # incomplete, complete list
UUIDS128 = (0x06, 0x07)
SERVICE_DATA16 = 0x16
MANUFACTURER = 0xFF

EDDYSTONE_UUID = 0xFEAA
EXPOSURE_UUID = 0xFD6F
BLUEZONE_UUID = 0x4E56
TOKEN_UUID = 0xFFFF
BLUEZONE_COMPANY = 0x22B5
BLUETRACE_COMPANY = 0x03FF
APPLE_COMPANY = 0x004C

# 128-bit UUIDs stand little endian on the air, so each is written here backwards.
BLUEZONE_IPHONE = bytes(reversed(bytes.fromhex("00004e5673f54bc4a12f17d1ad07a667")))
BLUEZONE_V1 = bytes(reversed(bytes.fromhex("e20a39f473f54bc4a12f17d1ad07a889")))
OPENTRACE = bytes(reversed(bytes.fromhex("b82ab3fc15954f6a80f0fe094cc218f9")))
# An iPhone in the background moves its services to a 128-bit mask in Apple's "overflow area"; this is Bluezone's bit.
# Another app may share that bit, so such a phone is a likely one, not a certain one.
BLUEZONE_OVERFLOW = b"\x01\x08" + bytes(15)

Heard = namedtuple("Heard", ("kind", "fields"))
"""One decoded advert: `kind` is one of KINDS, `fields` what its format says (see each decoder below)."""


class Structures:
    """An advert taken apart: what its AD structures hold, by what they are keyed with."""

    def __init__(self, data: bytes) -> None:
        """Parse all of `data`; Malformed if a structure passes the end or a key stands twice."""
        self.flags: int | None = None
        self.uuids16: list[int] = []
        self.uuids128: list[bytes] = []
        self.service: dict[int, bytes] = {}  # 16-bit UUID -> data behind it
        self.manufacturer: dict[int, bytes] = {}  # company -> data behind it
        at = 0
        while at < len(data):
            length = data[at]
            if length == 0:
                if any(data[at:]):
                    raise Malformed("bytes after the end of the AD structures")
                break
            end = at + 1 + length
            if end > len(data):
                raise Malformed("an AD structure passes the end of the advert")
            self._take(data[at + 1], data[at + 2 : end])
            at = end

    def _take(self, kind: int, body: bytes) -> None:
        if kind == FLAGS:
            if not body:
                raise Malformed("flags without a byte")
            self.flags = body[0]
        elif kind in UUIDS16:
            if len(body) % 2:
                raise Malformed("half a 16-bit UUID")
            self.uuids16 += [body[i] | body[i + 1] << 8 for i in range(0, len(body), 2)]
        elif kind in UUIDS128:
            if len(body) % 16:
                raise Malformed("a part of a 128-bit UUID")
            self.uuids128 += [body[i : i + 16] for i in range(0, len(body), 16)]
        elif kind == SERVICE_DATA16:
            _put(self.service, body)
        elif kind == MANUFACTURER:
            _put(self.manufacturer, body)


def _put(into: dict[int, bytes], body: bytes) -> None:
    if len(body) < 2:
        raise Malformed("data without its 16-bit key")
    key = body[0] | body[1] << 8
    # Two values under one key leave it open which is meant: a way to show one reader this, another that.
    if key in into and into[key] != body[2:]:
        raise Malformed("two different values under one key")
    into[key] = body[2:]


def decode(data: bytes, company: int = TEST_COMPANY) -> Heard:
    """Say what an advert is.  Malformed when it breaks the format it claims; everything else has a kind.

    `company` is the identifier under which the fleet's own structure stands.  Other people's formats come as
    UNKNOWN, never as an error.
    """
    ad = Structures(data)
    if EDDYSTONE_UUID in ad.service:
        return _eddystone(ad, company)
    if EXPOSURE_UUID in ad.service:
        return _exposure(ad.service[EXPOSURE_UUID])
    if TOKEN_UUID in ad.service:
        return _token(ad.service[TOKEN_UUID])
    return _bluezone(ad) or _bluetrace(ad) or Heard(UNKNOWN, {})


def explain(data: bytes, company: int = TEST_COMPANY) -> Heard:
    """As `decode`, but a broken advert comes as kind MALFORMED with its `reason` instead of an error."""
    try:
        return decode(data, company)
    except Malformed as error:
        return Heard(MALFORMED, {"reason": str(error)})


def frame_of(heard: Heard) -> Frame:
    """The frame of an advert of kind ZONETAG."""
    fields = heard.fields
    return Frame(fields["tx"], fields["eid"], fields["sealed"], fields["mac"])


def _eddystone(ad: Structures, company: int) -> Heard:
    """Service data FEAA: 30 TX EID[8], or 20 01 ciphertext[12] salt[2] mic[2]; 40 and 41 are Google Find Hub's."""
    body = ad.service[EDDYSTONE_UUID]
    if not body:
        raise Malformed("Eddystone service data without a frame type")
    frame_type = body[0]
    if frame_type in (0x40, 0x41):
        return Heard(FIND_HUB, {"separated": frame_type == 0x41})
    if frame_type == 0x20 and body[1:2] == b"\x01":
        if len(body) != 18:
            raise Malformed("an encrypted TLM frame has 18 bytes")
        return Heard(EDDYSTONE_ETLM, {"ciphertext": body[2:14], "salt": body[14:16], "mic": body[16:18]})
    if frame_type != 0x30:
        return Heard(UNKNOWN, {})
    if len(body) != 2 + EID:
        raise Malformed("an Eddystone-EID frame has 10 bytes")
    fields = {"tx": body[1] - 256 if body[1] > 127 else body[1], "eid": body[2:]}
    ours = ad.manufacturer.get(company)
    if ours is None:
        return Heard(EDDYSTONE_EID, fields)
    if len(ours) != 6:
        raise Malformed("the authenticated structure has 6 bytes behind the company")
    fields["company"] = company
    fields["sealed"] = ours[:2]
    fields["mac"] = ours[2:]
    return Heard(ZONETAG, fields)


def _exposure(body: bytes) -> Heard:
    """Service data FD6F: RPI[16] AEM[4]."""
    if len(body) != 20:
        raise Malformed("an exposure notification has 20 bytes")
    return Heard(EXPOSURE_NOTIFICATION, {"rpi": body[:16], "aem": body[16:]})


def _token(body: bytes) -> Heard:
    """Service data FFFF: MAC[6] UUID[10] reserved[2] version[2]; other lengths under this test UUID are not a token."""
    if len(body) != 20:
        return Heard(UNKNOWN, {})
    return Heard(
        TRACETOGETHER_TOKEN, {"mac": body[:6], "uuid": body[6:16], "reserved": body[16:18], "version": body[18:]}
    )


def _bluezone(ad: Structures) -> Heard | None:
    """Company 22B5 with 12 bytes (v2) or 6 characters (v1), or one of Bluezone's UUIDs, or its overflow bit."""
    body = ad.manufacturer.get(BLUEZONE_COMPANY)
    if body is not None and len(body) == 12:
        return Heard(BLUEZONE, {"version": 2, "phone": "android", "id": body})
    if BLUEZONE_V1 in ad.uuids128 or (body is not None and len(body) == 6):
        return Heard(BLUEZONE, {"version": 1} if body is None else {"version": 1, "id": body})
    if BLUEZONE_IPHONE in ad.uuids128:
        return Heard(BLUEZONE, {"version": 2, "phone": "iphone"})
    if ad.manufacturer.get(APPLE_COMPANY) == BLUEZONE_OVERFLOW:
        return Heard(BLUEZONE, {"version": 2, "phone": "iphone", "background": True})
    if body is not None and BLUEZONE_UUID in ad.uuids16:
        raise Malformed("a Bluezone identifier has 12 bytes")
    if BLUEZONE_UUID in ad.uuids16:
        return Heard(BLUEZONE, {"version": 2, "phone": "android"})
    return None


def _bluetrace(ad: Structures) -> Heard | None:
    """OpenTrace's 128-bit UUID, or company 03FF with 3 characters beside some 128-bit UUID (each country its own)."""
    body = ad.manufacturer.get(BLUETRACE_COMPANY)
    if OPENTRACE in ad.uuids128 or (body is not None and len(body) == 3 and ad.uuids128):
        return Heard(BLUETRACE, {} if body is None else {"id": body})
    return None


def rebuild(
    service: dict[int, bytes], manufacturer: dict[int, bytes], uuids16: list[int], uuids128: list[bytes]
) -> bytes:
    """An advert again, from a Bluetooth stack that gives only its parts: one decoder then serves every source.

    Flags come first as 06 (a stack hides them), then in the order of our own frame: UUIDs, service data, manufacturer
    data.  `uuids128` are little endian.  What cannot have come from an AD structure (a part longer than 252 bytes, a
    key of more than 16 bits) is Malformed.
    """
    out = b"\x02\x01\x06"
    if uuids16:
        out += _structure(0x03, b"".join([_two(uuid) for uuid in uuids16]))
    if uuids128:
        out += _structure(0x07, b"".join(uuids128))
    for key, body in service.items():
        out += _structure(SERVICE_DATA16, _two(key) + body)
    for key, body in manufacturer.items():
        out += _structure(MANUFACTURER, _two(key) + body)
    return out


def _two(key: int) -> bytes:
    if not 0 <= key <= 0xFFFF:
        raise Malformed("a 16-bit key or UUID is 0 to 65535")
    return key.to_bytes(2, "little")


def _structure(kind: int, body: bytes) -> bytes:
    if len(body) > 254:
        raise Malformed("an AD structure holds 254 bytes at most")
    return bytes([len(body) + 1, kind]) + body
