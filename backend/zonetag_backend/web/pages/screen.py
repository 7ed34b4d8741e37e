"""`/screen/<place>`: the screen at a door, and the stream that tells it who was heard.

The stream has two events with JSON data: `hello`, first, `{"build"}`, a mark of the screen's own files, so that it
loads itself anew after an update; and `state`, `{"now", "inside", "heard": [{"id", "what", "who"}]}`: the time on the
site's clock, how many people are in (null where that is not shown), and whom to greet.  `what` is a code of
`store.screens`; `who` is a given name, a tag's number or empty, as the screen is set: never a family name.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from zonetag_backend.doors import NOBODY
from zonetag_backend.names import printable
from zonetag_backend.store import declarations, screens
from zonetag_backend.store.book import zone_of
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.screens import DESK, GIVEN, Where
from zonetag_backend.web import static
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.ids import number_in
from zonetag_backend.web.pages.live import RETRY_MS, concerns
from zonetag_backend.web.qr import qr_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import local
from zonetag_backend.web.visitor import Visitor, set_token, token_of, visitor_of

TICK_S = 5.0  # a sign of life; after three without one the screen says that the connection is lost (screen.js)
LEAST_S = 0.3  # between two answers: enough to gather a crowd, short enough to be called at once
AGE_S = 400 * 86_400  # of the cookie; each visit to the page renews it, and browsers keep none for longer


@dataclass(frozen=True, slots=True)
class Manner:
    """How one screen speaks."""

    where: Where
    shows: str
    counts: bool
    screen: int | None
    # its id; none: somebody looks at it who is signed in


def screen(request: Request) -> Response:
    """The page; everything on it comes by the stream."""
    desk, visitor = desk_of(request), visitor_of(request)
    manner = _manner(desk, visitor, request.path_params["place"])
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        token = declarations.link_of(connection, manner.where.site)
    declare = f"{request.url.scheme}://{request.headers['host']}/declare/{token}" if token else ""
    response = show(
        request,
        "screen",
        lambda: {"place": manner.where.name, **_state(desk, manner, [])},
        where=manner.where,
        manner=manner,
        now=local(now_ms, zone_of(manner.where.timezone)),
        build=_build(),
        declare=declare,
        qr=qr_of(declare) if declare else "",
    )
    if visitor.screen is not None:
        set_token(request, response, token_of(request), AGE_S)
    return response


async def live(request: Request) -> Response:
    """The stream of a screen, until it ends or is revoked."""
    desk, visitor = desk_of(request), visitor_of(request)
    manner = await run_in_threadpool(_manner, desk, visitor, request.path_params["place"])
    return StreamingResponse(_events(desk, manner), media_type="text/event-stream")


def _manner(desk: Desk, visitor: Visitor, asked: str) -> Manner:
    """Fault for a place that is not there, or is not this screen's."""
    device, place = visitor.screen, number_in(asked)
    with reading(desk.engine) as connection:
        where = screens.where(connection, place)
        if device is not None and (where is None or device.place != where.place):
            raise Fault("not-yours", 403)
        if where is None:
            raise Fault("no-place", 404, asked)
    if device is not None:
        return Manner(where, device.shows, device.counts, device.id)
    return Manner(where, GIVEN, True, None)


def _build() -> str:
    return static.address("screen.js") + static.address("screen.css")


async def _events(desk: Desk, manner: Manner) -> AsyncIterator[str]:
    pending = asyncio.Event()
    listener = asyncio.create_task(_listen(desk, manner.where.site, pending))
    last = desk.doors.latest(desk.clock())
    try:
        await asyncio.sleep(0)  # the listener subscribes before anything is read: nothing falls between
        yield f"retry: {RETRY_MS}\n\n" + _event("hello", {"build": _build()})
        while not listener.done():
            pending.clear()
            new = desk.doors.since(manner.where.place, last)
            last = max((each.id for each in new), default=last)
            state = await run_in_threadpool(_checked, desk, manner, [(each.id, each.tag) for each in new])
            if state is None:
                return
            yield _event("state", state)
            await asyncio.sleep(LEAST_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pending.wait(), TICK_S - LEAST_S)
    finally:
        listener.cancel()


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _checked(desk: Desk, manner: Manner, heard: list[tuple[int, int]]) -> dict[str, Any] | None:
    """What to show; none once the screen was revoked."""
    if manner.screen is not None:
        with reading(desk.engine) as connection:
            if not screens.stands(connection, manner.screen):
                return None
        with writing(desk.engine) as connection:
            screens.touch(connection, manner.screen, desk.clock())
    return _state(desk, manner, heard)


def _state(desk: Desk, manner: Manner, heard: list[tuple[int, int]]) -> dict[str, Any]:
    where, now_ms = manner.where, desk.clock()
    greeted = []
    with reading(desk.engine) as connection:
        for identifier, tag in heard:
            what, who = (DESK, "") if tag == NOBODY else screens.said_of(connection, tag, manner.shows, now_ms)
            greeted.append({"id": identifier, "what": what, "who": printable(who)})
        inside = screens.count_inside(connection, where.site, where.absence_ms, now_ms) if manner.counts else None
    return {"now": f"{local(now_ms, zone_of(where.timezone)):%H:%M}", "inside": inside, "heard": greeted}


async def _listen(desk: Desk, site: str, pending: asyncio.Event) -> None:
    try:
        async for change in desk.events.subscribe():
            if concerns(change, site):
                pending.set()
    finally:
        pending.set()
