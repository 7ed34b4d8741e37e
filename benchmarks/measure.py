"""What every benchmark shares: repeated timing, and one line a figure."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def rate(work: Callable[[], int], rounds: int = 5) -> float:
    """Median over `rounds` of items a second; `work` does everything once and returns how many items that was."""
    work()
    rates = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        items = work()
        rates.append(items / (time.perf_counter() - start))
    return statistics.median(rates)


def show(name: str, value: float, unit: str, reference: str = "", against: float | None = None) -> None:
    """Print one figure; with a reference measured in the same run, their ratio beside it."""
    ratio = f"  {value / against:8.2f} x {reference}" if against else ""
    print(f"{name:<58} {value:>14,.0f} {unit:<12}{ratio}", flush=True)


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Time a block once: gives a function that tells its seconds afterwards."""
    gc.collect()
    start = time.perf_counter()
    end = start
    yield lambda: end - start
    end = time.perf_counter()
