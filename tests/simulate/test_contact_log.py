"""The contact logs of simulated tags: noted as the firmware notes, and told over the link as it tells."""

from itertools import groupby

import pytest

from zonetag_backend.demo.history import day_of
from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.nearness import meetings
from zonetag_backend.simulate.office import Office
from zonetag_backend.simulate.sealer import Sealer
from zonetag_backend.simulate.tagend import TagEnd
from zonetag_protocol import contact, frame, link, linkmessage, rotation
from zonetag_tag.contacts import Contacts, Ear, look_ms

PEOPLE, LENGTH_S, NAME = 24, 5400.0, b"name"


@pytest.fixture(scope="module")
def office() -> Office:
    return Office(3, LENGTH_S, PEOPLE, seated=True)


@pytest.fixture(scope="module")
def day(office: Office) -> Day:
    return day_of(office, 0, LENGTH_S)


def logged(office: Office, day: Day, owner: int) -> ContactLog:
    log = ContactLog(office.tags, owner, NAME)
    log.live(day.heard(owner), 0.0)
    return log


def by_the_firmware(office: Office, day: Day, owner: int) -> list[bytes]:
    """What the tag's own code makes of the same adverts."""
    ear, notes, own = Ear(frame.TEST_COMPANY, -100), Contacts(), office.tags[owner]
    records: list[bytes] = []
    rows = zip(*(column.tolist() for column in day.heard(owner)), strict=True)
    for end_s, look in groupby(rows, key=lambda row: row[0]):
        for _, sender, at_s, rssi, count in look:
            for _ in range(count):
                ear.hear(memoryview(office.tags[sender].advert(at_s)), rssi)
        records += notes.add(int(own.clock(end_s)), ear)
    return records + notes.close(int(own.clock(LENGTH_S)) + rotation.EPOCH_S)


def test_records_are_those_of_the_firmware(office: Office, day: Day) -> None:
    for owner in range(PEOPLE):
        ours = logged(office, day, owner).read(1, 10_000, 1e9)[1]
        theirs = by_the_firmware(office, day, owner)
        assert ours == theirs
        epochs = [contact.unpack(record).epoch for record in ours]
        assert epochs == sorted(epochs)
        assert max(epochs.count(epoch) for epoch in epochs) == 16, "an office has more than a tag keeps"


def test_a_record_is_there_when_its_epoch_is_over(office: Office, day: Day) -> None:
    log, tag = logged(office, day, 0), office.tags[0]
    assert not log.waiting(0.0)
    for at_s in (1500.0, 3000.0, 5400.0):
        present = rotation.epoch_of(int(tag.clock(at_s)))
        _, records = log.read(1, 10_000, at_s)
        assert {contact.unpack(record).epoch for record in records} <= set(range(present - 6, present))
        assert len(records) == log.next(at_s) - 1
    assert log.next(5400.0) > 16


def test_whoever_is_near_for_long_is_noted(office: Office, day: Day) -> None:
    met = [m for m in meetings(office.tracks, LENGTH_S, 1.4) if m.to_s - m.from_s > 900]
    assert met
    for each in met:
        log = logged(office, day, each.one)
        eids = {contact.unpack(record).eid for record in log.read(1, 10_000, 1e9)[1]}
        theirs = {office.tags[each.other].advert(at)[13:21] for at in range(int(each.from_s), int(each.to_s), 500)}
        assert eids & theirs


def test_the_sealer_seals_as_the_protocol_does(office: Office) -> None:
    for tag in office.tags[:3]:
        keys, sealer = rotation.derive_keys(tag.master), Sealer(tag.master)
        for t in (65_536, 65_540, 66_559, 66_560, 9_999_999):
            assert sealer.seal(t, 7 | 1 << 5) == frame.seal(keys, t, 7 | 1 << 5)


def test_a_look_is_as_long_as_the_firmwares() -> None:
    from zonetag_backend.simulate import looks, tag  # noqa: PLC0415  # two names of theirs, for this alone

    assert round(looks.LOOK_S * 1000) == look_ms(tag.MOVING_MS)


def test_over_the_link_all_of_it_comes_once_and_what_is_acknowledged_goes(office: Office, day: Day) -> None:
    log, tag, now_s = logged(office, day, 1), office.tags[1], 5000.0
    keys = rotation.derive_keys(tag.master)

    def session() -> tuple[link.End, TagEnd, linkmessage.Status]:
        end = link.backend_end(keys.link, rotation.epoch_of(int(tag.clock(now_s))), bytes(8))
        other = TagEnd(tag, log, lambda: now_s, lambda: 1_790_000_000_000, bytes(range(8)))
        answer, sealed = other.take(end.begin())
        assert end.receive(answer) is None
        got = end.receive(sealed)
        assert got is not None
        return end, other, linkmessage.unpack_status(got.body)

    end, other, status = session()
    assert (status.log, status.first, status.next) == (NAME, 1, log.next(now_s))
    records: list[bytes] = []
    while True:
        said = other.take(end.seal(linkmessage.FETCH, linkmessage.pack_fetch(len(records) + 1, 30)))
        bodies = [got.body for got in map(end.receive, said) if got is not None]
        found = [record for body in bodies for record in linkmessage.unpack_contacts(body)[1]]
        if not found:
            break
        records += found
    assert records == log.read(1, 10_000, now_s)[1]
    too_many = linkmessage.pack_acknowledge(NAME, status.next)
    for body, code in (
        (linkmessage.pack_acknowledge(b"else", 1), linkmessage.NOT_NOW),
        (too_many, linkmessage.OUT_OF_RANGE),
        (linkmessage.pack_acknowledge(NAME, status.next - 1), linkmessage.OK),
    ):
        [done] = other.take(end.seal(linkmessage.ACKNOWLEDGE, body))
        got = end.receive(done)
        assert got is not None
        assert linkmessage.unpack_done(got.body)[1] == code
    assert not log.waiting(now_s)
    assert other.take(end.seal(linkmessage.BYE)) == []
    assert other.over
    assert session()[2].first == status.next
