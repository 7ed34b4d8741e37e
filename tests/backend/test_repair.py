"""A gateway that did not know the time, and learns it: nothing of that boot is lost, nothing stands at a wrong time."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rig.registry import Office, make_office, take
from rig.reports import NOW_MS, Gateway, Tag

from zonetag_backend import rules
from zonetag_backend.store import repair, retention
from zonetag_protocol.report import Report

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WRONG: dict[str, Callable[[Report], int]] = {
    "1970": lambda made: 61_000 - made.base.utc_ms,
    "a year ahead": lambda _: 365 * DAY_MS,
    "a year behind": lambda _: -365 * DAY_MS,
    "an hour ahead": lambda _: HOUR_MS,
    "an hour behind": lambda _: -HOUR_MS,
}


@pytest.fixture
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = make_office(tmp_path_factory.mktemp("office"))
    office.add_tag("A-1")
    return office


def tag_of(office: Office) -> Tag:
    return office.tag(next(iter(office.tags)))


def wrong(made: Report, how: str) -> Report:
    """The same, as a gateway tells it whose clock is wrong and which says so."""
    utc_ms = made.base.utc_ms + WRONG[how](made)
    return replace(made, base=replace(made.base, utc_ms=utc_ms - utc_ms % 10, synchronised=False))


def heard(office: Office) -> list[tuple[object, ...]]:
    tables = office.tables("heard_")
    return sorted(row for name in tables for row in office.rows(f"SELECT start_ms, seq, row, rssi_p90 FROM {name}"))


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("first", ["wrong", "right"], ids=["told after", "told before"])
def test_what_was_heard_before_gets_its_time(office: Office, how: str, first: str) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    early = gateway.report(*[tag.window(NOW_MS + 4000 * i) for i in range(5)])
    late = gateway.report(tag.window(NOW_MS + HOUR_MS))
    writer = office.writer()
    reports = [wrong(early, how), late] if first == "wrong" else [late, wrong(early, how)]
    done = [take(writer, each, now_ms=NOW_MS + 2 * HOUR_MS) for each in reports]
    assert sum(each.repaired for each in done) == 5
    wanted = [(NOW_MS + 4000 * i, 1, i, -61) for i in range(5)]
    assert heard(office) == [*wanted, (NOW_MS + HOUR_MS, 2, 0, -61)]
    assert office.number("SELECT count(*) FROM rejected") == 0
    assert office.number("SELECT count(*) FROM held_report") == 0
    assert office.rows("SELECT utc_ms FROM report WHERE seq = 1") == [(early.base.utc_ms,)]
    assert office.number("SELECT count(*) FROM presence") == 2
    # It comes again: nothing changes.
    assert take(writer, wrong(early, how), now_ms=NOW_MS + 2 * HOUR_MS).duplicates == 1
    assert len(heard(office)) == 6


def test_the_control_a_boot_that_never_knows_the_time_is_kept_apart(office: Office) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    writer = office.writer()
    take(writer, wrong(gateway.report(tag.window(NOW_MS)), "1970"))
    other = Gateway("gw1", boot=2 << 32, start_ms=NOW_MS)  # the next boot knows it, and says nothing of the one before
    assert take(writer, other.report(tag.window(NOW_MS + 8000))).repaired == 0
    assert len(heard(office)) == 1
    assert office.rows("SELECT reason FROM rejected") == [(rules.CLOCK,)]
    assert office.number("SELECT count(*) FROM held_report") == 1
    retention.expire(office.database, NOW_MS + 60 * DAY_MS, 21)
    assert office.number("SELECT count(*) FROM held_report") == 0


def test_what_is_forged_or_replayed_is_so_at_any_time(office: Office) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    honest = tag.window(NOW_MS + 4000)
    forged = honest.but(auth=bytes(6))
    replayed = tag.window(NOW_MS + 8000, sent_ms=NOW_MS - 40 * 4000)
    stranger = Tag(b"s" * 16, NOW_MS - 10**9).window(NOW_MS + 12_000)
    writer = office.writer()
    for how in ("1970", "an hour behind"):
        take(writer, wrong(gateway.report(honest, forged, replayed, stranger), how), now_ms=NOW_MS + HOUR_MS)
    done = take(writer, gateway.report(tag.window(NOW_MS + 60_000)), now_ms=NOW_MS + HOUR_MS)
    assert done.repaired == 2  # the honest one, as each report tells it
    assert {row[2] for row in heard(office)} == {0}


def test_a_clock_that_was_right_without_saying_so_is_left_alone(office: Office) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    writer = office.writer()
    stranger = Tag(b"s" * 16, NOW_MS - 10**9).window(NOW_MS + 4000)
    take(writer, gateway.report(tag.window(NOW_MS), stranger, synchronised=False))
    done = take(writer, gateway.report(tag.window(NOW_MS + 60_000)))
    assert (done.repaired, len(heard(office))) == (0, 2)
    assert office.number("SELECT count(*) FROM held_report") == 0


def test_a_week_without_the_time_is_set_right_piece_by_piece(office: Office) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    writer = office.writer()
    count = repair.AT_ONCE + 50
    kept = [wrong(gateway.report(tag.window(NOW_MS + 600_000 * i)), "a year ahead") for i in range(count)]
    take(writer, *kept, now_ms=NOW_MS + DAY_MS)
    after = NOW_MS + 600_000 * count
    done = [
        take(writer, gateway.report(tag.window(after + 60_000 * i)), now_ms=after + HOUR_MS).repaired for i in range(3)
    ]
    assert done == [repair.AT_ONCE, 50, 0]
    assert len(heard(office)) == count + 3


def test_a_writer_that_starts_in_between_repairs_too(office: Office) -> None:
    tag, gateway = tag_of(office), Gateway("gw1")
    take(office.writer(), wrong(gateway.report(tag.window(NOW_MS)), "1970"))
    assert take(office.writer(), gateway.report(tag.window(NOW_MS + 8000))).repaired == 1
