"""The stream that keeps open pages fresh, over a real socket."""

import asyncio
import json
import threading
from collections.abc import Iterator

import httpx
import pytest
from rig.pages import Served

from zonetag_backend.events import BOOK, EVERYTHING, GATEWAYS, MAX_WAITING, Change, Events
from zonetag_backend.web.pages.live import concerns

LIMIT_S = 120


def events_of(response: httpx.Response) -> Iterator[tuple[str, dict[str, str]]]:
    """Each event of a stream: its name and its data."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_change_reaches_an_open_page_and_nobody_is_in_the_stream(served: Served) -> None:
    with httpx.stream("GET", f"{served.url}/live?site=van-phong", cookies=served.cookie(), timeout=LIMIT_S) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = events_of(response)
        assert next(stream) == ("changed", {"now": "14:30"})  # at once, for what happened while the page was loading
        served.events.publish(Change("van-phong", BOOK))
        assert next(stream) == ("changed", {"now": "14:30"})
        # Without a change there is a sign of life, and after some of them the page asks again all the same.
        seen = [next(stream)[0], next(stream)[0]]
        assert seen == ["tick", "changed"]


def test_a_server_that_stops_ends_the_streams(served: Served) -> None:
    ended = threading.Event()
    begun = threading.Event()

    def read() -> None:
        with httpx.stream("GET", f"{served.url}/live", cookies=served.cookie(), timeout=LIMIT_S) as response:
            for _ in events_of(response):
                begun.set()
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(LIMIT_S)
    served.stop()
    assert ended.wait(LIMIT_S)
    thread.join()


@pytest.mark.parametrize(
    ("change", "site", "wanted"),
    [
        (Change("a", BOOK), "a", True),
        (Change("a", GATEWAYS), "", True),
        (Change("a", BOOK), "b", False),
        (EVERYTHING, "b", True),
    ],
)
def test_whom_a_change_concerns(change: Change, site: str, wanted: bool) -> None:
    assert concerns(change, site) is wanted


def test_a_slow_listener_is_told_that_everything_changed() -> None:
    async def scenario() -> None:
        events = Events()
        stream = events.subscribe()
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        events.publish(Change("a", BOOK))
        assert await waiting == Change("a", BOOK)
        for number in range(MAX_WAITING + 2):
            events.publish(Change(f"s{number}", BOOK))
        await asyncio.sleep(0)
        assert await anext(stream) == EVERYTHING
        assert await anext(stream) == Change(f"s{MAX_WAITING + 1}", BOOK)
        events.close()
        assert [change async for change in stream] == []
        assert [change async for change in events.subscribe()] == []
        events.publish(EVERYTHING)  # to nobody: harms nothing

    asyncio.run(scenario())
