"""One tag at two sites at once: neither is believed, in whatever order the reports come."""

import itertools
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig.registry import HOUR_MS, Office, came, make_office
from rig.reports import NOW_MS, Gateway

from zonetag_backend import rules
from zonetag_backend.ingest import Ingest
from zonetag_backend.records import Rejection
from zonetag_backend.relay import AT_ONCE_MS, Sites, Spot, relayed
from zonetag_backend.store.apart import MOST_AN_HOUR, Room
from zonetag_backend.store.engine import writing
from zonetag_backend.store.writer import Done, Writer
from zonetag_protocol.report import Report

START_MS = NOW_MS // 4000 * 4000
SITE = {"gw1": "hq", "gw3": "hq", "gw4": "annex"}
MINUTE_MS = 60_000


def take(writer: Writer, *reports: Report, now_ms: int = NOW_MS + HOUR_MS) -> Done:
    return writer.write([came(made, SITE[made.gateway]) for made in reports], now_ms)


def book(office: Office) -> dict[str, list[tuple[object, ...]]]:
    """All that follows from what was heard; who was corrected when does hang on the order."""
    return {
        "presence": office.rows("SELECT place, tag, start_ms, end_ms FROM presence ORDER BY 1, 2, 3"),
        "visits": office.rows("SELECT site, tag, came_ms, last_ms FROM visit ORDER BY 1, 2, 3"),
        "heard": office.rows("SELECT start_ms, gateway, boot, seq, row FROM heard_20260921 ORDER BY 1, 2, 3, 4, 5"),
        "apart": office.rows("SELECT gateway, boot, seq, row, reason, start_ms, eid FROM rejected ORDER BY 1, 2, 3, 4"),
        "totals": office.rows("SELECT gateway, reason, windows FROM rejected_total ORDER BY 1, 2"),
    }


def scene(office: Office) -> list[Report]:
    """Two tags, an hour at hq; one of them is carried to the annex for a minute in the middle of it."""
    tags = [office.tag(office.add_tag(f"A-{n}")) for n in range(2)]
    true, far = Gateway("gw1"), Gateway("gw4")
    reports = [
        true.report(*[tag.window(START_MS + minute * MINUTE_MS + s * 8000, 3000) for tag in tags for s in range(7)])
        for minute in range(60)
    ]
    reports.append(far.report(*[tags[0].window(START_MS + 30 * MINUTE_MS + s * 8000, 3000) for s in range(7)]))
    return reports


def test_what_is_heard_at_two_sites_at_once_is_believed_at_neither(office: Office) -> None:
    reports = scene(office)
    writer = office.writer()
    take(writer, *reports[:-1])
    assert (
        office.number("SELECT count(*) FROM presence WHERE place IN (SELECT id FROM place WHERE site = 'annex')") == 0
    )
    before = office.number("SELECT count(*) FROM heard_20260921")
    done = take(writer, reports[-1])
    assert done.rejected[rules.RELAYED] >= 14
    assert done.relayed == {"gw1", "gw4"}
    assert done.sites == {"hq", "annex"}
    assert office.number("SELECT count(*) FROM visit WHERE site = 'annex'") == 0
    # What was believed at hq until then is taken back: about that minute, and of that tag alone.
    kept = office.number("SELECT count(*) FROM heard_20260921")
    assert before - kept == done.rejected[rules.RELAYED] - 7
    first = next(iter(office.tags))
    gone = (START_MS + 30 * MINUTE_MS, START_MS + 30 * MINUTE_MS + 51_000)
    for tag in office.tags:
        there = office.number(
            f"SELECT count(*) FROM heard_20260921 WHERE tag = {tag} AND start_ms BETWEEN {gone[0]} AND {gone[1]}"
        )
        assert there == (0 if tag == first else 7)
    assert office.number("SELECT count(*) FROM rejected WHERE reason = 'relayed' AND length(eid) = 8") == sum(
        n for (n,) in office.rows("SELECT windows FROM rejected_total WHERE reason = 'relayed'") if isinstance(n, int)
    )
    assert office.number("SELECT count(*) FROM presence") > 2, "two stays of the one, and the other's"


def test_the_control_the_same_hearings_where_the_sites_are_near(office: Office) -> None:
    """What the rule takes for a relay becomes presence at both where the operator says that both may hear it."""
    reports = scene(office)
    ingest = Ingest(office.keyring.open, 3, 300_000)
    writer = Writer(office.database, ingest, allow_unsigned=True, far=Sites(["hq annex"]))
    done = take(writer, *reports)
    assert done.rejected[rules.RELAYED] == 0
    assert office.number("SELECT count(*) FROM visit WHERE site = 'annex'") == 1


def test_who_walks_from_one_site_to_the_other_is_believed_at_both(office: Office) -> None:
    tag = office.tag(office.add_tag("A-1"))
    here = [tag.window(START_MS + s * 4000, 3000) for s in range(60)]
    there = [tag.window(START_MS + 240_000 + AT_ONCE_MS + s * 4000, 3000) for s in range(60)]
    done = take(office.writer(), Gateway("gw1").report(*here), Gateway("gw4").report(*there))
    assert (done.observations, dict(done.rejected)) == (120, {})


def test_two_gateways_of_one_site_hear_the_same_tag(office: Office) -> None:
    tag = office.tag(office.add_tag("A-1"))
    here = [tag.window(START_MS + s * 4000, 3000) for s in range(20)]
    done = take(office.writer(), Gateway("gw1").report(*here), Gateway("gw3").report(*here))
    assert (done.observations, dict(done.rejected)) == (40, {})


def clear(office: Office) -> None:
    """As if nothing had been heard."""
    with writing(office.database) as connection:
        for table in (
            "presence",
            "visit",
            "visit_correction",
            "report",
            "rejected",
            "rejected_total",
            "heard_20260921",
        ):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("UPDATE tag_clock SET heard_ms = 0, confirmed = 0")


@settings(max_examples=5)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_any_order_any_grouping_any_restart_gives_the_same_book(seed: int, group: int) -> None:
    rng = random.Random(seed)
    with TemporaryDirectory() as folder:
        office = make_office(Path(folder), enrolled=True)
        reports = day(office, rng)
        take(office.writer(), *sorted(reports, key=lambda made: made.base.utc_ms), now_ms=NOW_MS + 4 * HOUR_MS)
        expected = book(office)
        for _ in range(2):
            clear(office)
            rng.shuffle(reports)
            writer = office.writer()
            for at in range(0, len(reports), group):
                take(writer, *reports[at : at + group], now_ms=NOW_MS + 4 * HOUR_MS)
                if rng.random() < 0.3:
                    writer = office.writer()  # killed and started again
            assert book(office) == expected, seed
        office.database.dispose()


def day(office: Office, rng: random.Random) -> list[Report]:
    """Three gateways of two sites; each hears the one tag now and then within an hour."""
    tag = office.tag(office.add_tag("A-1"))
    gateways = [Gateway(name) for name in SITE]
    made = []
    for _ in range(14):
        base = START_MS + rng.randrange(rng.choice((60, 300, 900))) * 4000
        heard = [
            tag.window(base + n * 4000 + rng.randrange(500), rng.randrange(3000)) for n in range(rng.randrange(1, 9))
        ]
        made.append(rng.choice(gateways).report(*heard, base_ms=base))
    return made


@pytest.mark.parametrize("seed", range(20))
def test_the_rule_is_what_every_pair_says(seed: int) -> None:
    rng = random.Random(seed)
    spots = []
    for _ in range(30):
        start = rng.randrange(1_000_000)
        spots.append(Spot(start, start + rng.randrange(60_000), rng.choice("abc")))
    sites = Sites(["a b"])
    expected = set()
    for one, other in itertools.permutations(range(30), 2):
        apart = max(spots[one].start_ms, spots[other].start_ms) - min(spots[one].end_ms, spots[other].end_ms)
        if "c" in (pair := {spots[one].site, spots[other].site}) and len(pair) == 2 and apart <= AT_ONCE_MS:
            expected |= {one, other}
    assert relayed(spots, sites) == expected


def test_rows_kept_apart_are_capped_an_hour_and_all_are_counted(office: Office) -> None:
    room = Room(100)
    one = Rejection("gw1", 1, 1, 0, rules.UNKNOWN, 0, 0, bytes(8), bytes(6), 1, -60)
    many = [one] * 150
    assert len(room.admit(many, 0)) == 100
    room.forget()  # the transaction failed
    assert len(room.admit(many, 0)) == 100
    assert room.settle() == [("gw1", rules.UNKNOWN)]
    assert (room.admit(many, 1), room.settle()) == ([], [])
    others = [one._replace(reason=rules.FORGED), one._replace(gateway="gw2"), one._replace(reason=rules.RELAYED)]
    assert room.admit(others, 2) == others
    assert len(room.admit([one._replace(reason=rules.RELAYED)] * 150, 3)) == 150
    assert len(room.admit(many, HOUR_MS)) == 100


def test_a_flood_of_unknown_identifiers_does_not_fill_the_database(office: Office) -> None:
    """Ten minutes of what a gateway lets through of a flood, 2,000 a second, in 1 of 40; a real tag among them."""
    tag, gateway, writer = office.tag(office.add_tag("A-1")), Gateway("gw1"), office.writer()
    rng = random.Random(3)
    flood = tag.window(START_MS)
    for n in range(15):
        at = START_MS + n * 40_000
        invented = [flood.but(utc_ms=at + i * 20, eid=rng.randbytes(8), auth=rng.randbytes(6)) for i in range(2000)]
        done = take(writer, gateway.report(*invented, tag.window(at, 3000), base_ms=at))
        assert (done.observations, done.rejected[rules.UNKNOWN]) == (1, 2000)
    assert office.number("SELECT count(*) FROM rejected") == MOST_AN_HOUR
    assert office.number("SELECT windows FROM rejected_total WHERE reason = 'unknown'") == 30_000
