"""The CDDL of SPEC.md against what is really sent, and against mutations that must not pass."""

import random
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig import cddl

from zonetag_protocol import acknowledgement, carriage, enrolment, envelope, loss, report, update
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import ZonetagError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RULES = cddl.rules((Path(__file__).parents[2] / "protocol" / "SPEC.md").read_text())
WINDOWS = [
    report.Window(report.KIND_ZONETAG, bytes(8), bytes(6), 0, 9, 4, -60, -61, -64, -70),
    report.Window(report.KIND_BADGE, bytes(8), bytes(6), 7, 0, 1, -90, -90, -90, -90),
]


def a_report(windows: list[report.Window]) -> bytes:
    columns = report.columns_of(windows)
    base = report.Base(1_790_000_000_000, 74_565_000, True)
    return report.encode(report.Report("entrance", 1 << 32, 1, bytes(32), base, columns, {"adverts": 5}))


TOKEN = enrolment.Token(bytes(4), bytes(16), bytes(16))
MESSAGES = {
    "report": [a_report(WINDOWS), a_report([])],
    "acknowledgement": [
        acknowledgement.encode(Acknowledgement("gw", 1, 5, (7, 9), (6,))),
        acknowledgement.encode(Acknowledgement("gw", 1, 0)),
    ],
    "loss": [loss.encode(loss.Loss("gw", 1, (2, 3)))],
    "downlink": [
        carriage.encode_down(carriage.Downlink("gw", bytes(8), 0, bytes(8), 900, 60, (b"hello",))),
        carriage.encode_down(carriage.Downlink("gw", bytes(8), 3, messages=(b"one", b"two"), over=True)),
    ],
    "uplink": [
        carriage.encode_up(carriage.Uplink("gw", bytes(8), 0, (b"answer", b"status"))),
        carriage.encode_up(carriage.Uplink("gw", bytes(8), 9, ended=carriage.GONE)),
    ],
    "enrolment": [envelope.unwrap(enrolment.seal_enrolment(TOKEN, b"request", KEY), "enrol")],
    "renewal": [envelope.unwrap(enrolment.seal_renewal(enrolment.Renewal("gw", b"request"), KEY), "renew")],
    "order": [envelope.unwrap(update.seal(update.Order("hq", "gw", "0.2.0", bytes(32), 9, 1), KEY), "update")],
    "envelope": [envelope.wrap(b"payload", "report", KEY), envelope.wrap(b"payload", "report")],
}
DECODE = {
    "report": report.decode,
    "acknowledgement": acknowledgement.decode,
    "loss": loss.decode,
    "downlink": carriage.decode_down,
    "uplink": carriage.decode_up,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_sent_is_what_the_document_says(name: str) -> None:
    for data in MESSAGES[name]:
        assert RULES[name](cbor2.loads(data)), data.hex()


@pytest.mark.parametrize("name", MESSAGES)
def test_mutations_do_not_pass(name: str) -> None:
    """Every field left out, added to, or of another type; those are refused by the decoder as well."""
    rng = random.Random(1)
    for data in MESSAGES[name]:
        right = cbor2.loads(data)
        for wrong in _mutations(right, rng):
            assert not RULES[name](wrong), wrong
            if name in DECODE:
                with pytest.raises(ZonetagError):
                    DECODE[name](cbor2.dumps(wrong))


def _mutations(right: Any, rng: random.Random) -> list[Any]:
    if isinstance(right, cbor2.CBORTag):
        parts = list(right.value)
        shorter = [cbor2.CBORTag(18, parts[:at] + parts[at + 1 :]) for at in range(len(parts))]
        return [parts, cbor2.CBORTag(17, parts), cbor2.CBORTag(18, [*parts, b""]), *shorter]
    found = [{**right, 99: 0}, list(right.values()), {}]
    for key, value in right.items():
        found.append({other: item for other, item in right.items() if other != key})
        others = (None, 1.5, "x", b"x", {"x": "x"}, [None], True, -1, cbor2.CBORTag(1000 + rng.randrange(9), b""))
        found += [
            {**right, key: other}
            for other in others
            if type(other) is not type(value) or isinstance(value, cbor2.CBORTag | dict | list)
        ]
    return found


def test_control_a_checker_that_takes_everything_is_found_out() -> None:
    everything = cddl.rules("```cddl\nreport = {* uint => any}\nany = uint\n```")["report"]
    assert any(everything(wrong) for wrong in [{1: 1}, {}])
    with pytest.raises(cddl.NotTaken):
        cddl.rules("```cddl\na = uint / tstr\n```")


def test_every_rule_is_checked() -> None:
    """A rule of the document that no message stands for would rot."""
    assert set(RULES) == set(MESSAGES)
