"""A case as one office gives it to another: identifiers that its tags sent on the infectious days.  No key, no name.

A COSE_Sign1 envelope (SPEC.md section 7.1, about "case"), signed with the office's own key, around a CBOR map:

| key | value |
|---|---|
| 1 | 1, the version |
| 2 | the office, as people say it |
| 3 | the disease's profile |
| 4, 5 | first and last UTC ms of the infectious days |
| 6 | identifiers, 8 bytes each, one behind the other |
| 7 | when each begins to be sent, UTC s, 4 bytes big endian each |

Each identifier was on the air for some 17 minutes and is never sent again, so the file tells nothing about tomorrow.
The authenticators are not in it: to check one takes the tag's own key.  So a match says that the identifier was heard,
not that nobody played it back; the time at which it may be heard bounds that (`fits`).
"""

import hashlib
from dataclasses import dataclass

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zonetag_backend.errors import BadValue
from zonetag_backend.tracing.profile import is_name
from zonetag_protocol import envelope
from zonetag_protocol.errors import Forged, ZonetagError
from zonetag_protocol.rotation import EID, EPOCH_S

ABOUT = "case"
FIELDS = 7
SECOND = 4  # bytes
MOST = 20_000  # identifiers: several tags for two months
MOST_BYTES = envelope.MAX_BYTES  # of a file: that many identifiers are 240 kB
MOST_OFFICE = 200  # characters
MOST_DAYS = 400  # as long as anything is kept
# The sender's clock for its tag, and ours for our gateways, may each be off, and a tag's clock drifts 13 s a day.
SLACK_MS = 60_000
EPOCH_MS = EPOCH_S * 1000
DAY_MS = 86_400_000

# Why a file is not taken.
KEY, SIZE, BROKEN, SIGNATURE, VERSION, CONTENT, FUTURE, PAST, OURS = (
    "key",
    "size",
    "broken",
    "signature",
    "version",
    "content",
    "future",
    "past",
    "ours",
)
SAID = {
    KEY: "an office's key is 64 of 0-9 and a-f, as its export printed it",
    SIZE: f"no office makes a file of more than {MOST} identifiers: this is another file",
    BROKEN: "this is no file of a case, or it was cut on its way: ask for it again",
    SIGNATURE: "this file is not of the office whose key this is, or was changed on its way: ask for both again",
    VERSION: "this file was made by a newer version of this program: bring this one up to date",
    CONTENT: "this file is signed, but not written as it should be: tell that office",
    FUTURE: "the days of this file cannot be: that office's clock, or this one, is wrong",
    PAST: "the days of this file are longer ago than anything is kept here: nobody could be found",
    OURS: "this is a file of this office itself: send it to the other one",
}


class NotTaken(BadValue):
    """A file that is not taken, and why."""

    def __init__(self, code: str) -> None:
        super().__init__(SAID[code])
        self.code = code
        # one of those above


@dataclass(frozen=True, slots=True)
class Abroad:
    """What the file says."""

    office: str
    profile: str
    since_ms: int
    until_ms: int
    sent: tuple[tuple[bytes, int], ...]
    # identifier, and the UTC second from which on it was sent


def pack(of: Abroad, key: Ed25519PrivateKey) -> bytes:
    """The file; BadValue when the other office would not take it."""
    if len(of.sent) > MOST:
        raise BadValue(
            f"{len(of.sent)} identifiers are more than the {MOST} that a file holds: too many tags were worn"
        )
    if not of.sent:
        raise BadValue("nothing is kept of the tags that were worn on those days: the other office could find nobody")
    ordered = sorted(of.sent, key=lambda each: (each[1], each[0]))
    payload = {
        1: envelope.VERSION,
        2: of.office,
        3: of.profile,
        4: of.since_ms,
        5: of.until_ms,
        6: b"".join(eid for eid, _ in ordered),
        7: b"".join(second.to_bytes(SECOND, "big") for _, second in ordered),
    }
    return envelope.wrap(cbor2.dumps(payload), ABOUT, key)


def unpack(data: bytes, key_hex: str) -> Abroad:
    """What a file says, if that office's key signed it; NotTaken says what is wrong."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_hex.strip()))
    except ValueError:
        raise NotTaken(KEY) from None
    if len(data) > MOST_BYTES:
        raise NotTaken(SIZE)
    try:
        payload = envelope.unwrap(data, ABOUT, key)
    except Forged:
        raise NotTaken(SIGNATURE) from None
    except ZonetagError:
        raise NotTaken(BROKEN) from None
    try:
        item = envelope.record(payload, FIELDS)
    except ZonetagError:
        raise NotTaken(VERSION if _is_newer(payload) else CONTENT) from None
    office, profile, since, until, eids, seconds = (item[number] for number in range(2, FIELDS + 1))
    fits = (
        isinstance(office, str)
        and 0 < len(office) <= MOST_OFFICE
        and office.isprintable()
        and isinstance(profile, str)
        and is_name(profile)
        and envelope.is_uint(since, 53)
        and envelope.is_uint(until, 53)
        and isinstance(eids, bytes)
        and isinstance(seconds, bytes)
        and len(eids) % EID == 0
        and len(eids) // EID == len(seconds) // SECOND <= MOST
        and len(seconds) % SECOND == 0
    )
    if not fits:
        raise NotTaken(CONTENT)
    sent = tuple(
        (eids[EID * i : EID * i + EID], int.from_bytes(seconds[SECOND * i : SECOND * i + SECOND], "big"))
        for i in range(len(eids) // EID)
    )
    return Abroad(office, profile, since, until, sent)


def check(came: Abroad, key_hex: str, own_hex: str, now_ms: int, floor_ms: int) -> None:
    """NotTaken when its days cannot be, or nothing is kept of them (from before `floor_ms`), or it is our own."""
    if bytes.fromhex(key_hex.strip()).hex() == own_hex:
        raise NotTaken(OURS)
    if not came.until_ms - MOST_DAYS * DAY_MS <= came.since_ms <= came.until_ms <= now_ms + DAY_MS:
        raise NotTaken(FUTURE)
    if came.until_ms < floor_ms:
        raise NotTaken(PAST)


def _is_newer(payload: bytes) -> bool:
    """Whether it is of a version that follows this one."""
    try:
        item = envelope.loads(payload)
    except ZonetagError:
        return False
    version = item.get(1) if isinstance(item, dict) else None
    return envelope.is_uint(version, 32) and version != envelope.VERSION


def fits(begins_s: int, start_ms: int, end_ms: int) -> bool:
    """Whether what was heard from `start_ms` to `end_ms` can be an identifier that was sent from `begins_s` on."""
    begin_ms = begins_s * 1000
    return start_ms <= begin_ms + EPOCH_MS + SLACK_MS and end_ms >= begin_ms - SLACK_MS


def digest(data: bytes) -> bytes:
    """What tells one file from another."""
    return hashlib.sha256(data).digest()


def public_hex(key: Ed25519PrivateKey) -> str:
    """The key that another office checks the file with."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
