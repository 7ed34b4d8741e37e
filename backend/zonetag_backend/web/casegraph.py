"""A case as a picture of who met whom: F0, F1 and F2 in three columns, lines as thick as they are probable.  Pure.

Units are those of the picture; the page scales it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_backend.store.case_story import Contact
from zonetag_backend.tracing.outcome import Who

WIDTH = 960
BOX_WIDTH, BOX_HEIGHT, GAP = 250, 28, 8
COLUMNS = (4, 355, 706)  # where the boxes of each generation begin
MOST = (1, 40, 60)  # boxes of each generation; a taller picture is read by nobody, and the list has them all
LOWEST = 200  # where the case itself stands at the most: at the middle of a tall picture nobody would see it
LONGEST = 22  # characters of a name in a box
THIN, THICK = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Box:
    """Somebody."""

    who: Who
    generation: int
    x: int
    y: float
    label: str
    # empty: the name was removed
    probability: float
    # of the best way from the case


@dataclass(frozen=True, slots=True)
class Edge:
    """A meeting, from the left to the right."""

    path: str
    width: float
    best: bool
    # on the most probable way to that box


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole picture."""

    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    left_out: int
    # people for whom there is no room


def graph_of(case: Who, contacts: Sequence[Contact]) -> Graph | None:
    """Draw a case; none when nobody was found.  `contacts` as `case_story.contacts` has them."""
    best: dict[int, Contact] = {}
    for each in contacts:
        if each.generation < len(COLUMNS):
            known = best.get(each.who.id)
            if known is None or each.chain > known.chain:
                best[each.who.id] = each
    if not best:
        return None
    first = [each for each in best.values() if each.generation == 1][: MOST[1]]
    rank = {each.who.id: place for place, each in enumerate(first)}
    second = [each for each in best.values() if each.generation == 2]
    # Whoever hangs on the same F1 stands together, in the order of the F1: few lines cross.
    second.sort(key=lambda each: (rank.get(each.through.id, len(rank)), -each.chain, each.who.id))
    second = second[: MOST[2]]
    height = max(len(first), len(second), 2) * (BOX_HEIGHT + GAP) + GAP
    boxes = {case.id: _box(case, 0, min((height - BOX_HEIGHT) / 2, LOWEST), 1.0)}
    for column in (first, second):
        top = (height - len(column) * (BOX_HEIGHT + GAP) + GAP) / 2
        for row, each in enumerate(column):
            y = top + row * (BOX_HEIGHT + GAP)
            boxes[each.who.id] = _box(each.who, each.generation, y, each.chain)
    drawn = [each for each in contacts if each.who.id in boxes and each.through.id in boxes]
    edges = [_edge(boxes[each.through.id], boxes[each.who.id], each, best) for each in drawn]
    edges.sort(key=lambda edge: edge.best)
    return Graph(height, tuple(boxes.values()), tuple(edges), len(best) - len(first) - len(second))


def _box(who: Who, generation: int, y: float, probability: float) -> Box:
    label = who.name if len(who.name) <= LONGEST else f"{who.name[: LONGEST - 1]}…"
    return Box(who, generation, COLUMNS[generation], round(y, 1), label, probability)


def _edge(one: Box, other: Box, contact: Contact, best: dict[int, Contact]) -> Edge:
    x1, y1 = one.x + BOX_WIDTH, one.y + BOX_HEIGHT / 2
    x2, y2 = other.x, other.y + BOX_HEIGHT / 2
    middle = (x1 + x2) / 2
    path = f"M{x1} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2} {y2:g}"
    width = THIN + (THICK - THIN) * contact.probability
    return Edge(path, round(width, 1), best[contact.who.id] is contact)
