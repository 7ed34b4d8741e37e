"""The management protocol: what the kernel's events hold, and what hostile ones do not do.

The bytes are laid out by hand after BlueZ's doc/mgmt-api.txt.  How a real kernel behaves is the test bench's matter
(tests/bluez); here a stand-in at the other end of a socket pair says what a kernel would not.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

from zonetag_gateway import mgmt
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.mgmt_socket import Management, connect, permitted
from zonetag_gateway.sources.mgmt import Mgmt
from zonetag_gateway.sources.picture import UNKNOWN
from zonetag_protocol.errors import Malformed

FRAME = bytes.fromhex("0201060303aafe0d16aafe30eb313233343536373809ffffff616162626262")
SITE = 0xFFFF
LIMIT_S = 60.0
Heard = list[tuple[bytes, int]]


def found_body(data: bytes, rssi: int = -60, kind: int = 2, flags: int = mgmt.NOT_CONNECTABLE) -> bytes:
    return bytes(6) + struct.pack("<BbIH", kind, rssi, flags, len(data)) + data


def event(code: int, body: bytes, index: int = 0) -> bytes:
    return struct.pack("<HHH", code, index, len(body)) + body


def test_vectors() -> None:
    # Start Discovery on hci1: code 23 00, index 01 00, length 01 00, LE public and random.
    assert mgmt.command(mgmt.START_DISCOVERY, 1, mgmt.LE_BOTH) == bytes.fromhex("2300 0100 0100 06")
    # One pattern: service data (16) at 0, 2 bytes AA FE, filled up to 31.
    assert mgmt.pattern(0x16, 0, b"\xaa\xfe") == bytes.fromhex("01 16 00 02 aafe") + bytes(29)
    raw = bytes.fromhex("1200 0000 1100 c60504030201 02 c4 04000000 0300 020106")
    assert mgmt.found(mgmt.packet(raw)) == mgmt.Found(b"\x02\x01\x06", -60, False)
    # The same by a monitor: its handle in front.
    raw = bytes.fromhex("2f00 0000 1300 0000 c60504030201 02 c4 00000000 0300 020106")
    assert mgmt.found(mgmt.packet(raw)) == mgmt.Found(b"\x02\x01\x06", -60, True)
    done = mgmt.reply(mgmt.packet(bytes.fromhex("0100 0000 0500 5200 00 0700")))
    assert (done, mgmt.handle(done.body)) == (mgmt.Reply(mgmt.ADD_MONITOR, mgmt.SUCCESS, b"\7\0"), 7)
    assert mgmt.indices(bytes.fromhex("0200 0100 0000")) == [0, 1]
    assert mgmt.monitors(bytes.fromhex("01000000 00000000 2000 10 0200 0100 0500")) == [1, 5]
    assert mgmt.settings(bytes(13) + b"\x01\x02\0\0" + bytes(263)) == mgmt.POWERED | mgmt.LOW_ENERGY


@pytest.mark.parametrize("body", [found_body(FRAME, kind=mgmt.BR_EDR), found_body(FRAME, rssi=mgmt.NO_RSSI)])
def test_what_is_no_advert(body: bytes) -> None:
    assert mgmt.found(mgmt.Packet(mgmt.DEVICE_FOUND, 0, body)) is None


def test_a_packet_keeps_to_its_form_or_is_malformed() -> None:
    """Each of them, shortened, lengthened, and with bytes of chance."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    readers: list[tuple[Callable[[bytes], object], bytes]] = [
        (mgmt.packet, event(mgmt.DEVICE_FOUND, found_body(FRAME))),
        (lambda body: mgmt.found(mgmt.Packet(mgmt.DEVICE_FOUND, 0, body)), found_body(FRAME)),
        (lambda body: mgmt.found(mgmt.Packet(mgmt.MONITOR_DEVICE_FOUND, 0, body)), b"\0\0" + found_body(FRAME)),
        (lambda body: mgmt.discovering(mgmt.Packet(mgmt.DISCOVERING, 0, body)), b"\x06\x01"),
        (mgmt.handle, b"\x01\0"),
        (mgmt.new_settings, bytes(4)),
        (mgmt.indices, bytes.fromhex("0100 0000")),
        (mgmt.monitors, bytes.fromhex("01000000 00000000 2000 10 0100 0100")),
    ]
    for read, good in readers:
        read(good)
        for bad in (good[:-1], good + b"\0", b""):
            with pytest.raises(Malformed):
                read(bad)
        for _ in range(500):
            try:
                read(chance.randbytes(chance.randrange(80)))
            except Malformed:
                continue


def test_a_pattern_ends_within_an_advert() -> None:
    for value, offset in ((b"", 0), (bytes(32), 0), (bytes(2), 30)):
        with pytest.raises(ValueError, match="31 bytes"):
            mgmt.pattern(0x16, offset, value)


class Kernel:
    """The other end of a management socket: answers each command with `statuses`, and says what it is told to."""

    def __init__(self, statuses: dict[int, int] | None = None) -> None:
        self.statuses = statuses or {}
        self.asked: list[int] = []
        self._ends: list[socket.socket] = []

    def connect(self) -> socket.socket:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        self._ends.append(theirs)
        asyncio.get_running_loop().add_reader(theirs, self._answer, theirs)
        return mine

    def say(self, raw: bytes) -> None:
        self._ends[-1].send(raw)

    def leave(self) -> None:
        end = self._ends.pop()
        asyncio.get_running_loop().remove_reader(end)
        end.close()

    def _answer(self, end: socket.socket) -> None:
        raw = end.recv(mgmt.MAX_PACKET)
        if not raw:
            asyncio.get_running_loop().remove_reader(end)
            end.close()
            return
        code, index, _ = mgmt.HEAD.unpack_from(raw)
        self.asked.append(code)
        status = self.statuses.get(code, mgmt.SUCCESS)
        body = {
            mgmt.READ_INDEX_LIST: bytes.fromhex("0100 0000"),
            mgmt.READ_INFO: bytes(13) + (mgmt.POWERED | mgmt.LOW_ENERGY).to_bytes(4, "little") + bytes(263),
            mgmt.READ_MONITORS: bytes.fromhex("01000000 00000000 2000 10 0000"),
            mgmt.ADD_MONITOR: b"\x01\0",
        }.get(code, b"\x06")
        done = struct.pack("<HB", code, status) + (body if status == mgmt.SUCCESS else b"")
        end.send(event(mgmt.COMMAND_COMPLETE if status == mgmt.SUCCESS else mgmt.COMMAND_STATUS, done, index))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # the conditions are counters of the code under test
            await asyncio.sleep(0.005)


def beside(kernel: Kernel, test: Callable[[Mgmt, Heard], Awaitable[None]]) -> None:
    async def go() -> None:
        heard: Heard = []
        source = Mgmt((), SITE, SystemClock(), connect=kernel.connect)
        running = asyncio.create_task(source.run(lambda data, rssi, _: heard.append((data, rssi))))
        await until(lambda: source.counts["starts"] == 1 or running.done())
        if not running.done():
            await test(source, heard)
        running.cancel()
        await asyncio.wait((running,))
        if not running.cancelled():
            running.result()

    asyncio.run(go())


def test_one_monitor_and_a_discovery_that_is_begun_again() -> None:
    kernel = Kernel()

    async def test(source: Mgmt, heard: Heard) -> None:
        assert kernel.asked.count(mgmt.ADD_MONITOR) == 1
        for times in (2, 3):
            kernel.say(event(mgmt.DISCOVERING, b"\x06\0"))
            await until(lambda times=times: kernel.asked.count(mgmt.START_DISCOVERY) == times)  # type: ignore[misc]  # a default binds it
        kernel.say(event(mgmt.MONITOR_REMOVED, b"\x01\0"))
        await until(lambda: kernel.asked.count(mgmt.ADD_MONITOR) == 2)
        assert source.tell()["adapters"]["hci0"]["backend"] == "mgmt"

    beside(kernel, test)
    assert kernel.asked[-2:] == [mgmt.STOP_DISCOVERY, mgmt.REMOVE_MONITOR]


def test_what_is_heard_and_what_is_refused() -> None:
    answer = bytes.fromhex("0409414243")  # a name, in a scan response
    badge = bytes.fromhex("0201060303aafe0d16aafe30eb3132333435363738")
    kernel = Kernel()

    async def test(source: Mgmt, heard: Heard) -> None:
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME)))
        kernel.say(event(mgmt.MONITOR_DEVICE_FOUND, b"\0\0" + found_body(FRAME, -70)))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(badge, -50, flags=0)))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(badge + answer, -50, flags=0)))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(answer, -90, flags=0)))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME), index=7))  # another adapter's
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME)[:-1]))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(badge[:-1], flags=0)))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME, mgmt.NO_RSSI)))
        kernel.say(b"\x12\0\0")
        kernel.say(event(0x00FF, b"what comes with a later kernel"))
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME, -71)))
        await until(lambda: len(heard) == 6)
        # A badge is one badge, with its scan response or without.
        assert heard == [(FRAME, -60), (FRAME, -70), (badge, -50), (badge, -50), (UNKNOWN, -90), (FRAME, -71)]
        assert (source.counts["malformed"], source.counts["no_rssi"], source.counts["lost"]) == (2, 1, 0)

    beside(kernel, test)


@pytest.mark.parametrize(
    "gone", [event(mgmt.INDEX_REMOVED, b""), event(mgmt.NEW_SETTINGS, mgmt.LOW_ENERGY.to_bytes(4, "little")), b""]
)
def test_an_adapter_that_goes_away_is_noticed_and_waited_for(gone: bytes) -> None:
    kernel = Kernel()

    async def test(source: Mgmt, heard: Heard) -> None:
        if gone:
            kernel.say(gone)
        else:
            kernel.leave()
        await until(lambda: source.counts["lost"] == 1 and source.counts["starts"] == 2)

    beside(kernel, test)


def test_a_discovery_of_another_program_is_shared() -> None:
    kernel = Kernel({mgmt.START_DISCOVERY: mgmt.BUSY})

    async def test(source: Mgmt, heard: Heard) -> None:
        kernel.say(event(mgmt.DEVICE_FOUND, found_body(FRAME)))
        await until(lambda: len(heard) == 1)
        kernel.statuses.clear()
        kernel.say(event(mgmt.DISCOVERING, b"\x06\0"))
        before = kernel.asked.count(mgmt.START_DISCOVERY)
        await until(lambda: kernel.asked.count(mgmt.START_DISCOVERY) > before)

    beside(kernel, test)


@pytest.mark.parametrize(
    ("command", "status", "to_do"),
    [
        (mgmt.READ_MONITORS, mgmt.PERMISSION_DENIED, "CAP_NET_ADMIN"),
        (mgmt.ADD_MONITOR, mgmt.NOT_SUPPORTED, "dmesg"),
        (mgmt.START_DISCOVERY, mgmt.NOT_POWERED, "power on"),
    ],
)
def test_refusals_say_what_to_type(command: int, status: int, to_do: str) -> None:
    async def test(source: Mgmt, heard: Heard) -> None:
        raise AssertionError("it scans")

    with pytest.raises(SourceError) as error:
        beside(Kernel({command: status}), test)
    assert to_do in error.value.to_do


def test_permission_is_asked_for_without_changing_anything() -> None:
    async def go(kernel: Kernel) -> SourceError | None:
        return await permitted(kernel.connect)

    kernel = Kernel()
    assert asyncio.run(go(kernel)) is None
    assert set(kernel.asked) == {mgmt.READ_INDEX_LIST, mgmt.READ_MONITORS}
    denied = asyncio.run(go(Kernel({mgmt.READ_MONITORS: mgmt.PERMISSION_DENIED})))
    assert denied
    assert "CAP_NET_ADMIN" in denied.to_do


def test_a_kernel_that_does_not_answer_is_given_up() -> None:
    async def go() -> None:
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            async with Management(lambda _: None, lambda: mine, answer_s=0.05) as management:
                await management.must(mgmt.READ_INDEX_LIST)

    with pytest.raises(SourceError, match="does not answer"):
        asyncio.run(go())


def test_without_bluetooth_in_the_kernel_the_error_says_what_to_do() -> None:
    """Where the kernel has it, the socket opens, and its own refusals are the test bench's matter."""

    async def go() -> None:
        async with Management(lambda _: None):
            pass

    try:
        connect().close()
    except SourceError:
        with pytest.raises(SourceError, match=r"modprobe bluetooth|CAP_NET_ADMIN"):
            asyncio.run(go())
    else:
        asyncio.run(go())
