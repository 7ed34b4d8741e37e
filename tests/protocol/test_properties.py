"""Properties of the frame, the advert and the card, on inputs that hypothesis thinks of (it prints what fails)."""

import pytest
import second_implementation as second
from hypothesis import given
from hypothesis import strategies as st

from zonetag_protocol import advert, bulk, card, frame, rotation, status
from zonetag_protocol.errors import Forged, Malformed, ZonetagError

keys_ = st.binary(min_size=16, max_size=16)
seconds = st.integers(0, 2**32 - 1)
bytes_ = st.integers(0, 255)
powers = st.integers(-128, 127)
companies = st.integers(0, 0xFFFF)


@given(keys_, seconds, bytes_, powers, companies)
def test_frame_is_that_of_the_second_implementation(
    master: bytes, t: int, raw_status: int, tx: int, company: int
) -> None:
    sealed = frame.seal(rotation.derive_keys(master), t, raw_status, tx, company)
    assert len(sealed) == 31
    assert sealed == second.advert(master, t, raw_status, tx, company)


@given(keys_, seconds, bytes_, powers, companies)
def test_frame_there_and_back(master: bytes, t: int, raw_status: int, tx: int, company: int) -> None:
    keys = rotation.derive_keys(master)
    heard = advert.decode(frame.seal(keys, t, raw_status, tx, company), company)
    assert heard.kind == advert.ZONETAG
    read = advert.frame_of(heard)
    assert read.tx == tx
    assert read.eid == rotation.eid_of(keys.eid, t)
    opened = frame.verify(keys, rotation.epoch_of(t), read.eid, read.sealed, read.mac)
    assert opened == frame.Reading(rotation.slot_of(t), raw_status)
    assert rotation.slot_start(rotation.epoch_of(t), opened.sub) == t // 4 * 4


@given(keys_, keys_, seconds, bytes_)
def test_frame_of_another_tag_is_forged(master: bytes, other: bytes, t: int, raw_status: int) -> None:
    if master == other:
        return
    read = advert.frame_of(advert.decode(frame.seal(rotation.derive_keys(master), t, raw_status)))
    with pytest.raises(Forged):
        frame.verify(rotation.derive_keys(other), t >> 10, read.eid, read.sealed, read.mac)


@given(keys_, seconds)
def test_every_slot_of_an_epoch_looks_different(master: bytes, t: int) -> None:
    """Nothing behind the identifier stays from slot to slot: that keeps BlueZ from hiding a motionless tag."""
    keys = rotation.derive_keys(master)
    start = t >> 10 << 10
    behind = {frame.seal(keys, start + 4 * i, 0)[25:] for i in range(8)}
    assert len(behind) == 8


@given(keys_, st.integers(0, 65535), st.integers(0, 63))
def test_bulk_is_the_same_one_by_one(k_eid: bytes, block: int, i: int) -> None:
    many = bulk.eids_of_block(k_eid, block)
    assert len(many) == 64 * 16
    assert many[16 * i : 16 * i + 8] == rotation.eid_of(k_eid, (block * 64 + i) * 1024)


@given(st.binary(max_size=80), companies)
def test_any_bytes_are_an_advert_or_malformed(data: bytes, company: int) -> None:
    heard = advert.explain(data, company)
    assert heard.kind in advert.KINDS
    if heard.kind == advert.MALFORMED:
        with pytest.raises(Malformed) as refusal:
            advert.decode(data, company)
        assert heard.fields == {"reason": str(refusal.value)}
    else:
        assert advert.decode(data, company) == heard


parts = st.dictionaries(companies, st.binary(max_size=30), max_size=3)


@given(parts, parts, st.lists(companies, max_size=6), st.lists(keys_, max_size=3))
def test_rebuilt_parts_are_taken_apart_as_they_were(
    service: dict[int, bytes], manufacturer: dict[int, bytes], uuids16: list[int], uuids128: list[bytes]
) -> None:
    ad = advert.Structures(advert.rebuild(service, manufacturer, uuids16, uuids128))
    assert (ad.service, ad.manufacturer, ad.uuids16, ad.uuids128) == (service, manufacturer, uuids16, uuids128)


numbers = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=16).filter(
    lambda text: len(text.encode()) <= 16
)
cards = st.builds(
    card.Card, numbers, keys_, seconds, st.integers(100, 10240), st.integers(100, 10240), companies, powers
)


@given(cards)
def test_card_there_and_back(one: card.Card) -> None:
    packed = card.pack(one)
    assert len(packed) == 64
    assert card.unpack(packed) == one


@given(cards, st.binary(max_size=70), st.integers(0, 63))
def test_damaged_cards_are_refused(one: card.Card, new: bytes, at: int) -> None:
    packed = card.pack(one)
    damaged = packed[:at] + new + packed[at + len(new) :]
    if damaged == packed:
        return
    with pytest.raises(ZonetagError):
        card.unpack(damaged)


@given(st.integers(0, 7), st.booleans(), st.booleans(), st.booleans())
def test_status_there_and_back(battery: int, button: bool, unsynchronised: bool, log_waiting: bool) -> None:
    packed = status.pack(battery, button, unsynchronised, log_waiting)
    assert status.unpack(packed) == (battery, button, unsynchronised, log_waiting, 0)
