"""A view of the air as lines of text.  Pure: a view, a width and a height in, lines out."""

from collections.abc import Mapping

from zonetag_gateway.air import Row, View
from zonetag_protocol import advert

NARROWEST = 20  # columns; below that lines are simply cut
SHORT_ID = 8  # hexadecimal digits: enough to tell a thousand tags apart on a screen
WEAKEST, STRONGEST = -100, -30  # dBm at the two ends of a bar
GONE_S = 10.0  # silent for so long: marked as leaving

NAMES = {
    advert.ZONETAG: "tag",
    advert.EDDYSTONE_EID: "badge",
    advert.EDDYSTONE_ETLM: "badge telemetry",
    advert.BLUEZONE: "Bluezone",
    advert.EXPOSURE_NOTIFICATION: "exposure notification",
    advert.TRACETOGETHER_TOKEN: "TraceTogether token",
    advert.BLUETRACE: "BlueTrace",
    advert.FIND_HUB: "Find Hub",
    advert.UNKNOWN: "unknown",
    advert.MALFORMED: "malformed",
}
_TAGS = (advert.ZONETAG, advert.EDDYSTONE_EID)
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_PLAIN = " " + "#" * 8


def render(view: View, source: str, width: int, height: int | None = None, *, unicode: bool = True) -> list[str]:
    """Lines no longer than `width`, and no more than `height` of them (None: as many as there are).

    `source` names where the adverts come from.  With `unicode` False only ASCII is used.
    """
    head = _head(view, source, unicode)
    foot = _foot(view)
    columns = _columns(width)
    room = len(view.rows) if height is None else max(0, height - len(head) - len(foot) - 1)
    table = [_title(columns, width)] + [_line(row, columns, width, unicode) for row in view.rows[:room]]
    if not view.rows:
        table = ["no tag heard" + (" yet" if not view.elapsed_s else "")]
    elif len(view.rows) > room:
        table[-1:] = [f"... and {len(view.rows) - room + 1} more"] if room else []
    lines = [*head, *table, *foot]
    return [line[:width].rstrip() for line in lines[:height]]


def _head(view: View, source: str, unicode: bool) -> list[str]:
    tags = sum(row.kind == advert.ZONETAG for row in view.rows)
    minutes, seconds = divmod(int(view.elapsed_s), 60)
    dot = " · " if unicode else " | "
    badges, phones = len(view.rows) - tags, sum(view.phones.values())
    parts = (
        f"{_count(tags, 'tag')}, {_count(badges, 'badge')}, {_count(phones, 'phone')}",
        f"{view.per_second:.1f} adverts/s",
        f"{minutes}:{seconds:02}",
        source,
    )
    return [dot.join(parts), ""]


def _foot(view: View) -> list[str]:
    lines = [""]
    for kind in advert.PHONES:
        if kind in view.adverts:
            there = f"{view.phones.get(kind, 0)} in the last minute"
            lines.append(f"{NAMES[kind]}: {there}, {_count(view.adverts[kind], 'advert')}")
    others = {kind: n for kind, n in view.adverts.items() if kind not in (*advert.PHONES, *_TAGS)}
    if others:
        lines.append("other adverts: " + _list(others))
    return lines if len(lines) > 1 else []


def _list(adverts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {NAMES[kind]}" for kind, n in sorted(adverts.items(), key=lambda item: -item[1]))


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


# (name, width) of the columns, in the order in which they are given up when there is no room; "bar" takes what is left
_COLUMNS = (("id", SHORT_ID), ("dBm", 4), ("kind", 5), ("last", 5), ("/s", 5), ("best", 4), ("adverts", 7))
_BAR_MIN = 8


def _columns(width: int) -> list[str]:
    """The columns that fit `width`."""
    chosen: list[str] = []
    used = _BAR_MIN
    for name, size in _COLUMNS:
        used += size + 2
        if used > width and len(chosen) >= 2:
            break
        chosen.append(name)
    order = ("id", "kind", "bar", "dBm", "best", "/s", "adverts", "last")
    return [name for name in order if name in chosen or name == "bar"]


def _sizes(columns: list[str], width: int) -> list[int]:
    fixed = dict(_COLUMNS)
    rest = width - sum(fixed[name] + 2 for name in columns if name != "bar")
    return [fixed[name] if name in fixed else min(40, max(_BAR_MIN, rest)) for name in columns]


def _title(columns: list[str], width: int) -> str:
    cells = ["" if name == "bar" else name for name in columns]
    return _row(cells, columns, width)


def _line(row: Row, columns: list[str], width: int, unicode: bool) -> str:
    sizes = dict(zip(columns, _sizes(columns, width), strict=True))
    gone = row.silent_s >= GONE_S
    cells = {
        "id": row.identifier[:SHORT_ID],
        "kind": NAMES[row.kind],
        "bar": "" if gone else bar(row.rssi, sizes["bar"], unicode),
        "dBm": "?" if row.rssi is None else str(row.rssi),
        "best": "?" if row.best is None else str(row.best),
        "/s": f"{row.per_second:.1f}",
        "adverts": str(row.count),
        "last": f"-{row.silent_s:.0f}s" if row.silent_s >= 1 else "now",
    }
    return _row([cells[name] for name in columns], columns, width)


def _row(cells: list[str], columns: list[str], width: int) -> str:
    """Text to the left, numbers to the right."""
    out = []
    for name, cell, size in zip(columns, cells, _sizes(columns, width), strict=True):
        out.append(cell.ljust(size) if name in ("id", "kind", "bar") else cell.rjust(size))
    return "  ".join(out)


def bar(rssi: int | None, width: int, unicode: bool = True) -> str:
    """A bar of at most `width` columns: empty at WEAKEST dBm, full at STRONGEST."""
    if rssi is None:
        return ""
    share = min(1.0, max(0.0, (rssi - WEAKEST) / (STRONGEST - WEAKEST)))
    eighths = round(share * width * 8)
    full, part = divmod(eighths, 8)
    table = _EIGHTHS if unicode else _PLAIN
    return table[8] * full + (table[part] if part and full < width else "")
