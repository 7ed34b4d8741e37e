"""From windows to observations: what is believed of real frames, and why the rest is kept apart."""

import random

import pytest
from rig.registry import HOUR_MS, T0, Office, take
from rig.reports import NOW_MS, Gateway, Heard, Tag

from zonetag_backend import rules
from zonetag_backend.store.engine import writing
from zonetag_backend.store.tags import retire
from zonetag_backend.store.writer import Writer
from zonetag_protocol import advert
from zonetag_protocol.report import KIND_BADGE, KIND_ZONETAG
from zonetag_protocol.rotation import eid_of

SLOT_MS = 4000
START_MS = NOW_MS // SLOT_MS * SLOT_MS  # tags of the rig begin their slots here


def settle(office: Office, writer: Writer, which: int, gateway: Gateway, until_ms: int = START_MS) -> None:
    """Hear a tag for a minute, so that its clock is sure."""
    tag = office.tag(which)
    heard = [tag.window(until_ms - 60_000 + ms, 200) for ms in range(0, 60_000, 1000)]
    done = take(writer, gateway.report(*heard))
    assert done.observations == 60


@pytest.fixture
def settled(office: Office) -> tuple[Office, Writer, Tag, Gateway]:
    """An office with one tag, heard lately at gateway gw1."""
    writer, gateway = office.writer(), Gateway("gw1")
    which = office.add_tag("A-1")
    settle(office, writer, which, gateway)
    return office, writer, office.tag(which), gateway


Settled = tuple[Office, Writer, Tag, Gateway]


def reasons(writer: Writer, gateway: Gateway, *heard: Heard) -> dict[str, int]:
    done = take(writer, gateway.report(*heard))
    assert done.observations + sum(done.rejected.values()) == len(heard)
    return dict(done.rejected)


def test_a_fresh_frame_is_an_observation(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    assert reasons(writer, gateway, tag.window(START_MS + 5000, 800, rssi=-71)) == {}
    day = "20260921"
    [row] = office.rows(f"SELECT * FROM heard_{day} WHERE start_ms = {START_MS + 5000}")
    slot = tag.t_ms(START_MS + 5000) // SLOT_MS
    assert row[1:6] == (START_MS + 5000, "gw1", 1 << 32, 2, 0)
    assert row[7:] == (800, 5, -71, -72, -76, -80, slot, 1)
    assert office.rows("SELECT status, confirmed, slot FROM tag_clock") == [(7, 1, slot)]


@pytest.mark.parametrize("slots", [1, 2, 10, 100])
def test_a_replay_at_the_gateway_that_heard_it(settled: Settled, slots: int) -> None:
    """Each of 8 frames is heard, and heard again `slots` later, while the tag goes on."""
    _, writer, tag, gateway = settled
    times = [START_MS + n * SLOT_MS + 700 for n in range(8 + slots)]
    true = [tag.window(at, 200) for at in times]
    echoes = [tag.window(at + slots * SLOT_MS + 900, 200, sent_ms=at) for at in times[:8]]
    assert reasons(writer, gateway, *true, *echoes) == {rules.STALE: 8}


@pytest.mark.parametrize("slots", [2, 3, 10, 100])
def test_a_replay_at_another_gateway(settled: Settled, slots: int) -> None:
    _, writer, tag, _ = settled
    times = [START_MS + n * SLOT_MS + 700 for n in range(8)]
    echoes = [tag.window(at + slots * SLOT_MS, 200, sent_ms=at) for at in times]
    assert reasons(writer, Gateway("gw3"), *echoes) == {rules.STALE: 8}


def test_an_echo_in_the_same_slot_is_what_a_mirror_would_be(settled: Settled) -> None:
    """0 slots late: nothing tells it from the tag.  What it can do is make a tag seem nearer, within 4 s."""
    _, writer, tag, _ = settled
    at = START_MS + 500
    assert reasons(writer, Gateway("gw3"), tag.window(at + 1000, sent_ms=at)) == {}


def test_two_gateways_hear_the_same_slot(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    heard = tag.window(START_MS + 500, 3000)
    done = take(writer, gateway.report(heard), Gateway("gw2").report(heard), Gateway("gw3").report(heard))
    assert (done.observations, dict(done.rejected)) == (3, {})
    assert office.number("SELECT count(DISTINCT place) FROM presence") == 2


def test_a_flipped_bit(settled: Settled) -> None:
    _, writer, tag, gateway = settled
    heard = tag.window(START_MS + 500)
    for bit in range(14 * 8):
        wrong = bytearray(heard.eid + heard.auth)
        wrong[bit // 8] ^= 1 << bit % 8
        expected = rules.UNKNOWN if bit < 64 else rules.FORGED
        assert reasons(writer, gateway, heard.but(eid=bytes(wrong[:8]), auth=bytes(wrong[8:]))) == {expected: 1}, bit


def test_an_authenticator_of_another_tag(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    other = office.tag(office.add_tag("A-2"))
    heard = tag.window(START_MS + 500).but(auth=other.window(START_MS + 500).auth)
    assert reasons(writer, gateway, heard) == {rules.FORGED: 1}


def test_guessing_authenticators_is_counted_and_never_believed(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    rng = random.Random(5)
    heard = tag.window(START_MS + 500)
    assert reasons(writer, gateway, *[heard.but(auth=rng.randbytes(6)) for _ in range(1000)]) == {rules.FORGED: 1000}
    assert office.rows("SELECT reason, windows FROM rejected_total") == [(rules.FORGED, 1000)]
    assert office.number("SELECT count(*) FROM rejected") == 1000


def test_an_identifier_without_its_authenticator(settled: Settled) -> None:
    """What plain Eddystone-EID would believe: not of a tag of ours."""
    _, writer, tag, gateway = settled
    heard = tag.window(START_MS + 500)
    assert reasons(writer, gateway, heard.but(kind=KIND_BADGE, auth=bytes(6))) == {rules.FORGED: 1}


def test_a_strangers_tag(settled: Settled) -> None:
    _, writer, _, gateway = settled
    stranger = Tag(b"s" * 16, START_MS - 10**9)
    assert reasons(writer, gateway, stranger.window(START_MS + 500)) == {rules.UNKNOWN: 1}


def test_a_retired_tag(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    with writing(office.database) as connection:
        retire(connection, office.keyring, next(iter(office.tags)), NOW_MS)
    assert reasons(writer, gateway, tag.window(START_MS + 500)) == {rules.UNKNOWN: 1}


def test_a_tag_added_while_the_backend_runs(settled: Settled) -> None:
    office, writer, _, gateway = settled
    new = office.tag(office.add_tag("A-2", at_ms=START_MS))
    assert reasons(writer, gateway, new.window(START_MS + 500)) == {}


@pytest.mark.parametrize(
    "utc_ms", [0, 1_000, 1_700_000_000_000, NOW_MS + 2 * HOUR_MS, NOW_MS + 365 * 24 * HOUR_MS, (1 << 48) - 700_000]
)
def test_a_gateway_whose_clock_cannot_be_right(settled: Settled, utc_ms: int) -> None:
    office, writer, tag, gateway = settled
    heard = [tag.window(START_MS + 500).but(utc_ms=utc_ms + n) for n in (0, 1000)]
    done = take(writer, gateway.report(*heard), now_ms=NOW_MS + HOUR_MS)
    assert dict(done.rejected) == {rules.CLOCK: 2}
    [(_, acknowledged)] = done.acknowledgements
    assert acknowledged.through == 2  # it is stored apart, so the gateway need not keep it
    assert office.number("SELECT count(*) FROM rejected WHERE reason = 'clock'") == 2


def test_a_badge_is_seen_and_not_trusted(office: Office) -> None:
    writer, gateway = office.writer(), Gateway("gw1")
    badge = office.tag(office.add_tag("B-1", kind=advert.EDDYSTONE_EID))

    def window(at: int) -> Heard:
        return Heard(at, 200, eid_of(badge.master, badge.t_ms(at) // 1000), bytes(6), kind=KIND_BADGE)

    heard = [window(START_MS + ms) for ms in range(0, 3 * HOUR_MS, 60_000)]
    done = take(writer, *[gateway.report(each) for each in heard], now_ms=NOW_MS + 4 * HOUR_MS)
    assert done.observations == 180
    assert office.rows("SELECT DISTINCT slot, trusted FROM heard_20260921") == [(-1, 0)]
    old = window(START_MS).but(utc_ms=START_MS + 3 * HOUR_MS)
    assert dict(take(writer, gateway.report(old), now_ms=NOW_MS + 4 * HOUR_MS).rejected) == {rules.UNKNOWN: 1}
    assert reasons(writer, Gateway("gw2"), window(START_MS + 60_000).but(kind=KIND_ZONETAG)) == {rules.FORGED: 1}


def test_a_new_tag_is_trusted_after_some_slots(office: Office) -> None:
    writer, gateway = office.writer(), Gateway("gw1")
    tag = office.tag(office.add_tag("A-1"))
    take(writer, gateway.report(*[tag.window(START_MS + n * SLOT_MS, 200) for n in range(5)]))
    trusted = office.rows("SELECT trusted FROM heard_20260921 ORDER BY start_ms")
    assert trusted == [(0,), (0,), (1,), (1,), (1,)]


@pytest.mark.parametrize("days", [0, 3, 40])
def test_a_tag_first_switched_on_days_after_it_was_added(office: Office, days: int) -> None:
    """Its clock begins when the power comes, wherever it was expected to be by then."""
    writer, gateway = office.writer(), Gateway("gw1")
    which = office.add_tag("A-1", at_ms=START_MS - days * 24 * HOUR_MS)
    on = Tag(office.tag(which).master, START_MS - T0 * 1000)
    assert reasons(writer, gateway, *[on.window(START_MS + n * SLOT_MS, 200) for n in range(5)]) == {}


@pytest.mark.parametrize(("away_h", "stale"), [(0, 2), (12, 14), (24 * 14, 14)])
def test_a_change_of_battery(settled: Settled, away_h: int, stale: int) -> None:
    """The clock stood still for `away_h` and resumes 17 minutes ahead of all that it had used."""
    _, writer, tag, gateway = settled
    at = START_MS + away_h * HOUR_MS + 60_000
    after = Tag(tag.master, tag.offset_ms + away_h * HOUR_MS - 1_024_000)
    heard = [after.window(at + n * SLOT_MS, 200) for n in range(20)]
    done = take(writer, gateway.report(*heard), now_ms=at + HOUR_MS)
    assert dict(done.rejected) == {rules.STALE: stale}
    assert done.observations == 20 - stale


def test_a_report_72_hours_late(settled: Settled) -> None:
    _, writer, tag, _ = settled
    later = START_MS + 72 * HOUR_MS
    gateway = Gateway("gw2")
    late = gateway.report(*[tag.window(START_MS + n * SLOT_MS, 200) for n in range(20)])
    done = take(writer, gateway.report(tag.window(later, 200)), now_ms=later)
    assert done.observations == 1
    done = take(writer, late, now_ms=later + 1000)
    assert (done.observations, dict(done.rejected)) == (20, {})


def test_times_at_midnight_go_to_the_table_of_their_day(settled: Settled) -> None:
    office, writer, tag, gateway = settled
    midnight = (START_MS // 86_400_000 + 1) * 86_400_000
    take(writer, gateway.report(*[tag.window(midnight + ms) for ms in (-5000, 5000)]), now_ms=midnight + HOUR_MS)
    assert office.number("SELECT count(*) FROM heard_20260922") == 1
    assert office.number("SELECT count(*) FROM presence") == 3  # the minute before, and the two cut at midnight
