"""An advert byte by byte: what stands at which offset, and what it means.

For people who look at what the air holds.  The decoder that counts is `zonetag_protocol.advert`; this file only lays
its formats out (SPEC.md sections 5 and 6), and takes any bytes: where they break off, it says so and ends.
"""

from dataclasses import dataclass

from zonetag_protocol import advert
from zonetag_protocol.frame import TEST_COMPANY

SERVICES = {
    advert.EDDYSTONE_UUID: "Eddystone",
    advert.EXPOSURE_UUID: "Exposure Notification",
    advert.BLUEZONE_UUID: "Bluezone",
    advert.TOKEN_UUID: "TraceTogether token",
}
UUIDS = {
    advert.BLUEZONE_IPHONE: "Bluezone on an iPhone",
    advert.BLUEZONE_V1: "Bluezone, first version",
    advert.OPENTRACE: "OpenTrace",
}
COMPANIES = {
    TEST_COMPANY: "reserved for tests",
    advert.APPLE_COMPANY: "Apple",
    advert.BLUEZONE_COMPANY: "Bluezone",
    advert.BLUETRACE_COMPANY: "BlueTrace",
}
TYPES = {
    0x02: "some of the 16-bit UUIDs",
    0x03: "16-bit UUIDs",
    0x06: "some of the 128-bit UUIDs",
    0x07: "128-bit UUIDs",
    0x08: "shortened name",
    0x09: "name",
    0x0A: "transmit power",
}
FLAGS = (
    "limited discoverable",
    "general discoverable",
    "no BR/EDR",
    "BR/EDR and LE at once (controller)",
    "BR/EDR and LE at once (host)",
)
FRAME_TYPES = {0x00: "UID", 0x10: "URL", 0x20: "TLM", 0x30: "EID", 0x40: "Find Hub", 0x41: "Find Hub, separated"}

Layout = tuple[tuple[str, int], ...]  # meaning and number of bytes, in order
EID: Layout = (("identifier of this epoch", 8),)
ETLM: Layout = (("version", 1), ("telemetry, encrypted", 12), ("salt", 2), ("integrity check", 2))
EXPOSURE: Layout = (("rolling identifier", 16), ("metadata, encrypted", 4))
TOKEN: Layout = (("address", 6), ("identifier", 10), ("reserved", 2), ("version", 2))
OURS: Layout = (("slot and status, sealed", 2), ("authenticator", 4))


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of an advert with one meaning."""

    offset: int
    # bytes from the advert's beginning
    data: bytes
    # at least one
    meaning: str
    # in English, for a terminal


def parts(data: bytes, company: int = TEST_COMPANY) -> list[Part]:
    """All of `data` in order; `company` is that of the fleet's own structure."""
    found: list[Part] = []
    at = 0
    while at < len(data):
        length = data[at]
        end = at + 1 + length
        if length == 0:
            found.append(Part(at, data[at:], "end" if not any(data[at:]) else "end, and bytes behind it"))
            break
        if end > len(data):
            wanted = f"a structure of {length} bytes, of which only {len(data) - at - 1} stand here"
            found.append(Part(at, data[at:], wanted))
            break
        found += _structure(at, data[at:end], company)
        at = end
    return found


def _structure(at: int, whole: bytes, company: int) -> list[Part]:
    """One AD structure: length (1) | type (1) | data."""
    kind, body = whole[1], whole[2:]
    if kind == advert.FLAGS and body:
        named = [name for bit, name in enumerate(FLAGS) if body[0] >> bit & 1]
        return [Part(at, whole, "flags: " + (", ".join(named) or "none"))]
    if kind in advert.UUIDS16:
        uuids = [body[i] | body[i + 1] << 8 for i in range(0, len(body) - 1, 2)]
        return [Part(at, whole, f"{TYPES[kind]}: " + ", ".join(_named(uuid, SERVICES) for uuid in uuids))]
    if kind in advert.UUIDS128:
        long = [body[i : i + 16] for i in range(0, len(body) - 15, 16)]
        return [Part(at, whole, f"{TYPES[kind]}: " + ", ".join(UUIDS.get(u, u[::-1].hex()) for u in long))]
    if kind in (advert.SERVICE_DATA16, advert.MANUFACTURER) and len(body) >= 2:
        key = body[0] | body[1] << 8
        if kind == advert.SERVICE_DATA16:
            head = Part(at, whole[:4], f"service data of {_named(key, SERVICES)}")
            return [head, *_service(at + 4, key, body[2:])]
        head = Part(at, whole[:4], f"manufacturer data of company {_named(key, COMPANIES)}")
        layout = OURS if key == company and len(body) == 8 else ()
        return [head, *_laid_out(at + 4, body[2:], layout)]
    if kind in (0x08, 0x09):
        return [Part(at, whole, f"{TYPES[kind]}: {body.decode('utf-8', 'replace')!a}")]
    return [Part(at, whole, TYPES.get(kind, f"structure of type {kind:02x}"))]


def _service(at: int, uuid: int, body: bytes) -> list[Part]:
    if uuid == advert.EXPOSURE_UUID:
        return _laid_out(at, body, EXPOSURE)
    if uuid == advert.TOKEN_UUID and len(body) == 20:
        return _laid_out(at, body, TOKEN)
    if uuid != advert.EDDYSTONE_UUID or not body:
        return _laid_out(at, body, ())
    head = Part(at, body[:1], f"frame type: {FRAME_TYPES.get(body[0], 'not known')}")
    if body[0] == 0x30 and len(body) > 1:
        power = Part(at + 1, body[1:2], f"power at 0 m: {int.from_bytes(body[1:2], signed=True)} dBm")
        return [head, power, *_laid_out(at + 2, body[2:], EID)]
    layout = ETLM if body[:2] == b"\x20\x01" else ()
    return [head, *_laid_out(at + 1, body[1:], layout)]


def _laid_out(at: int, body: bytes, layout: Layout) -> list[Part]:
    found = []
    for meaning, size in layout:
        if len(body) >= size:
            found.append(Part(at, body[:size], meaning))
        elif body:
            found.append(Part(at, body, f"{meaning}: {len(body)} bytes of {size}"))
        at, body = at + size, body[size:]
    if body:
        found.append(Part(at, body, "more bytes than the format has" if layout else "data"))
    return found


def _named(number: int, names: dict[int, str]) -> str:
    return f"{number:04x} ({names[number]})" if number in names else f"{number:04x}"
