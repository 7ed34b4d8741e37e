"""Hostile bytes by the hundred thousand: nothing but this package's errors leaves a decoder.

ZONETAG_SEED repeats a run; each test prints its seed.
"""

import inspect
import random
from collections import Counter, deque
from collections.abc import Callable
from types import ModuleType

import pytest
from both.check_advert import SAMPLES
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_protocol import acknowledgement, advert, card, enrolment, envelope, loss, report, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import ZonetagError
from zonetag_protocol.report import KIND_ZONETAG, Base, Report, Window

ADVERTS = 1_000_000
MESSAGES = 100_000  # of each sort

REAL = [bytes.fromhex("".join(sample[1])) for sample in SAMPLES]
# Where an advert is made of random bytes, so many that a structure's length often fits by chance.
NOISE = 1 << 16
CONTROL_SEED = 1


def _mutants(rng: random.Random, real: list[bytes], tries: int) -> list[bytes]:
    """Real bytes, each with one to three wounds: bytes replaced, cut out, put in, cut off, or spliced with another."""
    noise = rng.randbytes(NOISE)
    pick = rng.random
    made = []
    for _ in range(tries):
        data = bytearray(real[int(pick() * len(real))])
        for _ in range(1 + int(pick() * 3)):
            at = int(pick() * (len(data) + 1))
            start = int(pick() * (NOISE - 40))
            match int(pick() * 6):
                case 0:
                    data[at : at + 1] = noise[start : start + 1]
                case 1:
                    del data[at : at + 1 + start % 4]
                case 2:
                    data[at:at] = noise[start : start + 1 + start % 6]
                case 3:
                    del data[at:]
                case 4:
                    data[at:] = real[start % len(real)][at // 2 :]
                case _:
                    data[at : at + 1] = bytes([start & 0x1F])  # a small number where a length may stand
        made.append(bytes(data))
    return made


def _noise(rng: random.Random, tries: int) -> list[bytes]:
    noise = rng.randbytes(NOISE)
    return [noise[at : at + length] for at, length in ((rng.getrandbits(15), rng.getrandbits(6)) for _ in range(tries))]


def test_a_million_adverts(seed: int) -> None:
    print(f"ZONETAG_SEED={seed}")
    rng = random.Random(seed)
    kinds: Counter[str] = Counter()
    batch = ADVERTS // 20
    for _ in range(20):
        for data in _mutants(rng, REAL, batch * 3 // 4) + _noise(rng, batch // 4):
            heard = advert.explain(data)  # explain lets nothing but Malformed become a kind: the rest would leave here
            kinds[heard.kind] += 1
            if heard.kind in (advert.MALFORMED, advert.UNKNOWN):
                continue
            ad = advert.Structures(data)
            again = advert.decode(advert.rebuild(ad.service, ad.manufacturer, ad.uuids16, ad.uuids128))
            assert again == heard, data.hex()
    print(dict(kinds))
    assert sum(kinds.values()) == ADVERTS
    assert set(kinds) == set(advert.KINDS), "the fuzzer no longer reaches every kind"
    assert kinds[advert.MALFORMED] > ADVERTS // 4


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("if end > len(data):", "if False:"),
        ('if not body:\n                raise Malformed("flags', 'if False:\n                raise Malformed("flags'),
        ('if not body:\n        raise Malformed("Eddystone', 'if False:\n        raise Malformed("Eddystone'),
        ("if len(body) < 2:", "if False:"),
        ("if len(body) % 2:", "if False:"),
    ],
    ids=["end", "flags", "frame type", "key", "uuid"],
)
def test_a_missing_bounds_check_is_caught(right: str, wrong: str) -> None:
    """The control: such adverts against a decoder that lacks one check.  A control must not depend on luck."""
    source = inspect.getsource(advert)
    assert source.count(right) == 1, "advert.py has changed: plant the fault anew"
    faulty = ModuleType("faulty_advert")
    exec(compile(source.replace(right, wrong), "faulty_advert.py", "exec"), faulty.__dict__)
    rng = random.Random(CONTROL_SEED)
    hostile = _mutants(rng, REAL, 50_000) + _noise(rng, 50_000)
    with pytest.raises(IndexError):
        deque(map(faulty.explain, hostile), maxlen=0)


def test_rebuild_of_anything(seed: int) -> None:
    print(f"ZONETAG_SEED={seed}")
    rng = random.Random(seed)
    refused = 0
    for _ in range(20_000):
        keys = [rng.choice((0xFEAA, 0xFD6F, 0xFFFF, 0x22B5, 0x4C, -1, rng.getrandbits(17))) for _ in range(4)]
        bodies = [rng.randbytes(rng.choice((0, 2, 6, 10, 12, 20, 252, 253, 300))) for _ in range(4)]
        uuids = [rng.randbytes(rng.choice((0, 2, 16, 16, 16, 17))) for _ in range(rng.randrange(3))]
        try:
            advert.decode(
                advert.rebuild(
                    dict(zip(keys[:2], bodies[:2], strict=True)),
                    dict(zip(keys[2:], bodies[2:], strict=True)),
                    keys[: rng.randrange(3)],
                    uuids,
                )
            )
        except ZonetagError:
            refused += 1
    assert 0 < refused < 20_000


ROWS = [Window(KIND_ZONETAG, bytes([i] * 8), bytes(6), i, i, 1 + i, -40, -50, -60, -70) for i in range(4)]
REPORTS = [
    report.encode(Report("g1", 1 << 32, 1, bytes(32), Base(1700000000000, 5, True), report.columns_of(rows), tallies))
    for rows, tallies in ((ROWS, {"adverts": 4, "phones.bluezone": 1}), ([], {}))
]
ACKS = [
    acknowledgement.encode(Acknowledgement("g1", 5, 3, beyond)) for beyond in ((), (5, 7, 200), tuple(range(9, 40)))
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ENVELOPES = [envelope.wrap(ACKS[1], "ack"), envelope.wrap(ACKS[1], "ack", KEY)]
LOSSES = [loss.encode(loss.Loss("g1", 5, seqs)) for seqs in ((1,), (5, 7, 200), tuple(range(9, 40)))]
ENROLMENTS = [enrolment.seal_enrolment(enrolment.Token(bytes(4), bytes(16), bytes(16)), b"request", KEY)]
RENEWALS = [enrolment.seal_renewal(enrolment.Renewal("g1", b"request"), KEY)]
CARDS = [card.pack(card.Card("A-1", bytes(16), 5, 250, 1000, 0xFFFF, -21))]


def _opened(data: bytes) -> object:
    envelope.unwrap(data, "ack", KEY.public_key())
    pytest.fail(f"a signature fits what was not signed: {data.hex()}")


@pytest.mark.parametrize(
    ("real", "decode"),
    [
        (REPORTS, report.decode),
        (ACKS, acknowledgement.decode),
        (LOSSES, loss.decode),
        (ENROLMENTS, enrolment.open_enrolment),
        (RENEWALS, enrolment.open_renewal),
        (ENVELOPES, lambda data: envelope.unwrap(data, "ack")),
        (ENVELOPES, _opened),
        (CARDS, card.unpack),
    ],
    ids=["report", "acknowledgement", "loss", "enrolment", "renewal", "envelope", "signed envelope", "card"],
)
def test_hostile_messages(real: list[bytes], decode: Callable[[bytes], object], seed: int) -> None:
    print(f"ZONETAG_SEED={seed}")
    rng = random.Random(seed)
    refused = 0
    for data in _mutants(rng, real, MESSAGES) + _noise(rng, MESSAGES // 4):
        if data in real:
            continue  # a wound that healed
        try:
            decode(data)
        except ZonetagError:
            refused += 1
    assert refused > MESSAGES // 2


def test_hostile_topics(seed: int) -> None:
    print(f"ZONETAG_SEED={seed}")
    rng = random.Random(seed)
    real = [topics.topic("head-office", "gw-1", leaf).encode() for leaf in topics.LEAVES]
    taken = 0
    for data in _mutants(rng, real, MESSAGES):
        text = data.decode("utf-8", "surrogateescape")
        try:
            topics.parse(text)
        except ZonetagError:
            continue
        taken += 1
        assert text.isascii()
        assert not set("+#\0\n\x1b").intersection(text)
    assert taken < MESSAGES // 2
