"""The quick looks agree with the full decoder, whatever the bytes."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig.tags import Tag

from zonetag_gateway.triage import BADGE_EID, surely_badge, surely_exposure, surely_unknown
from zonetag_protocol import advert

BADGE = bytes.fromhex("0201060303aafe0d16aafe30eb") + b"badge-no"
EXPOSURE = bytes.fromhex("02011a03036ffd17166ffd") + bytes(range(20))
APPLE = bytes.fromhex("02011a0bff4c001006") + bytes(6)
NAMED = bytes.fromhex("0201060d09") + b"A name here."


def agrees(data: bytes) -> None:
    heard = advert.explain(data)
    if surely_unknown(data):
        assert heard.kind == advert.UNKNOWN, data.hex()
    if surely_badge(data):
        assert heard.kind == advert.EDDYSTONE_EID, data.hex()
        assert heard.fields["eid"] == data[BADGE_EID]
    if surely_exposure(data):
        assert heard.kind == advert.EXPOSURE_NOTIFICATION, data.hex()


def hexes(item: object) -> list[bytes]:
    """Every text in a vector file that is an advert's hex."""
    if isinstance(item, dict):
        return [data for value in item.values() for data in hexes(value)]
    if isinstance(item, list):
        return [data for value in item for data in hexes(value)]
    try:
        return [bytes.fromhex(item)] if isinstance(item, str) else []
    except ValueError:
        return []


def test_every_vector_whole_cut_and_with_trailing_bytes(root: Path) -> None:
    vectors = [data for path in (root / "tests/vectors").glob("*.json") for data in hexes(json.loads(path.read_text()))]
    assert len(vectors) > 50
    for data in [*vectors, BADGE, EXPOSURE, APPLE, NAMED, Tag(1).advert(5)]:
        for cut in range(len(data) + 1):
            agrees(data[:cut])
        for tail in (b"\0", b"\1", b"\2\xff", b"\3\xff\xff\xff", bytes(3)):
            agrees(data + tail)


def test_changed_bytes() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    seeds = [BADGE, EXPOSURE, APPLE, NAMED, Tag(1).advert(5), bytes.fromhex("020102 0fffb522") + bytes(12)]
    for _ in range(30_000):
        data = bytearray(dice.choice(seeds) + dice.choice((b"", dice.choice(seeds))))
        for _ in range(dice.randrange(3)):
            data[dice.randrange(len(data))] = dice.choice(
                (0, 1, 2, 3, 0x16, 0xFF, 0x4C, 0xAA, 0xFE, dice.randrange(256))
            )
        agrees(bytes(data))


@given(st.lists(st.tuples(st.sampled_from((1, 2, 3, 6, 7, 9, 10, 0x16, 0xFF)), st.binary(max_size=20)), max_size=5))
def test_any_structures(structures: list[tuple[int, bytes]]) -> None:
    agrees(b"".join(bytes([len(body) + 1, kind]) + body for kind, body in structures))


@pytest.mark.parametrize(
    ("data", "look"),
    [(BADGE, surely_badge), (EXPOSURE, surely_exposure), (APPLE, surely_unknown), (NAMED, surely_unknown)],
)
def test_the_common_forms_are_seen_quickly(data: bytes, look: object) -> None:
    assert callable(look)
    assert look(data)
