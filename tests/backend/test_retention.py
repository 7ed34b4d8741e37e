"""What is too old is gone: from rows, tables, the file, its log, and the backups."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import Office, make_office, take
from rig.reports import NOW_MS, Gateway
from sqlalchemy import event

from zonetag_backend.ingest import Ingest
from zonetag_backend.records import day_of
from zonetag_backend.rules import EXPIRED
from zonetag_backend.store import audit, departures, registry, retention, tags
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema import metadata
from zonetag_backend.store.writer import Writer

DAY_MS = 86_400_000
DAYS = 21
STRANGER = bytes.fromhex("c0ffee5a17b1ade5")

# Tables in which an old row may stand: what the office registers, what it counts, and the log of what was done.
NOT_OF_THE_PAST = {
    "account",
    "account_link",
    "account_recovery",
    "account_session",
    "alembic_version",
    "audit",
    "audit_checkpoint",
    "audit_head",
    "certificate",
    "consent_entry",  # a ledger: proof of what was agreed to, goes with the person
    "data_key",
    "declare_link",  # of a site
    "data_request",  # proof that the law was kept: two years from its end, see test_rights_of_people
    "departed",  # together with the person, see test_who_left_is_erased
    "enrolment_token",
    "firmware",
    "gateway",
    "gateway_side",
    "gateway_certificate",
    "gateway_gap",
    "link_order",  # of tags, not of who wears them
    "tag_link",
    "gateway_key",
    "gateway_refusal",
    "gateway_revoked",
    "gateway_status",
    "mine_code",  # ends within days, and with the person
    "mine_session",  # ends within minutes
    "mine_wrong",  # of nobody
    "person",
    "place",
    "plan_picture",
    "plan_spot",
    "question",
    "registry_revision",
    "reminder_off",  # goes with the person
    "rejected_total",
    "report",
    "report_lost",
    "report_run",
    "restriction",  # holds until it is lifted, goes with the person
    "revocation_list",
    "screen",  # a device at a door
    "site",
    "tag",
    "tag_clock",
    "tag_resting",  # of tags
    "visitor",  # together with the person
    "visitor_tag",
}


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    made = make_office(tmp_path / "office", url=database_url)
    yield made
    made.database.dispose()


def heard_on(office: Office, which: int, at_ms: int, boot: int) -> None:
    gateway = Gateway("gw1", boot=boot, start_ms=at_ms)
    tag = office.tag(which)
    windows = [tag.window(at_ms + 4000 * i) for i in range(8)]
    strange = windows[0].but(eid=STRANGER)
    take(office.writer(), gateway.report(*windows, strange), now_ms=at_ms + 60_000)


def files_hold(office: Office, needle: bytes) -> bool:
    return any(needle in path.read_bytes() for path in office.folder.iterdir())


def test_a_gateway_whose_clock_is_ahead_keeps_nothing_for_longer(office: Office) -> None:
    tag, ahead = office.tag(office.add_tag("A-1")), NOW_MS + 3650 * DAY_MS
    done = take(office.writer(), Gateway("gw1", start_ms=ahead).report(tag.window(ahead)), now_ms=NOW_MS)
    assert dict(done.rejected) == {"clock": 1}
    for day, left in ((DAYS - 1, 1), (DAYS + 1, 0)):
        retention.expire(office.database, NOW_MS + day * DAY_MS, DAYS)
        assert office.number("SELECT count(*) FROM rejected") == left


def test_nothing_older_is_left_in_rows_tables_file_or_log(office: Office) -> None:
    which = office.add_tag("A-1")
    heard_on(office, which, NOW_MS, 1 << 32)
    heard_on(office, which, NOW_MS + 20 * DAY_MS, 2 << 32)
    assert files_hold(office, STRANGER)
    later = NOW_MS + 22 * DAY_MS
    gone = retention.expire(office.database, later, DAYS)
    assert gone["heard"] >= 1
    before = retention.horizon_ms(later, DAYS)
    for sql in (
        "SELECT count(*) FROM presence WHERE end_ms < {}",
        "SELECT count(*) FROM visit WHERE last_ms < {}",
        "SELECT count(*) FROM rejected WHERE start_ms < {}",
    ):
        assert office.number(sql.format(before)) == 0
        assert office.number(sql.format(1 << 62)) >= 1  # the younger ones are there
    tables = office.tables("heard_")
    assert len(tables) == 1
    assert files_hold(office, STRANGER)  # the stranger was heard again twenty days later
    retention.expire(office.database, NOW_MS + 50 * DAY_MS, DAYS)
    assert not files_hold(office, STRANGER)
    assert not (office.folder / "zonetag.db-wal").stat().st_size


def test_without_overwriting_the_file_would_still_tell(office: Office) -> None:
    """The control."""
    event.listen(office.database, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete=OFF"))
    office.database.dispose()
    which = office.add_tag("A-1")
    heard_on(office, which, NOW_MS, 1 << 32)
    retention.expire(office.database, NOW_MS + 50 * DAY_MS, DAYS)
    assert files_hold(office, STRANGER)


@pytest.mark.both_databases
def test_of_the_day_in_which_the_horizon_lies_the_older_part_goes(office: Office) -> None:
    which = office.add_tag("A-1")
    noon = NOW_MS - NOW_MS % DAY_MS + DAY_MS // 2
    for boot, at_ms in ((1 << 32, noon), (2 << 32, noon + 5 * 3_600_000)):
        heard_on(office, which, at_ms, boot)
    day = f"heard_{day_of(noon)}"
    assert office.number(f"SELECT count(*) FROM {day}") == 16
    retention.expire(office.database, noon + 3 * 3_600_000 + DAYS * DAY_MS - retention.MARGIN_MS, DAYS)
    assert office.number(f"SELECT count(*) FROM {day}") == 8


def test_what_comes_too_late_is_counted_and_not_kept(office: Office) -> None:
    which = office.add_tag("A-1")
    tag = office.tag(which)
    old, young = Gateway("gw1", start_ms=NOW_MS), Gateway("gw2", start_ms=NOW_MS)
    writer = Writer(office.database, Ingest(office.keyring.open, 3, 300_000, DAYS * DAY_MS), allow_unsigned=True)
    done = take(writer, old.report(tag.window(NOW_MS)), now_ms=NOW_MS + 22 * DAY_MS)
    assert dict(done.rejected) == {EXPIRED: 1}
    assert len(done.acknowledgements) == 1  # the gateway may forget it
    assert office.number("SELECT count(*) FROM rejected") == 0
    assert office.rows("SELECT reason, windows FROM rejected_total") == [(EXPIRED, 1)]
    assert take(writer, young.report(tag.window(NOW_MS)), now_ms=NOW_MS + 20 * DAY_MS).observations == 1


def test_who_wore_what_is_forgotten_with_the_book(office: Office) -> None:
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        an, binh = (registry.add_person(connection, name, "", code) for name, code in (("An", "1"), ("Bình", "2")))
        tags.hand_out(connection, office.keyring, which, an, NOW_MS)
        tags.hand_out(connection, office.keyring, which, binh, NOW_MS + DAY_MS)
    retention.expire(office.database, NOW_MS + 30 * DAY_MS, DAYS)
    assert office.rows("SELECT person FROM wearing") == [(binh,)]  # worn still


@pytest.mark.both_databases
def test_who_left_is_erased_when_the_time_is_over(office: Office) -> None:
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        an, binh, cuc = (registry.add_person(connection, name) for name in ("An", "Bình", "Cúc"))
        tags.hand_out(connection, office.keyring, which, an, NOW_MS)
        departures.leave(connection, office.keyring, an, NOW_MS + DAY_MS)
        departures.leave(connection, office.keyring, binh, NOW_MS)
        tags.hand_out(connection, office.keyring, which, binh, NOW_MS + 2 * DAY_MS)  # back, by the command line
    assert retention.expire(office.database, NOW_MS + 21 * DAY_MS, DAYS)["person"] == 0  # he is back
    assert office.number("SELECT count(*) FROM person") == 3
    assert retention.expire(office.database, NOW_MS + 22 * DAY_MS, DAYS)["person"] == 1
    assert sorted(office.rows("SELECT id FROM person")) == sorted([(binh,), (cuc,)])
    assert office.rows("SELECT person FROM wearing") == [(binh,)]
    assert office.rows("SELECT state, length(sealed_key) > 0 FROM tag") == [("active", 1)]  # the tag is used again


@pytest.mark.both_databases
def test_old_reports_become_runs_and_are_still_known(office: Office) -> None:
    gateway = Gateway("gw1")
    made = [gateway.report() for _ in range(12)]
    writer = office.writer()
    take(writer, *made[:5], *made[7:9], now_ms=NOW_MS)
    retention.expire(office.database, NOW_MS + 30 * DAY_MS, DAYS)
    assert office.rows("SELECT first, last FROM report_run") == [(1, 5), (8, 9)]
    assert office.number("SELECT count(*) FROM report") == 0
    for each in (writer, office.writer()):  # one that knew them, and one that has just started
        done = take(each, *made[3:9], now_ms=NOW_MS + 30 * DAY_MS)
        assert done.duplicates >= 4
        [(_, acknowledged)] = done.acknowledgements
        assert acknowledged.through == 9
    take(writer, *made[9:], now_ms=NOW_MS + 31 * DAY_MS)
    retention.expire(office.database, NOW_MS + 90 * DAY_MS, DAYS)
    assert office.rows("SELECT first, last FROM report_run") == [(1, 12)]


def test_every_table_about_people_expires() -> None:
    """A new table is put into OLD or PARENTS, or, with a thought, among those that hold nothing of the past."""
    held = {table.name for table, _ in retention.OLD} | {table.name for table, _, _ in retention.PARENTS}
    assert set(metadata.tables) - held - NOT_OF_THE_PAST == set()
    assert held & NOT_OF_THE_PAST == set()


def test_the_audit_log_says_that_it_took_place(office: Office) -> None:
    heard_on(office, office.add_tag("A-1"), NOW_MS, 1 << 32)
    retention.expire(office.database, NOW_MS + 50 * DAY_MS, DAYS)
    retention.expire(office.database, NOW_MS + 50 * DAY_MS, DAYS)  # and not that nothing was there
    assert [row[0] for row in office.rows("SELECT action FROM audit")] == ["retention.expire"]
    assert "retention.expire" in audit.ACTIONS
