"""What is sent, when, and what an acknowledgement allows.  Times are literal; the jitter stands in the middle."""

from itertools import pairwise

from rig.backend_stub import ack

from zonetag_gateway.publisher import MAX_RESEND_S, Publisher
from zonetag_gateway.spool import Record
from zonetag_protocol.acknowledgement import Acknowledgement

BOOT = 5 << 32


def publisher(in_flight: int = 4) -> Publisher:
    return Publisher("entrance", in_flight, 20.0, lambda: 0.5)


def records(first: int, n: int, boot: int = BOOT) -> list[Record]:
    return [Record(boot, seq, b"", id=seq) for seq in range(first, first + n)]


def started(n: int = 4) -> Publisher:
    p = publisher()
    p.online(0.0, 100)
    p.take(records(1, n), 0.0)
    return p


def seqs(sent: list[Record]) -> list[int]:
    return [record.seq for record in sent]


def test_few_in_flight_and_the_oldest_first() -> None:
    p = publisher()
    assert p.wants() == (0, 0)  # not before there is a connection
    p.online(0.0, 100)
    assert p.wants() == (4, 0)
    p.take(records(1, 3), 0.0)
    assert p.wants() == (1, 3)
    p.take(records(4, 1), 0.0)
    assert p.wants() == (0, 4)
    assert p.acknowledge(ack("entrance", BOOT, 2), 1.0) == Acknowledgement("entrance", BOOT, 2)
    assert p.wants() == (2, 4)
    assert (p.counters.sent, p.counters.acknowledged) == (4, 2)


def test_a_broker_that_takes_less() -> None:
    p = publisher()
    p.online(0.0, 2)
    assert p.wants() == (2, 0)
    p.online(0.0, 0)
    assert p.wants() == (1, 0)


def test_sent_again_after_a_while_and_then_less_often() -> None:
    p = started(1)
    times, now = [], 0.0
    while now < 600:
        due = p.next_due()
        assert due is not None
        now = due
        assert seqs(p.due(now)) == [1]
        assert p.due(now) == []
        times.append(now)
    assert times[:4] == [20.0, 60.0, 140.0, 260.0]
    assert {b - a for a, b in pairwise(times[2:])} == {MAX_RESEND_S}
    assert p.counters.resent == len(times)
    assert p.counters.sent == 1


def test_jitter_is_a_quarter_to_either_side() -> None:
    for jitter, due in ((0.0, 15.0), (1.0, 25.0)):
        p = Publisher("entrance", 4, 20.0, lambda jitter=jitter: jitter)  # type: ignore[misc]  # one value a turn
        p.online(0.0, 100)
        p.take(records(1, 1), 0.0)
        assert p.next_due() == due


def test_all_again_after_a_reconnect() -> None:
    p = started(3)
    p.offline()
    assert p.next_due() is None
    assert p.due(1000.0) == []
    p.online(5.0, 100)
    assert seqs(p.due(5.0)) == [1, 2, 3]


def test_a_refusal_waits() -> None:
    p = started(1)
    p.refused(BOOT, 1, 3.0)
    p.refused(BOOT, 99, 3.0)
    assert p.next_due() == 23.0
    assert p.counters.refused == 2


def test_what_had_no_room_goes_as_soon_as_there_is_some() -> None:
    p = started(2)
    p.postpone(BOOT, 2, 0.0)
    p.postpone(BOOT, 99, 0.0)
    assert p.due(0.5) == []
    p.roomy(0.6)
    assert seqs(p.due(0.6)) == [2]
    assert p.due(0.7) == []
    assert p.next_due() == 20.0
    assert (p.counters.sent, p.counters.resent) == (2, 0)
    p.postpone(BOOT, 2, 3.0)
    assert p.next_due() == 4.0  # and without being told, a second later


def test_an_acknowledgement_of_others_shows_that_the_backend_is_alive() -> None:
    p = started(2)
    p.due(20.0)
    p.due(60.0)
    assert p.next_due() == 140.0
    p.acknowledge(ack("entrance", BOOT, 0, 2), 70.0)
    assert p.next_due() == 90.0


def test_more_than_was_sent_is_cut_down() -> None:
    p = started(3)
    assert p.acknowledge(ack("entrance", BOOT, 10**9), 1.0) == Acknowledgement("entrance", BOOT, 3)
    assert p.flying == 0
    p = started(3)
    assert p.acknowledge(ack("entrance", BOOT, 1, 3, 7, 900), 1.0) == Acknowledgement("entrance", BOOT, 1, (3,))
    assert p.flying == 1


def test_what_is_not_meant_for_us() -> None:
    p = started(3)
    good = ack("entrance", BOOT, 3)
    assert p.acknowledge(ack("elsewhere", BOOT, 3), 1.0) is None
    assert p.acknowledge(ack("entrance", BOOT + 1, 3), 1.0) is None
    assert p.counters.acks_ignored == 2
    for n in range(len(good)):
        assert p.acknowledge(good[:n], 1.0) is None
    assert p.acknowledge(good + b"\0", 1.0) is None
    assert p.counters.acks_malformed == len(good) + 1
    assert p.flying == 3


def test_two_boots_side_by_side() -> None:
    """What an earlier run has left goes first, under its own boot."""
    p = publisher()
    p.online(0.0, 100)
    p.take([*records(7, 2, boot=BOOT - 1), *records(1, 2)], 0.0)
    assert p.acknowledge(ack("entrance", BOOT - 1, 8), 1.0) == Acknowledgement("entrance", BOOT - 1, 8)
    assert p.flying == 2


def test_reports_that_are_never_acknowledged_hold_up_no_others() -> None:
    """Four that the backend cannot take, ten behind them that it can."""
    p = started(4)
    now = 0.0
    while not p.wants()[0]:
        due = p.next_due()
        assert due is not None
        now = due
        p.due(now)
        assert now < 600
    assert p.passed_over == 4
    for seq in range(5, 15):
        many, after = p.wants()
        assert (many > 0, after) == (True, seq - 1)
        p.take(records(seq, 1), now)
        assert p.acknowledge(ack("entrance", BOOT, 0, seq), now) is not None
    assert p.flying == 4
    assert seqs(p.due(now + 2 * MAX_RESEND_S)) == [1, 2, 3, 4], "they are still sent"


def test_a_backend_that_takes_nothing_costs_bounded_memory() -> None:
    p = publisher()
    p.online(0.0, 100)
    now, seq = 0.0, 1
    for _ in range(10_000):
        many, _ = p.wants()
        p.take(records(seq, many), now)
        seq += many
        now += 10.0
        p.due(now)
    assert p.flying == 40
