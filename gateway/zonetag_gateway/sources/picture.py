"""Adverts again out of BlueZ's picture of a device.  Pure.

BlueZ keeps one object per radio address and merges into it whatever that address has ever sent: manufacturer data by
company, service data by UUID, a growing list of UUIDs.  A change is announced with the whole of it.  So a picture may
hold parts of several adverts, and what is made of it here obeys three rules:

1. Only parts that this system speaks for are passed on; of all else, one advert without content, so that it is counted.
2. An Eddystone frame is passed with the fleet's own structure and nothing besides: our tag's 31 bytes come out exactly
   as they were sent.
3. Identifier and structure belong together only if they came together.  bluetoothd takes both from one advert before it
   announces either, so a new identifier beside a structure that did not change is a new advert beside the remains of
   an old one: the structure is left out.  (A new identifier with the same six bytes by chance: 2^-48.)
"""

from collections.abc import Mapping, Sequence

from zonetag_protocol import advert

UNKNOWN = advert.rebuild({}, {}, [], [])
# an advert that says nothing: what somebody else's device becomes
MAX_DEVICES = 4096
# pictures remembered; an address lives minutes to hours, and an office hears hundreds

_BASE = "-0000-1000-8000-00805f9b34fb"  # of Bluetooth's own UUIDs: 0000xxxx before it is the 16-bit one xxxx
_EID_FRAME = 0x30
_KNOWN128 = (advert.BLUEZONE_IPHONE, advert.BLUEZONE_V1, advert.OPENTRACE)
_PHONE_SERVICES = (advert.EXPOSURE_UUID, advert.TOKEN_UUID)
_BLUETRACE_CHARACTERS = 3


def uuid16(text: str) -> int | None:
    """The 16-bit UUID of a UUID as D-Bus writes it, None for any other."""
    if text.endswith(_BASE) and text.startswith("0000"):
        try:
            return int(text[4:8], 16)
        except ValueError:
            return None
    return None


def uuid128(text: str) -> bytes | None:
    """Little endian bytes of a UUID that has no 16-bit form; None for those that have, or for no UUID."""
    if text.endswith(_BASE):
        return None
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    return raw[::-1] if len(raw) == 16 else None


_FEAA = "0000feaa" + _BASE


class Album:
    """What was last seen of each device that speaks Eddystone."""

    def __init__(self, company: int, max_devices: int = MAX_DEVICES) -> None:
        """`company`: under which the fleet's own structure stands."""
        self._company = company
        self._max = max_devices
        # device -> (service data, structure or None, the advert made of them)
        self._last: dict[str, tuple[bytes, bytes | None, bytes]] = {}

    def __len__(self) -> int:
        return len(self._last)

    def advert(
        self, device: str, service: Mapping[str, bytes], manufacturer: Mapping[int, bytes], uuids: list[str]
    ) -> bytes:
        """AD bytes of what `device` (any name of it) seems to have sent just now.  Malformed if it fits no advert."""
        body = service.get(_FEAA)
        if body is None:
            return _other(service, manufacturer, uuids)
        if not body or body[0] != _EID_FRAME:
            return _eddystone(body)
        structure = manufacturer.get(self._company)
        last = self._last.get(device)
        if last is not None:
            if last[0] == body and last[1] == structure:
                return last[2]
            if last[0] != body and last[1] == structure:
                # Rule 3.  The structure stays on record as one already seen with another identifier.
                return self._keep(device, body, structure, _eddystone(body))
            del self._last[device]  # so that it moves to the end, the last to be forgotten
        own = {} if structure is None else {self._company: structure}
        return self._keep(device, body, structure, _eddystone(body, own))

    def _keep(self, device: str, body: bytes, structure: bytes | None, made: bytes) -> bytes:
        if len(self._last) >= self._max and device not in self._last:
            del self._last[next(iter(self._last))]
        self._last[device] = (body, structure, made)
        return made


def plain(data: bytes, company: int) -> bytes:
    """An advert with a scan response behind it, as one that has none: what is passed on of it, by rule 1.

    A stack that hands both over in one does so now and then without the answer: a phone would be two.  Malformed if
    it is no advert.
    """
    ad = advert.Structures(data)
    body = ad.service.get(advert.EDDYSTONE_UUID)
    if body is not None:
        own = {company: ad.manufacturer[company]} if company in ad.manufacturer else {}
        return _eddystone(body, own if body[:1] == bytes([_EID_FRAME]) else {})
    return _kept(ad.service, ad.manufacturer, ad.uuids16, ad.uuids128)


def _eddystone(body: bytes, own: Mapping[int, bytes] | None = None) -> bytes:
    uuid = advert.EDDYSTONE_UUID
    return advert.rebuild({uuid: body}, dict(own or {}), [uuid], [])


def _other(service: Mapping[str, bytes], manufacturer: Mapping[int, bytes], uuids: list[str]) -> bytes:
    """A phone's advert, with that of it which makes it one; else UNKNOWN."""
    short = {uuid: body for text, body in service.items() if (uuid := uuid16(text)) is not None}
    if not short and not manufacturer and not uuids:
        return UNKNOWN
    long = [raw for raw in map(uuid128, uuids) if raw is not None]
    return _kept(short, manufacturer, [uuid for uuid in map(uuid16, uuids) if uuid is not None], long)


def _kept(
    service: Mapping[int, bytes], manufacturer: Mapping[int, bytes], short: Sequence[int], long: list[bytes]
) -> bytes:
    for uuid, body in service.items():
        if uuid in _PHONE_SERVICES:
            return advert.rebuild({uuid: body}, {}, [uuid], [])
    companies: dict[int, bytes] = {}
    if advert.BLUEZONE_COMPANY in manufacturer:
        companies[advert.BLUEZONE_COMPANY] = manufacturer[advert.BLUEZONE_COMPANY]
    elif manufacturer.get(advert.APPLE_COMPANY) == advert.BLUEZONE_OVERFLOW:
        companies[advert.APPLE_COMPANY] = advert.BLUEZONE_OVERFLOW
    known = [raw for raw in long if raw in _KNOWN128]
    bluetrace = manufacturer.get(advert.BLUETRACE_COMPANY, b"")
    if not companies and len(bluetrace) == _BLUETRACE_CHARACTERS and long:
        companies[advert.BLUETRACE_COMPANY] = bluetrace
        known = known or long[:1]
    return advert.rebuild({}, companies, [advert.BLUEZONE_UUID] if advert.BLUEZONE_UUID in short else [], known)
