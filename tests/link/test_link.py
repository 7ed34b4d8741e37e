"""The link from end to end: the firmware's tags, a gateway that carries blindly, a real broker, the backend."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rig.link_room import FULL_S, LinkRoom, as_it_is

from zonetag_backend.app import Backend
from zonetag_backend.link.records import DONE
from zonetag_backend.store import tag_link
from zonetag_backend.store.engine import writing
from zonetag_protocol.fragments import LAST_PART

SECONDS = 7200  # of the air
MOST_S = 900.0
RIG = Path(__file__).parents[1]
HEADER = 1  # byte of a part


def rows(room: LinkRoom, sql: str) -> list[tuple[object, ...]]:
    with room.database.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def number(room: LinkRoom, sql: str) -> int:
    return int(str(rows(room, sql)[0][0]))


def link_counts(backend: Backend) -> dict[str, int]:
    counts = backend.counters()["link"]
    assert isinstance(counts, dict)
    return counts


def fetched(room: LinkRoom) -> bool:
    """Every tag's log is here, and each tag knows it."""
    return number(room, "SELECT count(*) FROM tag_link WHERE fetched_ms > 0 AND through > 0") == len(room.tags)


def play(room: LinkRoom, script: Callable[[], Awaitable[None]]) -> None:
    """Let the tags fill their logs, then the script; then every tag must have lived to the end."""

    async def whole() -> None:
        async with room.open(SECONDS, MOST_S):
            await room.air.until(FULL_S * 1000)
            await script()

    asyncio.run(whole())
    assert {str(end["ended"]) for end in room.ends} == {"power cut"}
    assert {end["counts"]["crash"] for end in room.ends} == {0}


def check_contacts(room: LinkRoom) -> None:
    """Each heard the two others, and what they heard is theirs by the authenticator."""
    pairs = set(rows(room, "SELECT tag, peer FROM contact_log"))
    assert pairs == {(a, b) for a in room.tags for b in room.tags if a != b}
    assert number(room, "SELECT count(*) FROM contact_rejected") == 0


def test_logs_come_home_are_committed_acknowledged_and_only_then_forgotten(room: LinkRoom) -> None:
    async def script() -> None:
        with writing(room.database) as connection:
            tag_link.order_find(connection, room.tags[0], 600, room.now_ms())
        async with room.backend() as backend:
            await room.gateway("door", 1, connections=3)
            await room.until(lambda: fetched(room), "logs")
            counts = link_counts(backend)
            assert counts["fetched"] >= 3
            assert counts["records"] == number(room, "SELECT count(*) FROM contact_log") >= 6
            assert not {"forged", "malformed", "lost"} & set(counts)
            with writing(room.database) as connection:
                tag_link.order_find(connection, room.tags[1], 600, room.now_ms())
            done = "SELECT count(*) FROM link_order WHERE state = 'done'"
            await room.until(lambda: number(room, done) == 2, "an order calls it at once")
            # The tag knows that it was fetched: of the same log nothing is told twice.
            assert link_counts(backend)["records"] == number(room, "SELECT count(*) FROM contact_log")

    play(room, script)
    check_contacts(room)
    assert rows(room, "SELECT DISTINCT state FROM link_order") == [(DONE,)]
    assert {end["code"] for end in room.ends[:2]} == {"find-me"}
    assert {flags for (flags,) in rows(room, "SELECT flags & 1 FROM tag_link")} <= {0, 1}


def test_a_backend_killed_between_commit_and_acknowledgement_loses_nothing(room: LinkRoom) -> None:
    """Its third message to a tag (behind the time and the fetch) is the acknowledgement."""

    async def script() -> None:
        room.clock_file.write_text(str(room.now_ms()))
        command = [sys.executable, "-m", "rig.dying_link_backend"]
        arguments = [str(room.data), room.broker_url, "3", str(room.clock_file)]
        environment = {**os.environ, "PYTHONPATH": str(RIG)}
        dying = subprocess.Popen([*command, *arguments], env=environment)  # noqa: ASYNC220  # started once, waited for by polling
        try:
            await room.gateway("door", 1)
            await room.until(lambda: dying.poll() is not None, "it dies")
        finally:
            dying.kill()
            dying.wait()
        there = number(room, "SELECT count(*) FROM contact_log")
        assert there >= 2, "committed"
        assert number(room, "SELECT count(*) FROM tag_link WHERE fetched_ms > 0") == 0, "not acknowledged"
        async with room.backend() as backend:
            await room.until(lambda: fetched(room), "logs")
            whole = number(room, "SELECT count(*) FROM contact_log")
            assert link_counts(backend)["records"] == whole - there, "what was committed is not fetched again"

    play(room, script)
    check_contacts(room)


def test_a_tag_that_walks_away_goes_on_at_another_gateway(room: LinkRoom) -> None:
    """At the door it is gone behind its first records (answer, status, time done, contacts); then it is in the hall."""

    async def script() -> None:
        async with room.backend() as backend:
            door = await room.gateway("door", 1)
            door.central.parts = 4
            await room.until(lambda: link_counts(backend).get("ended-gone", 0) == len(room.tags), "all walked away")
            assert number(room, "SELECT count(*) FROM tag_link WHERE fetched_ms > 0") == 0
            assert number(room, "SELECT count(DISTINCT tag) FROM contact_log") == len(room.tags), "committed"
            hall = await room.gateway("hall", 2)
            hall.source.arrived = door.source.walked
            await room.until(lambda: fetched(room), "logs")
            assert (door.central.talks, hall.central.talks) == (len(room.tags), len(room.tags))
            assert link_counts(backend)["records"] == number(room, "SELECT count(*) FROM contact_log")

    play(room, script)
    check_contacts(room)
    assert set(rows(room, "SELECT gateway FROM tag_link")) == {("hall",)}


def flipped(part: bytes) -> list[bytes]:
    """A carrier that changes a bit of what is sealed."""
    return [part[:-1] + bytes([part[-1] ^ 1])] if part[HEADER] == 3 else [part]


def twice(part: bytes) -> list[bytes]:
    """A carrier that repeats what it carried."""
    return [part, part] if part[HEADER] == 3 and part[0] & LAST_PART else [part]


def swallowed(part: bytes) -> list[bytes]:
    """A carrier that leaves out what is sealed."""
    return [] if part[HEADER] == 3 else [part]


def test_a_carrier_cannot_forge(room: LinkRoom) -> None:
    """Whatever it does, either way: nothing is in that was not said, and an honest one fetches all of it later."""
    ways = (flipped, twice, swallowed)

    async def script() -> None:
        async with room.backend() as backend:
            door = await room.gateway("door", 1)
            # No tag has more of it than its budget for strangers allows.
            for card, way in zip(room.cards, ways, strict=True):
                door.central.spoilt[card.number] = [(way, as_it_is), (as_it_is, way)]
            await room.until(lambda: len(door.source.walked) == len(ways), "each was tried")
            assert number(room, "SELECT count(*) FROM tag_link WHERE fetched_ms > 0") == 0
            assert link_counts(backend)["forged"] >= 2
            await room.gateway("hall", 2)
            await room.until(lambda: fetched(room), "logs")

    play(room, script)
    check_contacts(room)
