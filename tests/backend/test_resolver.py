"""The resolver against Eddystone's own procedure, one identifier at a time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zonetag_backend.resolver import BUCKET_MS, RESUMED, Candidate, Resolver
from zonetag_protocol import rotation

NOW_MS = 1_790_000_000_000
SEARCH = 3


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def eid(number: int, epoch: int) -> bytes:
    return rotation.eid_of(key(number), epoch << rotation.ROTATION_BITS)


def fleet(rng: random.Random, size: int) -> tuple[Resolver, list[tuple[bytes, int, int]]]:
    tags = []
    for number in range(size):
        offset = NOW_MS - rng.randrange(0, rotation.T_END) * 1000 - rng.randrange(1000)
        epoch = (NOW_MS - offset) // BUCKET_MS
        tags.append((key(number), offset, max(0, epoch - rng.choice([0, 1, 2, 9, 5000]))))
    resolver = Resolver(SEARCH)
    resolver.add(tags)
    return resolver, tags


@pytest.mark.parametrize("seed", range(3))
def test_every_tag_is_found_in_its_window_and_where_it_may_resume(seed: int) -> None:
    rng = random.Random(seed)
    resolver, tags = fleet(rng, 200)
    asked: list[bytes] = []
    expected: list[list[Candidate]] = []
    for number, (_, offset, last) in enumerate(tags):
        epoch = (NOW_MS - offset) // BUCKET_MS
        for wanted in {*range(epoch - SEARCH, epoch + SEARCH + 1), *range(last, last + RESUMED)}:
            if 0 <= wanted < 1 << 22:
                asked.append(eid(number, wanted))
                expected.append([Candidate(number, wanted)])
        beyond = epoch + 60
        if beyond < 1 << 22:
            asked.append(eid(number, beyond))
            expected.append([])
    found = resolver.resolve(b"".join(asked), [NOW_MS] * len(asked))
    assert [list(each) for each in found] == expected


@given(st.integers(0, (1 << 22) - 1), st.integers(-BUCKET_MS, BUCKET_MS))
def test_about_the_changes_of_temporary_keys_and_buckets(epoch: int, skew_ms: int) -> None:
    resolver = Resolver(SEARCH)
    offset = NOW_MS - epoch * BUCKET_MS
    resolver.add([(key(7), offset, 0)])
    at = NOW_MS + skew_ms
    now = (at - offset) // BUCKET_MS
    for wanted in range(max(0, now - SEARCH), min(now + SEARCH + 1, 1 << 22)):
        assert list(resolver.resolve(eid(7, wanted), [at])[0]) == [Candidate(0, wanted)]


def test_the_same_key_twice_gives_both() -> None:
    resolver = Resolver(SEARCH)
    resolver.add([(key(7), NOW_MS - 10**9, 0), (key(8), NOW_MS - 10**9, 0), (key(7), NOW_MS - 10**9 - BUCKET_MS, 0)])
    epoch = 10**9 // BUCKET_MS
    found = resolver.resolve(eid(7, epoch) + eid(8, epoch), [NOW_MS] * 2)
    assert sorted(found[0]) == [Candidate(0, epoch), Candidate(2, epoch)]
    assert list(found[1]) == [Candidate(1, epoch)]


def test_a_tag_added_or_moved_is_found_at_once() -> None:
    resolver, _ = fleet(random.Random(1), 10)
    assert list(resolver.resolve(eid(99, 976), [NOW_MS])[0]) == []
    resolver.add([(key(99), NOW_MS - 976 * BUCKET_MS, 976)])
    assert list(resolver.resolve(eid(99, 976), [NOW_MS])[0]) == [Candidate(10, 976)]
    resolver.move(10, NOW_MS - 5000 * BUCKET_MS, 5000)
    assert list(resolver.resolve(eid(99, 5001), [NOW_MS])[0]) == [Candidate(10, 5001)]
    resolver.add([(key(1000 + n), NOW_MS - 976 * BUCKET_MS, 976) for n in range(2000)])  # too many to stand aside
    assert list(resolver.resolve(eid(2999, 976), [NOW_MS])[0]) == [Candidate(2010, 976)]
    assert list(resolver.resolve(eid(99, 5001), [NOW_MS])[0]) == [Candidate(10, 5001)]


def test_nobody_is_found_among_nobody() -> None:
    assert list(Resolver().resolve(bytes(16), [NOW_MS, 0])[0]) == []
    assert Resolver().resolve(b"", []) == []


def test_times_of_different_buckets_in_one_question() -> None:
    resolver = Resolver(SEARCH)
    resolver.add([(key(7), NOW_MS - 10**9, 0)])
    times = [NOW_MS + step * BUCKET_MS for step in range(-9, 10)]
    epochs = [(at - NOW_MS + 10**9) // BUCKET_MS for at in times]
    found = resolver.resolve(b"".join(eid(7, epoch) for epoch in epochs), times)
    assert [list(each) for each in found] == [[Candidate(0, epoch)] for epoch in epochs]


def test_memory_is_bounded_by_tags_and_tables() -> None:
    resolver, _ = fleet(random.Random(1), 1000)
    for step in range(50):
        resolver.resolve(bytes(8), [NOW_MS + step * BUCKET_MS])
    # Four tables of up to 16 identifiers of 12 bytes and two epochs of 4; 16 bytes of key, 16 of clock.
    assert resolver.memory() <= 1000 * (4 * (16 * 12 + 8) + 16 + 16)
