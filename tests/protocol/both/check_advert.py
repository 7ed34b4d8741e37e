"""What an advert is: each kind whole, cut at every byte, with bytes behind it, and in every order of its structures."""

from both import vectors
from both.expect import orders, refused, same

from zonetag_protocol import advert
from zonetag_protocol.errors import Malformed

EID = "2b249b9cfea21175"
RPI = "8be6cd371c5c891604bfbe49df845096"
IPHONE = "67a607add1172fa1c44bf573564e0000"  # 00004E56-73F5-4BC4-A12F-17D1AD07A667 as it stands on the air
BLUEZONE_V1 = "89a807add1172fa1c44bf573f4390ae2"  # E20A39F4-73F5-4BC4-A12F-17D1AD07A889
OPENTRACE = "f918c24c09fef0806a4f9515fcb32ab8"  # B82AB3FC-1595-4F6A-80F0-FE094CC218F9
OTHER_UUID = "000102030405060708090a0b0c0d0e0f"
ETLM = "b9439a83d059d7b01e02d108"

# Kind; its structures; its fields, bytes in hex; what is left of it when the air ends behind each structure.
SAMPLES: tuple[tuple[str, tuple[str, ...], dict[str, object], tuple[str, ...]], ...] = (
    (
        "zonetag",
        ("020106", "0303aafe", "0d16aafe30eb" + EID, "09ffffff3676aebcf0cf"),
        {"tx": -21, "eid": EID, "company": 0xFFFF, "sealed": "3676", "mac": "aebcf0cf"},
        ("unknown", "unknown", "eddystone-eid"),
    ),
    (
        "eddystone-eid",
        ("020106", "0303aafe", "0d16aafe3004" + EID),
        {"tx": 4, "eid": EID},
        ("unknown", "unknown"),
    ),
    (  # a badge of another maker, who says something of his own beside it
        "eddystone-eid",
        ("020106", "0303aafe", "0d16aafe3080" + EID, "05ff59000102"),
        {"tx": -128, "eid": EID},
        ("unknown", "unknown", "eddystone-eid"),
    ),
    (
        "eddystone-etlm",
        ("020106", "0303aafe", "1516aafe2001" + ETLM + "beefe692"),
        {"ciphertext": ETLM, "salt": "beef", "mic": "e692"},
        ("unknown", "unknown"),
    ),
    (
        "find-hub",
        ("020106", "1916aafe40" + "5a" * 20 + "01"),
        {"separated": False},
        ("unknown",),
    ),
    (
        "find-hub",
        ("020106", "1816aafe41" + "5a" * 20),
        {"separated": True},
        ("unknown",),
    ),
    (
        "bluezone",
        ("020102", "0fffb522286bce589ab994efa5f73cad", "0303564e"),
        {"version": 2, "phone": "android", "id": "286bce589ab994efa5f73cad"},
        ("unknown", "bluezone"),
    ),
    (
        "bluezone",
        ("02011a", "1107" + IPHONE),
        {"version": 2, "phone": "iphone"},
        ("unknown",),
    ),
    (
        "bluezone",
        ("02011a", "14ff4c000108" + "00" * 15),
        {"version": 2, "phone": "iphone", "background": True},
        ("unknown",),
    ),
    (
        "bluezone",
        ("020102", "1107" + BLUEZONE_V1, "09ffb522414243313233"),
        {"version": 1, "id": "414243313233"},
        ("unknown", "bluezone"),
    ),
    (
        "exposure-notification",
        ("02011a", "03036ffd", "17166ffd" + RPI + "72033874"),
        {"rpi": RPI, "aem": "72033874"},
        ("unknown", "unknown"),
    ),
    (
        "tracetogether-token",
        ("020106", "0303ffff", "1716ffff" + "a1a2a3a4a5a6" + "00112233445566778899" + "0000" + "0201"),
        {"mac": "a1a2a3a4a5a6", "uuid": "00112233445566778899", "reserved": "0000", "version": "0201"},
        ("unknown", "unknown"),
    ),
    (
        "bluetrace",
        ("02011a", "1107" + OPENTRACE, "06ffff03414243"),
        {"id": "414243"},
        ("unknown", "bluetrace"),
    ),
    (
        "bluetrace",
        ("02011a", "1106" + OTHER_UUID, "06ffff03414243"),
        {"id": "414243"},
        ("unknown", "unknown"),
    ),
    (
        "unknown",
        ("020106", "0303aafe", "0b16aafe10eb027a6f6e652e"),
        {},
        ("unknown", "unknown"),
    ),
    (
        "unknown",
        ("020106", "05ff59000102", "0409414243"),
        {},
        ("unknown", "unknown"),
    ),
)

MALFORMED = (
    "01",  # a length and nothing else
    "05",
    "ff",
    "0201",
    "020106" + "0303aa",
    "020106" + "00" + "01",  # something behind the end
    "0101",  # flags without a byte
    "0203aa",  # half a UUID
    "0403aafe00",
    "0107" + "0207aa",  # a part of a 128-bit UUID behind an empty list
    "0116",  # service data without its UUID
    "0216aa",
    "01ff",
    "02ffff",
    "0316aafe",  # Eddystone without a frame type
    "0416aafe30",  # an identifier cut short within a structure that is whole
    "0c16aafe30eb2b249b9cfea211",
    "0e16aafe30eb2b249b9cfea2117500",
    "1416aafe2001" + ETLM + "beefe6",
    "0516aafe2001",
    "16166ffd" + "00" * 19,
    "18166ffd" + "00" * 21,
    "0d16aafe30eb" + EID + "08ffffff3676aebcf0",  # the second structure one byte short, and long
    "0d16aafe30eb" + EID + "0affffff3676aebcf0cf00",
    "0d16aafe30eb" + EID + "03ffffff",
    "0d16aafe30eb" + EID + "0d16aafe30eb" + "00" * 8,  # two identifiers: which of them?
    "09ffffff3676aebcf0cf" + "09ffffff3676aebcf0ce",
    "0effb522286bce589ab994efa5f73c" + "0303564e",  # a Bluezone identifier of 11 bytes
)


def _fields(heard: advert.Heard) -> dict[str, object]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in heard.fields.items()}


def _is(heard: advert.Heard, kind: str, fields: dict[str, object], about: object) -> None:
    same((heard.kind, _fields(heard)), (kind, fields), about)


def check_whole() -> None:
    for kind, parts, fields, _ in SAMPLES:
        _is(advert.decode(bytes.fromhex("".join(parts))), kind, fields, parts)


def check_every_kind_has_a_sample() -> None:
    kinds = [sample[0] for sample in SAMPLES]
    for kind in advert.KINDS:
        same(kind in kinds or kind == "malformed", True, kind)
    same([kind for kind in kinds if kind not in advert.KINDS], [])


def check_truncated() -> None:
    """Behind a structure the rest stands for itself; within one, it is malformed."""
    for _, parts, _, left in SAMPLES:
        data = bytes.fromhex("".join(parts))
        ends = {0: "unknown"}
        length = 0
        for part, kind in zip(parts, left):
            length += len(part) // 2
            ends[length] = kind
        for cut in range(len(data)):
            if cut in ends:
                same(advert.decode(data[:cut]).kind, ends[cut], (parts, cut))
            else:
                refused(Malformed, advert.decode, data[:cut])
                same(advert.explain(data[:cut]).kind, "malformed", (parts, cut))


def check_trailing() -> None:
    """Zeros may fill the rest and other structures may follow; a length past the end or bytes behind it may not."""
    for kind, parts, fields, _ in SAMPLES:
        data = bytes.fromhex("".join(parts))
        for more in ("00", "00" * 31, "020a04", "0409616263", "0409616263" + "00", "0303aafe"):
            _is(advert.decode(data + bytes.fromhex(more)), kind, fields, (parts, more))
        for more in ("01", "09", "ff", "0001", "00" * 30 + "01", "0209"):
            refused(Malformed, advert.decode, data + bytes.fromhex(more))


def check_every_order() -> None:
    for kind, parts, fields, _ in SAMPLES:
        for order in orders(parts):
            _is(advert.decode(bytes.fromhex("".join(order))), kind, fields, order)


def check_repeated() -> None:
    """The same structure twice says the same thing twice."""
    for kind, parts, fields, _ in SAMPLES:
        _is(advert.decode(bytes.fromhex("".join(parts + parts))), kind, fields, parts)


def check_malformed() -> None:
    for data in MALFORMED:
        refused(Malformed, advert.decode, bytes.fromhex(data))
        heard = advert.explain(bytes.fromhex(data))
        same((heard.kind, list(heard.fields)), ("malformed", ["reason"]), data)


def check_empty() -> None:
    for data in (b"", b"\0", bytes(31), bytes(255)):
        _is(advert.decode(data), "unknown", {}, data)


def check_company() -> None:
    """Only under the fleet's own company is the second structure ours."""
    data = bytes.fromhex("0d16aafe30eb" + EID + "09ff59003676aebcf0cf")
    same(advert.decode(data).kind, "eddystone-eid")
    same(advert.decode(data, 0x0059).kind, "zonetag")
    same(advert.decode(data, 0x0059).fields["company"], 0x0059)


def check_long() -> None:
    """An extended advert: 1650 bytes, structures of 255."""
    filler = b"\xfe\x09" + bytes(253)
    data = filler * 6 + bytes.fromhex("".join(SAMPLES[0][1]))
    same(advert.decode(data).kind, "zonetag")
    refused(Malformed, advert.decode, data[:-1])


def _three_ways(data: bytes, kind: str, fields: dict[str, object]) -> None:
    _is(advert.decode(data), kind, fields, data)
    _is(advert.decode(data + bytes(3)), kind, fields, data)
    for cut in range(len(data)):
        heard = advert.explain(data[:cut])
        same(_fields(heard) != fields or kind == "unknown", True, (data, cut))


def check_vectors_of_our_frame() -> None:
    for one in vectors.load("tag_frame")["frames"]:
        data = bytes.fromhex(one["advert"])
        fields = {"tx": one["tx_power"], "company": 0xFFFF}
        for name in ("eid", "sealed", "mac"):
            fields[name] = one[name]
        _three_ways(data, "zonetag", fields)
        got = advert.frame_of(advert.decode(data))
        same((got.tx, got.eid.hex(), got.sealed.hex(), got.mac.hex()), (-21, one["eid"], one["sealed"], one["mac"]))


def check_vectors_of_eddystone() -> None:
    item = vectors.load("eddystone")
    for one in item["eid"]:
        data = bytes.fromhex("0201060303aafe0d16aafe30f8" + one["eid"])
        _three_ways(data, "eddystone-eid", {"tx": -8, "eid": one["eid"]})
    for one in item["etlm"]:
        data = bytes.fromhex("0201060303aafe1516aafe2001" + one["ciphertext"] + one["nonce"][-4:] + one["mic"])
        fields = {"ciphertext": one["ciphertext"], "salt": one["nonce"][-4:], "mic": one["mic"]}
        _three_ways(data, "eddystone-etlm", fields)


def check_vectors_of_bluezone() -> None:
    item = vectors.load("bluezone")
    same(advert.decode(bytes.fromhex(item["advert_android_example"])).kind, "bluezone")
    for one in item["vectors"]:
        parts = ("02011a", "0fffb522" + one["id"], "0303564e")
        fields = {"version": 2, "phone": "android", "id": one["id"]}
        for order in orders(parts):
            _is(advert.decode(bytes.fromhex("".join(order))), "bluezone", fields, order)


def check_vectors_of_exposure_notification() -> None:
    for one in vectors.load("exposure_notification")["advertised"]:
        data = bytes.fromhex("02011a03036ffd17166ffd" + one["rpi"] + one["aem"])
        _three_ways(data, "exposure-notification", {"rpi": one["rpi"], "aem": one["aem"]})


def check_rebuilt() -> None:
    """A stack's parts make an advert again: of ours, byte for byte; of the others, one of the same kind and fields."""
    for kind, parts, fields, _ in SAMPLES:
        data = bytes.fromhex("".join(parts))
        ad = advert.Structures(data)
        again = advert.rebuild(ad.service, ad.manufacturer, ad.uuids16, ad.uuids128)
        _is(advert.decode(again), kind, fields, parts)
        if kind == "zonetag":
            same(again, data)


def check_rebuild_refuses() -> None:
    """What cannot have stood in an advert: too long, or a key of more than 16 bits."""
    same(len(advert.rebuild({}, {0: bytes(252)}, [], [])), 3 + 256)
    refused(Malformed, advert.rebuild, {}, {0: bytes(253)}, [], [])
    refused(Malformed, advert.rebuild, {0: bytes(253)}, {}, [], [])
    refused(Malformed, advert.rebuild, {}, {}, [0] * 128, [])
    refused(Malformed, advert.rebuild, {}, {}, [], [bytes(16)] * 16)
    for key in (-1, 0x10000, 1 << 40):
        refused(Malformed, advert.rebuild, {key: b""}, {}, [], [])
        refused(Malformed, advert.rebuild, {}, {key: b""}, [], [])
        refused(Malformed, advert.rebuild, {}, {}, [key], [])


def check_hostile_bytes() -> None:
    """Two thousand adverts with some bytes replaced: refused as malformed or given a kind, on a tag too."""
    state = 20201120
    for round_ in range(2000):
        data = bytearray(bytes.fromhex("".join(SAMPLES[round_ % len(SAMPLES)][1])))
        for _ in range(1 + round_ % 3):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            data[(state >> 16) % len(data)] = state >> 8 & 0xFF
        same(advert.explain(bytes(data)).kind in advert.KINDS, True, data)
