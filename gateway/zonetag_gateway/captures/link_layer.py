"""Adverts in link layer packets, as sniffers record them (Bluetooth Core 5.4, Vol 6 Part B, 2.1 and 2.3).

| offset | bytes | a packet on an advertising channel |
|---|---|---|
| 0 | 4 | access address 8E89BED6, little endian |
| 4 | 1 | PDU type in the low 4 bits |
| 5 | 1 | length of the payload |
| 6 | length | payload: the advertiser's address (6), then AD bytes |
| 6 + length | 3 | CRC, least significant octet first; some writers leave it out |

| link type | before that packet |
|---|---|
| 251 BLUETOOTH_LE_LL | nothing; no RSSI |
| 256 BLUETOOTH_LE_LL_WITH_PHDR | channel (1), signal dBm (1), noise (1), offences (1), reference (4), flags (2) |
| 272 NORDIC_BLE | board (1), header (6), length 10 (1), flags (1), channel (1), -RSSI (1), event (2), time (4) |

Flags of 256: 0001 de-whitened, 0002 signal valid, 0008 decrypted, 0380 PDU kind (0 = advertising or data, 1 =
auxiliary advertising), 0400 CRC checked, 0800 CRC good, C000 PHY (2 = coded, with one more byte behind the access
address).  Flags of 272: 01 CRC good, 70 PHY.  Sources: tcpdump.org's pages of these link types, Wireshark's
packet-nordic_ble.c.
"""

import struct
from collections.abc import Iterator

from zonetag_gateway.captures.hci import NO_RSSI, rssi_of
from zonetag_gateway.captures.tally import Heard, Tally

ACCESS_ADDRESS = b"\xd6\xbe\x89\x8e"
CRC_INIT = 0x555555
# PDU types with AD bytes that need nobody's asking: ADV_IND, ADV_NONCONN_IND, ADV_SCAN_IND.
_ADVERTS = (0x0, 0x2, 0x6)
_ADV_DIRECT_IND, _SCAN_RSP = 0x1, 0x4

_PHDR = struct.Struct("<BbbBIH")
_WHITE, _SIGNAL, _PDU_KIND, _CRC_CHECKED, _CRC_GOOD, _PHY = 0x0001, 0x0002, 0x0380, 0x0400, 0x0800, 0xC000
_NORDIC_HEADER = 17
_NORDIC_EVENTS = (0x02, 0x06)  # an advertising PDU (version 3), any PDU (before)


def adverts_of_ll(packet: bytes, tally: Tally) -> Iterator[Heard]:
    """Link type 251."""
    return _packet(packet, NO_RSSI, None, tally)


def adverts_of_phdr(packet: bytes, tally: Tally) -> Iterator[Heard]:
    """Link type 256."""
    if len(packet) < _PHDR.size:
        tally.add("malformed")
        return iter(())
    _, signal, _, _, _, flags = _PHDR.unpack_from(packet)
    if not flags & _WHITE or flags & _PHY or flags & _PDU_KIND:
        # Whitened bytes say nothing; legacy adverts, the only ones of interest, are sent on 1M and are not auxiliary.
        tally.add("other")
        return iter(())
    good = bool(flags & _CRC_GOOD) if flags & _CRC_CHECKED else None
    rssi = rssi_of(signal & 0xFF) if flags & _SIGNAL else NO_RSSI
    return _packet(packet[_PHDR.size :], rssi, good, tally)


def adverts_of_nordic(packet: bytes, tally: Tally) -> Iterator[Heard]:
    """Link type 272, header versions 1 to 3 (the board's packet number and lengths are not needed)."""
    if len(packet) < _NORDIC_HEADER or packet[7] != 10 or packet[3] not in (1, 2, 3):
        tally.add("malformed")
        return iter(())
    if packet[6] not in _NORDIC_EVENTS or packet[8] & 0x70:
        tally.add("other")
        return iter(())
    return _packet(packet[_NORDIC_HEADER:], -min(packet[10], 127), bool(packet[8] & 1), tally)


def _packet(packet: bytes, rssi: int, good: bool | None, tally: Tally) -> Iterator[Heard]:
    """One packet from its access address on; `good` is what the sniffer says of the CRC, None if nothing."""
    if packet[:4] != ACCESS_ADDRESS:
        tally.add("other")
        return
    if len(packet) < 6 or len(packet) < 6 + packet[5]:
        tally.add("malformed")
        return
    end = 6 + packet[5]
    if good is None and len(packet) >= end + 3:
        good = crc24(packet[4:end]) == int.from_bytes(packet[end : end + 3], "little")
    kind = packet[4] & 0x0F
    if good is False:
        tally.add("bad_crc")
    elif kind == _SCAN_RSP:
        tally.add("scan_responses")
    elif kind == _ADV_DIRECT_IND:
        tally.add("directed")
    elif kind not in _ADVERTS:
        tally.add("other")
    elif packet[5] < 6:
        tally.add("malformed")
    else:
        tally.add("adverts")
        yield packet[12:end], rssi


def crc24(pdu: bytes, init: int = CRC_INIT) -> int:
    """CRC of a PDU (Vol 6 Part B 3.1.1), as the little endian number that stands behind it in a capture.

    The polynomial x^24+x^10+x^9+x^6+x^4+x^3+x+1 over bits sent least significant first; the register is sent from its
    highest position, so that in a capture it reads as the bits of the register in reverse.
    """
    register = _reverse24(init)
    for byte in pdu:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ _POLYNOMIAL if register & 1 else register >> 1
    return register


def _reverse24(value: int) -> int:
    return int(f"{value:024b}"[::-1], 2)


_POLYNOMIAL = _reverse24(0x00065B)
