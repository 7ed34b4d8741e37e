"""What the checks say things with, on both Pythons."""


def same(got: object, wanted: object, about: object = "") -> None:
    """Both equal, or AssertionError with both in it: pytest does not rewrite these files, MicroPython has none."""
    if got != wanted:
        raise AssertionError(f"{about}: got {got!r}, wanted {wanted!r}")


def refused(error, call, *args: object) -> None:  # no `typing` on MicroPython
    """`call(*args)` raises `error` and nothing else."""
    try:
        got = call(*args)
    except error:
        return
    raise AssertionError(f"{args!r} was taken: {got!r}")


def orders(items: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Every order of a few items."""
    if len(items) < 2:
        return [items]
    return [(items[i],) + rest for i in range(len(items)) for rest in orders(items[:i] + items[i + 1 :])]
