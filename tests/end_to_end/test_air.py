"""The air between the simulator and real sources of gateways, over the loopback."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

import pytest

from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.office import Office
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Moment
from zonetag_gateway.sources.simulated import Simulated

START_MS = 1_790_000_000_000
LIMIT_S = 60.0
FAST = 1e9


class Clock:
    """What a source is given."""

    def now(self) -> Moment:
        return Moment(5, 6, True)

    def monotonic(self) -> float:
        return monotonic()


def source(name: str, port: int) -> Simulated:
    return Simulated(name, "127.0.0.1", port, Clock())


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, int, bytes]] = []

    def __call__(self, data: bytes, rssi: int, at: float, /) -> None:
        self.heard.append((at, rssi, data))


def test_each_gateway_hears_exactly_its_air_and_the_line_of_time_comes_to_its_end() -> None:
    async def scene() -> None:
        office = Office(1, 90)
        async with AirServer(office, START_MS, FAST, monotonic) as air:
            sources = {name: source(name, air.port) for name in ("entrance", "office")}
            ears = {name: Ear() for name in sources}
            assert next(iter(sources.values())).moment(3.0) == Moment(5, 6, False)
            await asyncio.gather(air.run(), *(sources[name].run(ears[name]) for name in sources))
            for name, ear in ears.items():
                expected = [(h.at, h.rssi, h.data) for step in range(office.steps) for h in office.hear(step)[name]]
                assert ear.heard == [one for one in expected if one[0] < 90]
                assert len(ear.heard) > 1000
                assert sources[name].now() == 90.0
                assert sources[name].moment(80.5) == Moment(START_MS + 80_500, 80_500, True)
            assert air.adverts == sum(len(ear.heard) for ear in ears.values())
            assert air.told_s == 90.0
            assert air.over
            assert START_MS + 90_000 <= air.now_ms() < START_MS + 100_000

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


def test_a_gateway_that_does_not_read_holds_up_time_and_loses_nothing() -> None:
    async def scene() -> None:
        office = Office(1, 3600)
        async with AirServer(office, START_MS, FAST, monotonic) as air:
            reader, writer = await asyncio.open_connection("127.0.0.1", air.port, limit=1024)
            writer.write(b"entrance\n")
            running = asyncio.gather(air.run(), source("office", air.port).run(Ear()))
            told = -1.0
            while air.told_s > told or not told:  # until it moves no more
                told = air.told_s
                await asyncio.sleep(0.5)
            assert 0 < air.told_s < 3600
            taken = 0
            while chunk := await reader.read(1 << 16):
                taken += len(chunk)
                if chunk.endswith(b"\x03") and air.over:
                    break
            await running
            assert air.told_s == 3600
            assert taken > 3600 * 100
            writer.close()

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


def test_the_air_goes_no_further_than_it_is_allowed() -> None:
    async def scene() -> None:
        async with AirServer(Office(1, 90), START_MS, FAST, monotonic) as air:
            air.allow(30.0)
            running = asyncio.gather(air.run(), *(source(name, air.port).run(Ear()) for name in ("entrance", "office")))
            while air.told_s < 30:  # noqa: ASYNC110  # the air has no event for how far it has come
                await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert 30 <= air.told_s <= 36
            assert air.at_s <= 36
            air.allow(90.0)
            await running
            assert air.over

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


def test_strangers_and_doubles_find_no_place() -> None:
    async def scene() -> None:
        async with AirServer(Office(1, 60), START_MS, FAST, monotonic) as air:
            reader, writer = await asyncio.open_connection("127.0.0.1", air.port)
            writer.write(b"entrance\n")
            assert (await reader.readexactly(17))[:1] == b"\x02"
            for name in (b"nobody\n", b"entrance\n", b"\xff\n", b"x" * 5000 + b"\n", b""):
                refused, other = await asyncio.open_connection("127.0.0.1", air.port)
                other.write(name)
                other.write_eof()
                with suppress(ConnectionError):  # hung up on before all was read
                    assert await refused.read() == b""
                other.close()
            writer.close()

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


def test_a_gateway_that_hangs_up_is_told_of_and_the_air_goes_on() -> None:
    async def scene() -> None:
        async with AirServer(Office(1, 600), START_MS, FAST, monotonic) as air:
            _, writer = await asyncio.open_connection("127.0.0.1", air.port)
            writer.write(b"entrance\n")
            ear = Ear()
            listening = asyncio.create_task(source("office", air.port).run(ear))
            await air.connected()
            writer.close()
            await air.run()
            await listening
            assert air.lost == ["entrance"]
            assert ear.heard

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


MARK = struct.pack("<BdQ", 2, 1.0, START_MS)


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        (b"", "hung up"),
        (MARK + b"\x01\x00", "hung up"),
        (MARK + b"\x07", "unknown type 7"),
        (MARK + struct.pack("<BdQ", 2, 0.5, START_MS), "backwards"),
        (struct.pack("<BdQ", 2, float("nan"), START_MS), "bounds"),
        (struct.pack("<BdQ", 2, 1.0, 1 << 60), "bounds"),
        (struct.pack("<BdbB", 1, float("inf"), -50, 1) + b"x", "bounds"),
    ],
)
def test_a_broken_simulator_is_an_error_that_says_what_to_do(sent: bytes, word: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n")
        writer.write(sent)
        writer.close()

    check(serve, word)


def check(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], word: str) -> None:
    async def scene() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        with pytest.raises(SourceError) as error:
            await source("g", server.sockets[0].getsockname()[1]).run(Ear())
        assert word in error.value.what
        assert "source.air" in error.value.to_do
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))


def test_no_simulator_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(SourceError, match="No simulator answers"):
        asyncio.run(source("g", 9).run(Ear()))
