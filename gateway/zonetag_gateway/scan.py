"""`zonetag-gateway scan`: what is in the air, live on a terminal, as a summary elsewhere, or as JSON.

JSON: {"elapsed_s": s, "per_second": n, "adverts": {kind: n}, "phones": {kind: n}, "tags": [{"id", "kind", "rssi",
"best", "per_second", "count", "silent_s"}]}; `id` is the identifier on the air, 16 hexadecimal digits.
"""

import asyncio
import contextlib
import shutil
from dataclasses import asdict
from typing import Any, TextIO

from zonetag_gateway.air import Air, View
from zonetag_gateway.listening import listen
from zonetag_gateway.screen import render
from zonetag_gateway.source import Source

REDRAW_S = 0.5
SUMMARY_WIDTH = 100  # columns, where there is no terminal to ask

# ECMA-48 control sequences: the terminal's second screen, no cursor; and back.
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


async def scan(
    source: Source, name: str, out: TextIO, *, company: int, stop: asyncio.Event, seconds: float | None, live: bool
) -> View:
    """Listen until the source's end, `seconds` of its line, or `stop`; with `live`, redraw a terminal meanwhile."""
    air = Air(company)
    drawing = asyncio.create_task(_draw(air, source, name, out)) if live else None
    try:
        await listen(source, air.hear, seconds, stop)
    finally:
        if drawing is not None:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
    # A replay may have run ahead of what was listened to.
    end = source.now() if seconds is None else min(source.now(), air.first + seconds)
    return air.view(max(air.now, end))


def summary(view: View, name: str, out: TextIO) -> None:
    """Write a view as text."""
    width = shutil.get_terminal_size((SUMMARY_WIDTH, 24)).columns
    for line in render(view, name, width, unicode=_unicode(out)):
        out.write(line + "\n")


def as_json(view: View) -> dict[str, Any]:
    """A view as scripts read it."""
    rows = [asdict(row) for row in view.rows]
    return {
        "elapsed_s": round(view.elapsed_s, 3),
        "per_second": round(view.per_second, 2),
        "adverts": view.adverts,
        "phones": view.phones,
        "tags": [
            {
                "id": row.pop("identifier"),
                **row,
                "per_second": round(row["per_second"], 2),
                "silent_s": round(row["silent_s"], 1),
            }
            for row in rows
        ],
    }


async def _draw(air: Air, source: Source, name: str, out: TextIO) -> None:
    out.write(_ENTER)
    try:
        while True:
            size = shutil.get_terminal_size()
            view = air.view(max(air.now, source.now()))
            # One line less than there are: a line feed on the last one would scroll.
            lines = render(view, name, size.columns, size.lines - 1, unicode=_unicode(out))
            out.write(_HOME + "".join(line + _CLEAR_LINE + "\r\n" for line in lines) + _CLEAR_BELOW)
            out.flush()
            await asyncio.sleep(REDRAW_S)
    finally:
        out.write(_LEAVE)
        out.flush()


def _unicode(out: TextIO) -> bool:
    try:
        "█".encode(out.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
