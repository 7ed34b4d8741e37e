"""What every benchmark shares: repeated timing, and one line a figure."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def rate(work: Callable[[], int], rounds: int = 5) -> float:
    """Items a second of one core, median over `rounds`; `work` does everything once and returns how many items it was.

    Of processor time, not of the wall clock: what else the machine does is nobody's figure.
    """
    work()
    rates = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        items = work()
        rates.append(items / (time.process_time() - start))
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
