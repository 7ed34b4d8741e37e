"""Which messages on `cmd` are taken: rubbish, old, retained, repeated and too many ones are not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_gateway.commands import ANSWERED_PER_MINUTE, MAX_TEXT, PER_MINUTE, REMEMBERED, Answer, Command, Desk
from zonetag_gateway.source import Moment

NOW = 1_790_000_000_000
MOMENT = Moment(NOW, 5_000, synchronised=True)


def message(**changes: Any) -> bytes:
    return json.dumps({"id": "a-1", "at": NOW, "do": "find-me", **changes}).encode()


def take(
    desk: Desk, payload: bytes, *, retained: bool = False, now_s: float = 0.0, moment: Moment = MOMENT
) -> Command | Answer | None:
    return desk.take(payload, retained=retained, now_s=now_s, moment=moment)


def code(taken: Command | Answer | None) -> str | None:
    assert not isinstance(taken, Command)
    return None if taken is None else taken.code


def test_a_command() -> None:
    assert take(Desk(), message(**{"with": {"seconds": 5}})) == Command("a-1", "find-me", {"seconds": 5})
    assert take(Desk(), message()) == Command("a-1", "find-me", {})


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"a-1"',
        b"[" * 4000,
        b'{"a":' * 800,
        b"1" * 4000,  # Python refuses to read so long a number
        b"NaN",
        b'{"id":"a-1","id":"a-2","at":0,"do":"find-me"}',
        message(id=""),
        message(id="a" * 65),
        message(id="a b"),
        message(id="../a"),
        message(id="ả"),
        message(id=1),
        message(id=None),
        message(id=["a"]),
        message(do="x" * 5000),
    ],
)
def test_what_has_no_id_is_not_answered(payload: bytes) -> None:
    desk = Desk()
    assert take(desk, payload) is None
    assert desk.counts == {"taken": 0, "refused": 0, "unanswered": 1}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"at": None}, "malformed"),
        ({"at": True}, "malformed"),
        ({"at": float(NOW)}, "malformed"),
        ({"at": str(NOW)}, "malformed"),
        ({"do": None}, "malformed"),
        ({"do": {}}, "malformed"),
        ({"do": "x" * 33}, "malformed"),
        ({"with": []}, "malformed"),
        ({"with": None}, "malformed"),
        ({"extra": 1}, "malformed"),
        ({"at": NOW - 60_001}, "expired"),
        ({"at": NOW + 60_001}, "expired"),
        ({"at": -(10**400)}, "expired"),
    ],
)
def test_what_is_refused_is_told_why(changes: dict[str, Any], expected: str) -> None:
    assert code(take(Desk(), message(**changes))) == expected


def test_age_counts_only_where_the_clock_is_right() -> None:
    assert isinstance(take(Desk(), message(at=NOW - 60_000)), Command)
    unsure = Moment(NOW, 5_000, synchronised=False)
    assert isinstance(take(Desk(), message(at=NOW - 10**9), moment=unsure), Command)


def test_a_retained_command_is_refused() -> None:
    assert code(take(Desk(), message(), retained=True)) == "retained"


def test_a_command_that_comes_twice_is_carried_out_once_and_answered_alike() -> None:
    desk = Desk()
    assert isinstance(take(desk, message()), Command)
    assert take(desk, message()) is None  # under way
    answer = Answer("a-1", "ok", "Done.")
    desk.answered(answer)
    assert take(desk, message()) == answer
    assert take(desk, message(do="other")) == answer  # the id alone counts
    assert desk.counts["taken"] == 1


def test_what_was_refused_may_come_again() -> None:
    desk = Desk()
    assert code(take(desk, message(at=0))) == "expired"
    assert isinstance(take(desk, message()), Command)


def test_a_flood_is_refused_then_not_even_answered_and_over_in_a_minute() -> None:
    desk = Desk()
    taken = [take(desk, message(id=f"a{n}"), now_s=n / 100) for n in range(1000)]
    assert sum(isinstance(one, Command) for one in taken) == PER_MINUTE
    assert [one.code for one in taken if isinstance(one, Answer)] == ["too-many"] * (ANSWERED_PER_MINUTE - PER_MINUTE)
    assert isinstance(take(desk, message(id="later"), now_s=70.0), Command)


def test_few_ids_are_remembered() -> None:
    desk = Desk()
    for n in range(REMEMBERED + 1):
        assert isinstance(take(desk, message(id=f"a{n}"), now_s=n * 60.0), Command)
    now_s = 60.0 * REMEMBERED + 60
    assert take(desk, message(id="a1"), now_s=now_s) is None
    assert isinstance(take(desk, message(id="a0"), now_s=now_s), Command)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_bytes_harm(payload: bytes) -> None:
    take(Desk(), payload)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "at", "do", "with", "x"), json_values)))
def test_no_json_harms(body: dict[str, Any]) -> None:
    taken = take(Desk(), json.dumps({"id": "a-1", **body}).encode())
    if isinstance(taken, Command):
        assert isinstance(taken.do, str)
        assert isinstance(taken.arguments, dict)


def test_an_answer_is_short() -> None:
    told = json.loads(Answer("a-1", "failed", "x" * 10_000).payload(NOW))
    assert told == {"id": "a-1", "at": NOW, "ok": False, "code": "failed", "text": "x" * MAX_TEXT}
