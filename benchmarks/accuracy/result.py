"""What one task found: figures beside the simple method and the published one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    what: str
    ours: str
    simple: str
    # the simple method, computed on the same recordings in the same run
    published: str
    # on the whole set, by others or by the note that came with the data


@dataclass(frozen=True, slots=True)
class Result:
    """One task."""

    task: str
    source: str
    # of the data, with its licence
    split: str
    # what was trained on what
    rows: tuple[Row, ...]
    figures: Mapping[str, object]
    # for the JSON line
    notes: tuple[str, ...] = ()
    table: str = ""
    # more, preformatted
    left_out: tuple[str, ...] = ()
    # sets and recordings that were not judged, each with the reason
    refused: tuple[str, ...] = ()
    # files that are not what their places say


def json_line(result: Result) -> str:
    """One JSON object on one line."""
    told = {"task": result.task, "split": result.split, **result.figures, "left_out": result.refused + result.left_out}
    return json.dumps(told, ensure_ascii=False, allow_nan=False)


def not_judged(task: str, reason: str) -> str:
    """The same of a task that could not be judged."""
    return json.dumps({"task": task, "not_judged": reason}, ensure_ascii=False)


def table(results: list[Result]) -> str:
    """All figures as text."""
    rows = [("task", "figure", "Zonetag", "simple", "published")]
    rows += [(r.task, row.what, row.ours, row.simple, row.published) for r in results for row in r.rows]
    width = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = ["  ".join(cell.ljust(width[i]) for i, cell in enumerate(row)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * each for each in width))
    more = [f"\n{r.task}:\n{r.table}" for r in results if r.table]
    return "\n".join([*lines, *more])


def share(value: float) -> str:
    """0.912"""
    return f"{value:.3f}"
