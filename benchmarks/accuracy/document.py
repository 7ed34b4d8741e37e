"""docs/accuracy.md and docs/vi/accuracy.md from what was found, and the reliability diagram."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accuracy.rehearse import HEAD, Spread
from accuracy.result import Result

TEXT = Path(__file__).parent / "text"
TARGETS: tuple[tuple[str, str], ...] = (
    ("door", "beat the difference rule on people, and 65 of 66 with 1 false in 27.6 min on vehicles, by one method"),
    ("vestibule", "more than 0.89 at 15 s and 0.94 at 60 s"),
    ("zone", "more than 0.87 at 5 s, median error below 2.1 m"),
    ("contact", "detection cost below 0.52, calibrated"),
    ("offices", "recall and precision of 15 min, with the losses told apart"),
    ("air", "distributions that look like the recorded ones"),
)


def write(docs: Path, results: Sequence[Result], spreads: Sequence[Spread]) -> None:
    """Both documents and the picture."""
    parts = [
        (TEXT / "head.md").read_text(encoding="utf-8"),
        _table(results, ("task", "figure", "Zonetag", "simple", "published")),
        "\n",
    ]
    wanted = dict(TARGETS)
    for result in results:
        parts.append(f"## {result.task}\n\nData: {result.source}. Split: {result.split}.\n")
        parts.append(f"Wanted: {wanted[result.task]}.\n")
        parts += [f"\n{note}\n" for note in result.notes]
        if result.task == "contact":
            parts.append("\n![said against true](pictures/closeness.svg)\n")
        if result.table:
            parts.append(f"\n```\n{result.table}\n```\n")
        parts.append("\n")
    parts.append((TEXT / "rehearsal.md").read_text(encoding="utf-8"))
    parts.append(_lines(HEAD, [spread.cells() for spread in spreads]) + "\n")
    parts.append((TEXT / "end.md").read_text(encoding="utf-8"))
    (docs / "accuracy.md").write_text("".join(parts), encoding="utf-8")
    table = _table(results, ("việc", "con số", "Zonetag", "cách đơn giản", "đã công bố"))
    head = (TEXT / "head.vi.md").read_text(encoding="utf-8")
    sources = "\n".join(f"- {result.task}: {result.source}" for result in results)
    (docs / "vi" / "accuracy.md").write_text(f"{head}{table}\nNguồn dữ liệu:\n\n{sources}\n", encoding="utf-8")
    for result in results:
        if result.task == "contact":
            (docs / "pictures" / "closeness.svg").write_text(diagram(result.figures), encoding="utf-8")


def _table(results: Sequence[Result], head: tuple[str, ...]) -> str:
    rows = [(r.task, row.what, row.ours, row.simple, row.published) for r in results for row in r.rows]
    return _lines(head, rows)


def _lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"


def diagram(figures: Mapping[str, Any]) -> str:
    """The reliability diagram as SVG: what was said from left to right, how often it was so upwards."""
    marks = []
    for number, (name, told) in enumerate(figures.items()):
        bins = told.get("900s", {}).get("reliability", [])
        colour = ("#0b6e4f", "#b3541e", "#30507a")[number % 3]
        points = [(40 + 300 * said, 320 - 300 * true, count) for count, said, true in bins]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in points)
        marks.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        marks += [
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{2 + count**0.5:.1f}" fill="{colour}"/>' for x, y, count in points
        ]
        marks.append(f'<text x="50" y="{40 + 18 * number}" fill="{colour}">{name}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 360" font-family="sans-serif" font-size="13">'
        '<rect width="360" height="360" fill="#fff"/><rect x="40" y="20" width="300" height="300" fill="none" '
        'stroke="#888"/><line x1="40" y1="320" x2="340" y2="20" stroke="#bbb" stroke-dasharray="4"/>'
        f'{"".join(marks)}<text x="140" y="345">probability said</text>'
        '<text x="-230" y="28" transform="rotate(-90)">share that was close</text></svg>\n'
    )
