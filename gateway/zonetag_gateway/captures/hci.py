"""Adverts in HCI events (Bluetooth Core 5.4, Vol 4 Part E).

An event: code (1), length (1), parameters.  Code 3E is LE meta, whose first parameter is a subevent:

| subevent | section | each of its reports |
|---|---|---|
| 02 advertising report | 7.7.65.2 | type (1), address type (1), address (6), length (1), data, RSSI (1) |
| 0B directed | 7.7.65.11 | no data: of no use |
| 0D extended | 7.7.65.13 | type (2), address type (1), address (6), PHYs (2), SID (1), TX (1), RSSI (1), \
interval (2), direct address (7), length (1), data |

Both begin with the number of reports (1).  RSSI is signed; 127 = not measured, and is passed on as that.
"""

from collections.abc import Iterator

from zonetag_gateway.captures.tally import Heard, Tally

NO_RSSI = 127  # "not measured", here and everywhere behind the seam

LE_META = 0x3E
_LEGACY, _DIRECTED, _EXTENDED = 0x02, 0x0B, 0x0D
_ADV_DIRECT_IND, _SCAN_RSP = 0x01, 0x04
_EXT_DIRECTED, _EXT_SCAN_RSP = 0b0100, 0b1000
_EXT_STATUS = 0b110_0000  # 0 = complete


def adverts_of_h4(packet: bytes, tally: Tally) -> Iterator[Heard]:
    """The adverts of an H4 packet: type byte (04 = event), then the packet."""
    if packet[:1] == b"\x04":
        return adverts_of_event(packet[1:], tally)
    return iter(())


def adverts_of_event(event: bytes, tally: Tally) -> Iterator[Heard]:
    """The adverts of one HCI event; what cannot be used is counted in `tally`."""
    if len(event) < 4 or event[0] != LE_META:
        return
    parameters = event[2 : 2 + event[1]]
    if len(parameters) != event[1] or len(parameters) < 2:
        tally.add("malformed")
    elif parameters[0] == _LEGACY:
        yield from _legacy(parameters, tally)
    elif parameters[0] == _EXTENDED:
        yield from _extended(parameters, tally)
    elif parameters[0] == _DIRECTED:
        tally.add("directed")


def _legacy(parameters: bytes, tally: Tally) -> Iterator[Heard]:
    at = 2
    for _ in range(parameters[1]):
        end = at + 9 + (parameters[at + 8] if at + 8 < len(parameters) else 0)
        if end >= len(parameters):  # the RSSI stands at `end`
            tally.add("malformed")
            return
        kind = parameters[at]
        if kind == _SCAN_RSP:
            tally.add("scan_responses")
        elif kind == _ADV_DIRECT_IND:
            tally.add("directed")
        else:
            tally.add("adverts")
            yield parameters[at + 9 : end], rssi_of(parameters[end])
        at = end + 1


def _extended(parameters: bytes, tally: Tally) -> Iterator[Heard]:
    at = 2
    for _ in range(parameters[1]):
        end = at + 24 + (parameters[at + 23] if at + 23 < len(parameters) else 0)
        if at + 24 > len(parameters) or end > len(parameters):
            tally.add("malformed")
            return
        kind = parameters[at] | parameters[at + 1] << 8
        if kind & _EXT_SCAN_RSP:
            tally.add("scan_responses")
        elif kind & _EXT_DIRECTED:
            tally.add("directed")
        elif kind & _EXT_STATUS:
            tally.add("fragments")
        else:
            tally.add("adverts")
            yield parameters[at + 24 : end], rssi_of(parameters[at + 13])
        at = end


def rssi_of(byte: int) -> int:
    """A signed byte, dBm or NO_RSSI."""
    return byte - 256 if byte > 127 else byte


def report(data: bytes, rssi: int) -> bytes:
    """The H4 packet of an advertising report (extended if `data` exceeds 31 bytes), from an address of zeros.

    `rssi` in dBm is clamped to what the field holds (-127 to 20, or NO_RSSI); ValueError if `data` exceeds 229 bytes.
    """
    strength = (NO_RSSI if rssi == NO_RSSI else max(-127, min(20, rssi))) & 0xFF
    if len(data) <= 31:
        # ADV_NONCONN_IND (03) from a random address (01)
        body = bytes([_LEGACY, 1, 0x03, 0x01]) + bytes(6) + bytes([len(data)]) + data + bytes([strength])
    elif len(data) <= 229:
        # no bits of the type set, 1M PHY alone (01 00), no SID (FF), TX not known (7F), no interval, no direct address
        body = bytes([_EXTENDED, 1, 0, 0, 0x01]) + bytes(6) + bytes([1, 0, 0xFF, 0x7F, strength]) + bytes(9)
        body += bytes([len(data)]) + data
    else:
        raise ValueError("an advertising report holds 229 bytes at most")
    return bytes([0x04, LE_META, len(body)]) + body
