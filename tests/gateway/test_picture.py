"""BlueZ's picture of a device becomes adverts again: ours byte for byte, nothing glued, nothing of strangers."""

import random

import pytest

from zonetag_gateway.sources.picture import UNKNOWN, Album, uuid16, uuid128
from zonetag_protocol import advert
from zonetag_protocol.errors import Malformed

FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
FD6F = "0000fd6f-0000-1000-8000-00805f9b34fb"
FFFF = "0000ffff-0000-1000-8000-00805f9b34fb"
BATTERY = "0000180f-0000-1000-8000-00805f9b34fb"
SITE = 0xFFFF
EID1, EID2 = b"\x30\xeb" + b"1" * 8, b"\x30\xeb" + b"2" * 8
S1, S2, S3 = b"aabbbb", b"ccdddd", b"eeffff"
TLM = b"\x20\x01" + bytes(16)
HEAD = bytes.fromhex("0201060303aafe0d16aafe")


def tag(body: bytes, structure: bytes) -> bytes:
    return HEAD + body + bytes.fromhex("09ffffff") + structure


def badge(body: bytes) -> bytes:
    return HEAD + body


def test_our_tag_comes_out_as_it_was_sent() -> None:
    made = Album(SITE).advert("d", {FEAA: EID1}, {SITE: S1}, [FEAA])
    assert made == tag(EID1, S1)
    assert len(made) == 31
    assert advert.decode(made).kind == "zonetag"


def test_remains_of_other_adverts_do_not_come_along() -> None:
    service = {BATTERY: b"d", FEAA: EID1, FD6F: bytes(20)}
    made = Album(SITE).advert("d", service, {0x004C: b"old", SITE: S1}, [BATTERY, FEAA, FD6F])
    assert made == tag(EID1, S1)


@pytest.mark.parametrize(
    ("pictures", "made"),
    [
        # the slots of one epoch, then the next epoch
        ([(EID1, S1), (EID1, S2), (EID2, S3)], [tag(EID1, S1), tag(EID1, S2), tag(EID2, S3)]),
        # an identifier beside the remains of the last one's structure, until its own comes
        ([(EID1, S1), (EID2, S1), (EID2, S1), (EID2, S3)], [tag(EID1, S1), badge(EID2), badge(EID2), tag(EID2, S3)]),
        # and back again with the same old structure
        ([(EID1, S1), (EID2, S1), (EID1, S1)], [tag(EID1, S1), badge(EID2), badge(EID1)]),
        # telemetry in between changes nothing
        ([(EID1, S1), (TLM, S1), (EID1, S1)], [tag(EID1, S1), None, tag(EID1, S1)]),
        # a plain badge that rotates
        ([(EID1, None), (EID2, None)], [badge(EID1), badge(EID2)]),
        # a badge that becomes a tag
        ([(EID1, None), (EID1, S1)], [badge(EID1), tag(EID1, S1)]),
        # heard again and again
        ([(EID1, S1)] * 3, [tag(EID1, S1)] * 3),
    ],
)
def test_identifier_and_structure_belong_together_only_if_they_came_together(
    pictures: list[tuple[bytes, bytes | None]], made: list[bytes | None]
) -> None:
    album = Album(SITE)
    for (body, structure), expected in zip(pictures, made, strict=True):
        got = album.advert("d", {FEAA: body}, {} if structure is None else {SITE: structure}, [FEAA])
        if expected is None:
            assert advert.decode(got).kind == "eddystone-etlm"
        else:
            assert got == expected


def test_devices_are_kept_apart() -> None:
    album = Album(SITE)
    assert album.advert("hci0/a", {FEAA: EID1}, {SITE: S1}, []) == tag(EID1, S1)
    assert album.advert("hci0/b", {FEAA: EID2}, {SITE: S1}, []) == tag(EID2, S1)


@pytest.mark.parametrize(
    ("service", "manufacturer", "uuids", "kind"),
    [
        ({FD6F: bytes(20)}, {}, [FD6F], "exposure-notification"),
        ({FFFF: bytes(20)}, {}, [FFFF], "tracetogether-token"),
        ({}, {0x22B5: bytes(12)}, ["00004e56-0000-1000-8000-00805f9b34fb"], "bluezone"),
        ({}, {0x22B5: bytes(12)}, [], "bluezone"),
        ({}, {0x22B5: b"ABCDEF"}, ["e20a39f4-73f5-4bc4-a12f-17d1ad07a889"], "bluezone"),
        ({}, {}, ["00004e56-73f5-4bc4-a12f-17d1ad07a667"], "bluezone"),
        ({}, {0x004C: b"\x01\x08" + bytes(15)}, [], "bluezone"),
        ({}, {0x03FF: b"SG0"}, ["11111111-2222-3333-4444-555555555555"], "bluetrace"),
        ({}, {}, ["b82ab3fc-1595-4f6a-80f0-fe094cc218f9"], "bluetrace"),
        ({FEAA: b"\x40" + bytes(20)}, {}, [FEAA], "find-hub"),
    ],
)
def test_phones_are_known_by_their_parts(
    service: dict[str, bytes], manufacturer: dict[int, bytes], uuids: list[str], kind: str
) -> None:
    assert advert.decode(Album(SITE).advert("d", service, manufacturer, uuids)).kind == kind


@pytest.mark.parametrize(
    ("service", "manufacturer", "uuids"),
    [
        ({}, {}, []),
        ({BATTERY: b"d"}, {}, [BATTERY]),
        ({}, {0x004C: b"\x10\x05\x01\x02\x03"}, []),
        ({"not a uuid": b"x"}, {0x1234: b"somebody's name"}, ["neither", ""]),
    ],
)
def test_of_a_stranger_nothing_is_passed_on(
    service: dict[str, bytes], manufacturer: dict[int, bytes], uuids: list[str]
) -> None:
    assert Album(SITE).advert("d", service, manufacturer, uuids) == UNKNOWN == bytes.fromhex("020106")


def test_memory_is_bounded_and_the_newest_stay() -> None:
    album = Album(SITE, max_devices=8)
    for n in range(100):
        album.advert(f"device{n}", {FEAA: EID1}, {SITE: n.to_bytes(6, "big")}, [])
        album.advert("constant", {FEAA: EID2}, {SITE: n.to_bytes(6, "big")}, [])  # a tag that goes on
    assert len(album) == 8
    assert album.advert("constant", {FEAA: EID1}, {SITE: (99).to_bytes(6, "big")}, []) == badge(EID1)


def test_whatever_a_picture_holds_only_malformed_comes_out() -> None:
    seed = 7
    print("seed", seed)
    rng = random.Random(seed)
    album = Album(SITE, 64)
    keys = [FEAA, FD6F, FFFF, BATTERY, "0000zzzz-0000-1000-8000-00805f9b34fb", "", "x" * 36]
    for _ in range(5000):
        service = {
            rng.choice(keys): rng.randbytes(rng.choice((0, 1, 10, 20, 253, 300))) for _ in range(rng.randrange(3))
        }
        companies = rng.choices((SITE, 0x004C, 0x22B5, 0x03FF), k=rng.randrange(3))
        manufacturer = {company: rng.randbytes(rng.choice((0, 3, 6, 12, 17, 300))) for company in companies}
        try:
            advert.explain(album.advert(str(rng.randrange(99)), service, manufacturer, rng.choices(keys, k=2)))
        except Malformed:
            continue


def test_uuids() -> None:
    assert uuid16(FEAA) == 0xFEAA
    assert uuid16("0000zzzz-0000-1000-8000-00805f9b34fb") is None
    assert uuid16("00004e56-73f5-4bc4-a12f-17d1ad07a667") is None
    assert uuid128("00004e56-73f5-4bc4-a12f-17d1ad07a667") == advert.BLUEZONE_IPHONE
    assert uuid128(FEAA) is None
    assert uuid128("zz") is None
