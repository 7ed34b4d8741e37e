"""Bundles: only the backend opens them, and nothing in them can be changed without notice."""

import contextlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from zonetag_protocol import bundle
from zonetag_protocol.card import Card
from zonetag_protocol.errors import Forged, Malformed, ZonetagError

KEY = X25519PrivateKey.from_private_bytes(bytes(range(32)))
ISSUED = bundle.Issued(Card("A-0042", bytes(range(16)), 1_790_000_000, 250, 1000, 0xFFFF, -21), 1_790_000_000)


def test_round_trip() -> None:
    line = bundle.seal(ISSUED, KEY.public_key())
    assert bundle.unseal(line, KEY) == ISSUED
    assert ISSUED.card.master.hex() not in line
    assert "\n" not in line


def test_two_seals_of_one_card_differ() -> None:
    assert bundle.seal(ISSUED, KEY.public_key()) != bundle.seal(ISSUED, KEY.public_key())


def test_another_backend_cannot_open() -> None:
    with pytest.raises(Forged):
        bundle.unseal(bundle.seal(ISSUED, KEY.public_key()), X25519PrivateKey.generate())


@pytest.mark.parametrize(("field", "value"), [("number", "A-0043"), ("issued", 1_790_000_001)])
def test_what_stands_in_clear_is_bound(field: str, value: object) -> None:
    item = json.loads(bundle.seal(ISSUED, KEY.public_key()))
    item[field] = value
    with pytest.raises(Forged):
        bundle.unseal(json.dumps(item), KEY)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"zonetag-bundle": 1}',
        '{"zonetag-bundle": 1, "number": "A", "issued": true, "sealed": ""}',
        '{"zonetag-bundle": 1, "number": "A", "issued": 1, "sealed": "%"}',
        '{"zonetag-bundle": 2, "number": "A", "issued": 1, "sealed": ""}',
        "[" * 1000,
        "x" * 100_000,
    ],
)
def test_rubbish_is_malformed(line: str) -> None:
    with pytest.raises(Malformed):
        bundle.unseal(line, KEY)


@given(st.data())
def test_a_changed_line_never_opens_to_another_card(data: st.DataObject) -> None:
    line = bundle.seal(ISSUED, KEY.public_key())
    at = data.draw(st.integers(0, len(line) - 1))
    changed = line[:at] + data.draw(st.characters(codec="utf-8")) + line[at + 1 :]
    with contextlib.suppress(ZonetagError):
        assert bundle.unseal(changed, KEY) == ISSUED
