"""`/live`: tells open pages that something changed (server-sent events); they then ask for what they show.

Two events, both with JSON data `{"now": "HH:MM"}`, the time on the site's clocks: `changed`, when a page should ask
again, and `tick`, a sign of life.  Nothing about a person is in the stream.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from zonetag_backend.events import Change
from zonetag_backend.store import book as store
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.times import local

TICK_S = 5.0  # silence of three of these makes the page say that the connection is lost (live.js)
LEAST_S = 1.0  # between two events: a crowd at the door must not become a crowd of requests
CHANGED_TICKS = 2  # without any change a page asks again after so many: who was not heard for long has left
RETRY_MS = 2000  # a browser comes back after so long


async def live(request: Request) -> Response:
    """The stream for `?site=`, else for every site."""
    desk = desk_of(request)
    name = request.query_params.get("site", "")
    site = await run_in_threadpool(_site, desk, name)
    if name and site is None:
        raise Fault("no-site", 404, name)
    zone = site.zone if site is not None else ZoneInfo("UTC")
    return StreamingResponse(_events(desk, name, zone), media_type="text/event-stream")


def _site(desk: Desk, name: str) -> store.Site | None:
    with reading(desk.engine) as connection:
        if name:
            return store.site_named(connection, name)
        return next(iter(store.sites(connection)), None)


async def _events(desk: Desk, site: str, zone: ZoneInfo) -> AsyncIterator[str]:
    pending = asyncio.Event()
    listener = asyncio.create_task(_listen(desk, site, pending))
    try:
        await asyncio.sleep(0)  # the listener subscribes before the page is told to ask: nothing falls between
        yield f"retry: {RETRY_MS}\n\n"
        quiet = CHANGED_TICKS
        while not listener.done():
            changed = pending.is_set() or quiet >= CHANGED_TICKS
            pending.clear()
            quiet = 0 if changed else quiet
            data = json.dumps({"now": f"{local(desk.clock(), zone):%H:%M}"})
            yield f"event: {'changed' if changed else 'tick'}\ndata: {data}\n\n"
            await asyncio.sleep(LEAST_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pending.wait(), TICK_S - LEAST_S)
            quiet += 1
    finally:
        listener.cancel()


async def _listen(desk: Desk, site: str, pending: asyncio.Event) -> None:
    changes = desk.events.subscribe()
    try:
        async for change in changes:
            if concerns(change, site):
                pending.set()
    finally:
        pending.set()  # the end of all changes ends the stream at once


def concerns(change: Change, site: str) -> bool:
    """Whether a page about a site (empty: every site) may show a change."""
    return not site or not change.site or change.site == site
