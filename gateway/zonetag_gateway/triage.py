"""The quick look at an advert that is met for the first time: most of what is in the air is nothing of ours.

`surely_unknown` only ever agrees with `advert.explain`: where it says yes, that says "unknown".  Where it says no, the
full decoder decides.  It costs a third, and in an office every tenth advert is one that was never seen before.
"""

from zonetag_protocol import advert

_SERVICES = frozenset((advert.EDDYSTONE_UUID, advert.EXPOSURE_UUID, advert.TOKEN_UUID))
_COMPANIES = frozenset((advert.BLUEZONE_COMPANY, advert.BLUETRACE_COMPANY))
_APPLE_OVERFLOW = advert.BLUEZONE_OVERFLOW[0]
# AD types whose contents the full decoder looks into beside those below: lists of UUIDs.
_LISTS = frozenset(advert.UUIDS16 + advert.UUIDS128)


def surely_unknown(data: bytes) -> bool:
    """Whether these AD structures are whole, and name no format that this system knows."""
    at = 0
    total = len(data)
    service = manufacturer = False
    while at < total:
        length = data[at]
        end = at + 1 + length
        if length == 0 or end > total:
            return False
        kind = data[at + 1]
        if kind == advert.MANUFACTURER:
            if manufacturer or length < 3:
                return False
            manufacturer = True
            company = data[at + 2] | data[at + 3] << 8
            if company in _COMPANIES or (
                company == advert.APPLE_COMPANY and length > 3 and data[at + 4] == _APPLE_OVERFLOW
            ):
                return False
        elif kind == advert.SERVICE_DATA16:
            if service or length < 3 or data[at + 2] | data[at + 3] << 8 in _SERVICES:
                return False
            service = True
        elif kind in _LISTS:
            if kind in advert.UUIDS128 or length != 3 or data[at + 2] | data[at + 3] << 8 == advert.BLUEZONE_UUID:
                return False
        elif kind == advert.FLAGS and length < 2:
            return False
        at = end
    return True
