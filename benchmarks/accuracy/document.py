"""docs/accuracy.md and docs/vi/accuracy.md from what was found, and the reliability diagram."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accuracy.result import Result

HEAD = """# Accuracy on real recordings

Made by `make accuracy ARGS=--write`; do not edit. The product's own functions (`zonetag_backend.tracing.door`, `rooms`,
`closeness` and what follows from them) on recordings that others made, with ground truth. Each figure stands beside a
simple method, computed in the same run on the same recordings, and beside the one that was published.

```sh
make accuracy                                    # recordings in ../shared/data, each judged by what the others taught
make accuracy DATA=DIR                           # recordings in another folder of the same layout
make accuracy DATA=DIR ARGS="--train OTHER"      # judged by what OTHER taught, and by nothing else
make accuracy ARGS="door zone"                   # some tasks
```

It prints a table, then one JSON object a task, each on one line. What is missing in DIR is left out with a word; a file
that is not what its place says is refused by name. `*.csv`, `*.mbd` and `*.dat` may be gzipped.

| in DIR | holds |
|---|---|
| `door/*.csv` | `superframe` (100 ms), a column a receiver `O-*` outside and `I-*` inside (dBm, -100 not heard), `Label` 0 outside, else inside; the name's first word says what carries the tag |
| `vestibule/*.csv` | `name`, `locationStatus`, `timestamp` (ms), `rssiOne`, `rssiTwo` |
| `zone/*.mbd`, `zone/*.dev` | time s, receiver, beacon, dBm, x, y; positions of the receivers (looked for in `--train` too) |
| `contact/*_partner.csv`, `contact/*_sessions.csv` | `session`, `t_s`, `rssi_dbm`, `range_ft`; `session`, `file` |
| `meetings/*_tij.dat` | `t i j`: contact in the 20 s up to t |

Nothing is split at random: what judges a recording never saw that recording, tag, walk, day or session.

"""

TARGETS: tuple[tuple[str, str], ...] = (
    ("door", "beat the difference rule on people, and 65 of 66 with 1 false in 27.6 min on vehicles, by one method"),
    ("vestibule", "more than 0.89 at 15 s and 0.94 at 60 s"),
    ("zone", "more than 0.87 at 5 s, median error below 2.1 m"),
    ("contact", "detection cost below 0.52, calibrated"),
    ("offices", "recall and precision of 15 min, with the losses told apart"),
    ("air", "distributions that look like the recorded ones"),
)

PLAIN = """## Where it falls short

- **Door, people.** One recording of a person is at hand (4 crossings); the untrained rule finds all 4 as well, so there is
  nothing to beat in it, and its state is right a little more often. No profile of people is learnt when it is held out.
- **Vestibule.** A few points above the simple method; nine tags, three a zone, are few. No tag of this set moves.
- **Zone.** The walks follow the same lines; off them expect the untrained figure (column beside).
- **Contact.** One to four minutes do not tell two metres from three: the cost comes below 0.52 only over a whole
  meeting. With a way of wearing that was never seen (matrix), hardly better than chance: a badge needs a fixed place.
  0.52 was published for another set than these. At the base rate of all pairs of an office (0.27 %) the precision is
  about 1 %: show probabilities, ask only about those whose devices heard each other, add up minutes over the day.
- **Offices.** The recordings say who stood face to face and not where the others sat, so desks are assumed 2.5 m apart.
  A neighbour at the next desk all day is told from somebody face to face by 6 dB only, which posture alone exceeds: the
  radio costs nearly all of the precision, sampling costs recall (a tag at rest is heard in a third of the looks), and
  rotation with its 16 records an epoch takes the weak ones. Gateways and broker only carry these records and lose none;
  they are not run here, `tests/end_to_end` runs them. One day and the people who met most on it, not the whole set.
- **Air.** Compared with a carried beacon among fixed receivers; there are no recordings here of two badges.
"""

HEAD_VI = """# Độ chính xác trên dữ liệu đo thật

Do `make accuracy ARGS=--write` viết ra, đừng sửa tay. Chính các hàm của sản phẩm được chạy trên dữ liệu người khác đã đo,
có kết quả đúng để so. Cạnh mỗi con số là cách làm đơn giản (tính cùng lúc, cùng dữ liệu) và con số đã công bố.
Cách chia dữ liệu, khuôn dạng thư mục và giấy phép: xem [bản tiếng Anh](../accuracy.md).

```sh
make accuracy DATA=DIR ARGS="--train OTHER"      # chấm trên DIR, chỉ học từ OTHER
```

- **Cửa ra vào**: biết hướng đi trong vòng 3 giây, một cách cho cả người và xe; được phép trả lời "chưa rõ".
- **Phòng**: chọn theo xác suất từ mọi trạm thu, không theo trạm mạnh nhất.
- **Tiếp xúc gần**: là xác suất, không phải số mét. Vài phút chưa đủ để phân biệt 2 m với 3 m; phải cộng dồn cả ngày. Với tỷ
  lệ thật của một cơ quan (0,27 % số cặp) thì phần lớn báo động của một lần đo là sai, nên chỉ xét những người mà thẻ đã nghe
  thấy nhau, và luôn nêu xác suất.
- **Cả ngày ở cơ quan**: người ngồi bàn bên cạnh khó phân biệt với người đứng đối diện; sóng vô tuyến làm giảm độ chính xác
  nhiều nhất, việc thẻ chỉ nghe từng lúc làm sót một phần.

"""


def write(docs: Path, results: Sequence[Result]) -> None:
    """Both documents and the picture."""
    parts = [HEAD, _table(results, ("task", "figure", "Zonetag", "simple", "published")), "\n"]
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
    parts.append(PLAIN)
    (docs / "accuracy.md").write_text("".join(parts), encoding="utf-8")
    table = _table(results, ("việc", "con số", "Zonetag", "cách đơn giản", "đã công bố"))
    sources = "\n".join(f"- {result.task}: {result.source}" for result in results)
    (docs / "vi" / "accuracy.md").write_text(f"{HEAD_VI}{table}\nNguồn dữ liệu:\n\n{sources}\n", encoding="utf-8")
    for result in results:
        if result.task == "contact":
            (docs / "pictures" / "closeness.svg").write_text(diagram(result.figures), encoding="utf-8")


def _table(results: Sequence[Result], head: tuple[str, ...]) -> str:
    rows = [(r.task, row.what, row.ours, row.simple, row.published) for r in results for row in r.rows]
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
