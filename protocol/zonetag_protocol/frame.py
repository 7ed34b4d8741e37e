"""A tag's frame: seal, parse, verify (SPEC.md section 5).  31 bytes exactly, legacy advertising.

| offset | bytes | field |
|---|---|---|
| 0 | 02 01 06 | flags: LE general discoverable, no BR/EDR |
| 3 | 03 03 AA FE | UUID list: FEAA, Eddystone |
| 7 | 0D 16 AA FE 30 | service data: Eddystone-EID |
| 12 | TX | power at 0 m, dBm, signed |
| 13 | EID[8] | identifier of the epoch |
| 21 | 09 FF | manufacturer data |
| 23 | CC CC | company, little endian |
| 25 | S[2] | (sub, status) sealed |
| 27 | MAC[4] | authenticator |

Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol.crypto import Aes, cmac, same
from zonetag_protocol.errors import Forged
from zonetag_protocol.rotation import EID, Keys, eid_of, epoch_of, slot_of

LENGTH = 31
HEAD = b"\x02\x01\x06\x03\x03\xaa\xfe\x0d\x16\xaa\xfe\x30"  # all before TX
SEALED = 2  # bytes of S
MAC = 4  # bytes of the authenticator
TEST_COMPANY = 0xFFFF  # reserved by the Bluetooth SIG for tests
DEFAULT_TX_DBM = -21

Frame = namedtuple("Frame", ("tx", "eid", "sealed", "mac"))
"""What a frame says to somebody without keys: tx dBm, eid 8 bytes, sealed 2 bytes, mac 4 bytes."""

Reading = namedtuple("Reading", ("sub", "status"))
"""What it says to the holder of the keys: slot 0-255 within its epoch, raw status byte."""


def seal(keys: Keys, t: int, status: int, tx: int = DEFAULT_TX_DBM, company: int = TEST_COMPANY) -> bytes:
    """The 31 bytes that a tag with `keys` sends in the slot of second `t` of its clock.

    `status` is the raw byte of `zonetag_protocol.status`, `tx` is -128 to 127 dBm.  ValueError for anything outside.
    """
    if not 0 <= status <= 255:
        raise ValueError("status is one byte")
    if not -128 <= tx <= 127:
        raise ValueError("transmit power is -128 to 127 dBm")
    if not 0 <= company <= 0xFFFF:
        raise ValueError("company identifier is 16 bits")
    eid = eid_of(keys.eid, t)
    sub = slot_of(t)
    mac = authenticator(keys.mac, epoch_of(t), eid, sub, status)
    pad = keystream(keys.enc, eid, mac)
    return (
        HEAD
        + bytes([tx & 0xFF])
        + eid
        + b"\x09\xff"
        + company.to_bytes(2, "little")
        + bytes([sub ^ pad[0], status ^ pad[1]])
        + mac
    )


def verify(keys: Keys, epoch: int, eid: bytes, sealed: bytes, mac: bytes) -> Reading:
    """Open the sealed pair of a frame whose `eid` was resolved to `epoch`; Forged if the authenticator does not fit."""
    pad = keystream(keys.enc, eid, mac)
    sub = sealed[0] ^ pad[0]
    status = sealed[1] ^ pad[1]
    if not same(authenticator(keys.mac, epoch, eid, sub, status), mac):
        raise Forged("the authenticator does not fit this identifier and slot")
    return Reading(sub, status)


def authenticator(k_mac: bytes, epoch: int, eid: bytes, sub: int, status: int) -> bytes:
    """AES-CMAC(k_mac, 01 | epoch be32 | EID | sub | status)[0:4]: 15 bytes in, 4 out."""
    return cmac(k_mac, b"\x01" + epoch.to_bytes(4, "big") + eid + bytes([sub, status]))[:MAC]


def keystream(k_enc: bytes, eid: bytes, mac: bytes) -> bytes:
    """AES(k_enc, EID | MAC | 0^4)[0:2]: the MAC is the synthetic IV, so that no keystream is used twice."""
    return Aes(k_enc).encrypt(eid + mac + bytes(16 - EID - MAC))[:SEALED]
