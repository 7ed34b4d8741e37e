"""Reports that are missing: an alarm, asked for, found again or told lost, and never open for ever."""

import json

import pytest
from rig.registry import HOUR_MS, take
from rig.reports import NOW_MS, Gateway, signing_key
from rig.seat import Seat

from zonetag_backend.store import gaps
from zonetag_backend.store.came import LossCame
from zonetag_backend.store.engine import reading
from zonetag_backend.store.writer import Done, Writer
from zonetag_protocol import envelope, loss
from zonetag_protocol.loss import Loss

LATER_MS = 61_000


@pytest.fixture
def signing(seat: Seat) -> Seat:
    seat.office.enrol("gw1")
    return seat


def tell_lost(writer: Writer, boot: int, *seqs: int, key: str = "gw1", now_ms: int = NOW_MS) -> Done:
    told = Loss("gw1", boot, seqs)
    opened = envelope.take_apart(envelope.wrap(loss.encode(told), "lost", signing_key(key)))
    return writer.write([LossCame("hq", told, opened)], now_ms)


def open_gaps(seat: Seat) -> list[tuple[int, int, int]]:
    with reading(seat.office.database) as connection:
        return [(each.boot, each.missing, each.lost) for each in gaps.every(connection)]


def test_a_gap_is_asked_for_and_ends_when_it_is_filled(signing: Seat) -> None:
    writer, gateway = signing.office.writer(), Gateway()
    first, second, third, fourth = (gateway.report() for _ in range(4))
    assert take(writer, first).acknowledgements[0][1].missing == ()
    done = take(writer, fourth)
    assert (done.gaps, done.acknowledgements[0][1].missing) == (1, (2, 3))
    assert open_gaps(signing) == [(gateway.boot, 2, 0)]
    assert take(writer, fourth, now_ms=NOW_MS + HOUR_MS + 1).acknowledgements[0][1].missing == ()  # not twice a minute
    take(writer, second, third)
    assert open_gaps(signing) == []
    assert done.acknowledgements[0][1].beyond == (4,)


def test_what_is_lost_at_the_gateway_is_settled_and_said_so(signing: Seat) -> None:
    writer, gateway = signing.office.writer(), Gateway()
    made = [gateway.report() for _ in range(5)]
    take(writer, made[0], made[4])
    done = tell_lost(writer, gateway.boot, 2, 3, 5, 99)
    assert (done.lost, done.acknowledgements[0][1].through) == (2, 3)  # 5 is in, 99 was never spoken of
    assert open_gaps(signing) == [(gateway.boot, 1, 2)]
    assert take(writer, made[2], now_ms=NOW_MS + LATER_MS).reports == 1  # it comes all the same
    again = signing.office.writer()  # after a restart
    assert tell_lost(again, gateway.boot, 4).acknowledgements[0][1].through == 5
    assert open_gaps(signing) == [(gateway.boot, 0, 3)]


def test_control_a_loss_that_another_signed_settles_nothing(signing: Seat) -> None:
    writer, gateway = signing.office.writer(), Gateway()
    made = [gateway.report() for _ in range(3)]
    take(writer, made[0], made[2])
    done = tell_lost(writer, gateway.boot, 2, key="gw2")
    assert (dict(done.unsigned), done.lost, done.acknowledgements) == ({"forged": 1}, 0, [])
    assert open_gaps(signing) == [(gateway.boot, 1, 0)]


def test_a_gap_of_an_earlier_boot_is_asked_for_when_its_gateway_speaks(signing: Seat) -> None:
    writer, before, now = signing.office.writer(), Gateway(), Gateway(boot=2 << 32)
    made = [before.report() for _ in range(3)]
    take(writer, made[0], made[2])
    again = signing.office.writer()
    done = take(again, now.report(), now_ms=NOW_MS + LATER_MS)
    assert {ack.boot: ack.missing for _, ack in done.acknowledgements} == {2 << 32: (), 1 << 32: (2,)}


def test_it_is_shown_with_its_gateway(signing: Seat) -> None:
    gateway = Gateway()
    made = [gateway.report() for _ in range(3)]
    take(signing.office.writer(), made[0], made[2])
    assert json.loads(json.dumps(signing.office.rows("SELECT gateway, missing FROM gateway_gap"))) == [["gw1", 1]]
