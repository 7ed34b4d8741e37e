"""The quick look at an advert that is met for the first time: most of what is in the air is nothing of ours.

These looks only ever agree with `advert.explain`: where one says yes, that says the same.  Where all say no, the full
decoder decides.  They cost a third of it or less, and in an office every tenth advert is a new one.
"""

from zonetag_protocol import advert

_SERVICES = frozenset((advert.EDDYSTONE_UUID, advert.EXPOSURE_UUID, advert.TOKEN_UUID))
_COMPANIES = frozenset((advert.BLUEZONE_COMPANY, advert.BLUETRACE_COMPANY))
_APPLE_OVERFLOW = advert.BLUEZONE_OVERFLOW[0]
# AD types whose contents the full decoder looks into beside those below: lists of UUIDs.
_LISTS = frozenset(advert.UUIDS16 + advert.UUIDS128)

# The common forms, flags first: 02 01 FLAGS, then
_BADGE = b"\x03\x03\xaa\xfe\x0d\x16\xaa\xfe\x30"  # UUIDs, service data, frame type; behind it TX EID[8]
_EXPOSURE = b"\x03\x03\x6f\xfd\x17\x16\x6f\xfd"  # UUIDs, service data; behind it RPI[16] AEM[4]
_FLAGS = b"\x02\x01"
BADGE_EID = slice(13, 21)


def surely_badge(data: bytes) -> bool:
    """Whether this is an Eddystone-EID advert in its common form and nothing else; its EID is at BADGE_EID."""
    return len(data) == 21 and data[3:12] == _BADGE and data[:2] == _FLAGS


def surely_exposure(data: bytes) -> bool:
    """Whether this is an Exposure Notification in its common form and nothing else."""
    return len(data) == 31 and data[3:11] == _EXPOSURE and data[:2] == _FLAGS


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
