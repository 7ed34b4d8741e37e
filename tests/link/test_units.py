"""The pure parts of the link: a session's plan, whom to call when, how a roll-out goes, who is connected to next."""

import random
from dataclasses import replace

import pytest

from zonetag_backend.link import calls, rollout
from zonetag_backend.link.calls import Calls, Sighting
from zonetag_backend.link.records import (
    CANCELLED,
    DONE,
    FAILED,
    FIND,
    ROLLED_BACK,
    TRIAL,
    UPDATE,
    WAITING,
    Firmware,
    Known,
    Order,
)
from zonetag_backend.link.session import FETCH_MOST, Session
from zonetag_gateway import linkpolicy
from zonetag_gateway.linkpolicy import Call, Heard
from zonetag_protocol import carriage, link
from zonetag_protocol import linkmessage as say
from zonetag_protocol.errors import Malformed, ZonetagError
from zonetag_protocol.link import Message

K_LINK = bytes(16)
NOW_MS = 1_795_140_000_000
RECORD = bytes(19) + b"\1" + b"\x10" * 16
STATUS = say.Status(5000, 100, 800, (0, 1, 0), say.CONFIRMED, b"log1", 1, 1, NOW_MS // 1000, bytes(4), 0, (0,) * 11)
IMAGE = Firmware((0, 2, 0), bytes(32), bytes(range(250)) * 4)


class Tag:
    """The other end, by hand."""

    def __init__(self, status: say.Status, known: Known = Known(), orders: tuple[Order, ...] = ()) -> None:  # noqa: B008  # frozen, so it may be shared
        backend = link.backend_end(K_LINK, 4, bytes(8))
        self.end = link.tag_end(K_LINK, 4, bytes(range(8)))
        self.end.receive(backend.begin())
        self.session = Session(backend, known, orders)
        assert self.session.take(self.end.answer(), NOW_MS).say == []
        self.step = self.session.take(self.end.seal(say.STATUS, say.pack_status(status)), NOW_MS)

    def told(self) -> Message:
        """What the backend said last."""
        [message] = self.step.say
        got = self.end.receive(message)
        assert got is not None
        return got

    def answer(self, kind: int, body: bytes) -> None:
        self.step = self.session.take(self.end.seal(kind, body), NOW_MS)

    def done(self, kind: int, code: int = say.OK, value: int = 0) -> None:
        self.answer(say.DONE, say.pack_done(kind, code, value))


def test_with_nothing_to_say_it_is_goodbye_at_once() -> None:
    tag = Tag(STATUS)
    assert tag.told().type == say.BYE
    assert tag.step.over


def test_what_is_committed_is_acknowledged_first_and_not_fetched_again() -> None:
    tag = Tag(STATUS._replace(next=40), Known(b"log1", 30))
    got = tag.told()
    assert (got.type, say.unpack_acknowledge(got.body)) == (say.ACKNOWLEDGE, (b"log1", 30))
    tag.done(say.ACKNOWLEDGE, value=31)
    assert not tag.step.empty
    got = tag.told()
    assert (got.type, say.unpack_fetch(got.body)) == (say.FETCH, (31, FETCH_MOST))


def test_of_another_log_nothing_is_acknowledged() -> None:
    tag = Tag(STATUS._replace(next=40), Known(b"log0", 30))
    got = tag.told()
    assert (got.type, say.unpack_fetch(got.body)) == (say.FETCH, (1, FETCH_MOST))


def test_records_are_acknowledged_only_as_far_as_they_came() -> None:
    tag = Tag(STATUS._replace(first=5, next=30))
    assert tag.told().type == say.FETCH
    tag.answer(say.CONTACTS, say.pack_contacts(7, [RECORD] * 12))
    assert (tag.step.say, tag.step.through, tag.step.passed_over, len(tag.step.records)) == ([], 18, 2, 12)
    tag.answer(say.CONTACTS, say.pack_contacts(30, []))
    got = tag.told()
    assert (got.type, say.unpack_acknowledge(got.body)) == (say.ACKNOWLEDGE, (b"log1", 29))
    tag.done(say.ACKNOWLEDGE, value=30)
    assert tag.step.empty, "also if the goodbye is lost"
    assert tag.told().type == say.BYE


@pytest.mark.parametrize("body", [say.pack_contacts(1, [RECORD]), b"", bytes(5)])
def test_contacts_that_nobody_asked_for_end_the_session(body: bytes) -> None:
    tag = Tag(STATUS._replace(flags=0))
    assert tag.told().type == say.SET_TIME
    with pytest.raises(Malformed):
        tag.answer(say.CONTACTS, body)


def test_time_sets_nothing_forward() -> None:
    tag = Tag(STATUS._replace(utc_s=0))
    assert say.unpack_time(tag.told().body) == (STATUS.t, NOW_MS // 1000)


def test_orders_are_settled_by_the_tags_answer_and_late_ones_left_out() -> None:
    find = Order(1, FIND, say.pack_find_me(5), WAITING, NOW_MS + 1)
    tag = Tag(STATUS, orders=(find, replace(find, id=2, until_ms=NOW_MS), replace(find, id=3)))
    tag.told()
    tag.done(say.FIND_ME)
    assert [(each.order, each.state) for each in tag.step.settled] == [(1, DONE)]
    tag.told()
    tag.done(say.FIND_ME, say.FLASH)
    assert [(each.order, each.state, each.code) for each in tag.step.settled] == [(3, FAILED, say.FLASH)]
    assert tag.told().type == say.BYE


UPDATING = Order(9, UPDATE, b"", WAITING, NOW_MS + 1, IMAGE)


def test_an_update_goes_on_where_the_tag_has_it_and_is_kept_by_a_word() -> None:
    tag = Tag(STATUS, orders=(UPDATING,))
    assert tag.told().type == say.UPDATE_BEGIN
    tag.done(say.UPDATE_BEGIN, value=480)
    offset, data = say.unpack_part(tag.told().body)
    assert (offset, data) == (480, IMAGE.archive[480:960])
    tag.done(say.UPDATE_PART, value=960)
    tag.told()
    tag.done(say.UPDATE_PART, value=1000)
    assert tag.told().type == say.UPDATE_END
    tag.done(say.UPDATE_END)
    assert [each.state for each in tag.step.settled] == [TRIAL]
    on_trial = replace(UPDATING, state=TRIAL)
    tag = Tag(STATUS._replace(version=(0, 2, 0), flags=say.CONFIRMED | say.TRIAL), orders=(on_trial,))
    assert tag.told().type == say.UPDATE_KEEP
    tag.done(say.UPDATE_KEEP)
    assert [each.state for each in tag.step.settled] == [DONE]
    tag = Tag(STATUS._replace(flags=say.CONFIRMED | say.ROLLED_BACK), orders=(on_trial,))
    assert [each.state for each in tag.step.settled] == [ROLLED_BACK]


@pytest.mark.parametrize("state", [WAITING, TRIAL])
def test_an_order_that_waited_sets_no_tag_back_to_older_firmware(state: str) -> None:
    """Since it was ordered newer firmware came in another way, by wire say; one that ran then is set back as asked."""
    newer = STATUS._replace(version=(0, 3, 0))
    for ordered_of in (b"", bytes(STATUS.version)):
        tag = Tag(newer, orders=(replace(UPDATING, state=state, body=ordered_of),))
        assert [each.state for each in tag.step.settled] == [CANCELLED]
        assert tag.told().type == say.BYE
    tag = Tag(newer, orders=(replace(UPDATING, body=bytes((0, 3, 0))),))
    assert tag.told().type == say.UPDATE_BEGIN, "as the office wants it"


def test_a_roll_out_goes_by_stages_and_stops_at_the_first_fault() -> None:
    assert rollout.allowed([WAITING] * 50) == 1
    assert rollout.allowed([TRIAL] + [WAITING] * 49) == 1
    assert rollout.allowed([DONE] + [WAITING] * 49) == 5
    assert rollout.allowed([DONE] * 5 + [WAITING] * 45) == 50
    for bad in (FAILED, ROLLED_BACK, rollout.SILENT):
        assert rollout.allowed([DONE] * 4 + [bad] + [WAITING] * 45) == 0


def seen(at_ms: int = NOW_MS, **changes: object) -> Sighting:
    ends = NOW_MS + 600_000
    return Sighting(1, "door", "hq", at_ms, bytes(8), 4, -60, ends, log_waits=True)._replace(**changes)  # type: ignore[arg-type]  # of its own fields


def test_a_tag_is_called_when_there_is_something_and_it_can_answer() -> None:
    policy = Calls(900)
    assert policy.wanted(seen(), False, NOW_MS)
    assert not policy.wanted(seen(log_waits=False), False, NOW_MS)
    assert policy.wanted(seen(log_waits=False), True, NOW_MS)
    assert not policy.wanted(seen(at_ms=NOW_MS - calls.FRESH_MS - 1), True, NOW_MS)
    assert not policy.wanted(seen(ends_ms=NOW_MS + 10_000), True, NOW_MS), "its identifier ends"
    policy.ended(1, "door", True, True, NOW_MS)
    assert not policy.wanted(seen(), False, NOW_MS + 1)
    assert policy.wanted(seen(at_ms=NOW_MS + 900_000, ends_ms=NOW_MS + 2_000_000), False, NOW_MS + 900_000)


def test_a_call_in_vain_holds_back_that_gateway_alone() -> None:
    policy, waits = Calls(900), []
    now_ms = NOW_MS
    for _ in range(10):
        policy.ended(1, "door", False, False, now_ms)
        assert policy.wanted(seen(gateway="hall", at_ms=now_ms, ends_ms=now_ms + 600_000), False, now_ms)
        wait = 0
        while not policy.wanted(seen(at_ms=now_ms + wait, ends_ms=now_ms + wait + 600_000), False, now_ms + wait):
            wait += 5_000
        waits.append(wait)
        now_ms += wait
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == calls.BACK_OFF_MS


def a_call(number: int, waited_s: int = 1000, **changes: object) -> Call:
    made = Call(bytes([number]) * 8, bytes([number]) * 8, b"hello", waited_s, 100.0)
    return replace(made, **changes)  # type: ignore[arg-type]  # of its own fields


def test_who_waited_longest_comes_first_and_of_those_alike_the_strongest() -> None:
    waiting = [a_call(1, 1000), a_call(2, 1020), a_call(3, 5000), a_call(4, 5000), a_call(5, 9000)]
    heard = {
        call.eid: Heard(9.0, rssi) for call, rssi in zip(waiting, (-50.0, -70.0, -80.0, -95.0, -60.0), strict=True)
    }
    heard[waiting[4].eid] = Heard(-30.0, -60.0)  # long gone
    order = [call.eid[0] for call in linkpolicy.choose(waiting, heard, 10.0, 8)]
    assert order == [3, 1, 2], "4 is too weak to be worth it, 5 has gone"
    assert [call.eid[0] for call in linkpolicy.choose(waiting, heard, 10.0, 1)] == [3]
    assert linkpolicy.choose(waiting, heard, 10.0, 0) == []


def test_tries_are_spaced_and_end() -> None:
    call: Call | None = a_call(1)
    spaces = []
    while call is not None:
        spaces.append(call.not_before)
        call = linkpolicy.failed(call, 0.0)
    assert spaces == [0.0, 4.0, 8.0]


def test_whatever_bytes_come_are_read_or_refused() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    good = [
        carriage.encode_down(carriage.Downlink("gw", bytes(8), 0, bytes(8), 900, 60, (b"hello",))),
        carriage.encode_up(carriage.Uplink("gw", bytes(8), 3, (bytes(512),) * 32)),
    ]
    for _ in range(4000):
        data = bytearray(rng.choice(good))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(min(len(data), 60))] = rng.randrange(256)
        for decode in (carriage.decode_down, carriage.decode_up):
            try:
                decode(bytes(data))
            except ZonetagError:
                continue
