"""Chains F0 -> F1 -> F2 in the order of time, forward and backward.  Pure: contacts are asked for a generation at once.

Forward: whoever was exposed at `first_ms` infects nobody before `first_ms` + the profile's latent time.
Backward: whoever may have infected somebody at `last_ms` must have been infected by `last_ms` - the latent time.

A person stands in the generation in which it was first reached, but passes on from its earliest possible infection,
which a longer way may bring: a generation goes on whenever it makes somebody's time earlier (backward: later), which
ends, since times are bounded and generations counted.  So cycles need no rule of their own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.encounter import Encounter
from zonetag_backend.tracing.exposure import Exposure, exposures
from zonetag_backend.tracing.profile import HOUR_MS, Profile

MAX_DEPTH = 8  # of generations: by then half the office is in it

Window = tuple[int, int]
Settled = Callable[[int, int], bool]
"""Whether nothing that a person (the first) did with another can change the chain: then it need not be told."""
Ask = Callable[[Mapping[int, Window], Settled], Iterable[Encounter]]
"""Encounters of each person within its window; those of all of them at once."""


def nobody(_known: int, _found: int) -> bool:
    """Settles nothing: everything is told."""
    return False


class Link(NamedTuple):
    """One step of a chain: exposures of two people, forward from the first to the second."""

    known: int
    # of the generation before
    found: int
    generation: int
    # of `found`: 1 is F1 (backward: a possible source of F0)
    exposures: tuple[Exposure, ...]
    probability: float
    # of a contact, on at least one day


class Chain(NamedTuple):
    """What was traced from one person."""

    start: int
    generations: dict[int, int]
    # by person
    reached_ms: dict[int, int]
    # forward: the earliest time of infection; backward: the latest time of passing it on
    probabilities: dict[int, float]
    # of the most probable way that leads there
    links: list[Link]


def trace(
    start: int,
    window: Window,
    ask: Ask,
    profile: Profile,
    days: Days,
    *,
    depth: int = 2,
    backward: bool = False,
    at_least: float | None = None,
    others_until: int | None = None,
) -> Chain:
    """The chain of a person who may infect (backward: was infected) within `window`.

    Forward, the others may pass it on from the latent time behind their infection until `others_until`: whoever was
    infected on the case's last day has all its own days before it.  Without one, and backward, nothing outside `window`
    is looked at.
    """
    if not 1 <= depth <= MAX_DEPTH:
        raise ValueError(f"1 to {MAX_DEPTH} generations wanted")
    chain = Chain(start, {start: 0}, {start: window[1] if backward else window[0]}, {start: 1.0}, [])
    latent_ms = profile.latent_h * HOUR_MS
    end = window[1] if others_until is None else others_until
    frontier: dict[int, Window] = {start: window}
    for generation in range(1, depth + 1):
        asked: dict[int, list[Encounter]] = defaultdict(list)
        for encounter in ask(frontier, _settled(chain, frontier, backward)):
            asked[encounter.asked].append(encounter)
        before = dict(chain.probabilities)
        following: dict[int, Window] = {}
        for known, window_of_known in frontier.items():
            by_other: dict[int, list[Exposure]] = defaultdict(list)
            for exposure in exposures(asked.get(known, ()), profile, days, window_of_known, at_least):
                by_other[exposure.other].append(exposure)
            by_other.pop(start, None)
            for found, days_of in by_other.items():
                _note(chain, Link(known, found, generation, tuple(days_of), any_of(days_of)), before)
                time = max(e.last_ms for e in days_of) if backward else min(e.first_ms for e in days_of)
                if _is_better(time, chain.reached_ms.get(found), backward):
                    chain.reached_ms[found] = time
                    following[found] = (window[0], time - latent_ms) if backward else (time + latent_ms, end)
        frontier = {who: (low, high) for who, (low, high) in following.items() if low < high}
        if not frontier:
            break
    chain.links.sort(key=lambda link: (link.generation, -link.probability, link.exposures[0].first_ms, link.found))
    return chain


def _settled(chain: Chain, frontier: Mapping[int, Window], backward: bool) -> Settled:
    """Whoever stands in an earlier generation and was reached before the other could pass anything on, stays as it is.

    In an office, where the contacts of one person are each other's too, that is nearly everybody after the first step.
    """

    def settled(known: int, found: int) -> bool:
        reached = chain.reached_ms.get(found)
        if reached is None:
            return False
        low, high = frontier[known]
        return reached >= high if backward else reached <= low

    return settled


def _note(chain: Chain, link: Link, before: Mapping[int, float]) -> None:
    """A link counts that leads to somebody in the generation in which that person was first reached."""
    if chain.generations.setdefault(link.found, link.generation) != link.generation:
        return
    chain.links.append(link)
    way = before.get(link.known, 1.0) * link.probability
    chain.probabilities[link.found] = max(chain.probabilities.get(link.found, 0.0), way)


def _is_better(time: int, known: int | None, backward: bool) -> bool:
    return known is None or (time > known if backward else time < known)


def any_of(days_of: Sequence[Exposure]) -> float:
    """The probability that at least one of some exposures was a contact.

    Two kinds of evidence of one day are not independent: of these the stronger counts.
    """
    strongest: dict[int, float] = {}
    for exposure in days_of:
        strongest[exposure.day_ms] = max(strongest.get(exposure.day_ms, 0.0), exposure.probability)
    none = 1.0
    for probability in strongest.values():
        none *= 1 - probability
    return 1 - none
