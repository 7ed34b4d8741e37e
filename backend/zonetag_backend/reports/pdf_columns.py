"""How wide the columns of a printed table are: as their words want, and no number or time broken.  Pure."""

from collections.abc import Callable, Sequence

from zonetag_backend.reports.table import TEXT, Column

# A column is as wide as this share of its rows wants: one long name must not make it wide for all.
_USUAL = 0.97
_HEAD = 0.55  # of the width of a head in one line: it may be broken in two
_SLACK = 0.05  # mm, so that what just fits is not broken by rounding
_LONGEST = 45.0  # mm: a word longer than that is broken

Width = Callable[[str, bool], float]
"""The width of a text, in bold or not, mm."""


def widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: float, pad: float, of: Width) -> list[float]:
    """Of each column, in mm; together as wide as `room`.  `pad`: left and right within a cell."""
    least, wish = [], []
    for position, column in enumerate(columns):
        texts = [row[position] for row in rows]
        whole = sorted(of(text, False) for text in texts)
        words = (of(each, False) for each in {word for text in texts for word in text.split(" ")})
        narrowest = max((of(word, True) for word in column.head.split(" ")), default=0.0)
        if column.kind == TEXT:
            narrowest = max([narrowest, *(min(width, _LONGEST) for width in words)])
        elif whole:
            narrowest = max(narrowest, whole[-1])
        usual = whole[int(_USUAL * (len(whole) - 1))] if whole else 0.0
        least.append(narrowest + 2 * pad + _SLACK)
        wish.append(max(narrowest, usual, _HEAD * of(column.head, True)) + 2 * pad + _SLACK)
    spare = room - sum(wish)
    if spare >= 0:
        shares = [column.weight if column.kind == TEXT else 0.0 for column in columns]
        whole_share = sum(shares)
        if not whole_share:
            return [width * room / sum(wish) for width in wish]
        return [width + spare * share / whole_share for width, share in zip(wish, shares, strict=True)]
    if sum(least) >= room:
        return [width * room / sum(least) for width in least]
    given = (room - sum(least)) / (sum(wish) - sum(least))
    return [low + given * (high - low) for low, high in zip(least, wish, strict=True)]
