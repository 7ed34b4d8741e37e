"""The transaction of reports: written once, whatever comes twice, late, out of order, or at the same moment."""

import random
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig.registry import ABSENCE_S, HOUR_MS, Office, came, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.errors import StoreUnavailable
from zonetag_backend.ingest import Ingest
from zonetag_backend.keys import SealedKey
from zonetag_backend.store import registry
from zonetag_backend.store.came import HealthCame, StateCame
from zonetag_backend.store.engine import writing
from zonetag_backend.store.writer import Writer
from zonetag_protocol.report import FIRST_PREVIOUS, Report

TABLES = ("presence", "visit", "report", "rejected", "rejected_total", "heard_20260921", "gateway_status")


def day(office: Office, rng: random.Random, tags: int = 3, reports: int = 12) -> list[Report]:
    """Reports of three gateways of one site over two hours; each hears some of the tags, now and then."""
    which = [office.tag(office.add_tag(f"A-{n}")) for n in range(tags)]
    gateways = [Gateway(name) for name in ("gw1", "gw2", "gw3")]
    made = []
    for _ in range(reports):
        base = NOW_MS + rng.randrange(2 * HOUR_MS) // 4000 * 4000  # slots begin there
        heard = [
            tag.window(base + n * 4000 + rng.randrange(500), rng.randrange(0, 2000))
            for tag in which
            for n in range(rng.randrange(4))
        ]
        made.append(rng.choice(gateways).report(*heard, base_ms=base))
    return made


def book(office: Office) -> dict[str, list[tuple[object, ...]]]:
    return {
        "presence": office.rows("SELECT place, tag, start_ms, end_ms FROM presence ORDER BY 1, 2, 3"),
        "visits": office.rows("SELECT site, tag, came_ms, last_ms FROM visit ORDER BY 1, 2, 3"),
        "heard": office.rows(
            'SELECT tag, start_ms, gateway, boot, seq, "row", slot FROM heard_20260921 ORDER BY 1, 2, 3, 4, 5, 6'
        ),
        "reports": office.rows("SELECT gateway, boot, seq, hash FROM report ORDER BY 1, 2, 3"),
        "rejected": office.rows("SELECT gateway, reason, windows FROM rejected_total ORDER BY 1, 2"),
        "broken": office.rows("SELECT gateway, broken FROM gateway_status ORDER BY 1"),
    }


def clear(office: Office) -> None:
    """As if nothing had been heard."""
    with writing(office.database) as connection:
        for table in (*TABLES, "visit_correction"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE tag_clock SET heard_ms = 0, confirmed = FALSE")


@settings(max_examples=6)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_any_order_any_repetition_any_grouping_gives_the_same_book(seed: int, group: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        office = make_office(Path(folder), enrolled=True)
        reports = day(office, rng)
        now = NOW_MS + 4 * HOUR_MS
        take(office.writer(), *sorted(reports, key=lambda r: r.base.utc_ms), now_ms=now)
        expected = book(office)
        assert expected["broken"] == []
        for _ in range(2):
            clear(office)
            shuffled = [*reports, *rng.sample(reports, len(reports) // 2)]
            rng.shuffle(shuffled)
            writer = office.writer()
            for at in range(0, len(shuffled), group):
                take(writer, *shuffled[at : at + group], now_ms=now)
                if rng.random() < 0.2:
                    writer = office.writer()  # killed and started again
            assert book(office) == expected, seed
        office.database.dispose()


@pytest.mark.both_databases
def test_a_report_that_comes_again_changes_nothing_and_is_acknowledged_again(office: Office) -> None:
    reports = day(office, random.Random(1))
    writer = office.writer()
    take(writer, *reports)
    before = {table: office.rows(f"SELECT * FROM {table}") for table in TABLES}
    for each in (writer, office.writer()):
        done = take(each, *reports, *reports, now_ms=NOW_MS + 9 * HOUR_MS)
        assert (done.duplicates, done.reports, done.observations) == (2 * len(reports), 0, 0)
        assert {a.through for _, a in done.acknowledgements} == {
            max(r.seq for r in reports if r.gateway == name) for name in {r.gateway for r in reports}
        }
    assert {table: office.rows(f"SELECT * FROM {table}") for table in TABLES} == before


@pytest.mark.both_databases
def test_two_backends_take_the_same_reports_at_the_same_moment(office: Office) -> None:
    reports = day(office, random.Random(2), reports=30)
    faults: list[BaseException] = []
    together = threading.Barrier(3)
    counted: list[int] = []

    def run(seed: int) -> None:
        shuffled = list(reports)
        random.Random(seed).shuffle(shuffled)
        writer = office.writer()
        try:
            together.wait()
            for each in shuffled:
                counted.append(take(writer, each, now_ms=NOW_MS + 4 * HOUR_MS).reports)
        except BaseException as error:  # noqa: BLE001  # the main thread tells it
            faults.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sum(counted) == len(reports)
    got = book(office)
    clear(office)
    take(office.writer(), *reports, now_ms=NOW_MS + 4 * HOUR_MS)
    assert got == book(office)


def test_what_is_acknowledged_is_what_is_committed(office: Office) -> None:
    gateway = Gateway("gw1")
    reports = [gateway.report() for _ in range(10)]
    writer = office.writer()
    told = []
    for wanted in ((1,), (2, 4), (4,), (3,), (10, 8), (5, 6, 7), (9,)):
        done = take(writer, *[reports[seq - 1] for seq in wanted])
        [(site, acknowledged)] = done.acknowledgements
        assert site == "hq"
        told.append((acknowledged.through, acknowledged.beyond))
    assert told == [(1, ()), (2, (4,)), (2, (4,)), (4, ()), (4, (8, 10)), (8, (10,)), (10, ())]


@pytest.mark.both_databases
def test_acknowledgements_go_on_after_a_restart_and_over_a_hole(office: Office) -> None:
    """Reports 1 to 5 were dropped by a full spool, so they never come."""
    gateway = Gateway("gw1")
    reports = [gateway.report() for _ in range(1500)]
    take(office.writer(), *reports[5:1400])
    [(_, acknowledged)] = take(office.writer(), reports[1450], reports[6]).acknowledgements
    assert acknowledged.through == 0
    assert {7, 1451, 1400} <= set(acknowledged.beyond)
    assert 1000 <= len(acknowledged.beyond) <= 1024


def test_boots_are_apart(office: Office) -> None:
    old, new = Gateway("gw1", boot=1 << 32), Gateway("gw1", boot=2 << 32)
    done = take(office.writer(), old.report(), new.report(), new.report(), old.report())
    assert {a.boot: a.through for _, a in done.acknowledgements} == {1 << 32: 2, 2 << 32: 2}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_break_in_the_chain_is_counted_and_nothing_is_lost(office: Office, order: tuple[int, ...]) -> None:
    tag = office.tag(office.add_tag("A-1"))
    gateway, other = Gateway("gw1"), Gateway("gw1")
    reports = [gateway.report(tag.window(NOW_MS)), gateway.report(tag.window(NOW_MS + 5000))]
    for _ in range(2):
        other.report(tag.window(NOW_MS + 1000))
    reports.append(other.report(tag.window(NOW_MS + 10_000)))  # its `previous` is of another history
    writer = office.writer()
    assert sum(take(writer, reports[n]).observations for n in order) == 3
    assert office.rows("SELECT gateway, site, broken FROM gateway_status") == [("gw1", "hq", 1)]


def test_a_first_report_with_a_past_is_counted(office: Office) -> None:
    gateway = Gateway("gw1")
    gateway._previous = b"x" * 32
    take(office.writer(), gateway.report())
    assert office.number("SELECT broken FROM gateway_status") == 1
    assert bytes(32) == FIRST_PREVIOUS


def test_a_gateway_that_nobody_registered_knocks(office: Office) -> None:
    tag = office.tag(office.add_tag("A-1"))
    gateway = Gateway("gw9")
    reports = [gateway.report(tag.window(NOW_MS + n * 5000)) for n in range(3)]
    writer = office.writer()
    done = take(writer, *reports)
    assert (done.refused, done.reports, done.acknowledgements) == (3, 0, [])
    assert office.rows("SELECT gateway, site, refused FROM gateway_status") == [("gw9", "hq", 3)]
    assert office.number("SELECT count(*) FROM report") == 0
    with writing(office.database) as connection:
        registry.add_gateway(connection, "gw9", "hq", "Door", NOW_MS)
    office.enrol("gw9")
    done = take(writer, *reports)  # it kept them, and sends them again
    assert (done.refused, done.reports, done.observations) == (0, 3, 3)
    assert office.number("SELECT refused FROM gateway_status") == 0


def test_a_gateway_at_another_site_than_registered_is_refused(office: Office) -> None:
    done = take(office.writer(), Gateway("gw4").report(), site="hq")
    assert (done.refused, done.acknowledgements) == (1, [])


def test_invented_gateways_fill_no_table(office: Office) -> None:
    writer = office.writer()
    for n in range(0, 1200, 100):
        writer.write([came(Gateway(f"x{n + i}").report()) for i in range(100)], NOW_MS)
    assert office.number("SELECT count(*) FROM gateway_status") == 1000
    writer.write([StateCame("hq", "gw1", True)], NOW_MS)
    assert office.number("SELECT online FROM gateway_status WHERE gateway = 'gw1'") == 1


def test_state_and_health_are_kept_as_last_said(office: Office) -> None:
    writer = office.writer()
    writer.write([StateCame("hq", "gw1", True), HealthCame("hq", "gw1", '{"a":1}')], 5)
    writer.write([StateCame("hq", "gw1", False)], 9)
    assert office.rows("SELECT online, state_ms, health, health_ms FROM gateway_status") == [(0, 9, '{"a":1}', 5)]


@pytest.mark.both_databases
def test_a_late_report_corrects_a_visit_that_stood_as_ended(office: Office) -> None:
    which = office.add_tag("A-1")
    tag, writer, gateway, late = office.tag(which), office.writer(), Gateway("gw1"), Gateway("gw3")
    missing = late.report(*[tag.window(NOW_MS + 600_000 + n * 4000) for n in range(5)])
    take(writer, gateway.report(*[tag.window(NOW_MS + n * 4000) for n in range(5)]), now_ms=NOW_MS + 20_000)
    assert office.rows("SELECT corrected_ms FROM visit") == [(None,)]
    now = NOW_MS + 72 * HOUR_MS
    take(writer, missing, now_ms=now)
    assert office.rows("SELECT came_ms, last_ms, corrected_ms FROM visit") == [(NOW_MS, NOW_MS + 616_000, now)]
    assert office.rows("SELECT tag, at_ms, came_ms, last_ms FROM visit_correction") == [
        (which, now, NOW_MS, NOW_MS + 16_000)
    ]


def test_a_visit_of_days_is_one_visit(office: Office) -> None:
    """A tag that lies in a drawer: its visit is found by its beginning, however long ago."""
    tag, writer, gateway = office.tag(office.add_tag("A-1")), office.writer(), Gateway("gw1")
    end = 26 * HOUR_MS
    for at in range(0, end, ABSENCE_S * 1000 - 60_000):
        take(writer, gateway.report(tag.window(NOW_MS + at)), now_ms=NOW_MS + at + 1000)
    assert office.number("SELECT count(*) FROM visit") == 1
    assert office.number("SELECT last_ms - came_ms FROM visit") > 24 * HOUR_MS


def test_sites_have_visits_of_their_own(office: Office) -> None:
    tag, writer = office.tag(office.add_tag("A-1")), office.writer()
    take(writer, Gateway("gw1").report(tag.window(NOW_MS)))
    take(writer, Gateway("gw4", "annex").report(tag.window(NOW_MS + 60_000)), site="annex")
    assert office.rows("SELECT site, came_ms FROM visit ORDER BY 2") == [("hq", NOW_MS), ("annex", NOW_MS + 60_000)]


def test_what_a_failed_transaction_learned_is_forgotten(office: Office) -> None:
    """The disk is full at the commit; the same reports come again and are good."""
    tag, writer, gateway = office.tag(office.add_tag("A-1")), office.writer(), Gateway("gw1")
    made = gateway.report(*[tag.window(NOW_MS + n * 4000) for n in range(20)])
    with office.database.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("VACUUM")  # migrations leave pages free
        [(pages,)] = raw.execute("PRAGMA page_count").fetchall()
        raw.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreUnavailable, match="disk"):
        take(writer, made)
    with office.database.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA max_page_count=1000000")
    done = take(writer, made)
    assert (done.observations, dict(done.rejected), done.duplicates) == (20, {}, 0)


def test_a_backend_without_the_key_file_takes_nothing(office: Office) -> None:
    office.add_tag("A-1")

    def broken(_tag: int, _sealed: SealedKey) -> bytes:
        raise StoreUnavailable("no key")

    with pytest.raises(StoreUnavailable):
        take(Writer(office.database, Ingest(broken, 3, 300_000)), Gateway("gw1").report())
    assert office.number("SELECT count(*) FROM report") == 0


@pytest.mark.both_databases
def test_hostile_numbers_are_taken_as_they_are(office: Office) -> None:
    gateway = Gateway("gw1", boot=(1 << 63) - 1)
    gateway._seq = (1 << 63) - 2
    done = take(office.writer(), gateway.report())
    assert done.reports == 1
    [(_, acknowledged)] = done.acknowledgements
    assert acknowledged.beyond == ((1 << 63) - 1,)
