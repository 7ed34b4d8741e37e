"""Reports, acknowledgements and topics: there and back, and whatever a hostile sender may put into their fields."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_protocol import acknowledgement, report, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import Malformed, NotOurs
from zonetag_protocol.report import KIND_BADGE, KIND_ZONETAG, Base, Report, Window

names = st.from_regex(topics.NAME, fullmatch=True)
ticks = st.integers(0, 0xFFFF)
rssis = st.integers(-128, 127)
eids = st.binary(min_size=8, max_size=8)
heard = st.builds(
    Window,
    st.just(KIND_ZONETAG),
    eids,
    st.binary(min_size=6, max_size=6),
    ticks,
    ticks,
    st.integers(1, 0xFFFF),
    *[rssis] * 4,
)
badges = st.builds(
    Window, st.just(KIND_BADGE), eids, st.just(bytes(6)), ticks, ticks, st.integers(1, 0xFFFF), *[rssis] * 4
)
windows_ = st.lists(heard | badges, max_size=12)
reports = st.builds(
    Report,
    names,
    st.integers(0, 2**63 - 1),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.builds(Base, st.integers(0, 2**48 - 1), st.integers(0, 2**53 - 1), st.booleans()),
    windows_.map(report.columns_of),
    st.dictionaries(st.from_regex(report.TALLY, fullmatch=True), st.integers(0, 2**53 - 1), max_size=8),
)
acknowledgements = st.builds(
    lambda gateway, boot, through, above: Acknowledgement(
        gateway, boot, through, tuple(sorted({through + 1 + gap for gap in above}))
    ),
    names,
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**62),
    st.lists(st.integers(0, 2**40), max_size=20),
)

ONE = Report(
    "entrance",
    1 << 32 | 5,
    1,
    bytes(32),
    Base(1790000000000, 74565000, True),
    report.columns_of(
        [
            Window(KIND_ZONETAG, b"identity", b"sealed", 0, 382, 4, -61, -61, -64, -70),
            Window(KIND_BADGE, b"a badge!", bytes(6), 120, 95, 2, -80, -80, -82, -82),
        ]
    ),
    {"adverts": 6},
)
ACK = Acknowledgement("entrance", 1 << 32 | 5, 41, (43, 44))

# What may stand where something else is wanted.
NASTY: list[Any] = [
    None,
    True,
    False,
    1.0,
    math.nan,
    math.inf,
    -1,
    2**63,
    2**64,
    2**70,
    -(2**70),
    "",
    "x" * 33,
    "Entrance",
    "a\x1b[2Jb",  # an escape sequence for whoever prints it
    "a/b",
    "a+b",
    "a\0b",
    b"",
    bytes(31),
    bytes(33),
    [],
    {},
    [1, 2, 3],
    [1, 2, 1],
    [-1, 0, True],
    [2**48, 0, True],
    [0, 2**53, True],
    [0, 0, True, 0],
    [1.0, 0, True],
    {1: 2},
    {"a": -1},
    {"a": 2**53},
    {"a": True},
    {"a": 1.0},
    {"A": 1},
    {"": 1},
    {"a\nb": 1},
    {"x" * 33: 1},
    {f"n{i}": 1 for i in range(65)},
    [45, 43],
    [43, 43],
    [41],
    [43, "44"],
    [43, 2**63],
    list(range(42, 42 + 1025)),
    cbor2.CBORTag(64, b""),
    cbor2.CBORTag(64, bytes(3)),
    cbor2.CBORTag(64, "text"),
    cbor2.CBORTag(64, [1, 2]),
    cbor2.CBORTag(64, bytes([1, 3])),  # a kind that there is not
    cbor2.CBORTag(65, bytes(2)),
    cbor2.CBORTag(69, bytes(4)),  # counts of nothing
    cbor2.CBORTag(69, bytes(3)),
    cbor2.CBORTag(72, bytes(3)),
    cbor2.CBORTag(72, cbor2.CBORTag(72, bytes(2))),
    cbor2.undefined,
    cbor2.CBORSimpleValue(99),
    datetime(2020, 1, 1, tzinfo=UTC),
    Fraction(1, 3),
    {1, 2},
]


@given(reports)
def test_report_there_and_back(one: Report) -> None:
    assert report.decode(report.encode(one)) == one


@given(windows_)
def test_columns_and_rows(rows: list[Window]) -> None:
    columns = report.columns_of(rows)
    assert columns.n == len(rows)
    assert columns.windows() == rows


@given(acknowledgements)
def test_acknowledgement_there_and_back(one: Acknowledgement) -> None:
    assert acknowledgement.decode(acknowledgement.encode(one)) == one


def test_acknowledgement_tells_at_most_1024() -> None:
    one = replace(ACK, beyond=tuple(range(50, 5000)))
    assert acknowledgement.decode(acknowledgement.encode(one)).beyond == tuple(range(50, 50 + 1024))


def test_full_report() -> None:
    rows = [Window(KIND_ZONETAG, i.to_bytes(8), bytes(6), i, 0, 1, -128, -128, -128, 127) for i in range(4096)]
    one = replace(ONE, columns=report.columns_of(rows))
    assert report.decode(report.encode(one)).columns.windows() == rows
    with pytest.raises(ValueError, match="4096"):
        report.columns_of([*rows, rows[0]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"eid": bytes(7)},
        {"auth": bytes(7)},
        {"first": -1},
        {"first": 65536},
        {"span": 65536},
        {"count": 65536},
        {"rssi_max": 128},
        {"rssi_min": -129},
        {"kind": 256},
    ],
)
def test_window_outside_its_range(wrong: dict[str, Any]) -> None:
    row = Window(KIND_ZONETAG, bytes(8), bytes(6), 0, 0, 1, 0, 0, 0, 0)
    with pytest.raises(ValueError):  # noqa: PT011  # of several messages; the type is the contract
        report.columns_of([row, replace(row, **wrong)])


@pytest.mark.parametrize("more", [b"\0", b"\xf6", b"\xff", bytes(100)])
def test_trailing(more: bytes) -> None:
    for encoded, decode in ((report.encode(ONE), report.decode), (acknowledgement.encode(ACK), acknowledgement.decode)):
        assert decode(encoded)
        with pytest.raises(Malformed):
            decode(encoded + more)


def test_truncated_at_every_byte() -> None:
    for encoded, decode in ((report.encode(ONE), report.decode), (acknowledgement.encode(ACK), acknowledgement.decode)):
        for cut in range(len(encoded)):
            with pytest.raises(Malformed):
                decode(encoded[:cut])


def _fields(encoded: bytes) -> dict[Any, Any]:
    item = cbor2.loads(encoded)
    assert isinstance(item, dict)
    return item


@pytest.mark.parametrize("field", range(1, 19))
def test_wrong_type_in_a_field_of_a_report(field: int) -> None:
    right = _fields(report.encode(ONE))
    for value in NASTY:
        payload = cbor2.dumps(right | {field: value})
        try:
            taken = report.decode(payload)
        except Malformed:
            continue
        # What is taken was within its range after all, and comes out as it went in, type for type.
        again = _fields(report.encode(taken))
        assert repr(again[field]) == repr(cbor2.loads(cbor2.dumps(value))), (field, value)
        assert (field, type(value)) in {(11, cbor2.CBORTag), (12, cbor2.CBORTag), (18, dict)}, (field, value)


@pytest.mark.parametrize("field", range(1, 7))
def test_wrong_type_in_a_field_of_an_acknowledgement(field: int) -> None:
    right = _fields(acknowledgement.encode(ACK))
    for value in NASTY:
        if field in (5, 6) and value == []:
            continue  # nothing beyond, nothing missing: fine
        with pytest.raises(Malformed):
            acknowledgement.decode(cbor2.dumps(right | {field: value}))


def _with_key(encoded: bytes, old: Any, new: Any) -> bytes:
    return cbor2.dumps({(new if key == old else key): value for key, value in _fields(encoded).items()})


@pytest.mark.parametrize("key", [1.0, True, 0, -1, 19, "1", b"\1", None])
def test_wrong_keys(key: object) -> None:
    for encoded, decode in ((report.encode(ONE), report.decode), (acknowledgement.encode(ACK), acknowledgement.decode)):
        with pytest.raises(Malformed):
            decode(_with_key(encoded, 1, key))
    for missing in range(1, 19):
        fields = _fields(report.encode(ONE))
        del fields[missing]
        with pytest.raises(Malformed):
            report.decode(cbor2.dumps(fields))
    with pytest.raises(Malformed):
        report.decode(cbor2.dumps(_fields(report.encode(ONE)) | {19: 0}))


def test_duplicate_keys() -> None:
    encoded = acknowledgement.encode(ACK)
    assert encoded[0] == 0xA6
    with pytest.raises(Malformed):
        acknowledgement.decode(b"\xa7" + encoded[1:] + b"\x04\x18\x64")


def test_more_windows_claimed_than_stand_there() -> None:
    fields = _fields(report.encode(ONE))
    for claim in (0, 1, 3, 4096, 4097, 65536, 2**62):
        with pytest.raises(Malformed):
            report.decode(cbor2.dumps(fields | {7: claim}))


@pytest.mark.parametrize(
    ("field", "column"),
    [
        (8, bytes([1, 0])),  # kinds
        (8, bytes([2, 2])),  # the first has an authenticator
        (13, b"\1\0\0\0"),  # heard nothing
    ],
)
def test_columns_that_contradict(field: int, column: bytes) -> None:
    item = _fields(report.encode(ONE))
    with pytest.raises(Malformed):
        report.decode(cbor2.dumps(item | {field: cbor2.CBORTag(item[field].tag, column)}))


def test_hash_of_the_report_before() -> None:
    assert report.hash_of(b"abc").hex().startswith("ba7816bf8f01cfea")


@given(names, names, st.sampled_from(topics.LEAVES))
def test_topic_there_and_back(site: str, gateway: str, leaf: str) -> None:
    assert topics.parse(topics.topic(site, gateway, leaf)) == topics.Topic(site, gateway, leaf)


@given(st.text(max_size=80) | st.lists(st.text(max_size=12), min_size=3, max_size=3).map("/".join))
def test_any_text_is_a_topic_or_not_ours(text: str) -> None:
    for candidate in (text, f"{topics.PREFIX}/{text}"):
        try:
            taken = topics.parse(candidate)
        except NotOurs:
            continue
        assert topics.topic(taken.site, taken.gateway, taken.leaf) == candidate


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zonetag/v1",
        "zonetag/v1/site/gw",
        "zonetag/v1/site/gw/nothing",
        "zonetag/v1/site/gw/report/more",
        "/zonetag/v1/site/gw/report",
        "zonetag/v2/site/gw/report",
        "Zonetag/v1/site/gw/report",
        "zonetag/v1//gw/report",
        "zonetag/v1/site//report",
        "zonetag/v1/+/gw/report",
        "zonetag/v1/site/#/report",
        "zonetag/v1/site/gw\n/report",
        "zonetag/v1/site/gw\x1b[2J/report",
        "zonetag/v1/Site/gw/report",
        "zonetag/v1/-site/gw/report",
        "zonetag/v1/site/gw-/report",
        "zonetag/v1/site/" + "g" * 33 + "/report",
        "zonetag/v1/trụ-sở/gw/report",
        "zonetag/v1/site/../report",
    ],
)
def test_not_ours(text: str) -> None:
    with pytest.raises(NotOurs):
        topics.parse(text)


@pytest.mark.parametrize("name", ["", "-", "a-", "-a", "A", "a b", "a/b", "a+", "#", "é", "a\n", "x" * 33])
def test_no_name(name: str) -> None:
    assert not topics.is_name(name)
    for site, gateway in ((name, "gw"), ("site", name)):
        with pytest.raises(ValueError, match="is no name"):
            topics.topic(site, gateway, topics.REPORT)


def test_every_leaf() -> None:
    assert topics.every(topics.REPORT) == "zonetag/v1/+/+/report"
    with pytest.raises(ValueError, match="is no leaf"):
        topics.topic("site", "gw", "reports")
