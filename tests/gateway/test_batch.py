"""Windows into reports: exact times on the wire, cuts by time and number, nothing twice, nothing left."""

import random

import pytest

from zonetag_gateway.batch import Batcher, Chain, Draft, merged, seal
from zonetag_gateway.source import Moment
from zonetag_gateway.window import ClosedWindow
from zonetag_protocol import envelope, report


def window(first: float, last: float, count: int = 3) -> ClosedWindow:
    return ClosedWindow(1, b"12345678", b"123456", first, last, count, -40, -50, -60, -70)


def moment(at: float) -> Moment:
    return Moment(1_790_000_000_000 + round(at * 1000), round(at * 1000), True)


def collect(
    batcher: Batcher, windows: list[ClosedWindow], now: float, final: bool = False, **tallies: int
) -> list[Draft]:
    return batcher.collect(windows, now, lambda: dict(tallies), moment, final=final)


def opened(sealed: bytes) -> report.Report:
    return report.decode(envelope.unwrap(sealed, "report"))


def test_times_on_the_wire() -> None:
    (draft,) = collect(Batcher(60, 10), [window(12.5, 15.004), window(10.0, 10.0)], 20.0, final=True, adverts=6)
    sealed, chain = seal(draft, "entrance", Chain(1 << 32))
    r = opened(sealed)
    assert r.base == report.Base(1_790_000_010_000, 10_000, True)
    assert [(w.first, w.span, w.count) for w in r.columns.windows()] == [(0, 0, 3), (250, 250, 3)]
    assert (r.boot, r.seq, r.previous, r.tallies) == (1 << 32, 1, bytes(32), {"adverts": 6})
    assert chain == Chain(1 << 32, 2, report.hash_of(envelope.unwrap(sealed, "report")))
    again = opened(seal(draft, "entrance", chain)[0])
    assert (again.seq, again.previous) == (2, chain.previous)


def test_a_report_every_five_seconds() -> None:
    batcher = Batcher(5, 100)
    assert collect(batcher, [window(0, 1)], 1.0) == []
    assert collect(batcher, [window(1, 2)], 4.9) == []
    (draft,) = collect(batcher, [], 5.0, adverts=6)
    assert (len(draft.windows), draft.base_at, draft.tallies) == (2, 0, {"adverts": 6})
    assert collect(batcher, [], 10.0) == []  # nothing heard and nothing counted is no report
    (only_counts,) = collect(batcher, [], 15.0, adverts=1)
    assert only_counts.windows == ()


def test_a_report_is_cut_by_number_and_the_last_one_carries_the_counts() -> None:
    drafts = collect(Batcher(500, 10), [window(i / 10, i / 10) for i in range(35)], 4.0, final=True, adverts=9)
    assert [len(draft.windows) for draft in drafts] == [10, 10, 10, 5]
    assert [draft.tallies for draft in drafts] == [{}, {}, {}, {"adverts": 9}]


def test_a_fast_replay_gets_the_reports_of_a_slow_one() -> None:
    """An hour of windows at once: reports of five seconds each, none over what a report can span."""
    windows = [window(float(i), i + 3.5) for i in range(3600)]
    drafts = collect(Batcher(5, 2000), windows, 3604.0, final=True)
    assert sum(len(draft.windows) for draft in drafts) == 3600
    assert len(drafts) == 721
    for draft in drafts:
        seal(draft, "entrance", Chain(1 << 32))


def test_a_line_that_jumps_either_way_still_fits_the_wire() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    batcher, at, given, got = Batcher(300, 4096), 0.0, 0, 0
    for _ in range(300):
        windows = []
        for _ in range(dice.randrange(5)):
            at += dice.choice((0.5, 3, 300, -300, 5000, -5000))
            windows.append(window(at, at + dice.random() * 60))
        given += len(windows)
        for draft in collect(batcher, windows, at, final=dice.random() < 0.01):
            r = opened(seal(draft, "entrance", Chain(1 << 32))[0])
            got += r.columns.n
            assert min((w.first for w in r.columns.windows()), default=0) == 0
    got += sum(len(draft.windows) for draft in collect(batcher, [], at, final=True))
    assert got == given


@pytest.mark.parametrize("utc_ms", [-5, 1 << 60])
def test_a_clock_outside_the_wire_is_called_unsynchronised(utc_ms: int) -> None:
    drafts = Batcher(5, 9).collect([window(0, 1)], 1, dict, lambda at: Moment(utc_ms, -1, True), final=True)
    r = opened(seal(drafts[0], "entrance", Chain(1 << 32))[0])
    assert not r.base.synchronised


def test_a_draft_that_is_lost_is_told_in_the_next() -> None:
    first, second = (Draft(report.Base(0, 0, False), 0, (window(0, 1, 7),), {"adverts": n}) for n in (7, 5))
    assert merged(first, second, "dropped.disk").tallies == {"adverts": 12, "dropped.disk": 7}
