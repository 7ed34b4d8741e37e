"""Encounters from contact logs: what is computed upon arrays is what the plain definition says, to the last bit."""

import random
from collections.abc import Sequence

import pytest

from zonetag_backend.tracing import encounter, logs
from zonetag_backend.tracing.closeness import Calibrated
from zonetag_backend.tracing.closeness import Closeness as Model
from zonetag_backend.tracing.encounter import Encounter
from zonetag_backend.tracing.logs import CELL_MS, EPOCH_MS, Record
from zonetag_backend.tracing.seam import Closeness, Simple

BEGIN_MS = 1_790_000_000_123
MODELS: list[Closeness] = [Calibrated(), Calibrated(Model(-71.3, 9.1, 5.7, 4.9), 0.11), Simple()]


def random_records(rng: random.Random) -> list[Record]:
    """People with several tags whose clocks are set anew, heard by several, worn for a while; twice in one epoch."""
    people, out = rng.randint(2, 5), []
    share = rng.choice([0.2, 0.5, 0.9, 1.0])
    for _ in range(rng.randint(1, 60)):
        asked, other, reporter = rng.randint(1, people), rng.randint(1, people), rng.randint(1, 4)
        start = (
            BEGIN_MS
            + (rng.randrange(12) + rng.choice([0, 0, 40])) * EPOCH_MS
            + reporter * 7777
            + rng.choice([0, 0, 0, 450, CELL_MS])
        )
        halves = [rng.randint(1, 15) if rng.random() < share else 0 for _ in range(32)]
        cells = bytes(halves[n] << 4 | halves[n + 1] for n in range(0, 32, 2))
        low, high = BEGIN_MS - 10**9, BEGIN_MS + 10**9
        if rng.random() < 0.3:
            low, high = (start + rng.randrange(-50, EPOCH_MS) for _ in range(2))
        out.append((asked, other, reporter, start, cells, low, high))
        if rng.random() < 0.3:  # the identifier that was heard changed within the epoch
            out.append((asked, other, reporter, start, cells[::-1], low, high))
    return out


def in_order(of: Sequence[Encounter]) -> list[Encounter]:
    return sorted(of, key=lambda each: (each.asked, each.other, each.start_ms))


@pytest.mark.parametrize("model", MODELS)
def test_the_arrays_say_what_the_plain_definition_says(model: Closeness, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, several = random.Random(seed), 0
    for _ in range(100):
        monkeypatch.setattr(logs, "_AT_ONCE", rng.choice([1, 20, 4096]))
        records = random_records(rng)
        fast, plain = (
            in_order(each) for each in (logs.direct(records, model), encounter.direct(logs.noted(records), model))
        )
        assert fast == plain  # no tolerance
        several += sum(len(each.pieces) > 2 for each in plain)
    assert several > 100  # the control: what is compared is not trivial


def test_nothing_logged_is_nobody_met() -> None:
    assert logs.direct([], MODELS[0]) == []
    assert logs.direct([(1, 2, 3, BEGIN_MS, bytes(16), 0, 1 << 62)], MODELS[0]) == []
    own_two_tags = (1, 1, 3, BEGIN_MS, bytes([0xFF] * 16), 0, 1 << 62)
    assert logs.direct([own_two_tags], MODELS[0]) == []
