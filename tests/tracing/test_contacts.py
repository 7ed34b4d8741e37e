"""Contact logs, record by record: real frames of real tags, resolved and authenticated as a gateway's windows are."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from rig.registry import Office, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.ingest import Ingest
from zonetag_backend.store import contact_log, retention, roster
from zonetag_backend.store.engine import _alembic, migrate, reading, writing
from zonetag_backend.tracing.contacts import ECHO, EPOCH_MS, KeptApart, judge
from zonetag_protocol import rotation
from zonetag_protocol.contact import Contact

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAYS = 21
CELLS = bytes([0xFF] * 16)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Two tags whose clocks are known: a gateway heard both."""
    made = make_office(tmp_path / "office")
    gateway, writer = Gateway("gw1"), made.writer()
    one, other = made.add_tag("A-1"), made.add_tag("A-2", ppm=40)
    for step in range(6):
        at = NOW_MS + step * 5000
        take(writer, gateway.report(made.tag(one).window(at), made.tag(other).window(at)))
    return made


def bench(office: Office) -> Ingest:
    judging = Ingest(office.keyring.open, 3, 300_000)
    with reading(office.database) as connection:
        judging.take(roster.read(connection).tags)
    return judging


def heard(office: Office, reporter: int, peer: int, at_ms: int, sent_ms: int | None = None) -> Contact:
    """What the tag `reporter` notes of a frame of `peer` at `at_ms`; `sent_ms`: when that was sent, if replayed."""
    t = office.tag(reporter).t_ms(at_ms) // 1000
    advert = office.tag(peer).advert(at_ms if sent_ms is None else sent_ms)
    return Contact(rotation.epoch_of(t), rotation.slot_of(t), advert[13:21], advert[25:31], -50, 9, CELLS)


def ids(office: Office) -> tuple[int, int]:
    one, other = office.tags
    return one, other


def test_a_genuine_record_is_taken_with_its_time(office: Office) -> None:
    one, other = ids(office)
    at = NOW_MS + 20 * MINUTE_MS
    good, apart = judge(bench(office), one, [heard(office, one, other, at)], at + MINUTE_MS)
    assert apart == []
    [row] = good
    assert (row.tag, row.peer, row.trusted) == (one, other, True)
    assert row.start_ms <= at + 4000
    assert at - 4000 < row.start_ms + EPOCH_MS


def test_the_badly_made_are_kept_apart_by_name(office: Office) -> None:
    one, other = ids(office)
    at = NOW_MS + 20 * MINUTE_MS
    true = heard(office, one, other, at)
    records = {
        "forged": true._replace(auth=bytes(6)),
        "unknown": true._replace(eid=bytes(8)),
        "stale": heard(office, one, other, at, sent_ms=at - 5 * MINUTE_MS),
        "clock": true._replace(epoch=true.epoch + 1000),
        ECHO: heard(office, one, one, at),
    }
    for reason, record in records.items():
        good, apart = judge(bench(office), one, [record], at + MINUTE_MS)
        assert good == []
        assert [row.reason for row in apart] == [reason]


def test_any_flipped_bit_of_what_was_heard_makes_it_no_contact(office: Office) -> None:
    one, other = ids(office)
    at = NOW_MS + 20 * MINUTE_MS
    true, judging = heard(office, one, other, at), bench(office)
    bits = [(field, bit) for field, bits in (("eid", 64), ("auth", 48)) for bit in range(bits)]
    for field, bit in bits:
        data = bytearray(getattr(true, field))
        data[bit // 8] ^= 1 << bit % 8
        good, apart = judge(judging, one, [true._replace(**{field: bytes(data)})], at)
        # A flipped bit of the sealed pair gives another slot or status, which the authenticator covers.
        assert (good, len(apart)) == ([], 1), (field, bit)


def test_an_unknown_reporter_is_the_callers_fault(office: Office) -> None:
    with pytest.raises(KeyError):
        judge(bench(office), 12345, [], NOW_MS)


def test_a_retired_tag_is_unknown(office: Office) -> None:
    one, other = ids(office)
    judging = bench(office)
    at = NOW_MS + MINUTE_MS
    index = judging.index(other)
    judging.tags[index] = replace(judging.tags[index], active=False)
    _, apart = judge(judging, one, [heard(office, one, other, at)], at)
    assert [row.reason for row in apart] == ["unknown"]


def test_writing_is_idempotent_and_what_is_understood_later_changes_sides(office: Office) -> None:
    one, other = ids(office)
    judging, rng = bench(office), random.Random(5)
    records = [heard(office, one, other, NOW_MS + n * 20 * MINUTE_MS) for n in range(1, 6)]
    records.append(records[0]._replace(eid=bytes(8)))
    good, apart = judge(judging, one, records, NOW_MS + 100 * 60 * MINUTE_MS)
    assert (len(good), len(apart)) == (5, 1)
    with writing(office.database) as connection:
        as_if_unknown = [row for row in judge_as_unknown(judging, one, records, other) if row.epoch == records[0].epoch]
        contact_log.write(connection, [], as_if_unknown)
    for _ in range(3):
        rng.shuffle(records)
        with writing(office.database) as connection:
            contact_log.write(connection, *judge(judging, one, records, NOW_MS + 100 * 60 * MINUTE_MS))
        assert office.number("SELECT COUNT(*) FROM contact_log") == 5
        assert office.number("SELECT COUNT(*) FROM contact_rejected") == 1
    with writing(office.database) as connection:  # what was accepted once stays so
        contact_log.write(connection, [], judge_as_unknown(judging, one, records, other))
    assert office.number("SELECT COUNT(*) FROM contact_log") == 5
    assert office.number("SELECT COUNT(*) FROM contact_rejected") == 1


def test_a_made_up_record_takes_no_others_place(office: Office) -> None:
    one, other = ids(office)
    judging, later = bench(office), NOW_MS + 100 * 60 * MINUTE_MS
    true = heard(office, one, other, NOW_MS + 20 * MINUTE_MS)
    forged = true._replace(auth=bytes(6))
    with writing(office.database) as connection:  # the forged one first, under the same name but for its authenticator
        contact_log.write(connection, [], judge_as_unknown(judging, one, [forged], other))
        contact_log.write(connection, [], judge_as_unknown(judging, one, [true], other))
    assert office.number("SELECT COUNT(*) FROM contact_rejected") == 2
    with writing(office.database) as connection:
        contact_log.write(connection, *judge(judging, one, [true, forged], later))
    assert office.number("SELECT COUNT(*) FROM contact_log") == 1
    assert office.rows("SELECT reason, auth FROM contact_rejected") == [("forged", bytes(6))]


@pytest.mark.parametrize(("epochs", "days_kept"), [(1000, DAYS), (-1000, 1), (-(10**6), 1)])
def test_a_wrong_clock_keeps_a_record_neither_too_long_nor_too_short(
    office: Office, epochs: int, days_kept: int
) -> None:
    """12 days in the future, 12 days and 32 years ago: kept apart for its clock, or as nobody's of that time."""
    one, other = ids(office)
    came = NOW_MS + 10 * DAY_MS
    true = heard(office, one, other, came - HOUR_MS)
    shifted = true._replace(epoch=max(0, true.epoch + epochs))
    with writing(office.database) as connection:
        _, apart = judge(bench(office), one, [shifted], came)
        contact_log.write(connection, [], apart)
    days = DAYS if epochs > 0 else 5  # retention that the false time is past already
    retention.expire(office.database, came + days_kept * DAY_MS - 2 * HOUR_MS, days)
    assert office.number("SELECT COUNT(*) FROM contact_rejected") == 1
    retention.expire(office.database, came + days_kept * DAY_MS + 2 * HOUR_MS, days)
    assert office.number("SELECT COUNT(*) FROM contact_rejected") == 0


def test_the_database_of_before_gets_the_longer_name(office: Office) -> None:
    one, other = ids(office)
    row = judge_as_unknown(bench(office), one, [heard(office, one, other, NOW_MS + 20 * MINUTE_MS)], other)[0]
    with writing(office.database) as connection:
        contact_log.write(connection, [], [row, row._replace(auth=bytes(6))])
        command.downgrade(_alembic(connection), "0011")
    assert office.rows("SELECT auth FROM contact_rejected") == [(bytes(6),)]
    with writing(office.database) as connection:
        connection.exec_driver_sql("UPDATE contact_rejected SET start_ms = received_ms + 1000")
    migrate(office.database)
    with writing(office.database) as connection:
        contact_log.write(connection, [], [row])
    assert office.rows("SELECT start_ms FROM contact_rejected WHERE auth = x'000000000000'") == [(row.received_ms,)]
    assert office.number("SELECT COUNT(*) FROM contact_rejected") == 2


def judge_as_unknown(judging: Ingest, one: int, records: list[Contact], other: int) -> list[KeptApart]:
    """What is kept apart while the other tag is not in use."""
    index = judging.index(other)
    kept = judging.tags[index]
    judging.tags[index] = replace(kept, active=False)
    _, apart = judge(judging, one, records, NOW_MS + 100 * 60 * MINUTE_MS)
    judging.tags[index] = kept
    return apart
